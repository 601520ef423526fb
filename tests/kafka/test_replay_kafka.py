"""Replay over a real Kafka: what it writes, what it hears, and what it refuses."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from correlators.types import tick_of
from streams import codec, replay_kafka
from streams.broker import Broker
from streams.codec import Told
from streams.local import final_mark_ms
from streams.recording import Record, Recording
from streams.replay import Options, ReplayError, Speed, Via, WrongUse
from streams.replay_kafka import KafkaFeed, Marks, feed_all
from streams.replay_lines import Lines
from streams.replay_listener import Listener
from streams.replay_results import Results
from streams.settings import Settings, load
from streams.topics import ensure, names
from tests.kafka.chain import PATIENCE_S, until

START_S = 1_700_000_000
PARTITIONS = 3


def _settings(tmp_path: Path, kafka: Broker, namespace: str) -> Settings:
    path = tmp_path / "stormfold.yaml"
    path.write_text(
        f"namespace: {namespace}\nclock: data\n"
        f"kafka: {{bootstrap: '{kafka.bootstrap}', partitions: {PARTITIONS}}}\n"
    )
    return load(path, {})


def _recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording"
    lines = []
    for number in range(100):
        event = {
            "event_id": f"{number:032x}",
            "timestamp": START_S + number * 0.7 + (600 if number > 60 else 0),
            "project": "cart",
            "message": "x",
        }
        lines.append(json.dumps({"event": event}))
    path.write_text("\n".join(lines) + "\n")
    return path


def _results(settings: Settings) -> Results:
    return Results(settings.correlation(), settings.fingerprinting(), rows=False)


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap, acks="all", enable_idempotence=True
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def _listener(
    settings: Settings, results: Results, producer: AIOKafkaProducer, patience_s: float = PATIENCE_S
) -> AsyncIterator[Listener]:
    listener = Listener(settings, results, stands_still_s=patience_s)
    try:
        await listener.start(producer.partitions_for)
        yield listener
    finally:
        await listener.stop()


async def _all(settings: Settings, topic: str) -> dict[int, list[ConsumerRecord[bytes, bytes]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka.bootstrap)
    await consumer.start()
    try:
        tps = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        found: dict[int, list[ConsumerRecord[bytes, bytes]]] = {tp.partition: [] for tp in tps}
        for tp in tps:
            while await consumer.position(tp) < ends[tp]:
                for records in (await consumer.getmany(tp, timeout_ms=200)).values():
                    found[tp.partition] += records
        return found
    finally:
        await consumer.stop()


async def test_records_keep_their_time_and_no_mark_is_ever_untrue(
    tmp_path: Path, kafka: Broker, namespace: str
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    await ensure(settings)
    results = _results(settings)
    file = _recording(tmp_path)
    topic = names(namespace).events
    async with _producer(settings) as producer, _listener(settings, results, producer) as listener:
        partitions = await producer.partitions_for(topic)
        feed = KafkaFeed(producer, topic, partitions)
        marks = Marks(producer, topic, partitions, feed)
        lines = Lines("replay", Recording([file]), results, io.StringIO())
        last_ms = await feed_all(lines, settings, results, Speed.MAX, feed, marks, listener)
        final_ms = final_mark_ms(last_ms, settings.correlation())
        await marks.write(final_ms)
    wanted = {line.body: line.at_ms for line in Recording([file]) if isinstance(line, Record)}
    told = []
    written: dict[bytes, int] = {}
    for records in (await _all(settings, topic)).values():
        marked_ms, marks_here = -1, []
        for record in records:
            headers = dict(record.headers)
            if "mark" in headers:
                assert record.value == b""
                marked_ms = int(headers["mark"])
                marks_here.append(marked_ms)
            else:
                assert headers["resource"] == b"event"
                assert headers["intake"] == b"replay"
                assert headers["received_ms"].isdigit()
                assert record.value is not None
                written[record.value] = int(headers["at_ms"])
                assert 0 <= marked_ms <= written[record.value]
        assert len(records) - len(marks_here) in (33, 34)
        told.append(marks_here)
    assert written == wanted
    assert told[0] == told[1] == told[2]
    assert told[0] == sorted(told[0])
    assert told[0][0] == START_S * 1000
    assert told[0][-1] == final_ms


def _told(partition: int, tick: int, suppressed: int = 0) -> bytes:
    return codec.encode(
        Told(
            partition=partition,
            applied_tick=tick,
            open_incidents=0,
            open_storms=0,
            suppressed=suppressed,
            late=0,
        )
    )


async def test_it_waits_until_every_partition_has_applied_the_last_tick(
    tmp_path: Path, kafka: Broker, namespace: str
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    await ensure(settings)
    results = _results(settings)
    topic = names(namespace).progress
    async with _producer(settings) as producer, _listener(settings, results, producer) as listener:
        waiting = asyncio.create_task(listener.until(50))
        for partition in range(PARTITIONS - 1):
            await producer.send_and_wait(topic, _told(partition, 50, suppressed=2))
        await producer.send_and_wait(topic, _told(PARTITIONS - 1, 49))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
        await producer.send_and_wait(topic, _told(PARTITIONS - 1, 50, suppressed=1))
        await asyncio.wait_for(waiting, PATIENCE_S)
    assert results.suppressed == 5


async def test_when_nothing_advances_it_says_which_partitions_stand_where(
    tmp_path: Path, kafka: Broker, namespace: str
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    await ensure(settings)
    results = _results(settings)
    async with (
        _producer(settings) as producer,
        _listener(settings, results, producer, patience_s=0.5) as listener,
    ):
        await producer.send_and_wait(names(namespace).progress, _told(1, 40))
        await until(lambda: listener._applied[1] == 40, what=lambda: str(listener._applied))
        with pytest.raises(ReplayError, match="stormfold run") as raised:
            await listener.until(50)
    assert "incident.deltas-0 has told nothing" in str(raised.value)
    assert "incident.deltas-1 10 s before the end" in str(raised.value)


async def _replay(settings: Settings, file: Path) -> None:
    results = _results(settings)
    lines = Lines("replay", Recording([file]), results, io.StringIO())
    await replay_kafka.replay(lines, settings, results, Options(files=(file,), via=Via.KAFKA))


async def test_missing_topics_are_refused_before_anything_is_written(
    tmp_path: Path, kafka: Broker, namespace: str
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    with pytest.raises(WrongUse, match="stormfold topics"):
        await _replay(settings, _recording(tmp_path))


async def test_a_namespace_that_is_past_the_recording_is_refused(
    tmp_path: Path, kafka: Broker, namespace: str
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    await ensure(settings)
    progress = Progress(
        installation=f"{namespace}:data",
        partitions=PARTITIONS,
        sources=(),
        applied_tick=tick_of(START_S * 1000) + 5,
    )
    async with _producer(settings) as producer:
        await producer.send_and_wait(
            names(namespace).incidents,
            codec.encode(progress),
            key=PROGRESS_KEY.encode(),
            partition=1,
        )
    with pytest.raises(WrongUse, match="fresh namespace"):
        await _replay(settings, _recording(tmp_path))
    assert not any((await _all(settings, names(namespace).events)).values())
