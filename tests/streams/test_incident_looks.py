"""DELIVER looks whether its pages became incidents: counted, warned about, again after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest
from structlog.testing import capture_logs

from correlators.types import Digest, DigestKind, PageAction
from sinks.base import Answer, Sink, Step
from sinks.incident_looks import AFTER_MS, Look
from sinks.pagerduty import PagerDutySink
from sinks.pagerduty_rest import PagerDutyRest
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from streams.agents.incident_looks import LookAgent
from streams.metrics import Metrics
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest

KEY = "k" * 32
TOKEN = "read-only-t0ken"
HERE = "pagerduty:default"
TRIGGER = msgspec.structs.replace(
    digest(HERE, page=PageAction.TRIGGER), page_told=("slack:incidents", "slack:pay")
)


class World:
    """An account with its REST API, and an agent that looks at it."""

    def __init__(self, pager: PagerDutyPeer, rest: PagerDutyRestPeer) -> None:
        self.pager, self.rest = pager, rest
        looks = PagerDutyRest(token=TOKEN, api_url=rest.base_url)
        self.sink = PagerDutySink(routing_keys={"default": KEY}, rest=looks, base_url=pager.origin)
        self.sinks: Mapping[str, Sink] = {"pagerduty": self.sink}
        self.answered = asyncio.Event()
        self.metrics = Metrics()
        self.told: list[Digest] = []
        self.agent = LookAgent(self.metrics, wake=self.answered.set)

    async def page(self, now_ms: int) -> None:
        """Page, as DELIVER does."""
        one = attempt(Step.TRIGGER, TRIGGER)
        outcome = await self.sink.send(one)
        answer = Answer(key=one.key, number=one.number, outcome=outcome)
        self.agent.answered(one, answer, self.sink, now_ms)

    async def look(self, now_ms: int) -> None:
        """Have what is due by now looked for, and take in what was found."""
        self.told += self.agent.turn(self.sinks, now_ms)
        await asyncio.wait_for(self.answered.wait(), 20)
        self.answered.clear()
        self.told += self.agent.turn(self.sinks, now_ms)

    def count(self, look: Look) -> float | None:
        name = "stormfold_pages_looked_for_total"
        labels = {"destination": HERE, "outcome": look.value}
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with (
        PagerDutyPeer(routing_keys=[KEY]) as pager,
        PagerDutyRestPeer(pager, token=TOKEN) as rest,
    ):
        made = World(pager, rest)
        yield made
        await made.agent.stop()
        await made.sink.close()


async def test_a_page_that_becomes_an_incident_is_counted_and_not_warned_of(world: World) -> None:
    world.agent.know(world.sinks)
    assert [world.count(look) for look in Look] == [0.0] * len(Look)
    await world.page(0)
    with capture_logs() as logs:
        await world.look(AFTER_MS[0])
    assert world.count(Look.INCIDENT) == 1.0
    assert (logs, world.told) == ([], [])
    assert [one.outcome for one in world.rest.calls] == ["ok"]


async def test_a_page_that_becomes_none_is_counted_with_what_to_look_at(world: World) -> None:
    world.pager.suppress()
    await world.page(0)
    with capture_logs() as logs:
        for after_ms in AFTER_MS:
            assert world.count(Look.NO_INCIDENT) is None
            await world.look(after_ms)
    assert world.count(Look.NO_INCIDENT) == 1.0
    (line,) = logs
    assert (line["log_level"], line["event"]) == ("warning", "a page is no incident")
    assert (line["destination"], line["dedup_key"]) == (HERE, "stormfold-inc-1")
    assert line["id"] == TRIGGER.id
    for word in ("event rules", "disabled", "maintenance"):
        assert word in line["look_at"]
    assert [one.destination for one in world.told] == ["slack:incidents", "slack:pay"]
    for one in world.told:
        assert (one.kind, one.page) == (DigestKind.PAGE_TROUBLE, PageAction.NONE)
        assert one.notice == (
            "The page to pagerduty:default was taken, but no incident came of it: it may have "
            "woken nobody"
        )
    assert TOKEN not in str(line)
    assert KEY not in str(line)


async def test_a_new_owner_looks_again_for_what_is_open(world: World) -> None:
    driver = Driver(world.sink)
    await driver.run(TRIGGER)
    driver.restart()
    world.agent.restored(driver.outbox.entries().values(), world.sinks, 0)
    await world.look(AFTER_MS[0])
    assert world.count(Look.INCIDENT) == 1.0


async def test_what_was_looked_for_when_it_stopped_is_looked_for_again(world: World) -> None:
    await world.page(0)
    world.agent.turn(world.sinks, AFTER_MS[0])
    await world.agent.stop()
    world.agent.turn(world.sinks, AFTER_MS[0])
    world.answered.clear()
    await world.look(AFTER_MS[1])
    assert world.count(Look.INCIDENT) == 1.0


async def test_a_destination_that_is_gone_is_no_missing_incident(world: World) -> None:
    await world.page(0)
    world.sinks = {}
    for after_ms in AFTER_MS:
        await world.look(after_ms)
    assert (world.count(Look.CANNOT_TELL), world.count(Look.NO_INCIDENT)) == (1.0, None)
