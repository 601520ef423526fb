"""A self-hosted Sentry's own topic as a source: read beside the webhooks, and never written."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from correlators.types import DeltaBatch, tick_of
from streams import codec
from streams.agents import foreign
from streams.broker import Broker
from streams.record import Options, run
from streams.settings import load
from streams.stage.state import restore
from streams.topics import names
from tests.kafka.chain import CHANNEL, PATIENCE_S, Chain, chain, error_webhook, ready, until
from tests.kafka.recorded import applied, compared, records_of

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "sentry" / "events"
PROJECT = sum(b"checkout")
NAMED = f"""
incidents: {{settle: 1s, update_every: 1s}}
projects: {{{PROJECT}: checkout}}
"""
AS_PUBLISHED = {
    "compression.type": "lz4",
    "max.message.bytes": "25000000",
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": "86400000",
}
"""Source: getsentry/sentry-kafka-schemas, topics/events.yaml."""


class Sentry:
    """The other side: it writes the topic, and notes how much of it is its own."""

    def __init__(self, topic: str, producer: AIOKafkaProducer) -> None:
        self.topic = topic
        self.written = 0
        self._producer = producer

    async def write(self, value: bytes, *, partition: int = 0, operation: str = "insert") -> None:
        headers = [("operation", operation.encode()), ("version", b"2"), ("project_id", b"1")]
        await self._producer.send_and_wait(
            self.topic, value, partition=partition, key=b"1", headers=headers
        )
        self.written += 1

    async def grow(self, kafka: Broker, partitions: int) -> None:
        async with admin(kafka) as client:
            await client.create_partitions({self.topic: NewPartitions(partitions)})
        async with asyncio.timeout(PATIENCE_S):
            while len(await self._producer.partitions_for(self.topic)) < partitions:
                await self._producer.client.force_metadata_update()


@asynccontextmanager
async def sentry(kafka: Broker, topic: str, partitions: int = 2) -> AsyncIterator[Sentry]:
    async with admin(kafka) as client:
        made = NewTopic(topic, partitions, 1, topic_configs=AS_PUBLISHED)
        assert (await client.create_topics([made])).topic_errors[0][1] == 0
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, max_request_size=25_000_000, linger_ms=0
    )
    async with producer:
        yield Sentry(topic, producer)


@asynccontextmanager
async def admin(kafka: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


def insert(number: int, *, release: str = "1.0", size: int = 0, **more: Any) -> bytes:
    """Return the event of `error_webhook` of this number as self-hosted Sentry tells it."""
    webhook = error_webhook(
        f"{number:032x}",
        service="checkout",
        kind="DatabaseDown",
        user=f"user{number}",
        at_s=time.time(),
        release=release,
    )
    stored = json.loads(webhook)["data"]["error"] | {"extra": {"padding": "x" * size}} | more
    for added in ("url", "web_url", "issue_id"):
        del stored[added]
    around = json.loads((EXAMPLES / "errors1.json").read_bytes())
    around[2] |= {
        "event_id": stored["event_id"],
        "project_id": PROJECT,
        "data": stored,
        "datetime": None,
    }
    return json.dumps(around).encode()


async def read_all(
    kafka: Broker, topic: str, partitions: int
) -> dict[TopicPartition, list[ConsumerRecord[Any, Any]]]:
    """Return every record of a topic up to where it ends now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, max_partition_fetch_bytes=32 * 1024 * 1024
    )
    parts = [TopicPartition(topic, one) for one in range(partitions)]
    found: dict[TopicPartition, list[ConsumerRecord[Any, Any]]] = {tp: [] for tp in parts}
    async with consumer:
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        for tp, begin in (await consumer.beginning_offsets(parts)).items():
            consumer.seek(tp, begin)
        async with asyncio.timeout(PATIENCE_S):
            while any([await consumer.position(tp) < ends[tp] for tp in parts]):
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    found[tp] += records
    return found


class Told:
    """What FINGERPRINT has told, every partition of its output on its own."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.batches: dict[TopicPartition, list[DeltaBatch]] = {}
        self._consumer = consumer

    async def until(self, holds: Callable[[], bool], *, what: Callable[[], str]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, what()
            for tp, records in (await self._consumer.getmany(timeout_ms=200)).items():
                of_partition = self.batches.setdefault(tp, [])
                for record in records:
                    of_partition += codec.batches(record.value or b"")

    def sources(self) -> set[str]:
        return {batch.topic for told in self.batches.values() for batch in told}

    def marked(self, topic: str, partitions: int) -> bool:
        """Return whether each of these has told a time that is not that of a record."""
        told = [batch for of in self.batches.values() for batch in of if batch.topic == topic]
        recorded = {delta.first_ms for batch in told for delta in batch.deltas}
        newest = [
            max((batch.watermark_ms for batch in told if batch.partition == one), default=-1)
            for one in range(partitions)
        ]
        return not recorded & set(newest) and min(newest) >= 0

    def stream_times(self) -> dict[str, int]:
        """Return the stream time of each event by its release, which is its own here."""
        return {
            delta.key.release.partition("@")[2]: delta.first_ms
            for told in self.batches.values()
            for batch in told
            for delta in batch.deltas
        }


@asynccontextmanager
async def told_by(kafka: Broker, namespace: str) -> AsyncIterator[Told]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        parts = [TopicPartition(names(namespace).deltas, one) for one in range(4)]
        consumer.assign(parts)
        for tp in parts:
            consumer.seek(tp, 0)
        yield Told(consumer)


async def test_webhooks_and_the_topic_of_a_self_hosted_sentry_are_one_digest(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    topic = f"{namespace}-events"
    async with (
        sentry(kafka, topic) as other,
        chain(
            tmp_path,
            kafka.bootstrap,
            namespace,
            clock="wall",
            extra=NAMED,
            sentry_topics=(topic,),
        ) as made,
    ):
        # What stood there before anybody read it is history, however bad it was.
        await other.write(insert(99, level="fatal"))
        made.start("intake")
        made.start("run")
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            await ready(made, client)
            await until(lambda: made.logs().count(topic) >= 3, what=made.logs)
            for number in range(30):
                body = error_webhook(
                    f"{number:032x}",
                    service="checkout",
                    kind="DatabaseDown",
                    user=f"user{number}",
                    at_s=time.time(),
                )
                assert await made.post(client, "error", body) == 200
        # Ten of them Sentry tells by both ways; one is larger than any webhook; one is odd.
        for number in range(20, 50):
            await other.write(insert(number))
        await other.write(insert(50, size=9_000_000))
        await other.write(b'[7, "insert", {}]')
        for path in sorted(EXAMPLES.glob("*.json")):
            value = path.read_bytes()
            await other.write(value, operation=json.loads(value)[1])
        await until(
            lambda: any("51 events" in one.text for one in made.slack.posts(CHANNEL)),
            what=made.logs,
        )
        # The second partition was silent all the time; waited for, it would have been a stall.
        assert "source stalled" not in made.logs()
        stored = await restore(kafka.bootstrap, names(namespace).incidents, 0)
        progress = codec.entry(stored[PROGRESS_KEY])
        assert isinstance(progress, Progress)
        assert {(topic, 0), (topic, 1)} < set(progress.sources)
        counted = [one.text for one in made.slack.posts(CHANNEL) if "DatabaseDown" in one.text]
        assert len(counted) == 1, counted
        assert "51 users" in counted[0]
        assert "1.0" in counted[0]
        (odd,) = (await read_all(kafka, names(namespace).quarantine, 1)).popitem()[1]
        assert odd.value == b'[7, "insert", {}]'
        headers = dict(odd.headers)
        assert headers["reason"] == b"unknown_version"
        assert headers["resource"] == b"events"
        assert (headers["topic"], headers["partition"]) == (topic.encode(), b"0")
        assert headers["offset"] == b"32"
        assert headers["operation"] == b"insert"
        there = await read_all(kafka, topic, 2)
        assert sum(map(len, there.values())) == other.written
        await applied(made, tick_of(int(time.time() * 1000)))
        recorded, out = await compared(made, ".jsonl.zst")
        # All of both ways but the history, byte for byte.
        lines = Counter(line.body for line in records_of(out) if line.resource == "events")
        assert lines == Counter(one.value for one in there[TopicPartition(topic, 0)][1:])
        assert recorded["records"] == 30 + lines.total()


async def test_nothing_is_lost_while_nobody_reads_nor_on_a_partition_that_is_added(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    topic = f"{namespace}-events"
    async with (
        sentry(kafka, topic, partitions=1) as other,
        chain(
            tmp_path,
            kafka.bootstrap,
            namespace,
            clock="wall",
            extra=NAMED,
            sentry_topics=(topic,),
        ) as made,
        told_by(kafka, namespace) as told,
    ):
        await other.write(insert(0, release="history"))
        first = made.start("run", "--stages", "fingerprint")
        await told.until(lambda: topic in told.sources(), what=made.logs)
        await other.write(insert(1, release="1"))
        await told.until(lambda: set(told.stream_times()) == {"1"}, what=made.logs)
        await stop(first)
        await other.write(insert(2, release="2"))
        await other.grow(kafka, 2)
        await other.write(insert(3, release="3"), partition=1)
        again = made.start("run", "--stages", "fingerprint")
        await told.until(lambda: set(told.stream_times()) == {"1", "2", "3"}, what=made.logs)
        await told.until(lambda: told.marked(topic, 2), what=made.logs)
        # Events between the ticks, so that marks and records come close to each other.
        for number in range(4, 64):
            await other.write(insert(number, release=str(number)), partition=number % 2)
            await asyncio.sleep(0.03)
        wanted = {str(number) for number in range(1, 64)}
        await told.until(lambda: set(told.stream_times()) == wanted, what=made.logs)
        deadline = time.monotonic() + PATIENCE_S
        while len(await marks_of(kafka, namespace)) < 2:
            assert time.monotonic() < deadline, made.logs()
        await stop(again)
        no_delta_is_below_what_was_told(told)
        assert told.stream_times() == await times_by_the_two_topics(kafka, namespace, topic)
        there = await read_all(kafka, topic, 2)
        assert sum(map(len, there.values())) == other.written
        assert await recorded_times(made) == told.stream_times()
        # From a moment on: the same times, though what raised them before is not read.
        since_ms = there[TopicPartition(topic, 1)][20].timestamp
        lately = {
            release_of(record.value or b"")
            for records in there.values()
            for record in records
            if record.timestamp >= since_ms
        }
        assert await recorded_times(made, since_ms) == {
            release: at_ms for release, at_ms in told.stream_times().items() if release in lately
        }


async def recorded_times(made: Chain, since_ms: int | None = None) -> dict[str, int]:
    """Return the stream times that `stormfold record` finds, by release."""
    out = made.folder / "r.jsonl"
    options = Options(out=out, since=None if since_ms is None else "5s")
    said, errors = io.StringIO(), io.StringIO()
    now_ms = 0 if since_ms is None else since_ms + 5_000
    status = await asyncio.to_thread(
        run, load(made.config, {}), options, said, errors, now_ms=now_ms
    )
    assert (status, errors.getvalue()) == (0, "")
    lines = records_of(out)
    assert {line.resource for line in lines} == {"events"}
    return {release_of(line.body): line.at_ms for line in lines}


def release_of(body: bytes) -> str:
    release: str = json.loads(body)[2]["data"]["release"]
    return release.partition("@")[2]


async def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0


def no_delta_is_below_what_was_told(told: Told) -> None:
    """CORRELATE drops such a delta, since it can only be a repetition."""
    for batches in told.batches.values():
        heard: dict[tuple[str, int], int] = {}
        for batch in batches:
            source = (batch.topic, batch.partition)
            for delta in batch.deltas:
                assert delta.tick >= tick_of(heard.get(source, 0))
            heard[source] = max(heard.get(source, 0), batch.watermark_ms)


async def times_by_the_two_topics(kafka: Broker, namespace: str, topic: str) -> dict[str, int]:
    """Return the stream times as a recording has to find them.

    They are the records' own, raised to every mark that stands for what was read before them.
    """
    marks = await marks_of(kafka, namespace)
    found = {}
    for tp, records in (await read_all(kafka, topic, 2)).items():
        stream_ms = 0
        for record in records:
            raised = [at_ms for offset, at_ms in marks[tp] if offset <= record.offset]
            stream_ms = max(stream_ms, record.timestamp, *raised, 0)
            found[release_of(record.value or b"")] = stream_ms
    del found["history"]
    return found


async def marks_of(kafka: Broker, namespace: str) -> dict[TopicPartition, list[tuple[int, int]]]:
    """Return the marks that stand for each foreign partition: (offset, append time)."""
    marks: dict[TopicPartition, list[tuple[int, int]]] = {}
    for records in (await read_all(kafka, names(namespace).events, 4)).values():
        for record in records:
            for tp, offset in foreign.stands_for(record.headers):
                marks.setdefault(tp, []).append((offset, record.timestamp))
    return marks


async def test_it_begins_where_the_group_began_to_read_the_topic(
    kafka: Broker, namespace: str
) -> None:
    topic = f"{namespace}-events"
    group = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap)
    async with sentry(kafka, topic, partitions=3) as other, group:
        parts = [TopicPartition(topic, one) for one in range(3)]
        group.assign(parts)
        for tp in parts:
            await other.write(b"before", partition=tp.partition)
        (before, *_) = (await read_all(kafka, topic, 3))[parts[2]]
        since_ms = before.timestamp + 1
        await asyncio.sleep(0.01)  # so that what comes now has a later time
        await other.write(b"after", partition=2)

        async def begin(now_ms: int, **committed: str) -> foreign.Begin:
            known = {
                TopicPartition(topic, int(one[1:])): OffsetAndMetadata(1, stored)
                for one, stored in committed.items()
            }
            known[TopicPartition("other", 2)] = OffsetAndMetadata(0, "1 1")
            return await foreign.begin(parts[2], known, group, now_ms)

        # Nobody ever read the topic: from now on, whatever stands there.
        now_ms = int(time.time() * 1000) + 60_000
        assert await begin(now_ms) == (2, 0, now_ms, False)
        # Another partition of it was read since then: from there on, not from now.
        assert await begin(now_ms, p0=f"7 {since_ms}") == (1, 0, since_ms, False)
        assert await begin(now_ms, p0=f"7 {since_ms + 5}", p1=f"7 {since_ms}") == (
            1,
            0,
            since_ms,
            False,
        )
        # It was read itself: there, with the time that it had.
        assert await begin(now_ms, p2=f"9 {since_ms}") == (1, 9, since_ms, True)
        # Its records are deleted since then, or the topic was made anew: from its start.
        async with admin(kafka) as client:
            await client.delete_records({parts[2]: RecordsToDelete(before_offset=2)})
        assert await begin(now_ms, p2=f"9 {since_ms}") == (2, 9, since_ms, True)
        fresh = await foreign.begin(
            parts[0], {parts[0]: OffsetAndMetadata(9, f"9 {since_ms}")}, group, now_ms
        )
        assert fresh == (0, 9, since_ms, True)
        # Somebody moved the group's offsets by hand, which drops what stood beside them.
        assert await begin(now_ms, p2="") == (2, 0, now_ms, True)


def test_the_quarantine_keeps_what_it_can_hold_of_a_foreign_record() -> None:
    headers = [("operation", b"insert"), ("long", b"x" * 1_025), ("empty", b"")]
    kept, value = foreign.quarantined(headers * 40, b"12345", 3)
    assert value == b"123"
    assert len(kept) == 34
    assert kept[-2:] == [("resource", b"events"), ("cut", b"5")]
    assert foreign.quarantined(headers[:1], b"123", 3) == (
        [("operation", b"insert"), ("resource", b"events")],
        b"123",
    )
