"""What is decided while workers come and go: a steady stream of events, and when time went on.

One error goes on in each of four environments, which have four owners. CORRELATE applies a tick
each second; it tells so once the transaction with the digests of that tick is committed.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count, pairwise
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams import codec
from streams.agents.batches import target_of
from streams.codec import Told
from streams.settings import Settings
from streams.topics import names

PARTITIONS: Final = 4
EVERY_S: Final = 0.05
"""Between two events."""


class Decided:
    """When each partition of CORRELATE went on, on the system's monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.at_s: dict[int, list[float]] = defaultdict(list)
        self._applied: dict[int, int] = {}

    def note(self, partition: int, applied_tick: int, at_s: float) -> None:
        """Note how far a partition has come; what it told before is no step."""
        if applied_tick > self._applied.get(partition, -1):
            self._applied[partition] = applied_tick
            self.at_s[partition].append(at_s)

    def pause_s(self, began_s: float, ended_s: float) -> float:
        """Return the longest time in which one of them decided nothing, seconds.

        Args:
            began_s: of what is looked at; a pause that began earlier counts from its own begin.
            ended_s: the same.
        """
        return max(longest(at_s, began_s, ended_s) for at_s in self.at_s.values())


def longest(at_s: list[float], began_s: float, ended_s: float) -> float:
    """Return the longest gap between two of these moments that lies in or over this stretch.

    What has no moment behind it reaches to its end.
    """
    moments = [*at_s, *([ended_s] if not at_s or at_s[-1] < ended_s else [])]
    gaps = [
        later - earlier
        for earlier, later in pairwise(moments)
        if later > began_s and earlier < ended_s
    ]
    return max(gaps, default=ended_s - began_s)


def environments() -> list[str]:
    """Return an environment of each partition of `incident.deltas`."""
    found: dict[int, str] = {}
    for number in count():
        found.setdefault(target_of(f"env{number}", PARTITIONS), f"env{number}")
        if len(found) == PARTITIONS:
            return list(found.values())
    raise AssertionError


@asynccontextmanager
async def deciding(settings: Settings) -> AsyncIterator[Decided]:
    """Send events and follow what is decided while the context lasts."""
    bootstrap, topics = settings.kafka.bootstrap, names(settings.namespace)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    decided = Decided()
    async with producer, consumer:
        where = await producer.partitions_for(topics.progress)
        consumer.assign([TopicPartition(topics.progress, one) for one in where])
        await consumer.seek_to_end()
        tasks = [
            asyncio.create_task(_send(producer, topics.events)),
            asyncio.create_task(_follow(consumer, decided)),
        ]
        try:
            yield decided
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _send(producer: AIOKafkaProducer, topic: str) -> None:
    where = environments()
    for number in count():
        body = orjson.dumps(_webhook(number, where[number % PARTITIONS]))
        partition = number // PARTITIONS % PARTITIONS
        await producer.send(
            topic, value=body, partition=partition, headers=[("resource", b"error")]
        )
        await asyncio.sleep(EVERY_S)


async def _follow(consumer: AIOKafkaConsumer, decided: Decided) -> None:
    while True:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                heard = codec.told(record.value or b"")
                if isinstance(heard, Told):
                    decided.note(heard.partition, heard.applied_tick, time.monotonic())


def _webhook(number: int, environment: str) -> dict[str, Any]:
    frame = {"module": f"{environment}.db", "function": "load", "in_app": True}
    raised = {"type": "DatabaseDown", "value": "no answer", "stacktrace": {"frames": [frame]}}
    event = {
        "event_id": f"{time.time_ns() << 32 | number:032x}"[-32:],
        "project": 7,
        "platform": "python",
        "level": "error",
        "environment": environment,
        "release": "shop@1.0",
        "timestamp": time.time(),
        "user": {"id": str(number % 1_000)},
        "exception": {"values": [raised]},
    }
    return {"action": "created", "installation": {"uuid": "i"}, "data": {"error": event}}
