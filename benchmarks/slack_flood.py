"""A flood into one Slack channel: every digest told, none sent inside a penalty.

`python -m benchmarks.slack_flood` puts digests on a real Kafka at once, runs the DELIVER stage as a
user does, and lets the local Slack count what came in, when, and what it had to refuse.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from aiokafka import AIOKafkaProducer

from correlators.types import Digest, DigestKind, Level, ServiceLine
from sinks.peers.slack import SlackPeer
from streams import codec
from streams.accounts import partition_of_account
from streams.broker import running_broker
from streams.settings import load
from streams.topics import ensure, names

CHANNEL = "C0FLOOD"
TOKEN = "xoxb-flood"


def digest(number: int, at_ms: int) -> Digest:
    """Return the first digest of one incident."""
    line = ServiceLine(service=f"service-{number}", title="TimeoutError", events=3, incidents=1)
    return Digest(
        id=f"inc-{number:016x}",
        revision=1,
        kind=DigestKind.OPENED,
        at_ms=at_ms,
        destination="slack:flood",
        storm=False,
        resolved=False,
        environment="production",
        title=f"TimeoutError in service-{number}",
        incidents=1,
        events=3,
        users=2,
        level=Level.ERROR,
        first_ms=at_ms - 10_000,
        last_ms=at_ms,
        services=(line,),
        paged=True,  # What somebody was paged for is in no roll-up: this measures single messages.
    )


async def flood(bootstrap: str, messages: int, per_second: float, folder: Path) -> bool:
    """Send the flood, print what became of it, and return whether all was told."""
    async with SlackPeer(token=TOKEN, channels={CHANNEL: "flood"}, per_second=per_second) as slack:
        config = folder / "stormfold.yaml"
        config.write_text(
            f"namespace: flood{os.getpid()}\nclock: wall\n"
            f'kafka: {{bootstrap: "{bootstrap}"}}\nmetrics: {{port: 0}}\n'
            f'sinks: {{slack: {{token: {TOKEN}, base_url: "{slack.base_url}", '
            f"channels: {{flood: {CHANNEL}}}}}}}\n"
        )
        environment = {k: v for k, v in os.environ.items() if k != "KAFKA_BOOTSTRAP"}
        settings = load(config, environment)
        await ensure(settings)
        await _produce(bootstrap, names(settings.namespace).deliveries, messages)
        began = time.monotonic()
        command = ["run", "--stages", "deliver", "--config", str(config), "--log-level", "warning"]
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams.cli", *command, env=environment
        )
        try:
            deadline = began + 120 + 1.5 * messages / per_second
            while len(slack.posts(CHANNEL)) < messages:
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.2)
            seconds = time.monotonic() - began
        finally:
            worker.send_signal(signal.SIGTERM)
            await worker.wait()
        told = slack.posts(CHANNEL)
        texts = {one.text for one in told}
        print(f"messages put on Kafka    {messages}")
        print(f"told by Slack            {len(told)}, different {len(texts)}")
        print(f"refused with 429         {len(slack.rejected)}")
        print(f"sent inside a penalty    {len(slack.violations)}")
        print(f"seconds                  {seconds:.1f} ({len(told) / seconds:.2f} a second)")
        return len(texts) == len(told) == messages and not slack.violations


async def _produce(bootstrap: str, topic: str, messages: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    async with producer:
        partitions = len(await producer.partitions_for(topic))
        at_ms = time.time_ns() // 1_000_000
        for number in range(messages):
            value = digest(number, at_ms)
            await producer.send(
                topic,
                codec.encode(value),
                partition=partition_of_account(value.destination, partitions),
            )


def main() -> int:
    """Run the flood. Returns 0 when all was told and nothing was sent inside a penalty."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slack_flood", description=__doc__)
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--per-second", type=float, default=1.0, help="what the channel allows")
    options = parser.parse_args()
    with (
        running_broker(say=lambda line: print(line, file=sys.stderr)) as broker,
        tempfile.TemporaryDirectory() as folder,
    ):
        good = asyncio.run(
            flood(broker.bootstrap, options.messages, options.per_second, Path(folder))
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
