"""A flush beside the fold: what is sent first, what is committed when, what a failure does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import RecordListTooLargeError, RequestTimedOutError

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.types import DeltaBatch
from streams import codec
from streams.agents.flushing import Flushing
from streams.agents.lanes import Lane
from streams.processes import Place
from streams.stage.host import Host
from streams.stage.source import TIMER

TARGETS = 2
ONE = TopicPartition("sentry.events", 0)
OTHER = TopicPartition("sentry.events", 1)


class Watched(Host):
    """Notes what its parent is told."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place | None] = []

    def working(self, place: Place | None) -> None:
        self.places.append(place)


class Kafka:
    """Takes what is sent when it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, tuple[DeltaBatch, ...], asyncio.Future[None]]] = []
        self.committed: dict[TopicPartition, int] = {}
        host = Watched()
        self.places = host.places
        self.flushing = Flushing(
            host, TARGETS, send=self.send, commit=self.commit, count=lambda lane, part: None
        )

    async def send(self, target: int, value: bytes) -> Awaitable[Any]:
        taken = asyncio.get_running_loop().create_future()
        self.sent.append((target, codec.batches(value), taken))
        return taken

    async def commit(self, found: Mapping[TopicPartition, tuple[Lane, int, int]]) -> bool:
        for tp, (lane, offset, _) in found.items():
            self.committed[tp] = lane.committed = offset
        return True

    async def comes_to(self, messages: int) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(self.sent) == messages

    def take(self) -> None:
        for _, _, taken in self.sent:
            if not taken.done():
                taken.set_result(None)


def lane(offset: int, watermark_ms: int) -> Lane:
    made = Lane(Fingerprinter(Fingerprinting()), 0, 0)
    made.offset, made.watermark_ms = offset, watermark_ms
    return made


async def test_it_commits_all_partitions_once_kafka_has_everything_and_nothing_before() -> None:
    kafka = Kafka()
    lanes = {ONE: lane(5, 3_000), OTHER: lane(7, 4_000)}
    await kafka.flushing.begin(lanes.items())
    await kafka.comes_to(TARGETS)
    for _, batches, _ in kafka.sent:
        assert [(one.partition, one.watermark_ms) for one in batches] == [(0, 3_000), (1, 4_000)]
    assert kafka.flushing.busy
    assert (kafka.committed, lanes[ONE].told_ms) == ({}, -1)
    kafka.sent[0][2].set_result(None)
    await kafka.comes_to(TARGETS)
    assert kafka.committed == {}
    kafka.take()
    await kafka.flushing.settle()
    assert kafka.committed == {ONE: 5, OTHER: 7}
    assert (lanes[ONE].told_ms, lanes[OTHER].told_ms) == (3_000, 4_000)


async def test_the_next_begins_after_it_and_tells_no_time_of_the_same_tick_again() -> None:
    kafka = Kafka()
    mine = lane(5, 3_000)
    await kafka.flushing.begin([(ONE, mine)])
    await kafka.comes_to(TARGETS)
    mine.offset, mine.watermark_ms = 6, 3_500
    following = asyncio.create_task(kafka.flushing.begin([(ONE, mine)]))
    await kafka.comes_to(TARGETS)
    assert not following.done()
    kafka.take()
    await following
    await kafka.flushing.settle()
    assert len(kafka.sent) == TARGETS
    assert kafka.committed == {ONE: 6}


async def test_who_waits_may_be_cancelled_and_the_flush_goes_on() -> None:
    kafka = Kafka()
    await kafka.flushing.begin([(ONE, lane(5, 3_000))])
    waits = asyncio.create_task(kafka.flushing.settle())
    await kafka.comes_to(TARGETS)
    waits.cancel()
    await asyncio.wait([waits])
    kafka.take()
    await kafka.flushing.settle()
    assert kafka.committed == {ONE: 5}


async def test_while_kafka_is_waited_for_no_record_is_to_blame() -> None:
    """Else an outage of Kafka, under a storm, parks the partition that happens to be read."""
    kafka = Kafka()
    await kafka.flushing.begin([(ONE, lane(5, 3_000))])
    kafka.places.append(Place(ONE.topic, ONE.partition, 5))
    waits = asyncio.create_task(kafka.flushing.settle())
    await kafka.comes_to(TARGETS)
    assert kafka.places[-1] == TIMER
    kafka.take()
    await waits


async def test_what_fails_is_raised_to_the_timer_and_commits_nothing() -> None:
    kafka = Kafka()
    await kafka.flushing.begin([(ONE, lane(5, 3_000))])
    await kafka.comes_to(TARGETS)
    await kafka.flushing.look()
    kafka.sent[0][2].set_result(None)
    kafka.sent[1][2].set_exception(RequestTimedOutError())
    await kafka.comes_to(TARGETS)
    with pytest.raises(RequestTimedOutError):
        await kafka.flushing.look()
    assert (kafka.committed, kafka.places) == ({}, [TIMER])


async def test_a_record_that_the_quarantine_does_not_take_is_blamed_for_it() -> None:
    kafka = Kafka()
    mine = lane(5, 3_000)
    refused = asyncio.get_running_loop().create_future()
    refused.set_exception(RecordListTooLargeError())
    mine.quarantine.append(refused)
    await kafka.flushing.begin([(OTHER, lane(3, 3_000)), (ONE, mine)])
    await kafka.comes_to(TARGETS)
    kafka.take()
    with pytest.raises(RecordListTooLargeError):
        await kafka.flushing.settle()
    assert kafka.committed == {}
    assert kafka.places == [TIMER, Place(ONE.topic, ONE.partition, 0)]
