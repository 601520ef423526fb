"""`stormfold record` and somebody else's topic: where it begins, and what raises a time there."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from streams.agents import foreign
from streams.broker import Broker
from streams.record import Options, run
from streams.recording import Record
from streams.settings import Settings, load
from streams.topics import ensure, names
from tests.kafka.recorded import records_of


async def _record(settings: Settings, out: Path) -> tuple[int, str, list[Record]]:
    said, errors = io.StringIO(), io.StringIO()
    status = await asyncio.to_thread(run, settings, Options(out=out), said, errors, now_ms=0)
    return status, errors.getvalue(), records_of(out) if status == 0 else []


async def test_it_begins_where_it_was_read_and_is_raised_to_marks_that_stand_further_on(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    topic, out = f"{namespace}-events", tmp_path / "r.jsonl"
    path = tmp_path / "stormfold.yaml"
    path.write_text(
        f"namespace: {namespace}\n"
        f"kafka: {{bootstrap: '{kafka.bootstrap}', sentry_topics: [{topic}]}}\n"
    )
    settings = load(path, {})
    first, second = (TopicPartition(topic, one) for one in range(2))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", linger_ms=0)
    group = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        group_id=f"{namespace}.fingerprint",
        enable_auto_commit=False,
    )
    await admin.start()
    try:
        made = {"message.timestamp.type": "LogAppendTime"}
        await admin.create_topics([NewTopic(topic, 2, 1, topic_configs=made)])
        await ensure(settings)
        async with producer, group:

            async def write(tp: TopicPartition, value: bytes, **headers: bytes) -> int:
                sent = await producer.send_and_wait(
                    tp.topic, value, partition=tp.partition, headers=list(headers.items())
                )
                await asyncio.sleep(0.002)  # so that what comes next has a later time
                return int(sent.timestamp)

            async def mark(stands_for: TopicPartition, offset: int) -> int:
                idle = f"{stands_for.topic}:{stands_for.partition}:{offset}".encode()
                return await write(own[-1], b"", mark=b"", idle=idle)

            own = [TopicPartition(names(namespace).events, one) for one in (0, 3)]
            own_ms = await write(own[0], b"own", resource=b"error")
            await write(first, b"[0]")
            status, told, lines = await _record(settings, out)
            assert (status, told) == (0, f"{topic} was never read, so nothing of it is recorded\n")
            assert [(line.at_ms, line.body) for line in lines] == [(own_ms, b"own")]

            since_ms = int(time.time() * 1000)
            group.assign([first])
            stored = OffsetAndMetadata(1, foreign.metadata(since_ms, since_ms))
            await group.commit({first: stored})
            await asyncio.sleep(0.002)
            # A mark is written after its look at the end: what comes in between is raised to it.
            await mark(second, 0)
            alone_ms = await write(second, b"[1]")
            early_ms = await write(first, b"[2]")
            await write(first, b"[3]")
            raised_ms = await mark(first, 2)
            after_ms = await write(first, b'\xff"')
            await mark(first, 4)
            status, told, lines = await _record(settings, out)
            assert (status, told) == (0, "")
            assert [(line.at_ms, line.resource, line.body) for line in lines] == [
                (own_ms, "error", b"own"),
                (alone_ms, "events", b"[1]"),
                (early_ms, "events", b"[2]"),
                (raised_ms, "events", b"[3]"),
                (after_ms, "events", b'\xff"'),
            ]

            # What the topic no longer has is told of.
            await admin.delete_records({first: RecordsToDelete(before_offset=3)})
            status, told, lines = await _record(settings, out)
            assert (status, told) == (
                0,
                f"{topic} has deleted its oldest records: some may be missing\n",
            )
            assert [line.body for line in lines] == [b"own", b"[1]", b'\xff"']
    finally:
        await admin.close()
