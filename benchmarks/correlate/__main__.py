"""What CORRELATE takes while ten thousand incidents of one environment are open.

`python -m benchmarks.correlate [--quick] [--rounds N] [--no-kafka] [--json OUT]`

Ticks in which a hundred incidents change, beside the same over a hundred open ones in the same
rounds; deltas a second; ticks of an outage that opens thousands; ticks and a day in which nothing
happens; memory. In processor time, without Kafka. Then, on a real Kafka and in wall time: the
transaction of such a tick, and a state read back. CORRELATE says in words what it decides, as in
production. What misses its figure in the median is named in the last lines.

Exit status: 0 done, whatever the figures; 2 wrong use or no Kafka.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec
import structlog
import typer
from rich.console import Console

from benchmarks.correlate.measure import TICKS, USERS, TickTimes, measure, memory, stored_world
from benchmarks.correlate.on_kafka import OnKafka, on_kafka
from benchmarks.correlate.quiet import OPEN, quiet
from benchmarks.correlate.rates import Rate, opening, rates
from benchmarks.correlate.report import Report, show
from benchmarks.correlate.worlds import Rules, World
from benchmarks.storm.machine import here, machine
from streams.broker import BrokerError, running_broker
from streams.topics import TopicsError

INCIDENTS: Final = 10_000
OPENING: Final = (6_250, 12_500, 25_000)
COLUMNS: Final = 110
ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2
WORLDS: Final = (
    *((world, Rules.DEFAULT) for world in World),
    (World.OLD, Rules.RULED),
    (World.STORMS, Rules.RULED),
)
ON_KAFKA: Final = (World.OLD, World.STORMS)


def report(
    *, incidents: int, rounds: int, counts: tuple[int, ...], users: int, kafka: bool, say: Console
) -> Report:
    """Return everything, measured.

    Raises:
        BrokerError: there is no Kafka, and one was asked for.
        TopicsError: its topics cannot be made.
    """
    ticks: list[TickTimes] = []
    found: list[Rate] = []
    for world, rules in WORLDS:
        say.print(f"{world}, {rules}", markup=False)
        stored = stored_world(world, rules, incidents)
        ticks += measure(world, rules, incidents, rounds, stored)
        if (world, rules) == (World.OLD, Rules.DEFAULT):
            found = rates(stored, incidents, incidents // 5, rounds)
    say.print("openings, quiet, memory", markup=False)
    opened = list(opening(counts))
    still = quiet([one * incidents // INCIDENTS for one in OPEN], rounds)
    resident_mib = memory(incidents, users)
    there, on = _there(incidents, rounds, say) if kafka else (None, here())
    return Report(
        incidents=incidents,
        rounds=rounds,
        ticks=ticks,
        rates=found,
        opening=opened,
        quiet=still,
        resident_mib=resident_mib,
        users=users,
        kafka=there,
        machine=on,
    )


def _there(incidents: int, rounds: int, say: Console) -> tuple[OnKafka, str]:
    with (
        running_broker(say=lambda line: say.print(line, markup=False, soft_wrap=True)) as broker,
        tempfile.TemporaryDirectory(prefix="stormfold-correlate-") as folder,
    ):
        on = machine(broker)
        return asyncio.run(on_kafka(broker, Path(folder), incidents, rounds, ON_KAFKA)), on.line


def main(
    json: Annotated[Path | None, typer.Option(help="Write all figures here.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A tenth of everything, fewer rounds.")
    ] = False,
    rounds: Annotated[
        int, typer.Option(min=0, help=f"Of {TICKS} ticks each, in turn; else {ROUNDS}.")
    ] = 0,
    no_kafka: Annotated[
        bool, typer.Option("--no-kafka", help="Leave out what needs a real Kafka.")
    ] = False,
) -> None:
    """Measure CORRELATE."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # topics made a moment ago have no leader
    share = 10 if quick else 1
    say = Console(stderr=True)
    try:
        found = report(
            incidents=INCIDENTS // share,
            rounds=rounds or (QUICK_ROUNDS if quick else ROUNDS),
            counts=tuple(one // share for one in OPENING),
            users=USERS // share,
            kafka=not no_kafka,
            say=say,
        )
    except (BrokerError, TopicsError) as error:
        say.print(f"correlate: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    show(found, Console(width=None if sys.stdout.isatty() else COLUMNS))
    if json is not None:
        data = {**msgspec.to_builtins(found), "ratios": found.ratios}
        json.write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n")


if __name__ == "__main__":
    typer.run(main)
