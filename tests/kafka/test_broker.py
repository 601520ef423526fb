"""The development broker does what every other Kafka test builds on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.broker import Broker, JvmBroker, own_broker
from tests.kafka.chain import PATIENCE_S

OWNER = """
import signal
from streams.broker import own_broker
with own_broker(say=lambda line: None) as broker:
    print(broker.pid, broker.folder, flush=True)
    signal.pause()
"""


async def test_a_group_reads_what_was_written(kafka: Broker, namespace: str) -> None:
    topic = await _topic(kafka, f"{namespace}.plain", partitions=3)
    await _send(kafka, topic, [b"%d" % n for n in range(30)])
    assert sorted(await _read(kafka, topic, 30)) == sorted(b"%d" % n for n in range(30))


async def test_a_transaction_is_seen_whole_or_not_at_all(kafka: Broker, namespace: str) -> None:
    topic = await _topic(kafka, f"{namespace}.tx")
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"{namespace}.owner.0"
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"kept 1")
            await producer.send_and_wait(topic, b"kept 2")
    finally:
        await producer.stop()
    assert await _read(kafka, topic, 2) == [b"kept 1", b"kept 2"]


async def test_a_record_of_6_mib_is_taken(kafka: Broker, namespace: str) -> None:
    limit = 7 * 1024 * 1024
    topic = await _topic(kafka, f"{namespace}.large", config={"max.message.bytes": str(limit)})
    body = os.urandom(6 * 1024 * 1024)
    await _send(kafka, topic, [body], max_request_size=limit)
    assert await _read(kafka, topic, 1) == [body]


async def test_data_survives_a_kill_and_a_new_broker_has_none(
    own_kafka: JvmBroker, namespace: str
) -> None:
    topic = await _topic(own_kafka, f"{namespace}.kept")
    await _send(own_kafka, topic, [b"before"])
    own_kafka.kill()
    assert not own_kafka.running
    await asyncio.to_thread(own_kafka.restart)
    assert await _read(own_kafka, topic, 1) == [b"before"]
    assert topic in await _topics(own_kafka)
    with own_broker(say=print) as other:
        assert topic not in await _topics(other)
        assert other.folder != own_kafka.folder
        assert other.bootstrap != own_kafka.bootstrap


@pytest.mark.usefixtures("jvm")
def test_broker_and_folder_are_gone_after_the_context() -> None:
    with own_broker(say=print) as broker:
        pid, folder = broker.pid, broker.folder
        assert pid is not None
        assert _alive(pid)
        assert folder.is_dir()
    assert not _alive(pid)
    assert not folder.exists()


@pytest.mark.usefixtures("jvm")
def test_broker_and_folder_go_when_their_owner_is_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    try:
        pid, folder = owner.stdout.readline().split()
        assert _alive(int(pid))
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
    _wait_for(lambda: not _alive(int(pid)) and not Path(folder).exists())


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _wait_for(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never came"
        time.sleep(0.05)


async def _topic(
    kafka: Broker, name: str, *, partitions: int = 1, config: dict[str, str] | None = None
) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        topic = NewTopic(name, partitions, replication_factor=1, topic_configs=config)
        await admin.create_topics([topic])
    finally:
        await admin.close()
    return name


async def _topics(kafka: Broker) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        return list(await admin.list_topics())
    finally:
        await admin.close()


async def _send(kafka: Broker, topic: str, values: list[bytes], **options: Any) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", **options)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _read(kafka: Broker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap,
        group_id=f"{topic}.readers",
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()
