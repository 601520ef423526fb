"""What `stormfold record` reads: how far CORRELATE is, the events' topic in order, what was told.

Nothing is written and no group is joined, so a running installation does not notice. The state must
be read before the end of the events is looked up: then all that was applied lies before that end.

Errors:
    RecordError     it cannot be read
    └── WrongUse    it is not there, or another configuration wrote it
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from correlators.deltas import tick_end_ms
from correlators.types import Digest
from streams import codec
from streams.agents.stored import Installation, StateRefused, read_state
from streams.bar import Way
from streams.codec import CodecError
from streams.record_merge import Line, Merge
from streams.replay_results import Results
from streams.settings import Settings
from streams.stage.state import committed, restore
from streams.stream_time import seen
from streams.topics import names

STANDS_STILL_S: Final = 60.0
"""How long nothing may come before the recording is given up."""
STATE_WITHIN_S: Final = 300.0
"""How long reading one partition of the state, or of what was told, may take."""

HELD_BYTES: Final = 64 * 1024 * 1024
"""What waits for slower partitions, over all of them, beside what one read brings."""
HELD_LINES: Final = 2_000
"""The same of one partition."""
READ_LINES: Final = 1_000
READ_BYTES: Final = 1024 * 1024
"""What one read brings of one partition; a larger record comes alone."""


class RecordError(Exception):
    """It cannot be recorded; the text says why and what to do."""


class WrongUse(RecordError):
    """It was asked for in a way that cannot work."""


class Applied(NamedTuple):
    """How far CORRELATE is."""

    tick: int
    """The last tick that every partition has applied; -1 before the first."""
    late: int
    """Deltas that came after their tick, since the birth of the state."""

    @property
    def end_ms(self) -> int:
        """The first moment after that tick; digests of a tick bear it."""
        return tick_end_ms(self.tick)


async def applied(settings: Settings, partitions: Sequence[int], results: Results) -> Applied:
    """Return how far CORRELATE is; `results` learns the state entries.

    Args:
        settings: which installation.
        partitions: of the state.
        results: what is known of incidents and storms goes there.

    Raises:
        WrongUse: another configuration wrote the state.
        RecordError: it cannot be read.
    """
    topic = names(settings.namespace).incidents
    installation = Installation(settings.installation, len(partitions))
    applied_ticks = []
    late = 0
    for partition in partitions:
        async with _kafka(settings, within_s=STATE_WITHIN_S):
            stored = await restore(settings.kafka.bootstrap, topic, partition)
        try:
            progress, entries = read_state(f"{topic}-{partition}", stored, installation)
        except StateRefused as error:
            raise WrongUse(str(error)) from None
        results.entries(entries)
        applied_ticks.append(progress.applied_tick if progress is not None else -1)
        late += progress.late if progress is not None else 0
    return Applied(min(applied_ticks), late)


async def told(
    settings: Settings, partitions: Sequence[int], results: Results, first_ms: int, up_to: Applied
) -> tuple[int, int]:
    """Return how many digests were decided, and how many stand there again; `results` gets them.

    Args:
        settings: which installation.
        partitions: of `deliveries`.
        results: gets every revision once.
        first_ms: stream time of the first record; what was told before it is left out.
        up_to: what was told in later ticks is left out.

    Raises:
        RecordError: it cannot be read.
    """
    topic = names(settings.namespace).deliveries
    known: set[tuple[str, str, int]] = set()
    repeated = 0
    for partition in partitions:
        async with (
            _kafka(settings, within_s=STATE_WITHIN_S),
            aclosing(committed(settings.kafka.bootstrap, topic, partition)) as fetches,
        ):
            async for records in fetches:
                for record in records:
                    digest = _digest(record)
                    if not first_ms < digest.at_ms <= up_to.end_ms:
                        continue
                    revision = (digest.destination, digest.id, digest.revision)
                    if revision in known:
                        repeated += 1
                    else:
                        known.add(revision)
                        results.digest(digest)
    return len(known), repeated


def _digest(record: ConsumerRecord[Any, Any]) -> Digest:
    try:
        return codec.digest(record.value or b"")
    except CodecError as error:
        where = f"{record.topic}-{record.partition} offset {record.offset}"
        raise RecordError(f"{where}: {error}") from None


class Events:
    """The records of `sentry.events`, from a beginning to their end when `start` was called."""

    def __init__(self, settings: Settings, partitions: Sequence[int]) -> None:
        """Args: settings: which installation; partitions: all of the topic."""
        self._settings = settings
        self._topic = names(settings.namespace).events
        self._partitions = partitions
        each_bytes = HELD_BYTES // len(partitions)
        self._merge = Merge(partitions, most_lines=HELD_LINES, most_bytes=each_bytes)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka.bootstrap,
            enable_auto_commit=False,
            # Records that are deleted while they are read must not be skipped in silence.
            auto_offset_reset="none",
            max_partition_fetch_bytes=min(READ_BYTES, each_bytes),
        )
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._total = 0
        self._stream_ms = dict.fromkeys(partitions, 0)
        self._written = 0
        self.marks = 0
        """Records that only moved time."""

    @property
    def way(self) -> Way:
        """How far the records have been read."""
        left = sum(self._ends[one] - self._positions[one] for one in self._partitions)
        return Way(self._total - left, self._total, self._written)

    async def start(self, since_ms: int | None) -> None:
        """Note where the records begin and end now.

        Args:
            since_ms: begin with what Kafka got at this moment; None begins with the first.

        Raises:
            RecordError: Kafka cannot be read.
        """
        consumer = self._consumer
        async with _kafka(self._settings):
            await consumer.start()
            tps = [TopicPartition(self._topic, partition) for partition in self._partitions]
            begins = await consumer.beginning_offsets(tps)
            ends = await consumer.end_offsets(tps)
            if since_ms is not None:
                found = await consumer.offsets_for_times(dict.fromkeys(tps, since_ms))
                begins = {tp: found[tp].offset if found[tp] else ends[tp] for tp in tps}
            consumer.assign(tps)
            for tp in tps:
                consumer.seek(tp, begins[tp])
                self._positions[tp.partition] = begins[tp]
                self._ends[tp.partition] = max(begins[tp], ends[tp])
                self._note_end(tp)
        self._total = sum(self._ends.values()) - sum(self._positions.values())

    async def stop(self) -> None:
        """Let go of Kafka."""
        await self._consumer.stop()

    async def lines(self) -> AsyncGenerator[Sequence[Line], None]:
        """Yield everything, by (stream time, partition, offset), in handfuls.

        Raises:
            RecordError: Kafka cannot be read, or records were deleted meanwhile.
        """
        moved_s = time.monotonic()
        while True:
            lines = list(self._merge.take())
            if lines:
                self._written += len(lines)
                yield lines
                moved_s = time.monotonic()
            if not self._merge.waiting:
                return
            if await self._read():
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > STANDS_STILL_S:
                raise RecordError(
                    f"{self._topic}-{min(self._merge.waiting)} cannot be read to its end: nothing "
                    f"came for {STANDS_STILL_S:.0f} s"
                )

    async def _read(self) -> bool:
        """Read some more of where there is room; returns whether anything moved."""
        tps = [TopicPartition(self._topic, partition) for partition in self._merge.room]
        async with _kafka(self._settings):
            fetched = await self._consumer.getmany(*tps, timeout_ms=200, max_records=READ_LINES)
            for tp, records in fetched.items():
                for record in records:
                    if record.offset < self._ends[tp.partition]:
                        self._take(record)
            moved = False
            for tp in tps:
                position = await self._consumer.position(tp)
                moved = moved or position != self._positions[tp.partition]
                self._positions[tp.partition] = position
                self._note_end(tp)
        return moved

    def _take(self, record: ConsumerRecord[Any, Any]) -> None:
        found = seen(record, self._settings.clock)
        partition = record.partition
        at_ms = self._stream_ms[partition] = max(self._stream_ms[partition], found.at_ms)
        if found.mark:
            self.marks += 1
        else:
            self._merge.add(Line(at_ms, partition, record.offset, found.resource, found.body))

    def _note_end(self, tp: TopicPartition) -> None:
        if self._positions[tp.partition] >= self._ends[tp.partition]:
            self._positions[tp.partition] = self._ends[tp.partition]
            self._merge.finish(tp.partition)
            self._consumer.pause(tp)


@asynccontextmanager
async def _kafka(settings: Settings, *, within_s: float | None = None) -> AsyncIterator[None]:
    """Turn what goes wrong with Kafka inside into a `RecordError`."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except OffsetOutOfRangeError:
        raise RecordError(
            "records were deleted before they could be read: they are as old as the topic keeps "
            "them; --since leaves out the oldest"
        ) from None
    except (KafkaError, OSError) as error:
        why = f"{type(error).__name__}: {error}".rstrip(": ")
        raise RecordError(f"Kafka at {settings.kafka.bootstrap} cannot be read: {why}") from None
