"""A storm at a rate that can be set while it runs, in a process of its own and cheap to send.

`python -m benchmarks.whole.load CONFIG` writes Sentry events of about 14.7 KB to Kafka as it is
told on standard input: `rate 400` for so many a second, `ahead 20000` for as many as FINGERPRINT
takes, so many before it. It tells on standard output, a line of JSON four times a second, how many
it has sent and how many FINGERPRINT has committed. It ends when standard input does.

Whole batches are compressed once and sent again: what sends a storm shares two cores with what is
measured. A few of them are made anew all the time, so that no event is older than half a minute,
and up to 500 events a second every event is one of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.producer.message_accumulator import BatchBuilder

from benchmarks.storm.events import RESOURCE, Traffic, events
from streams.processes import StageName
from streams.settings import Settings, load
from streams.topics import max_record_bytes, names

BATCH_EVENTS: Final = 32
POOL: Final = 128
"""Batches that are sent again and again."""
RENEW_S: Final = 0.06
"""Between two batches that are made anew, about."""
TURN_S: Final = 0.02
LOOK_S: Final = 0.1
TELL_S: Final = 0.25
IN_FLIGHT_MOST: Final = 16
BATCH_BYTES: Final = 1024 * 1024
SEED_EVENTS: Final = 4_096
"""Events of one seed; then the next one, with ids and users of its own."""


class Told(msgspec.Struct, frozen=True):
    """How far it is."""

    at_s: float
    """Since the epoch."""
    sent: int
    covered: int
    """Records of the topic that FINGERPRINT has committed, whoever wrote them."""
    behind: int
    """Events that wait for FINGERPRINT or for its commit, about."""


class Load:
    """Sends as it is told."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        """Args: settings: where to; producer: is started, compresses, and is not idempotent."""
        self._topic = names(settings.namespace).events
        self._partitions = settings.kafka.partitions
        self._producer = producer
        self._bodies = _bodies()
        self._pool: deque[BatchBuilder] = deque(maxlen=POOL)
        self._renewed_s = 0.0
        self._batches = 0
        self._in_flight: deque[Awaitable[object]] = deque()
        self._rate = 0.0
        self._ahead = 0
        self._due = 0.0
        """How many are to be sent by now."""
        self._least = 0
        """The least that was sent and not committed: below zero, as others write records too."""
        self.sent = self.covered = 0

    @property
    def behind(self) -> int:
        """Return how many events wait for FINGERPRINT, but for the few that others wrote since."""
        return self.sent - self.covered - self._least

    def note(self, covered: int) -> None:
        """Take how many records FINGERPRINT has committed."""
        self.covered = covered
        self._least = min(self._least, self.sent - covered)

    def obey(self, line: str) -> None:
        """Take a command: `rate N` or `ahead N`."""
        word, _, number = line.partition(" ")
        self._rate = float(number) if word == "rate" else 0.0
        self._ahead = int(number) if word == "ahead" else 0
        self._due = float(self.sent)

    async def go_on(self) -> None:
        """Send until it is cancelled."""
        before = time.monotonic()
        while True:
            now = time.monotonic()
            # What cannot be sent in time is not made up for in one burst.
            self._due += self._rate * min(now - before, 1.0)
            before = now
            if self._ahead:
                self._due = self.sent + (BATCH_EVENTS if self.behind < self._ahead else 0)
            if self._due - self.sent >= BATCH_EVENTS:
                await self._send()
            else:
                await asyncio.sleep(TURN_S)

    async def _send(self) -> None:
        if len(self._in_flight) >= IN_FLIGHT_MOST:
            await self._in_flight.popleft()
        partition = self._batches % self._partitions
        sent = await self._producer.send_batch(self._batch(), self._topic, partition=partition)
        self._in_flight.append(sent)
        self._batches += 1
        self.sent += BATCH_EVENTS

    def _batch(self) -> BatchBuilder:
        """Return a batch that is made anew, when it is time, or the oldest of those that are."""
        if self._pool and time.monotonic() - self._renewed_s < RENEW_S:
            self._pool.rotate(-1)
            return self._pool[-1]
        self._renewed_s = time.monotonic()
        batch = self._producer.create_batch()
        headers = [("resource", RESOURCE.encode())]
        for _ in range(BATCH_EVENTS):
            body = next(self._bodies)
            made = batch.append(timestamp=None, key=None, value=body, headers=headers)
            assert made is not None, "the events do not fit into a batch"
        batch.close()
        self._pool.append(batch)
        return batch


def _bodies() -> Iterator[bytes]:
    """Yield events without an end, each with the time at which it is made, about."""
    seed = 0
    while True:
        seed += 1
        at_ms = time.time_ns() // 1_000_000
        yield from events(Traffic.REPEATING, SEED_EVENTS, at_ms=at_ms, seed=seed)


async def _look(load: Load, admin: AIOKafkaAdminClient, group: str) -> None:
    """Keep asking how far the group is, and tell it."""
    told_s = 0.0
    while True:
        stored = await admin.list_consumer_group_offsets(group)
        load.note(sum(max(one.offset, 0) for one in stored.values()))
        if time.monotonic() - told_s >= TELL_S:
            told_s = time.monotonic()
            line = msgspec.json.encode(Told(time.time(), load.sent, load.covered, load.behind))
            print(line.decode(), flush=True)
        await asyncio.sleep(LOOK_S)


async def main(config: Path) -> None:
    """Send until standard input ends."""
    settings = load(config, {})
    group = f"{settings.namespace}.{StageName.FINGERPRINT}"
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap,
        enable_idempotence=False,
        compression_type="lz4",
        max_batch_size=BATCH_BYTES,
        max_request_size=max_record_bytes(settings),
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    async with producer:
        await admin.start()
        sending = Load(settings, producer)
        tasks = [
            asyncio.create_task(_hear(sending, lines)),
            asyncio.create_task(sending.go_on()),
            asyncio.create_task(_look(sending, admin, group)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await admin.close()
    for task in done:
        task.result()  # whatever it failed by


async def _hear(load: Load, lines: asyncio.StreamReader) -> None:
    while line := await lines.readline():
        load.obey(line.decode().strip())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
