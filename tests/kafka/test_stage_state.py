"""State on a compacted topic: what was committed comes back, and only its owner writes it."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from streams.broker import Broker
from streams.stage import Host
from streams.stage.state import FencedWriter, restore


async def topic(kafka: Broker, name: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1)])
    finally:
        await admin.close()
    return name


def writer(kafka: Broker, name: str) -> FencedWriter:
    return FencedWriter(
        Host(),
        bootstrap=kafka.bootstrap,
        transactional_id=name,
        max_request_bytes=1_048_576,
    )


async def write(owner: FencedWriter, name: str, value: bytes) -> None:
    async with owner.transaction() as transaction:
        await transaction.send(name, partition=0, key=b"a", value=value)


async def write_and_fail(owner: FencedWriter, name: str) -> None:
    async with owner.transaction() as transaction:
        await transaction.send(name, partition=1, key=b"c", value=b"never")
        raise ZeroDivisionError


async def test_a_restore_gives_the_newest_committed_value_of_every_key(
    kafka: Broker, namespace: str
) -> None:
    name = await topic(kafka, f"{namespace}.state")
    owner = writer(kafka, name)
    await owner.start()
    async with owner.transaction() as transaction:
        for key, value in (("a", b"1"), ("b", b"1"), ("c", b"1")):
            await transaction.send(name, partition=1, key=key.encode(), value=value)
    async with owner.transaction() as transaction:
        await transaction.send(name, partition=1, key=b"a", value=b"2")
        await transaction.send(name, partition=1, key=b"b", value=None)
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(owner, name)
    await owner.stop()
    assert await restore(kafka.bootstrap, name, 1) == {"a": b"2", "c": b"1"}
    assert await restore(kafka.bootstrap, name, 0) == {}


async def test_a_former_owner_is_fenced_by_the_next(kafka: Broker, namespace: str) -> None:
    name = await topic(kafka, f"{namespace}.state")
    zombie, owner = writer(kafka, name), writer(kafka, name)
    await zombie.start()
    await write(zombie, name, b"of the first owner")
    await owner.start()
    with pytest.raises(KafkaError):
        await write(zombie, name, b"of a zombie")
    async with owner.transaction() as transaction:
        await transaction.send(name, partition=0, key=b"b", value=b"of the next")
    assert await restore(kafka.bootstrap, name, 0) == {
        "a": b"of the first owner",
        "b": b"of the next",
    }
    await zombie.stop()
    await owner.stop()
