"""The bare loop: aiokafka's `getmany` and nothing else, or a typed decode and a count beside it;
or the same with librdkafka's `consume`.

`python -m benchmarks.storm.loops WORK`, with the JSON of a `Work`. It fetches as FINGERPRINT does
(8 MiB a partition, 64 MiB at once), is in no group and commits nothing. The
typed decode reads what FINGERPRINT needs of an event, frames included, into structs, and nothing
is made of it but a count per exception type.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from confluent_kafka import OFFSET_BEGINNING, Consumer
from confluent_kafka import TopicPartition as Place

from benchmarks.storm.work import Done, Stopwatch, Work, write_done

FETCH_BYTES: Final = 8 * 1024 * 1024
"""Of one partition, as every contender fetches; eight times as much at once."""

Take = Callable[[list[ConsumerRecord[Any, Any]]], None]


class Frame(msgspec.Struct, gc=False):
    """One frame of a stack."""

    function: str | None = None
    module: str | None = None
    filename: str | None = None
    in_app: bool | None = None


class Stack(msgspec.Struct):
    """A stack."""

    frames: list[Frame] = []


class Raised(msgspec.Struct):
    """One exception of a chain."""

    type: str | None = None
    value: str | None = None
    module: str | None = None
    stacktrace: Stack | None = None


class Chain(msgspec.Struct):
    """The exceptions of an event."""

    values: list[Raised] = []


class User(msgspec.Struct, gc=False):
    """Who met the error."""

    id: str | None = None


class Trace(msgspec.Struct, gc=False):
    """The trace context."""

    trace_id: str | None = None


class Contexts(msgspec.Struct, gc=False):
    """The contexts; only the trace is read."""

    trace: Trace | None = None


class Event(msgspec.Struct):
    """The fields of an event that FINGERPRINT needs of such a webhook."""

    event_id: str
    project: int
    timestamp: float
    url: str = ""
    web_url: str = ""
    issue_url: str = ""
    issue_id: str = ""
    environment: str | None = None
    release: str | None = None
    level: str | None = None
    platform: str | None = None
    logger: str | None = None
    transaction: str | None = None
    culprit: str | None = None
    message: str | None = None
    fingerprint: list[str] = []
    hashes: list[str] = []
    tags: list[tuple[str, str]] = []
    user: User | None = None
    contexts: Contexts | None = None
    exception: Chain | None = None


class Data(msgspec.Struct):
    """What the webhook is about."""

    error: Event


class Body(msgspec.Struct):
    """A webhook."""

    data: Data


def typed_count(found: Counter[str]) -> Take:
    """Return what decodes records and counts them by the type that was raised."""
    decode = msgspec.json.Decoder(Body).decode

    def take(records: list[ConsumerRecord[Any, Any]]) -> None:
        for record in records:
            chain = decode(record.value).data.error.exception
            assert chain is not None
            found[chain.values[-1].type or ""] += 1

    return take


async def read(work: Work) -> Done:
    """Read the log to its ends.

    Raises:
        AssertionError: the typed decode counted other events than were read.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=work.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=8 * FETCH_BYTES,
        fetch_max_wait_ms=250,
    )
    consumer.assign([TopicPartition(work.topic, one) for one in work.ends])
    found: Counter[str] = Counter()
    take = typed_count(found) if work.typed else None
    watch = Stopwatch()
    events = 0
    unread = set(work.ends)
    await consumer.start()
    try:
        while unread:
            for tp, records in (await consumer.getmany(timeout_ms=100, max_records=2_000)).items():
                watch.begin()
                end = work.ends[tp.partition]
                if records[-1].offset >= end - 1:
                    unread.discard(tp.partition)
                    records = [record for record in records if record.offset < end]
                if take is not None:
                    take(records)
                events += len(records)
        done = watch.done(events)
    finally:
        await consumer.stop()
    assert not work.typed or found.total() == events
    return done


def read_with_librdkafka(work: Work) -> Done:
    """Read the log to its ends with another client, which decompresses in threads of its own.

    Raises:
        AssertionError: the typed decode counted other events than were read.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": work.bootstrap,
            "group.id": "bare",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "max.partition.fetch.bytes": FETCH_BYTES,
            "fetch.max.bytes": 8 * FETCH_BYTES,
            "fetch.wait.max.ms": 250,
            "fetch.queue.backoff.ms": 5,
        }
    )
    consumer.assign([Place(work.topic, one, OFFSET_BEGINNING) for one in work.ends])
    found: Counter[str] = Counter()
    decode = msgspec.json.Decoder(Body).decode
    watch = Stopwatch()
    events = 0
    unread = set(work.ends)
    while unread:
        for record in consumer.consume(200, 0.02):
            watch.begin()
            assert record.error() is None, record.error()
            partition, offset = record.partition(), record.offset()
            assert partition is not None
            assert offset is not None
            end = work.ends[partition]
            if offset >= end - 1:
                unread.discard(partition)
                if offset >= end:
                    continue
            if work.typed:
                chain = decode(record.value() or b"").data.error.exception
                assert chain is not None
                found[chain.values[-1].type or ""] += 1
            events += 1
    done = watch.done(events)
    consumer.close()
    assert not work.typed or found.total() == events
    return done


def main() -> int:
    """Do the work of the command line."""
    work = msgspec.json.decode(sys.argv[1], type=Work)
    done = read_with_librdkafka(work) if work.librdkafka else asyncio.run(read(work))
    write_done(work, done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
