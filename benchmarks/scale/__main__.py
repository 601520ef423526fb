"""How much two workers do of one, in one run: one project's storm on a real Kafka.

`python -m benchmarks.scale [--quick] [--json F]`

A log of one project's events of about 14.7 KB is written into 4, 16 and 64 partitions; each is read
by `stormfold run --stages fingerprint` with one worker and with two, one after the other, from its
beginning, and in another order each round. So is the bare loop, once and twice: the control, since
the broker has its part of the cores too. A ratio is the median of the rounds' own. After a run
its deltas are read back: they must count every event once, and merged be the same bytes however
many workers made them.

Exit status: 0 done, whatever the ratios; 1 workers failed or made wrong deltas; 2 wrong use or no
Kafka.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
import orjson
import typer
from rich.console import Console

from benchmarks.scale.bare import run_bare
from benchmarks.scale.figures import (
    BARE,
    FINGERPRINT,
    Figures,
    Run,
    figures,
    rates_table,
    ratios_table,
)
from benchmarks.scale.workers import run_workers
from benchmarks.storm.__main__ import REPORT_COLUMNS, ROUNDS
from benchmarks.storm.child import WITHIN_S, Failed
from benchmarks.storm.events import Traffic
from benchmarks.storm.log import Log, count_deltas, end_offsets, remove, write_logs
from benchmarks.storm.machine import machine
from benchmarks.storm.rounds import what_is_wrong
from benchmarks.storm.stage import StageFailed
from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.topics import TopicsError

EVENTS: Final = 100_000
QUICK_EVENTS: Final = 12_000
QUICK_ROUNDS: Final = 2
PARTITIONS: Final = (4, 16, 64)
QUICK_PARTITIONS: Final = (4, 16)
WORKERS: Final = (1, 2)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of the benchmark does."""

    partitions: tuple[int, ...]
    events: int
    rounds: int


async def measure(broker: Broker, folder: Path, plan: Plan, say: Console) -> Figures:
    """Return the figures.

    Raises:
        Failed: workers failed, or made wrong deltas.
        TopicsError: the topics cannot be made.
    """
    on = machine(broker)
    logs: dict[int, Log] = {}
    runs: list[Run] = []
    merged: dict[int, str] = {}
    try:
        for partitions in plan.partitions:
            say.print(f"{plan.events:,} events into {partitions} partitions", markup=False)
            written = await write_logs(
                folder,
                broker.bootstrap,
                f"scale{os.getpid()}p{partitions}",
                [Traffic.ONE_PROJECT],
                plan.events,
                partitions=partitions,
            )
            logs[partitions] = written[Traffic.ONE_PROJECT]
        cases = [
            (contender, partitions, workers)
            for partitions in plan.partitions
            for contender in (BARE, FINGERPRINT)
            for workers in WORKERS
        ]
        for number in range(plan.rounds):
            say.print(f"round {number + 1} of {plan.rounds}", markup=False)
            first = number % len(cases)
            for contender, partitions, workers in (*cases[first:], *cases[:first]):
                case = Case(contender, number, workers, getattr(broker, "pid", None))
                runs.append(await _once(case, logs[partitions], folder, merged))
    finally:
        await remove(log.settings for log in logs.values())
    return figures(
        runs,
        on,
        events=plan.events,
        event_bytes=logs[plan.partitions[0]].event_bytes,
        rounds=plan.rounds,
    )


class Case(NamedTuple):
    """One run to come."""

    contender: str
    round: int
    workers: int
    broker: int | None
    """The process id of the broker."""


async def _once(case: Case, log: Log, folder: Path, merged: dict[int, str]) -> Run:
    """Run so many workers over a log, and check what they left."""
    bootstrap, partitions = log.settings.kafka.bootstrap, len(log.ends)
    named = f"{case.contender}, {case.workers} of {partitions} partitions"
    begins = await end_offsets(bootstrap, log.deltas_topic, partitions)
    run = run_bare if case.contender == BARE else run_workers
    try:
        done = await run(log, folder, case.workers, broker=case.broker, within_s=WITHIN_S)
    except StageFailed as error:
        raise Failed(f"{named}: {error}") from None
    if case.contender == BARE:
        if done.events != log.events:
            raise Failed(f"{named}: read {done.events} events of {log.events}")
    else:
        ends = await end_offsets(bootstrap, log.deltas_topic, partitions)
        found = await count_deltas(bootstrap, log.deltas_topic, begins, ends)
        if wrong := what_is_wrong(found, log.events, merged.setdefault(partitions, found.merged)):
            raise Failed(f"{named}: {wrong}")
    return Run(
        round=case.round,
        contender=case.contender,
        partitions=partitions,
        workers=case.workers,
        events=done.events,
        seconds=done.seconds,
        cpu_seconds=done.cpu_seconds,
        broker_cpu_seconds=done.broker_cpu_seconds,
    )


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer events and rounds.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all runs and ratios here.")] = None,
    events: Annotated[int | None, typer.Option(min=1_000, help="Events of a log.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Times each case runs.")] = None,
) -> None:
    """Measure two workers beside one, over few and many partitions."""
    plan = Plan(
        partitions=QUICK_PARTITIONS if quick else PARTITIONS,
        events=events or (QUICK_EVENTS if quick else EVENTS),
        rounds=rounds or (QUICK_ROUNDS if quick else ROUNDS),
    )
    told = Console(stderr=True)
    try:
        with (
            running_broker(
                say=lambda line: told.print(line, markup=False, soft_wrap=True)
            ) as broker,
            tempfile.TemporaryDirectory(prefix="stormfold-scale-") as folder,
        ):
            found = asyncio.run(measure(broker, Path(folder), plan, told))
    except (BrokerError, TopicsError, Failed) as error:
        told.print(f"scale: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, NoBroker) else 1) from error
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    out.print(rates_table(found.runs), ratios_table(found.spreads))
    lines = [
        found.machine.line,
        f"{found.events:,} events of one project, {found.event_bytes:,.0f} bytes each, lz4",
        f"{found.rounds} rounds, one case at a time, each round in another order; medians",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)
