"""What a stage process fetches at once, and how much it may hold that is fetched and not worked on.

The bound is in bytes: two thousand records may be two megabytes or two hundred. A stage that is
behind, or whose agent waits for a slow producer, fetches no more until it has worked. What it holds
then is at most

- `Stage.held_bytes` of records in its channel, and `STEP` records more,
- `Stage.fetched_bytes` in the client, as Kafka keeps them (compressed), shared by all partitions,
  or one record batch of each where that is more; of a stage that reads much what `reader` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka import ConsumerRecord, TopicPartition

from streams.stage.types import Stage

if TYPE_CHECKING:
    from streams.stage.source import Source

STEP: Final = 64
"""Records that are taken from the client at once: their bytes are known only then."""

PIECE_RECORDS: Final = 200
PIECE_BYTES: Final = 512 * 1024
"""What is handed to the agent at once, of all partitions: no more records or bytes, and a step. So
few are still in the processor's cache when the agent reads them; and as many as that, since a piece
has a price of its own, which small records share."""

LEAST_FETCH_BYTES: Final = 256 * 1024
"""A fetch of a partition is at least so large, however many partitions there are."""


class Room:
    """How many bytes of records are held, and a place to wait until they are fewer."""

    def __init__(self, limit: int) -> None:
        """Args: limit: bytes from which on nobody fetches."""
        self.limit = limit
        self.held = 0
        self._freed = asyncio.Event()

    def take(self, size: int) -> None:
        """Note that so many bytes more are held."""
        self.held += size

    def give(self, size: int) -> None:
        """Note that so many bytes are held no more."""
        self.held -= size
        if self.held < self.limit:
            self._freed.set()

    async def wait(self) -> None:
        """Return once less than the limit is held."""
        while self.held >= self.limit:
            self._freed.clear()
            await self._freed.wait()


class Piece(NamedTuple):
    """Records of one partition, in order."""

    tp: TopicPartition
    generation: int
    """Of the assignment that they were read in; of another one, they are not worked on."""
    records: list[ConsumerRecord[Any, Any]]
    size: int
    """Bytes, which are held until they are given back."""


class Fetching:
    """Takes from the client what fits."""

    def __init__(self, source: Source) -> None:
        """Args: source: whose consumer and partitions these are."""
        self._source = source
        self.room = Room(source.stage.held_bytes)

    async def pieces(self) -> list[Piece]:
        """Return what is there, at the latest after `poll_ms`; waits for room first."""
        await self.room.wait()
        found: list[Piece] = []
        records = size = 0
        timeout_ms = self._source.stage.poll_ms
        while records < PIECE_RECORDS and size < PIECE_BYTES and self.room.held < self.room.limit:
            step = await self._step(timeout_ms)
            if not step:
                break
            found += step
            records += sum(len(piece.records) for piece in step)
            size += sum(piece.size for piece in step)
            timeout_ms = 0
        return _joined(found)

    async def _step(self, timeout_ms: int) -> list[Piece]:
        source = self._source
        consumer = source.consumer
        assert consumer is not None
        readable = {tp: source.owned[tp].generation for tp in source.ready()}
        found = []
        fetched = await consumer.getmany(timeout_ms=timeout_ms, max_records=STEP)
        for tp, records in fetched.items():
            owned = source.owned.get(tp)
            if owned is None or not owned.ready:
                continue  # it is sought once it is restored
            if owned.generation != readable.get(tp):
                # It was restored while this was under way: what was read may be of another
                # place than its state names, and the consumer has moved past it.
                consumer.seek(tp, owned.offset)
            elif records:
                owned.offset = records[-1].offset + 1
                size = sum(map(size_of, records))
                self.room.take(size)
                found.append(Piece(tp, owned.generation, records, size))
        return found


def size_of(record: ConsumerRecord[Any, Any]) -> int:
    """Return the bytes of a record: key, value and headers."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:  # a loop: every record passes here
        size += len(name) + len(value or b"")
    return size


def partition_fetch_bytes(stage: Stage, partitions: int) -> int:
    """Return how many bytes may be fetched of one partition, so that all of them hold their bound.

    Args:
        stage: its limits.
        partitions: that it may come to own.
    """
    share = stage.fetched_bytes // max(1, partitions)
    return min(stage.max_fetch_bytes, max(LEAST_FETCH_BYTES, share))


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with those of one partition and generation as one."""
    found: dict[tuple[TopicPartition, int], Piece] = {}
    for piece in pieces:
        place = (piece.tp, piece.generation)
        former = found.get(place)
        if former is None:
            found[place] = piece
        else:
            former.records.extend(piece.records)
            found[place] = former._replace(size=former.size + piece.size)
    return list(found.values())
