"""How many messages and bytes FINGERPRINT leaves behind it a second, by how many events come.

`python -m benchmarks.messages [--quick] [--json F]`

One project's storm, 20 errors, events of about 14.7 KB, into 4 and 16 partitions of a real Kafka;
`incident.deltas` has as many. Events come at a steady 1,000 a second to one worker of FINGERPRINT,
and windows of that are counted; and a log that stands there is read as fast as one worker can, and
two, which together take more than 50,000 events a second. The clock of a log that is caught up runs
faster: of each second of its stream time, and 100 ms of real time, a flush is due. What is counted
is what stands on `incident.deltas`: messages, and bytes before compression.

Exit status: 0 done; 1 a worker failed; 2 wrong use or no Kafka.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.scale.workers import run_workers, running_workers
from benchmarks.spread import Spread, spread
from benchmarks.storm.__main__ import REPORT_COLUMNS, ROUNDS
from benchmarks.storm.child import WITHIN_S
from benchmarks.storm.events import RESOURCE, Traffic, events
from benchmarks.storm.log import Log, end_offsets, remove, write_logs
from benchmarks.storm.machine import Machine, machine
from benchmarks.storm.stage import StageFailed
from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.topics import TopicsError

PARTITIONS: Final = (4, 16)
WORKERS: Final = (1, 2)
"""That read a log that stands there."""
STEADY: Final = 1_000
"""Events a second."""
BODIES: Final = 2_000
"""Different events of the steady stream; then they come again."""
SETTLE_S: Final = 4.0
"""Of the steady stream before anything is counted: the process starts meanwhile."""
WINDOW_S: Final = 10.0
QUICK_WINDOW_S: Final = 4.0
EVENTS: Final = 160_000
QUICK_EVENTS: Final = 24_000
QUICK_ROUNDS: Final = 2


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted in one stretch."""

    partitions: int
    paced: bool
    """Whether events came at a steady rate, or stood there."""
    workers: int
    events: int
    seconds: float
    messages: int
    message_bytes: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    ratios: dict[str, float]
    """By partitions: messages a second of the fastest reading over those of the steady stream."""
    machine: Machine
    event_bytes: float
    rounds: int
    runs: list[Run]


async def measure(broker: Broker, folder: Path, *, quick: bool, say: Console) -> Figures:
    """Return the figures.

    Raises:
        StageFailed: a worker failed.
        TopicsError: the topics cannot be made.
    """
    on = machine(broker)
    rounds = QUICK_ROUNDS if quick else ROUNDS
    runs: list[Run] = []
    logs: list[Log] = []
    try:
        for partitions in PARTITIONS:
            say.print(f"{partitions} partitions", markup=False)
            written = await write_logs(
                folder,
                broker.bootstrap,
                f"messages{os.getpid()}p{partitions}",
                [Traffic.ONE_PROJECT],
                QUICK_EVENTS if quick else EVENTS,
                partitions=partitions,
            )
            logs.append(log := written[Traffic.ONE_PROJECT])
            for _ in range(rounds):
                runs += [await _fast(log, folder, workers) for workers in WORKERS]
            runs += await _steady(log, folder, rounds, QUICK_WINDOW_S if quick else WINDOW_S)
    finally:
        await remove(log.settings for log in logs)
    return Figures(
        ratios=ratios(runs),
        machine=on,
        event_bytes=round(logs[0].event_bytes, 1),
        rounds=rounds,
        runs=runs,
    )


def ratios(runs: Iterable[Run]) -> dict[str, float]:
    """Return, by partitions, messages a second of two workers at full speed over those at the
    steady rate."""
    found: dict[tuple[int, bool], list[float]] = {}
    for run in runs:
        if run.paced or run.workers == max(WORKERS):
            found.setdefault((run.partitions, run.paced), []).append(run.messages / run.seconds)
    return {
        f"fast_over_steady_{partitions}": round(
            spread(rates).median / spread(found[partitions, True]).median, 4
        )
        for (partitions, paced), rates in found.items()
        if not paced and (partitions, True) in found
    }


async def _fast(log: Log, folder: Path, workers: int) -> Run:
    """Have so many workers read what stands there."""
    bootstrap, partitions = log.settings.kafka.bootstrap, len(log.ends)
    begins = await end_offsets(bootstrap, log.deltas_topic, partitions)
    done = await run_workers(log, folder, workers, broker=None, within_s=WITHIN_S)
    messages, size = await _left(log, begins)
    return Run(
        partitions=partitions,
        paced=False,
        workers=workers,
        events=done.events,
        seconds=done.seconds,
        messages=messages,
        message_bytes=size,
    )


async def _steady(log: Log, folder: Path, windows: int, window_s: float) -> list[Run]:
    """Have one process read what comes, in several windows one after the other."""
    runs = []
    async with running_workers(log, folder, 1) as process:
        writes = asyncio.create_task(_write(log))
        try:
            await asyncio.sleep(SETTLE_S)
            for _ in range(windows):
                runs.append(await _window(log, window_s))
            if process.returncode is not None or writes.done():
                raise StageFailed("the worker, or what writes, ended too soon")
        finally:
            writes.cancel()
            await asyncio.gather(writes, return_exceptions=True)
    return runs


async def _window(log: Log, window_s: float) -> Run:
    bootstrap, partitions = log.settings.kafka.bootstrap, len(log.ends)
    came = await end_offsets(bootstrap, log.topic, partitions)
    begins = await end_offsets(bootstrap, log.deltas_topic, partitions)
    began_s = time.monotonic()
    await asyncio.sleep(window_s)
    messages, size = await _left(log, begins)
    seconds = time.monotonic() - began_s
    comes = await end_offsets(bootstrap, log.topic, partitions)
    return Run(
        partitions=partitions,
        paced=True,
        workers=1,
        events=sum(comes.values()) - sum(came.values()),
        seconds=seconds,
        messages=messages,
        message_bytes=size,
    )


async def _write(log: Log) -> None:
    """Write events at the steady rate, dealt to the partitions in turn."""
    at_ms = time.time_ns() // 1_000_000
    bodies = cycle(list(events(Traffic.ONE_PROJECT, BODIES, at_ms=at_ms)))
    headers = [("resource", RESOURCE.encode())]
    producer = AIOKafkaProducer(
        bootstrap_servers=log.settings.kafka.bootstrap, compression_type="lz4", linger_ms=5
    )
    async with producer:
        began_s, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began_s) * STEADY)
            for number in range(sent, due):
                partition = number % len(log.ends)
                await producer.send(
                    log.topic, value=next(bodies), partition=partition, headers=headers
                )
            sent = max(sent, due)
            await asyncio.sleep(0.005)


async def _left(log: Log, begins: dict[int, int]) -> tuple[int, int]:
    """Return how many messages stand on `incident.deltas` from there on, and their bytes."""
    bootstrap, partitions = log.settings.kafka.bootstrap, len(log.ends)
    ends = await end_offsets(bootstrap, log.deltas_topic, partitions)
    messages = size = 0
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    async with consumer:
        unread = {TopicPartition(log.deltas_topic, p) for p, end in ends.items() if begins[p] < end}
        if unread:
            consumer.assign(sorted(unread))
        for tp in unread:
            consumer.seek(tp, begins[tp.partition])
        while unread:
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                kept = [one for one in records if one.offset < ends[tp.partition]]
                messages += len(kept)
                size += sum(len(one.value or b"") for one in kept)
                if records[-1].offset >= ends[tp.partition] - 1:
                    unread.discard(tp)
    return messages, size


def table(runs: Iterable[Run]) -> Table:
    """Return medians as a table."""
    cases: dict[tuple[int, bool, int], list[Run]] = {}
    for run in runs:
        cases.setdefault((run.partitions, not run.paced, run.workers), []).append(run)
    found = Table("partitions", "events come", "workers")
    for heading in ("events/s", "least", "messages/s", "most", "KB/s", "per 1,000 events"):
        found.add_column(heading, justify="right", no_wrap=True)
    for (partitions, stands, workers), here in sorted(cases.items(), key=lambda one: one[0]):
        per_s: Spread = spread(run.messages / run.seconds for run in here)
        found.add_row(
            str(partitions),
            "stand there" if stands else "steadily",
            str(workers),
            f"{spread(run.events / run.seconds for run in here).median:,.0f}",
            *per_s.cells(",.1f"),
            f"{spread(run.message_bytes / run.seconds / 1_000 for run in here).median:,.1f}",
            f"{spread(run.messages / run.events * 1_000 for run in here).median:,.2f}",
        )
    return found


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer events and rounds.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all runs and ratios here.")] = None,
) -> None:
    """Count the messages behind FINGERPRINT at a steady rate and at full speed."""
    told = Console(stderr=True)
    try:
        with (
            running_broker(
                say=lambda line: told.print(line, markup=False, soft_wrap=True)
            ) as broker,
            tempfile.TemporaryDirectory(prefix="stormfold-messages-") as folder,
        ):
            found = asyncio.run(measure(broker, Path(folder), quick=quick, say=told))
    except (BrokerError, TopicsError, StageFailed) as error:
        told.print(f"messages: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, NoBroker) else 1) from error
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    out.print(table(found.runs))
    lines = [
        found.machine.line,
        *(f"{name}: {ratio:.2f} times the messages" for name, ratio in found.ratios.items()),
        f"events of one project, {found.event_bytes:,.0f} bytes each, lz4; medians of "
        f"{found.rounds}",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)
