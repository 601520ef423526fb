"""The events that `stormfold record` writes: of our topic and the foreign ones, as one log.

Every partition's records stand in the order of its own stream time, and are merged by it. What
raises the time of a foreign record stands in our own topic, maybe further on: so with foreign
topics ours is read twice, the first time for its marks alone.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from correlators.beats import RESOURCE as HEARTBEAT
from streams.bar import Way
from streams.record_foreign import NEVER, Marks, first_reads
from streams.record_kafka import RecordError, reading
from streams.record_merge import Line, Merge
from streams.settings import Settings
from streams.stream_time import seen, seen_of_sentry

ASK_WITHIN_S: Final = 60.0
"""How long Kafka may take to say where the records begin and end."""
STANDS_STILL_S: Final = 60.0
"""How long nothing may come before the recording is given up."""

HELD_BYTES: Final = 64 * 1024 * 1024
"""What waits for slower partitions, over all of them, beside what one read brings."""
HELD_LINES: Final = 2_000
"""The same of one partition."""
READ_LINES: Final = 1_000
READ_BYTES: Final = 1024 * 1024
"""What one read brings of one partition; a larger record comes alone."""


class Events:
    """The records of all sources, from a beginning to their end when `start` was called."""

    def __init__(self, settings: Settings, sources: Mapping[str, Sequence[int]]) -> None:
        """Args: settings: which installation; sources: partitions by topic, our own one first."""
        self._settings = settings
        by_topic = [
            [TopicPartition(topic, partition) for partition in partitions]
            for topic, partitions in sources.items()
        ]
        self._own = by_topic[0]
        self._tps = list(itertools.chain.from_iterable(by_topic))
        self._place = {tp: place for place, tp in enumerate(self._tps)}
        each_bytes = HELD_BYTES // len(self._tps)
        self._merge = Merge(range(len(self._tps)), most_lines=HELD_LINES, most_bytes=each_bytes)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka.bootstrap,
            enable_auto_commit=False,
            # Records that are deleted while they are read must not be skipped in silence.
            auto_offset_reset="none",
            max_partition_fetch_bytes=min(READ_BYTES, each_bytes),
        )
        self._begins: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._total = 0
        self._again = 0
        self._stream_ms = dict.fromkeys(self._tps, 0)
        self._raised = Marks({})
        self._written = 0
        self._moved_s = 0.0
        self.marks = 0
        """Records that only moved time."""

    @property
    def way(self) -> Way:
        """How far the records have been read."""
        left = sum(self._ends[tp] - self._positions[tp] for tp in self._tps) + self._again
        return Way(self._total - left, self._total, self._written)

    async def start(self, since_ms: int | None) -> list[str]:
        """Note where the records begin and end now.

        Args:
            since_ms: begin with what Kafka got at this moment; None begins with the first, in a
                foreign topic with what was first read.

        Returns:
            What a reader of the recording has to know of its beginning, a sentence each.

        Raises:
            RecordError: Kafka cannot be read.
        """
        consumer = self._consumer
        async with reading(self._settings, within_s=ASK_WITHIN_S):
            await consumer.start()
            moments = await first_reads(self._settings)
            firsts = await consumer.beginning_offsets(self._tps)
            ends = await consumer.end_offsets(self._tps)
            since = {tp: max(moments.get(tp.topic, 0), since_ms or 0) for tp in self._tps}
            timed = {tp: at_ms for tp, at_ms in since.items() if at_ms > 0}
            found = await consumer.offsets_for_times(timed) if timed else {}
        never = {topic for topic, moment in moments.items() if moment == NEVER}
        cut = set()
        for tp in self._tps:
            begin = firsts[tp]
            if tp.topic in never or (tp in timed and found[tp] is None):
                begin = ends[tp]
            elif tp in timed:
                begin = found[tp].offset
            if tp.topic in moments and begin == firsts[tp] > 0:
                cut.add(tp.topic)
            self._begins[tp] = begin
            self._ends[tp] = max(begin, ends[tp])
        self._positions = dict(self._begins)
        if moments:
            self._again = sum(self._ends[tp] - self._begins[tp] for tp in self._own)
        self._total = self._again + sum(self._ends[tp] - self._begins[tp] for tp in self._tps)
        return [
            *(f"{topic} was never read, so nothing of it is recorded" for topic in sorted(never)),
            *(
                f"{topic} has deleted its oldest records: some may be missing"
                for topic in sorted(cut - never)
            ),
        ]

    async def stop(self) -> None:
        """Let go of Kafka."""
        await self._consumer.stop()

    async def lines(self) -> AsyncGenerator[Sequence[Line], None]:
        """Yield everything, by (stream time, topic, partition, offset), in handfuls.

        Our own topic is the first. A handful may be empty, when there is only progress to tell.

        Raises:
            RecordError: Kafka cannot be read, or records were deleted meanwhile.
        """
        self._moved_s = time.monotonic()
        if len(self._own) < len(self._tps):
            async for _ in self._read_marks():
                yield ()
        for tp in self._begin(self._tps):
            self._merge.finish(self._place[tp])
        while True:
            lines = list(self._merge.take())
            if lines:
                self._written += len(lines)
                yield lines
                self._moved_s = time.monotonic()
            if not self._merge.waiting:
                return
            room = [self._tps[place] for place in self._merge.room]
            for tp in await self._read(room, self._take):
                self._merge.finish(self._place[tp])
            self._check_moving(self._tps[place] for place in self._merge.waiting)

    async def _read_marks(self) -> AsyncGenerator[None]:
        """Read our own topic for what its marks say of foreign records; yields after every step."""
        foreign = self._tps[len(self._own) :]
        marks = Marks({tp: (self._begins[tp], self._ends[tp]) for tp in foreign})

        def note(record: ConsumerRecord[Any, Any]) -> None:
            found = seen(record, self._settings.clock)
            if found.mark:
                marks.note(record.headers, found.at_ms)

        left = set(self._own) - set(self._begin(self._own))
        while left:
            left -= set(await self._read(sorted(left), note))
            self._check_moving(left)
            yield
        marks.close()
        self._raised = marks
        self._again = 0
        self._positions = dict(self._begins)

    def _begin(self, tps: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Go to the beginning of these partitions alone; returns those that end there."""
        # At once after one another: else a fetch from elsewhere begins first.
        self._consumer.assign(tps)
        for tp in tps:
            self._consumer.seek(tp, self._begins[tp])
        return [tp for tp in tps if self._at_end(tp)]

    async def _read(
        self, tps: Sequence[TopicPartition], take: Callable[[ConsumerRecord[Any, Any]], None]
    ) -> list[TopicPartition]:
        """Read some more of these partitions; returns those that were read to their end."""
        async with reading(self._settings):
            fetched = await self._consumer.getmany(*tps, timeout_ms=200, max_records=READ_LINES)
            for tp, records in fetched.items():
                for record in records:
                    if record.offset < self._ends[tp]:
                        take(record)
            for tp in tps:
                position = await self._consumer.position(tp)
                if position != self._positions[tp]:
                    self._positions[tp] = position
                    self._moved_s = time.monotonic()
        return [tp for tp in tps if self._at_end(tp)]

    def _at_end(self, tp: TopicPartition) -> bool:
        if self._positions[tp] < self._ends[tp]:
            return False
        self._positions[tp] = self._ends[tp]
        self._consumer.pause(tp)
        return True

    def _check_moving(self, waiting: Iterable[TopicPartition]) -> None:
        """Raise `RecordError` when nothing has come of these for too long."""
        if time.monotonic() - self._moved_s > STANDS_STILL_S:
            tp = min(waiting)
            raise RecordError(
                f"{tp.topic}-{tp.partition} cannot be read to its end: nothing came for "
                f"{STANDS_STILL_S:.0f} s"
            )

    def _take(self, record: ConsumerRecord[Any, Any]) -> None:
        tp = TopicPartition(record.topic, record.partition)
        place = self._place[tp]
        if place < len(self._own):
            found, raised_ms = seen(record, self._settings.clock), 0
        else:
            found, raised_ms = seen_of_sentry(record), self._raised.up_to(tp, record.offset)
        at_ms = self._stream_ms[tp] = max(self._stream_ms[tp], found.at_ms, raised_ms)
        if found.mark or found.resource == HEARTBEAT:
            self.marks += 1
        else:
            self._merge.add(Line(at_ms, place, record.offset, found.resource, found.body))
