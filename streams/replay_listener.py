"""What a replay hears from Kafka: state entries, digests, and how far CORRELATE has come.

Reads from where the topics end when the replay begins, while it runs, so that nothing is lost to
compaction. Reads only what is committed. What is heard goes to `Results`; nothing is written here.

Errors: `ReplayError` when CORRELATE stands still, or a record cannot be read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from correlators.ticks import Progress
from streams import codec
from streams.codec import CodecError, Told
from streams.replay import ReplayError
from streams.replay_results import Results
from streams.settings import Settings
from streams.stage.state import restore
from streams.topics import Names, names

STANDS_STILL_S: Final = 60.0
"""How long no partition may advance before the replay gives up."""

_LOOK_EVERY_S: Final = 0.05


class Listener:
    """Listens to one namespace; start it before the first record is written."""

    def __init__(
        self, settings: Settings, results: Results, *, stands_still_s: float = STANDS_STILL_S
    ) -> None:
        """Args: stands_still_s: patience while nothing advances, seconds."""
        self._names: Names = names(settings.namespace)
        self._bootstrap = settings.kafka.bootstrap
        self._results = results
        self._stands_still_s = stands_still_s
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=8 * 1024 * 1024,
        )
        self._before: dict[int, Progress] = {}
        self._applied: dict[int, int] = {}
        self._counts: dict[int, tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def stream_tick(self) -> int:
        """The furthest tick that the namespace had applied before; -1 in a fresh one."""
        return max((progress.applied_tick for progress in self._before.values()), default=-1)

    async def start(self, partitions_of: Callable[[str], Awaitable[set[int]]]) -> None:
        """Note where everything stands, and begin to listen.

        Args:
            partitions_of: tells the partitions of a topic.
        """
        await self._consumer.start()
        topics = (self._names.incidents, self._names.deliveries, self._names.progress)
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(await partitions_of(topic))
        ]
        ends = await self._consumer.end_offsets(partitions)
        self._consumer.assign(partitions)
        for tp in partitions:
            self._consumer.seek(tp, ends[tp])
        for partition in sorted(await partitions_of(self._names.deltas)):
            self._applied[partition] = -1
            stored = await restore(self._bootstrap, self._names.incidents, partition)
            for raw in stored.values():
                entry = codec.entry(raw)
                if isinstance(entry, Progress):
                    self._before[partition] = entry
        self._task = asyncio.create_task(self._listen(), name="replay listener")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    async def _listen(self) -> None:
        while True:
            fetched = await self._consumer.getmany(timeout_ms=100, max_records=5_000)
            for tp, records in fetched.items():
                for record in records:
                    self._hear(tp, record)

    def _hear(self, tp: TopicPartition, record: ConsumerRecord[Any, Any]) -> None:
        if record.value is None:
            return
        try:
            if tp.topic == self._names.incidents:
                self._results.entries([codec.entry(record.value)])
            elif tp.topic == self._names.deliveries:
                digest = codec.digest(record.value)
                if not digest.handed_by:  # what DELIVER hands on is no part of what is decided
                    self._results.digest(digest)
            else:
                told = codec.told(record.value)
                if not isinstance(told, Told):
                    return
                before = self._applied.get(told.partition, -1)
                self._applied[told.partition] = max(before, told.applied_tick)
                self._counts[told.partition] = (told.suppressed, told.late)
        except CodecError as error:
            where = f"{tp.topic}-{tp.partition} offset {record.offset}"
            raise ReplayError(f"{where}: {error}") from None

    def check(self) -> None:
        """Return if listening goes well. Raises: ReplayError."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def until(self, tick: int) -> None:
        """Return once every partition has applied this tick and all of it was heard.

        Raises:
            ReplayError: nothing advanced for too long.
        """
        seen, since = dict(self._applied), time.monotonic()
        while min(self._applied.values()) < tick:
            self.check()
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._applied != seen:
                seen, since = dict(self._applied), time.monotonic()
            elif time.monotonic() - since > self._stands_still_s:
                raise ReplayError(self._where_they_stand(tick))
        await self._drain()
        self._count()

    async def _drain(self) -> None:
        """Hear everything that stands on the topics now: it was committed before it was told."""
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        since = time.monotonic()
        for tp, end in ends.items():
            while await self._consumer.position(tp) < end:
                self.check()
                if time.monotonic() - since > self._stands_still_s:
                    raise ReplayError(f"{tp.topic}-{tp.partition} cannot be read to its end")
                await asyncio.sleep(_LOOK_EVERY_S)

    def _count(self) -> None:
        for partition, (suppressed, late) in self._counts.items():
            before = self._before.get(partition)
            self._results.suppressed += suppressed - (before.suppressed if before else 0)
            self._results.late += late - (before.late if before else 0)

    def _where_they_stand(self, tick: int) -> str:
        behind = ", ".join(
            f"{self._names.deltas}-{partition} "
            + (f"{tick - applied} s before the end" if applied >= 0 else "has told nothing")
            for partition, applied in sorted(self._applied.items())
            if applied < tick
        )
        return (
            f"nothing advanced for {self._stands_still_s:.0f} s: {behind}. "
            "Is `stormfold run` up for this configuration, with the stages fingerprint "
            "and correlate?"
        )
