"""Topics of somebody else as sources: where reading begins, and how the time of an idle one moves.

They are read and never written. Where reading begins: at the moment at which the group first read
any of the topic, in every partition. So a first start tells no outages of yesterday, and of a
partition added later everything is read. That moment travels in the metadata of the commits.

How time moves: as in `sentry.events`, by the timestamps of the records. Of partitions that were
read to their end the owner writes a mark into our own topic, and tells the append time of that mark
as their watermark. Nothing on the foreign topic shows that time, so the mark itself does: each of
its headers `idle` names a partition that it stands for, and the offset up to which that was read.
From that offset on no record has a stream time below the mark's; what was appended in the moment
between is raised to it. Whoever records or replays both topics raises likewise, and comes to the
same times, but for a mark whose writer died, or lost the partition, before it could commit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from correlators.events import EVENT_STREAM

IDLE_HEADER: Final = "idle"
APPEND_TIME: Final = 1
"""Kafka's word for a timestamp that the broker gave; any other is a producer's clock."""

FIRST_COMMIT_TRIES: Final = 50
RETRY_S: Final = 0.2
"""Pause before a first commit is tried again."""

END_WITHIN_S: Final = 0.5
"""How long Kafka may take to say where foreign partitions end; our own ones wait meanwhile."""

HEADERS_KEPT: Final = 32
HEADER_BYTES: Final = 1_024
"""Of a foreign record that goes to the quarantine: how many of its headers go along, and how long
their values, and names, may be."""

Headers = list[tuple[str, bytes]]


class Begin(NamedTuple):
    """Where a partition is read from."""

    offset: int
    stream_ms: int
    """The highest stream time up to there; 0 when nothing was read yet."""
    since_ms: int
    """When the group first read any of the topic, milliseconds since the epoch."""
    known: bool
    """Whether the group has that offset already."""


def metadata(stream_ms: int, since_ms: int) -> str:
    """Return the metadata of a commit; `since_ms` 0 is our own topic, which begins at its start."""
    return f"{stream_ms} {since_ms}" if since_ms else str(stream_ms)


def times(stored: str) -> tuple[int, int]:
    """Return (stream_ms, since_ms) of a commit's metadata; 0 for what does not stand there."""
    stream_ms, _, since_ms = stored.partition(" ")
    return int(stream_ms or 0), int(since_ms or 0)


def first_read_ms(topic: str, committed: Mapping[TopicPartition, OffsetAndMetadata]) -> int:
    """Return when the group first read any of the topic; 0 where nothing says that it did."""
    moments = [
        times(stored.metadata)[1]
        for tp, stored in committed.items()
        if tp.topic == topic and stored.offset >= 0
    ]
    return min((moment for moment in moments if moment), default=0)


async def begin(
    tp: TopicPartition,
    committed: Mapping[TopicPartition, OffsetAndMetadata],
    consumer: AIOKafkaConsumer,
    now_ms: int,
) -> Begin:
    """Return where a foreign partition is read from.

    Args:
        tp: of a foreign topic.
        committed: everything that the group has committed.
        consumer: to ask Kafka with.
        now_ms: the wall clock; only where nobody of the group ever read the topic does it count.
    """
    start = (await consumer.beginning_offsets([tp]))[tp]
    end = (await consumer.end_offsets([tp]))[tp]
    since_ms = first_read_ms(tp.topic, committed) or now_ms
    stored = committed.get(tp)
    if stored is not None and stored.offset >= 0:
        # Past either end, its records are deleted, or the topic was made anew.
        offset = stored.offset if start <= stored.offset <= end else start
        return Begin(offset, times(stored.metadata)[0], since_ms, known=True)
    # Asked for after the end: what comes in between is found by its time.
    found = (await consumer.offsets_for_times({tp: since_ms}))[tp]
    return Begin(end if found is None else found.offset, 0, since_ms, known=False)


async def insist(commit: Callable[[], Awaitable[bool]]) -> None:
    """Return once the commit was taken; a group that rebalances refuses it for a while.

    Raises:
        CommitFailedError: it was refused again and again.
    """
    for _ in range(FIRST_COMMIT_TRIES):
        if await commit():
            return
        await asyncio.sleep(RETRY_S)
    raise CommitFailedError("the group refuses to take where a topic is read from")


class Mark(NamedTuple):
    """A mark that stands in our own topic."""

    at_ms: int
    """Its append time."""
    partitions: tuple[TopicPartition, ...]
    """What was still read to its end right before it."""


async def mark(
    producer: AIOKafkaProducer,
    consumer: AIOKafkaConsumer,
    own: tuple[str, int],
    read_to: Mapping[TopicPartition, int],
) -> Mark:
    """Write one mark for all of these partitions that are read to their end, and return it.

    It stands for none of them while Kafka does not say where they end.

    Args:
        producer: acks=all.
        consumer: to ask Kafka with.
        own: our own topic, and how many partitions it has.
        read_to: offset after the last record read, by foreign partition; not empty.
    """
    try:
        # What the last fetch said of their ends is older, by as long as a fetch may wait.
        async with asyncio.timeout(END_WITHIN_S):
            ends = await consumer.end_offsets(list(read_to))
    except (TimeoutError, KafkaError):
        return Mark(-1, ())
    idle = tuple(sorted(tp for tp, offset in read_to.items() if ends[tp] <= offset))
    if not idle:
        return Mark(-1, ())
    topic, partitions = own
    names = [f"{tp.topic}:{tp.partition}:{read_to[tp]}".encode() for tp in idle]
    sent = await producer.send_and_wait(
        topic,
        value=b"",
        partition=idle[0].partition % partitions,
        headers=[("mark", b""), *((IDLE_HEADER, name) for name in names)],
    )
    # After a repetition Kafka may not know its time again, and the producer says its own.
    return Mark(sent.timestamp, idle if sent.timestamp_type == APPEND_TIME else ())


def stands_for(headers: Iterable[tuple[str, bytes | None]]) -> list[tuple[TopicPartition, int]]:
    """Return the partitions that a mark of our own topic stands for, each with its offset.

    A header that says neither stands for nothing.
    """
    found = []
    for name, value in headers:
        if name == IDLE_HEADER:
            with contextlib.suppress(ValueError):
                topic, partition, offset = (value or b"").decode().split(":")
                found.append((TopicPartition(topic, int(partition)), int(offset)))
    return found


def quarantined(
    headers: Iterable[tuple[str, bytes]], value: bytes | None, most_bytes: int
) -> tuple[Headers, bytes | None]:
    """Return what the quarantine keeps of a foreign record: its headers and its bytes.

    Bytes that are more than it takes are cut, and the header `cut` says from how many; the origin
    says where all of them stand.
    """
    kept = [
        (name, held)
        for name, held in headers
        if held and len(held) <= HEADER_BYTES and len(name) <= HEADER_BYTES
    ]
    kept = [*kept[:HEADERS_KEPT], ("resource", EVENT_STREAM.encode())]
    if value is not None and len(value) > most_bytes:
        kept.append(("cut", str(len(value)).encode()))
        value = value[:most_bytes]
    return kept, value
