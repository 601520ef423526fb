"""How fast FINGERPRINT is in a storm beside other stream engines for Python, in one run.

`python -m benchmarks.peers [--quick] [--json F]`

One log of Sentry events of about 14.7 KB on a real Kafka is read by FINGERPRINT as it runs in
production, and by Quix Streams, sentry-arroyo and Bytewax, each in a process and an environment of
its own, as its documentation would have it written. All do the same work, from Kafka in to deltas
acknowledged and the place in the log kept: decode, signature, distinct events and users, trace ids,
a fold by key and tick, delta batches out. After a run its deltas are read back: they must count
every event once, and merged be the same bytes whoever made them.

What a team would write around an engine is its own, so there are two lines for each, and the truth
for a given team lies between. `over_X`: the peer calls this library's plain functions one after
another (typed decode, signature behind a cache, fold), as a user of the library would; none of what
FINGERPRINT knows about reading less of an event. `over_X_with_our_hot_path`: the peer gets that too
(`Fingerprinter.take`), and only the engines differ: the harshest line for us, since nobody but us
has written it. Where a choice could go either way it went the peers' way: they commit once a second
and FINGERPRINT ten times, a step costs them, so each has one, and their librdkafka decompresses on
the second core.

Each clock runs from the first event taken until the last delta is acknowledged and the place in the
log kept. A ratio is the median of the rounds' own.

Exit status: 0 done, whatever the ratios; 1 a contender failed or made wrong deltas; 2 wrong use, no
Kafka, or no environment for a peer.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console

from benchmarks.peers.environments import NoEnvironment, pins, python_of
from benchmarks.peers.figures import (
    CONTENDERS,
    Figures,
    Peer,
    medians,
    rates_table,
    ratios,
    ratios_table,
)
from benchmarks.peers.rounds import Rounds
from benchmarks.storm.__main__ import REPORT_COLUMNS
from benchmarks.storm.child import Failed
from benchmarks.storm.events import Traffic
from benchmarks.storm.log import PARTITIONS, make_namespace, remove, write_logs
from benchmarks.storm.machine import machine
from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.topics import TopicsError, names

EVENTS: Final = 20_000
ROUNDS: Final = 5
QUICK_EVENTS: Final = 5_000
QUICK_ROUNDS: Final = 2


async def measure(
    broker: Broker,
    folder: Path,
    pythons: Mapping[Peer, Path],
    *,
    events: int,
    rounds: int,
    say: Console,
) -> Figures:
    """Return the figures.

    Raises:
        Failed: a contender failed, or made wrong deltas.
        TopicsError: the topics cannot be made.
    """
    on = machine(broker)
    versions = dict(pin.split("==") for peer in Peer for pin in pins(peer)[:1])
    on = msgspec.structs.replace(on, versions=on.versions | versions)
    namespace = f"peers{os.getpid()}"
    say.print(f"{events:,} events", markup=False)
    _, theirs = await make_namespace(folder, broker.bootstrap, f"{namespace}theirs")
    logs = await write_logs(folder, broker.bootstrap, namespace, [Traffic.REPEATING], events)
    log = logs[Traffic.REPEATING]
    try:
        made = Rounds(folder, log, names(theirs.namespace).deltas, pythons)
        for number in range(rounds):
            say.print(f"round {number + 1} of {rounds}", markup=False)
            await made.round(number, CONTENDERS)
    finally:
        await remove([theirs, log.settings])
    spreads = ratios(made.runs)
    return Figures(
        ratios=medians(spreads),
        spreads=spreads,
        machine=on,
        events=log.events,
        event_bytes=round(log.event_bytes, 1),
        partitions=PARTITIONS,
        rounds=rounds,
        runs=made.runs,
    )


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer events and rounds.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all runs and ratios here.")] = None,
    events: Annotated[int | None, typer.Option(min=PARTITIONS, help="Events of the log.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Times each contender runs.")] = None,
) -> None:
    """Measure FINGERPRINT beside Quix Streams, sentry-arroyo and Bytewax."""
    told = Console(stderr=True)
    try:
        pythons: dict[Peer, Path] = {}
        for peer in Peer:
            told.print(f"environment of {', '.join(pins(peer))}", markup=False, soft_wrap=True)
            pythons[peer] = python_of(peer)
        with (
            running_broker(
                say=lambda line: told.print(line, markup=False, soft_wrap=True)
            ) as broker,
            tempfile.TemporaryDirectory(prefix="stormfold-peers-") as folder,
        ):
            found = asyncio.run(
                measure(
                    broker,
                    Path(folder),
                    pythons,
                    events=events or (QUICK_EVENTS if quick else EVENTS),
                    rounds=rounds or (QUICK_ROUNDS if quick else ROUNDS),
                    say=told,
                )
            )
    except (BrokerError, TopicsError, Failed, NoEnvironment) as error:
        told.print(f"peers: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, NoBroker | NoEnvironment) else 1) from error
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    out.print(rates_table(found.runs), ratios_table(found.spreads))
    lines = [
        found.machine.line,
        f"{found.events:,} events in {found.partitions} partitions, "
        f"{found.event_bytes:,.0f} bytes each, lz4",
        f"{found.rounds} rounds, contenders one at a time, each round in another order; medians",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)
