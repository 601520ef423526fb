"""A storm of incidents delivered through refusals, hang-ups, kills and a zombie: what was told.

`python -m benchmarks.deliveries [--incidents 2000] [--channels 20] [--quick] [--results FOLDER]`

Digests are put on a real Kafka as CORRELATE puts them; several real `stormfold run` deliver them to
the local Slack and PagerDuty, which keep the real limits and fail as told. Meanwhile the owner is
killed again and again, and one worker is stopped in the middle and wakes as a zombie. Then
everything that was told is counted against everything that was to be told.

Exit status: 0 when nothing was lost, told twice or sent inside a penalty; else 1.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import msgspec
from aiokafka import AIOKafkaProducer

from benchmarks.deliveries import storm, told
from benchmarks.deliveries.topics import committed_values, dead_letters, journal, waiting
from benchmarks.deliveries.trouble import Trouble, Workers, set_faults
from correlators.types import Digest
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from streams import codec
from streams.accounts import partition_of_account
from streams.broker import running_broker
from streams.settings import Settings, load
from streams.topics import ensure, names

TOKEN = "xoxb-deliveries"
ROUTING_KEY = "d" * 32
AT_REST_S = 8.0
"""Nothing waits for so long: it is over."""


async def show(options: argparse.Namespace, bootstrap: str, folder: Path) -> list[told.Row]:
    """Deliver the storm and return what was told, per destination."""
    channels = storm.channels(options.channels)
    due = storm.draw(options.seed, options.incidents, list(channels), options.over)
    slack = SlackPeer(
        token=TOKEN,
        channels={id: name for name, id in channels.items()},
        per_second=options.per_second,
        seed=options.seed,
    )
    pagerduty = PagerDutyPeer(routing_keys=[ROUTING_KEY], seed=options.seed)
    async with slack, pagerduty:
        config = folder / "stormfold.yaml"
        listed = ", ".join(f"{name}: {id}" for name, id in channels.items())
        config.write_text(
            f"namespace: deliveries{int(time.time())}\nclock: wall\n"
            f'kafka: {{bootstrap: "{bootstrap}"}}\nmetrics: {{port: 0}}\n'
            f'sinks:\n  slack: {{token: {TOKEN}, base_url: "{slack.base_url}", '
            f"channels: {{{listed}}}}}\n"
            f'  pagerduty: {{routing_key: {ROUTING_KEY}, base_url: "{pagerduty.origin}"}}\n'
        )
        workers = Workers(config, folder)
        settings = load(config, workers.environment)
        await ensure(settings)
        set_faults(slack, pagerduty)
        for _ in range(options.workers):
            workers.start()
        trouble = asyncio.create_task(Trouble(workers, Random(options.seed)).go_on())
        try:
            put = await _put(settings, due)
            print(f"{len(put):,} digests are on Kafka", file=sys.stderr)
            trouble.cancel()
            await asyncio.wait([trouble])
            workers.mend()
            slack.heal()
            pagerduty.heal()
            await _rests(settings, options.patience)
        finally:
            trouble.cancel()
            workers.mend()
            await workers.stop()
        print(f"{workers.killed} kills, {workers.zombies} zombies", file=sys.stderr)
        for peer in (slack, pagerduty):
            for line in told.inside(peer, workers.upset):
                print(line, file=sys.stderr)
        topics = names(settings.namespace)
        dead = dead_letters(await committed_values(settings, topics.dead))
        said = journal(await committed_values(settings, topics.decisions))
        return told.rows(put, said, dead, slack, pagerduty, channels)


async def _put(settings: Settings, due: list[storm.Due]) -> list[Digest]:
    """Put every digest on Kafka at its moment; returns them as they were put."""
    topic = names(settings.namespace).deliveries
    began = time.monotonic()
    put: list[Digest] = []
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap, acks="all") as producer:
        partitions = len(await producer.partitions_for(topic))
        for one in due:
            await asyncio.sleep(max(0.0, began + one.after_s - time.monotonic()))
            now_ms = time.time_ns() // 1_000_000
            digest = msgspec.structs.replace(
                one.digest, at_ms=now_ms, first_ms=now_ms, last_ms=now_ms
            )
            partition = partition_of_account(digest.destination, partitions)
            await producer.send(topic, codec.encode(digest), partition=partition)
            put.append(digest)
    return put


async def _rests(settings: Settings, patience_s: float) -> None:
    """Return once nothing has waited for a while, or when patience ends."""
    deadline = time.monotonic() + patience_s
    since = time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < AT_REST_S:
        left = await waiting(settings)
        if left:
            since = time.monotonic()
            print(f"{left:,} wait", file=sys.stderr)
        await asyncio.sleep(2.0)


def main() -> int:
    """Run the show. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deliveries", description=__doc__)
    parser.add_argument("--incidents", type=int, default=2_000)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--over", type=float, default=240.0, help="seconds in which they begin")
    parser.add_argument("--per-second", type=float, default=1.0, help="what a channel takes")
    parser.add_argument("--patience", type=float, default=1_800.0, help="seconds to wait after")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="60 incidents over 4 channels")
    parser.add_argument("--results", type=Path, help="a folder for deliveries.txt")
    options = parser.parse_args()
    # As Ctrl-C, so that the processes that were started are taken down.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    if options.quick:
        options.incidents, options.channels, options.over = 60, 4, 20.0
    with (
        running_broker(say=lambda line: print(line, file=sys.stderr)) as broker,
        tempfile.TemporaryDirectory() as folder,
    ):
        found = asyncio.run(show(options, broker.bootstrap, Path(folder)))
    text = told.table(found)
    print(text, end="")
    if options.results is not None:
        head = (
            f"{options.incidents:,} incidents over {options.channels} channels; "
            f"Python {platform.python_version()}, real Apache Kafka; `make deliveries`\n\n"
        )
        (options.results / "deliveries.txt").write_text(head + text)
    bad = sum(one.lost + one.twice + one.inside_penalty for one in found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
