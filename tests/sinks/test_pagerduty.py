"""The PagerDuty sink against a local Events API on a real socket."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from correlators.types import PageAction
from sinks.base import (
    Answer,
    Delivered,
    Outcome,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.entries import DeadReason, DropReason
from sinks.outbox import Outbox
from sinks.pagerduty import PagerDutySink
from sinks.pagerduty_event import dedup_key
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Fault
from sinks.targets import targets
from tests.sinks.conftest import KEY
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest

HERE = "pagerduty:default"
TRIGGER = digest(HERE, page=PageAction.TRIGGER)
RESOLVE = digest(
    HERE, page=PageAction.RESOLVE, revision=2, resolved=True, at_ms=TRIGGER.at_ms + 60_000
)


async def test_an_outage_is_one_page_that_is_resolved_when_it_is_over(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    driver = Driver(pagerduty_sink)
    await driver.run(TRIGGER)
    (page,) = pagerduty.pages
    assert (page.dedup_key, page.severity) == ("stormfold-inc-1", "critical")
    assert page.summary.startswith("payment +1 · ConnectionRefusedError: payment-db refuse… · 97")
    await driver.run(RESOLVE)
    assert pagerduty.open_alerts() == []
    assert len(pagerduty.pages) == 1


async def test_keys_that_do_not_answer_delay_no_page_of_another() -> None:
    keys = {f"k{number}": f"{number:032}" for number in range(4)}
    async with PagerDutyPeer(routing_keys=list(keys.values())) as peer:
        for name in ("k0", "k1", "k2"):
            peer.fail(Fault.SLOW_BEFORE, method="enqueue", destination=keys[name])
        sink = PagerDutySink(routing_keys=keys, base_url=peer.base_url)

        def paged(name: str) -> asyncio.Task[Outcome]:
            page = digest(f"pagerduty:{name}", page=PageAction.TRIGGER)
            return asyncio.create_task(sink.send(attempt(Step.TRIGGER, page)))

        hanging = [paged(name) for name in ("k0", "k1", "k2") for _ in range(4)]
        await peer.until(lambda: len(peer.troubled) == len(hanging))
        page = paged("k3")
        done, _ = await asyncio.wait({page, *hanging}, return_when=asyncio.FIRST_COMPLETED)
        assert done == {page}
        assert isinstance(page.result(), Delivered)
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        await sink.close()


async def test_a_trigger_whose_answer_is_lost_is_repeated_and_pages_once(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    pagerduty.fail_next("enqueue", Fault.DROP_AFTER, Fault.ERROR_500)
    await Driver(pagerduty_sink).run(TRIGGER)
    (page,) = pagerduty.pages
    assert page.triggers == 2


async def test_what_is_over_before_it_was_sent_pages_nobody(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    driver = Driver(pagerduty_sink)
    await driver.run(TRIGGER, RESOLVE)
    assert pagerduty.calls == []
    assert DropReason.RESOLVED_BEFORE_SENT in {one.reason for one in driver.dropped}


async def test_a_lost_trigger_is_resolved_even_if_no_call_ever_succeeded(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    pagerduty.fail_next("enqueue", Fault.DROP_AFTER)
    driver = Driver(pagerduty_sink)
    driver.outbox.accept(TRIGGER, 0)
    due_ms = driver.outbox.next_due_ms(0)
    assert due_ms is not None
    (one,) = driver.outbox.due(due_ms, room=1)
    driver.outbox.receive(await driver.call(one), due_ms)
    await driver.run(RESOLVE)
    assert len(pagerduty.pages) == 1
    assert pagerduty.open_alerts() == []


async def test_a_429_keeps_the_whole_key_silent() -> None:
    async with PagerDutyPeer(routing_keys=[KEY], calls_per_minute=1) as peer:
        sink = PagerDutySink(routing_keys={"default": KEY}, base_url=peer.base_url)
        await sink.send(attempt(Step.TRIGGER, TRIGGER))
        outcome = await sink.send(attempt(Step.TRIGGER, TRIGGER))
        await sink.close()
    assert outcome == Retry(RetryReason.RATE_LIMITED, 30_000, Scope.METHOD)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, Unknown(UnknownReason.UNREADABLE)),
        (202, {}, Unknown(UnknownReason.UNREADABLE)),
        (400, {}, Rejected(RejectReason.INVALID, "status 400: 'x' is wrong")),
        (401, {}, Rejected(RejectReason.NOT_AUTHORISED, "status 401")),
        (404, {}, Rejected(RejectReason.NO_SUCH_PLACE, "status 404")),
        (413, {}, Rejected(RejectReason.TOO_LARGE, "status 413")),
        (302, {}, Rejected(RejectReason.INVALID, "status 302: 'x' is wrong")),
        (408, {}, Unknown(UnknownReason.SERVER_ERROR)),
        (429, {}, Retry(RetryReason.RATE_LIMITED, 30_000, Scope.METHOD)),
        (429, {"Retry-After": "7"}, Retry(RetryReason.RATE_LIMITED, 7_000, Scope.METHOD)),
        (500, {}, Unknown(UnknownReason.SERVER_ERROR)),
        (503, {}, Unknown(UnknownReason.SERVER_ERROR)),
    ],
)
async def test_each_answer_means_what_pagerduty_says_of_it(
    status: int, headers: dict[str, str], expected: Outcome
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"errors": ["'x' is wrong"]}, status=status, headers=headers)

    app = web.Application()
    app.router.add_post("/v2/enqueue", answer)
    async with TestServer(app) as server:
        sink = PagerDutySink(routing_keys={"default": KEY}, base_url=str(server.make_url("/")))
        assert await sink.send(attempt(Step.TRIGGER, TRIGGER)) == expected
        await sink.close()


async def test_a_key_that_is_refused_again_and_again_is_left_alone_for_longer() -> None:
    async with PagerDutyPeer(routing_keys=[KEY], calls_per_minute=1) as peer:
        sink = PagerDutySink(routing_keys={"default": KEY}, base_url=peer.base_url)
        outcomes = [await sink.send(attempt(Step.TRIGGER, TRIGGER)) for _ in range(6)]
        await sink.close()
    waits = [one.after_ms for one in outcomes if isinstance(one, Retry)]
    assert waits == [30_000, 30_000, 30_000, 120_000, 120_000]


async def test_an_acknowledgement_quiets_the_open_alert_and_says_whose_it_is(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    taken = msgspec.structs.replace(
        TRIGGER,
        revision=2,
        at_ms=TRIGGER.at_ms + 30_000,
        page=PageAction.ACKNOWLEDGE,
        acked_by="anna",
        acked_in="slack",
    )
    driver = Driver(pagerduty_sink)
    await driver.run(TRIGGER)
    await driver.run(taken)
    (page,) = pagerduty.open_alerts()
    assert (page.acknowledged, page.triggers) == (True, 1)
    event = pagerduty.calls[-1].args
    assert event["event_action"] == "acknowledge"
    details = event["payload"]["custom_details"]
    assert details["acknowledged_by"] == "anna, by slack"
    assert "acknowledge" not in details
    await driver.run(RESOLVE)
    assert pagerduty.open_alerts() == []


async def test_an_acknowledgement_of_a_page_that_was_never_sent_is_dropped_by_name(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    driver = Driver(pagerduty_sink)
    await driver.run(msgspec.structs.replace(TRIGGER, page=PageAction.ACKNOWLEDGE))
    assert pagerduty.calls == []
    assert [one.reason for one in driver.dropped] == [DropReason.ACKNOWLEDGED_BEFORE_SENT]


async def test_an_unknown_key_is_a_dead_letter_that_does_not_name_it(
    pagerduty: PagerDutyPeer,
) -> None:
    wrong = "w" * 32
    sink = PagerDutySink(routing_keys={"default": wrong}, base_url=pagerduty.base_url)
    driver = Driver(sink)
    await driver.run(TRIGGER)
    await sink.close()
    (dead,) = driver.dead
    assert dead.reason is DeadReason.INVALID
    assert msgspec.msgpack.decode(dead.digest, type=type(TRIGGER)) == TRIGGER
    assert wrong not in repr(dead) + repr(sink)


async def test_the_longest_texts_are_still_taken(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    long = msgspec.structs.replace(TRIGGER, title="x" * 5_000, page_key="k" * 400)
    assert len(dedup_key(long)) <= 255
    outcome = await pagerduty_sink.send(attempt(Step.TRIGGER, long))
    assert outcome == Delivered(Receipt(id=dedup_key(long)))


async def test_a_refused_event_is_rejected_with_its_reason(pagerduty: PagerDutyPeer) -> None:
    sink = PagerDutySink(routing_keys={"default": "unknown"}, base_url=pagerduty.base_url)
    outcome = await sink.send(attempt(Step.TRIGGER, TRIGGER))
    assert outcome == Rejected(
        RejectReason.INVALID,
        "status 400: Length of 'routing_key' is incorrect (should be 32 characters)",
    )
    await sink.close()


async def test_pages_at_once_send_nothing_into_the_penalty_that_one_of_them_meets(
    pagerduty: PagerDutyPeer, pagerduty_sink: PagerDutySink
) -> None:
    pagerduty.fail(Fault.RATE_LIMITED, method="enqueue", calls=1)
    outbox = Outbox(targets([pagerduty_sink]), started_ms=0)
    for number in range(4):
        outbox.accept(digest(HERE, id=f"inc-{number}", page=PageAction.TRIGGER), 60_000)
    made = outbox.due(60_000, room=8)
    for one, outcome in zip(
        made, await asyncio.gather(*map(pagerduty_sink.send, made)), strict=True
    ):
        outbox.receive(Answer(key=one.key, number=one.number, outcome=outcome), 60_050)
    assert len(pagerduty.calls) == 1
    assert outbox.due(60_100, room=8) == []
    assert pagerduty.violations == []
