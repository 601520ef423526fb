"""A page that was taken and became no incident is found, told, and never waited for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import PageAction
from sinks.base import CannotTell, Delivered, Found, NotFound, Receipt, Retry, RetryReason, Step
from sinks.incident_looks import (
    AFTER_MS,
    AT_ONCE,
    EVERY_MS,
    UNSAID_MS,
    IncidentLooks,
    Look,
    Looked,
    Page,
    looking,
    open_pages,
    opened,
)
from sinks.pagerduty import PagerDutySink
from sinks.pagerduty_rest import PagerDutyRest
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.pagerduty_store import Fate
from sinks.peers.serve import Fault
from tests.sinks.conftest import KEY
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest

HERE = "pagerduty:default"
TOKEN = "read-only-t0ken"
TRIGGER = digest(HERE, page=PageAction.TRIGGER)
RESOLVE = digest(
    HERE, page=PageAction.RESOLVE, revision=2, resolved=True, at_ms=TRIGGER.at_ms + 60_000
)
ONE = Page(HERE, "stormfold-inc-1")
HOUR_MS = 3_600_000
THERE: Found = Delivered(Receipt(id="Q1"))


def looked_for(looks: IncidentLooks, found: Found, until_ms: int = HOUR_MS) -> list[int]:
    """Return when pages were looked for, each answered in this way."""
    times = []
    for now_ms in range(0, until_ms, 100):
        for page in looks.due(now_ms):
            times.append(now_ms)
            looks.heard(page, found, now_ms)
    return times


def test_a_page_is_looked_for_until_its_incident_is_there() -> None:
    looks = IncidentLooks()
    looks.taken(ONE, 0)
    assert looked_for(looks, NotFound(), AFTER_MS[0] + 100) == [AFTER_MS[0]]
    assert looks.take() == []
    assert looked_for(looks, THERE) == [AFTER_MS[1]]
    assert looks.take() == [Looked(HERE, ONE.key, Look.INCIDENT)]
    assert len(looks) == 0


def test_one_that_is_never_there_is_told_once() -> None:
    looks = IncidentLooks()
    looks.taken(ONE, 0)
    looks.taken(ONE, 5_000)  # its trigger was sent again
    assert looked_for(looks, NotFound()) == list(AFTER_MS)
    assert looks.take() == [Looked(HERE, ONE.key, Look.NO_INCIDENT)]
    assert looks.take() == []


def test_where_nobody_can_look_that_is_told_and_the_rest_waits_a_while() -> None:
    looks = IncidentLooks()
    for at in range(5):
        looks.taken(Page(HERE, f"k{at}"), 0)
    times = looked_for(looks, CannotTell("status 401", 30_000))
    assert min(after - before for before, after in pairwise(times)) >= 30_000
    told = looks.take()
    assert {(one.look, one.reason) for one in told} == {(Look.CANNOT_TELL, "status 401")}
    assert len(told) == 5
    assert UNSAID_MS < 30_000


@given(st.lists(st.tuples(st.integers(0, 60_000), st.sampled_from("abc")), max_size=40))
def test_every_page_ends_in_one_word_and_look_ups_keep_their_pace(
    taken: list[tuple[int, str]],
) -> None:
    looks = IncidentLooks(pages_most=12)
    answers: dict[str, Found] = {"a": THERE, "b": NotFound(), "c": CannotTell("x")}
    running: list[tuple[Page, int]] = []
    times: list[int] = []
    told: Counter[str] = Counter()
    waiting = sorted((at_ms, f"{kind}{number}") for number, (at_ms, kind) in enumerate(taken))
    for now_ms in range(0, 900_000, 500):
        while waiting and waiting[0][0] <= now_ms:
            looks.taken(Page(HERE, waiting.pop(0)[1]), now_ms)
        for page, begun_ms in list(running):
            if now_ms - begun_ms >= 1_500:
                running.remove((page, begun_ms))
                looks.heard(page, answers[page.key[0]], now_ms)
        for page in looks.due(now_ms):
            running.append((page, now_ms))
            times.append(now_ms)
        assert len(running) <= AT_ONCE
        told.update(one.key for one in looks.take())
    assert sorted(told) == sorted(f"{kind}{number}" for number, (_, kind) in enumerate(taken))
    assert set(told.values()) <= {1}
    assert len(looks) == 0
    assert all(b - a >= EVERY_MS for a, b in pairwise(times))


def test_over_its_bound_a_page_is_left_out_by_name() -> None:
    looks = IncidentLooks(pages_most=1)
    looks.taken(ONE, 0)
    looks.taken(Page(HERE, "other"), 0)
    assert looks.take() == [Looked(HERE, "other", Look.LEFT_OUT)]


def test_only_a_trigger_that_was_taken_is_looked_for() -> None:
    taken = Delivered(Receipt(id=ONE.key))
    assert opened(attempt(Step.TRIGGER, TRIGGER), taken) == ONE
    assert opened(attempt(Step.RESOLVE, RESOLVE), taken) is None
    assert opened(attempt(Step.TRIGGER, TRIGGER), Retry(RetryReason.NOT_CONNECTED)) is None


# ---------------------------------------------------------------- with a local PagerDuty


@pytest.fixture
async def rest(pagerduty: PagerDutyPeer) -> AsyncIterator[PagerDutyRestPeer]:
    async with PagerDutyRestPeer(pagerduty, token=TOKEN) as peer:
        yield peer


@pytest.fixture
async def sink(pagerduty: PagerDutyPeer, rest: PagerDutyRestPeer) -> AsyncIterator[PagerDutySink]:
    made = PagerDutySink(
        routing_keys={"default": KEY},
        changes=("default",),
        rest=PagerDutyRest(token=TOKEN, api_url=rest.base_url),
        base_url=pagerduty.base_url,
    )
    yield made
    await made.close()


async def test_a_page_that_became_an_incident_is_found_also_when_it_is_over(
    sink: PagerDutySink,
) -> None:
    driver = Driver(sink)
    assert await sink.look(ONE) == NotFound()
    await driver.run(TRIGGER)
    assert isinstance(await sink.look(ONE), Delivered)
    await driver.run(RESOLVE)
    assert isinstance(await sink.look(ONE), Delivered)


@pytest.mark.parametrize("fate", [Fate.SUPPRESSED, Fate.DROPPED])
async def test_202_is_not_an_incident(
    sink: PagerDutySink, pagerduty: PagerDutyPeer, fate: Fate
) -> None:
    pagerduty.suppress(fate)
    driver = Driver(sink)
    await driver.run(TRIGGER)
    assert driver.dead == []  # PagerDuty took it
    assert await sink.look(ONE) == NotFound()


async def test_a_new_owner_looks_for_every_page_that_is_open(sink: PagerDutySink) -> None:
    driver = Driver(sink)
    other = msgspec.structs.replace(TRIGGER, id="inc-2", page_key="inc-2")
    await driver.run(TRIGGER, other)
    await driver.run(RESOLVE)
    driver.restart()
    assert open_pages(driver.outbox.entries().values()) == [Page(HERE, "stormfold-inc-2")]


async def test_what_cannot_be_looked_up_is_no_missing_incident(
    sink: PagerDutySink, rest: PagerDutyRestPeer, pagerduty: PagerDutyPeer
) -> None:
    rest.fail_next("incidents", Fault.ERROR_500, Fault.DROP_BEFORE)
    assert await sink.look(ONE) == CannotTell("status 500")
    assert await sink.look(ONE) == CannotTell("connection_lost")
    async with PagerDutyRestPeer(pagerduty, token="another") as strict:
        wrong = PagerDutyRest(token=TOKEN, api_url=strict.base_url)
        assert await wrong.find(ONE.key) == CannotTell("status 401")
        assert TOKEN not in repr(wrong) + repr(strict.calls)
        await wrong.close()
    async with PagerDutyRestPeer(pagerduty, token=TOKEN, calls_per_minute=1) as slow:
        limited = PagerDutyRest(token=TOKEN, api_url=slow.base_url)
        await limited.find(ONE.key)
        answer = await limited.find(ONE.key)
        assert isinstance(answer, CannotTell)
        assert answer.reason == "rate_limited"
        assert 50_000 <= answer.after_ms <= 61_000
        await limited.close()


def test_without_a_token_nobody_looks_and_never_at_deploys(sink: PagerDutySink) -> None:
    assert looking(sink, HERE) is sink
    assert looking(sink, f"{HERE}/changes") is None
    assert looking(PagerDutySink(routing_keys={"default": KEY}), HERE) is None
    assert looking(None, HERE) is None
