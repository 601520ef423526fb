"""Reads every topic of a namespace from its beginning on, while it is written, and keeps it all.

So that what was decided in between is seen too, which compaction would take away. Only what is
committed is read.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from correlators.entries import PROGRESS_KEY, Entry
from correlators.ticks import Progress
from correlators.types import DeltaBatch, Digest, tick_of
from sinks.entries import FINISHED, Delivery, decode
from streams import codec
from streams.agents.stored import Position
from streams.codec import Told
from streams.topics import names

CAUGHT_UP_WITHIN_S = 180.0


class Heard(NamedTuple):
    """One message of `progress` and when Kafka got it."""

    at_ms: int
    told: Told


class Observer:
    """What stands on the topics of one namespace; use as a context."""

    def __init__(self, bootstrap: str, namespace: str, partitions: int) -> None:
        """Args: partitions: of the keyed topics."""
        self.names = names(namespace)
        self.partitions = partitions
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 * 1024 * 1024,
        )
        self._task: asyncio.Task[None] | None = None
        self.events: list[ConsumerRecord[Any, Any]] = []
        self.deltas: list[tuple[int, DeltaBatch]] = []
        """(partition of `incident.deltas`, batch), in the order of each partition."""
        self.entries: list[Entry] = []
        """Every state entry ever written, in the order of each partition."""
        self.progress: dict[int, Progress] = {}
        self.digests: list[tuple[int, Digest]] = []
        """(when it was written, digest) of every record of `deliveries`."""
        self.outbox: dict[str, Delivery] = {}
        self.told: list[Heard] = []
        self.applied: dict[int, int] = {}
        """The last tick that each partition told."""
        self.quarantined = 0
        self.dead = 0
        self._deliveries_end: Counter[int] = Counter()
        self._delivered_to: Counter[int] = Counter()

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        topics = self.names
        one = (topics.quarantine, topics.dead, topics.progress)
        keyed = (topics.events, topics.deltas, topics.incidents, topics.deliveries, topics.outbox)
        self._places = [TopicPartition(topic, 0) for topic in one]
        self._places += [
            TopicPartition(topic, number) for topic in keyed for number in range(self.partitions)
        ]
        self._consumer.assign(self._places)
        for tp in self._places:
            self._consumer.seek(tp, 0)
        self._task = asyncio.create_task(self._follow(), name="observer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    async def _follow(self) -> None:
        while True:
            fetched = await self._consumer.getmany(timeout_ms=200, max_records=5_000)
            for tp, records in fetched.items():
                for record in records:
                    self._hear(tp, record)

    def _hear(self, tp: TopicPartition, record: ConsumerRecord[Any, Any]) -> None:
        topics, value = self.names, record.value
        if tp.topic == topics.events:
            self.events.append(record)
        elif tp.topic == topics.quarantine:
            self.quarantined += 1
        elif tp.topic == topics.dead:
            self.dead += 1
        elif value is None:
            return
        elif tp.topic == topics.deltas:
            self.deltas += [(tp.partition, batch) for batch in codec.batches(value)]
        elif tp.topic == topics.incidents:
            entry = codec.entry(value)
            if record.key == PROGRESS_KEY.encode():
                assert isinstance(entry, Progress)
                self.progress[tp.partition] = entry
            else:
                self.entries.append(entry)
        elif tp.topic == topics.deliveries:
            self.digests.append((record.timestamp, codec.digest(value)))
            self._deliveries_end[tp.partition] = record.offset + 1
        elif tp.topic == topics.outbox:
            if record.key == PROGRESS_KEY.encode():
                position = msgspec.msgpack.decode(value, type=Position)
                self._delivered_to[tp.partition] = position.input_offset
            else:
                delivery = decode(value)
                self.outbox[delivery.key] = delivery
        else:
            told = codec.told(value)
            if isinstance(told, Told):
                self.told.append(Heard(record.timestamp, told))
                before = self.applied.get(told.partition, -1)
                self.applied[told.partition] = max(before, told.applied_tick)

    def check(self) -> None:
        """Fail if the observer itself did."""
        if self._task is not None and self._task.done():
            self._task.result()

    @property
    def applied_everywhere(self) -> int:
        """The last tick that every partition has applied; -1 while one has told nothing."""
        self.check()
        if len(self.applied) < self.partitions:
            return -1
        return min(self.applied.values())

    @property
    def last_tick(self) -> int:
        """The tick of the last record of the log."""
        return tick_of(max((int(record.timestamp) for record in self.events), default=0))

    @property
    def delivered(self) -> bool:
        """Whether DELIVER has taken in every digest, and nothing of one is still to be sent."""
        self.check()
        taken_in = all(
            self._delivered_to[partition] >= end for partition, end in self._deliveries_end.items()
        )
        return taken_in and all(one.status in FINISHED for one in self.outbox.values())

    async def caught_up(self) -> None:
        """Return once everything that stands on the topics now has been read."""
        ends = await self._consumer.end_offsets(self._places)
        deadline = time.monotonic() + CAUGHT_UP_WITHIN_S
        for tp, end in ends.items():
            while await self._consumer.position(tp) < end:
                self.check()
                assert time.monotonic() < deadline, f"{tp} cannot be read to {end}"
                await asyncio.sleep(0.02)
