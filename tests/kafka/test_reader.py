"""A consumer that reads through librdkafka, on a real Kafka: nothing twice, nothing left out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from confluent_kafka import Consumer

from streams.broker import Broker
from streams.stage.reader import Reader, Record
from tests.kafka.chain import PATIENCE_S

PARTITIONS = 3
EACH = 400
"""Records of a partition."""


class Group(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka tells no types
    """Does with partitions what a stage does: pauses them first, and reads them when it is told."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        pass

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        for tp in assigned:
            self.reader.pause(tp)


@asynccontextmanager
async def reader(bootstrap: str, topic: str, **settings: int) -> AsyncIterator[Reader]:
    """Give a reader of a group of its own."""
    made = Reader(
        bootstrap_servers=bootstrap,
        group_id=f"{topic}.readers",
        client_id="test",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_uncommitted",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
        rebalance_timeout_ms=6_000,
        metadata_max_age_ms=30_000,
        fetch_max_wait_ms=250,
        **{"max_partition_fetch_bytes": 65_536, "fetch_max_bytes": 65_536} | settings,
    )
    made.subscribe([topic], listener=Group(made))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def topic(kafka: Broker, namespace: str) -> str:
    """A topic with `EACH` records in each partition, numbered."""
    name = f"{namespace}.read"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    finally:
        await admin.close()
    await write(kafka, name, range(EACH))
    return name


async def write(kafka: Broker, topic: str, numbers: range, transaction: str = "") -> None:
    """Write these numbers into each partition; in a transaction, with its marks behind them."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap,
        compression_type="lz4",
        linger_ms=5,
        transactional_id=transaction or None,
    )
    async with producer:
        if transaction:
            await producer.begin_transaction()
        for number in numbers:
            for partition in range(PARTITIONS):
                await producer.send(
                    topic,
                    value=str(number).encode() * 50,
                    key=None if number % 2 else b"key",
                    headers=[("number", str(number).encode()), ("none", None)],
                    partition=partition,
                )
        if transaction:
            await producer.commit_transaction()


async def owned(made: Reader, count: int) -> list[TopicPartition]:
    """Return the partitions once it has so many."""
    deadline = time.monotonic() + PATIENCE_S
    while len(made.assignment()) != count:
        await made.getmany(timeout_ms=10)
        assert time.monotonic() < deadline, made.assignment()
    return sorted(made.assignment())


async def reading(made: Reader, offset: int) -> list[TopicPartition]:
    """Return all partitions, each read from this offset."""
    tps = await owned(made, PARTITIONS)
    for tp in tps:
        made.seek(tp, offset)
    made.resume(*tps)
    return tps


async def take(
    made: Reader, until: Callable[[dict[TopicPartition, list[Record]]], bool]
) -> dict[TopicPartition, list[Record]]:
    """Return what is read until this is so."""
    deadline = time.monotonic() + PATIENCE_S
    found: dict[TopicPartition, list[Record]] = {}
    while not until(found):
        for tp, records in (await made.getmany(timeout_ms=50, max_records=64)).items():
            found.setdefault(tp, []).extend(records)
        assert time.monotonic() < deadline, {tp: len(records) for tp, records in found.items()}
    return found


async def stands(made: Reader, tp: TopicPartition, offset: int) -> None:
    """Return once all before this offset is handed out."""
    await take(made, lambda _: made._places[tp] == offset)


def numbers(records: list[Record]) -> list[int]:
    return [int(dict(one.headers)["number"] or b"") for one in records]


async def test_every_record_of_every_partition_comes_once_in_order_as_it_was_written(
    kafka: Broker, topic: str
) -> None:
    began_ms = time.time_ns() // 1_000_000
    async with reader(kafka.bootstrap, topic) as made:
        tps = await reading(made, 0)
        found = await take(made, lambda found: sum(map(len, found.values())) == PARTITIONS * EACH)
        for tp in tps:
            assert numbers(found[tp]) == list(range(EACH))
            assert [one.offset for one in found[tp]] == list(range(EACH))
            assert (await made.position(tp), made.highwater(tp)) == (EACH, EACH)
        one, two = found[tps[1]][:2]
        assert (one.topic, one.partition, one.key, two.key) == (topic, 1, b"key", None)
        assert (one.value, one.headers) == (b"0" * 50, [("number", b"0"), ("none", None)])
        assert abs(one.timestamp - began_ms) < 60_000
        assert one.timestamp_type == 0
        await write(kafka, topic, range(EACH, EACH + 1))
        later = await take(made, lambda found: len(found) == PARTITIONS)
        assert [numbers(later[tp]) for tp in tps] == [[EACH]] * PARTITIONS


async def test_a_partition_that_is_paused_is_read_on_from_where_it_stood(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        tps = await reading(made, 0)
        one = tps[0]
        first = await take(made, lambda found: len(found.get(one, ())) > 20)
        made.pause(one)
        others = await take(
            made, lambda found: all(made._places[tp] == EACH for tp in tps if tp != one)
        )
        assert one not in others
        made.resume(one)
        last = await take(made, lambda found: made._places[one] == EACH)
        assert numbers(first[one] + last[one]) == list(range(EACH))


async def test_a_partition_that_is_sought_is_read_from_there_whatever_was_fetched(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        tps = await reading(made, 0)
        for again in range(0, 300, 7):
            for tp in tps:
                made.seek(tp, again)
            found = await take(made, lambda found: len(found) == PARTITIONS)
            for tp in tps:
                given = numbers(found[tp])
                assert given == list(range(again, again + len(given)))


async def test_one_that_is_sought_while_a_record_is_waited_for_gets_none_of_before(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        tps = await owned(made, PARTITIONS)
        one = tps[0]
        made.seek(one, EACH)
        made.resume(one)
        for turn in range(20):
            await stands(made, one, EACH + turn)
            waits = asyncio.create_task(made.getmany(timeout_ms=5_000, max_records=64))
            await asyncio.sleep(0)
            writes = asyncio.create_task(write(kafka, topic, range(EACH + turn, EACH + turn + 1)))
            for _ in range(turn):
                await asyncio.sleep(0)
            made.seek(one, turn)
            found = (await waits).get(one, []) or (await take(made, lambda found: one in found))[
                one
            ]
            assert numbers(found)[0] == turn
            await writes
            made.seek(one, EACH + turn)


async def test_marks_of_transactions_at_the_end_are_no_lag(kafka: Broker, topic: str) -> None:
    await write(kafka, topic, range(EACH, EACH + 3), f"{topic}.transaction")
    async with reader(kafka.bootstrap, topic) as made:
        tps = await reading(made, EACH)
        found = await take(made, lambda _: all(made._reached.get(tp) == EACH + 4 for tp in tps))
        for tp in tps:
            assert numbers(found[tp]) == [EACH, EACH + 1, EACH + 2]
            assert made.highwater(tp) == await made.position(tp) == EACH + 4


async def test_partitions_that_go_to_another_are_read_by_it_alone(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as former:
        await reading(former, 0)
        await take(former, lambda found: len(found) == PARTITIONS)
        async with reader(kafka.bootstrap, topic) as other:
            deadline = time.monotonic() + PATIENCE_S
            while len(former.assignment()) + len(other.assignment()) != PARTITIONS or not (
                former.assignment() and other.assignment()
            ):
                await asyncio.gather(former.getmany(timeout_ms=10), other.getmany(timeout_ms=10))
                assert time.monotonic() < deadline
            assert await former.getmany(timeout_ms=300) == {}, (
                "what it kept is paused, the rest not its own"
            )
            mine = sorted(other.assignment())
            for tp in mine:
                other.seek(tp, 0)
            other.resume(*mine)
            found = await take(other, lambda _: all(other._places[tp] == EACH for tp in mine))
            assert all(numbers(found[tp]) == list(range(EACH)) for tp in mine)


async def test_a_partition_whose_begin_was_deleted_is_read_from_what_is_kept(
    kafka: Broker, topic: str
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=150)})
    finally:
        await admin.close()
    async with reader(kafka.bootstrap, topic) as made:
        tps = await owned(made, PARTITIONS)
        made.seek(tps[0], 0)
        made.resume(tps[0])
        found = await take(made, lambda _: made._places[tps[0]] == EACH)
        assert numbers(found[tps[0]]) == list(range(150, EACH))


async def test_a_topic_that_is_made_anew_is_read_from_its_begin(kafka: Broker, topic: str) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        tps = await reading(made, 0)
        await take(made, lambda _: all(made._places[tp] == EACH for tp in tps))
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([topic])
            deadline = time.monotonic() + PATIENCE_S
            while topic in await admin.list_topics():
                assert time.monotonic() < deadline
            await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        finally:
            await admin.close()
        await write(kafka, topic, range(10))
        found = await take(made, lambda found: sum(map(len, found.values())) == PARTITIONS * 10)
        for tp in tps:
            assert numbers(found[tp]) == list(range(10))
            assert made.highwater(tp) == await made.position(tp) == 10


async def test_one_that_is_read_from_behind_its_end_is_read_from_its_begin(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        one = (await owned(made, PARTITIONS))[0]
        made.seek(one, EACH + 100)
        made.resume(one)
        found = await take(made, lambda found: len(found.get(one, ())) >= EACH)
        assert numbers(found[one]) == list(range(EACH))


async def test_one_whose_place_is_doubted_and_stands_is_read_on_from_there(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        one = (await owned(made, PARTITIONS))[0]
        made.seek(one, 0)
        made.resume(one)
        first = await take(made, lambda found: len(found.get(one, ())) > 20)
        made._lost.add(one)  # what librdkafka tells where it knows no epoch of a leader any more
        last = await take(made, lambda _: made._places[one] == EACH)
        assert numbers(first[one] + last[one]) == list(range(EACH))
        assert not made._lost


async def test_who_waits_for_a_record_while_it_is_stopped_gets_none(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        tps = await owned(made, PARTITIONS)
        made.seek(tps[0], EACH)
        made.resume(tps[0])
        await stands(made, tps[0], EACH)
        waits = asyncio.create_task(made.getmany(timeout_ms=500, max_records=64))
        await asyncio.sleep(0)
        await made.stop()
        assert await waits == {}
        assert await made.getmany(timeout_ms=500) == {}


async def test_who_waits_may_be_cancelled_and_the_record_comes_to_the_next(
    kafka: Broker, topic: str
) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        tps = await owned(made, PARTITIONS)
        made.seek(tps[0], EACH)
        made.resume(tps[0])
        for number in range(EACH, EACH + 5):
            await stands(made, tps[0], number)
            waits = asyncio.create_task(made.getmany(timeout_ms=5_000, max_records=64))
            await asyncio.sleep(0)
            waits.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits
            await write(kafka, topic, range(number, number + 1))
            found = await take(made, lambda found: bool(found))
            assert numbers(found[tps[0]]) == [number]


class Asked(Consumer):
    """Notes what the client is asked for, and whether in the thread of the tests."""

    asked: list[tuple[str, bool]]

    def note(self, name: str) -> None:
        here = threading.current_thread() is threading.main_thread()
        self.__dict__.setdefault("asked", []).append((name, here))

    def list_topics(self, *arguments: Any, **more: Any) -> Any:
        self.note("who leads")
        return super().list_topics(*arguments, **more)

    def incremental_assign(self, *arguments: Any) -> None:
        self.note("read")
        super().incremental_assign(*arguments)

    def get_watermark_offsets(self, *arguments: Any, **more: Any) -> Any:
        self.note("ends")
        return super().get_watermark_offsets(*arguments, **more)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have readers made whose client is an `Asked`."""
    monkeypatch.setattr("streams.stage.reader.Consumer", Asked)


async def test_who_leads_is_known_before_a_partition_is_read(
    kafka: Broker, topic: str, client: None
) -> None:
    """The client would find out once a second, and read nothing before that."""
    async with reader(kafka.bootstrap, topic) as made:
        await reading(made, 0)
        assert isinstance(made._librdkafka, Asked)
        assert [name for name, _ in made._librdkafka.asked if name != "ends"] == [
            "who leads",
            "read",
        ]


async def test_while_a_record_is_waited_for_the_event_loop_asks_the_client_nothing(
    kafka: Broker, topic: str, client: None
) -> None:
    """It answers one at a time: the loop would stand still as long as that one waits."""
    async with reader(kafka.bootstrap, topic) as made:
        tps = await reading(made, EACH)
        await take(made, lambda _: all(made._reached.get(tp) == EACH for tp in tps))
        await write(kafka, topic, range(EACH, EACH + 1))
        await take(made, lambda _: all(made._places[tp] == EACH + 1 for tp in tps))
        assert isinstance(made._librdkafka, Asked)
        made._librdkafka.asked.clear()
        waits = asyncio.create_task(made.getmany(timeout_ms=500, max_records=64))
        await asyncio.sleep(0)
        ends = []
        while not waits.done():
            ends += [made.highwater(tp) for tp in tps]
            await asyncio.sleep(0.01)
        assert await waits == {}
        assert ends[-3:] == [EACH + 1] * 3
        assert ("ends", False) in made._librdkafka.asked
        assert all(name == "ends" and not here for name, here in made._librdkafka.asked)


async def test_a_topic_that_is_gone_is_waited_for(kafka: Broker, topic: str) -> None:
    async with reader(kafka.bootstrap, topic) as made:
        tps = await owned(made, PARTITIONS)
        made.seek(tps[0], EACH)
        made.resume(tps[0])
        await take(made, lambda _: made.highwater(tps[0]) == EACH)
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([topic])
        finally:
            await admin.close()
        for _ in range(10):
            assert await made.getmany(timeout_ms=100) == {}
