"""Deploys as change events: kept once where that can be known, after all pages, said where not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import DigestKind, PageAction
from sinks.base import (
    Answer,
    Attempt,
    Delivered,
    Receipt,
    Retry,
    RetryReason,
    Scope,
    Step,
)
from sinks.entries import DropReason
from sinks.outbox import Outbox
from sinks.pagerduty import PagerDutySink
from sinks.pagerduty_change import change_of
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Fault
from sinks.targets import targets
from tests.examples import examples
from tests.sinks.conftest import KEY
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest
from tests.sinks.test_render import NASTY

PAGER = "pagerduty:default"
HERE = f"{PAGER}/changes"
DEPLOY = msgspec.structs.replace(
    digest(HERE, id="dep-1", services=digest().services[:1]),
    kind=DigestKind.DEPLOY,
    storm=False,
    title="Deploy of payment: payment@2.4.1",
    release_before="payment@2.4.0",
    by="ci",
    url="https://ci.test/1",
    dashboard="https://g.test/1",
    owners=("team-pay",),
    first_ms=1_790_000_000_000,
)


@pytest.fixture
async def sink(pagerduty: PagerDutyPeer) -> AsyncIterator[PagerDutySink]:
    made = PagerDutySink(
        routing_keys={"default": KEY}, changes=("default",), base_url=pagerduty.base_url
    )
    yield made
    await made.close()


async def test_a_deploy_is_kept_with_what_when_where_and_who_and_wakes_nobody(
    pagerduty: PagerDutyPeer, sink: PagerDutySink
) -> None:
    driver = Driver(sink)
    await driver.run(DEPLOY)
    await driver.run(DEPLOY)
    assert pagerduty.changes == [
        {
            "payload": {
                "summary": "payment payment@2.4.1 deployed to production, after payment@2.4.0, "
                "by ci",
                "source": "payment",
                "timestamp": "2026-09-21T14:13:20.000+00:00",
                "custom_details": {
                    "service": "payment",
                    "release": "payment@2.4.1",
                    "release_before": "payment@2.4.0",
                    "environment": "production",
                    "by": "ci",
                    "deployed": "2026-09-21 14:13 UTC",
                    "owner": "team-pay",
                    "id": "dep-1",
                },
            },
            "links": [
                {"href": "https://ci.test/1", "text": "The deploy"},
                {"href": "https://g.test/1", "text": "Dashboard"},
            ],
        }
    ]
    assert pagerduty.pages == []
    assert driver.dead == []
    assert [one.reason for one in driver.dropped] == [DropReason.REPEATED]


async def test_one_whose_outcome_is_unknown_is_kept_again_and_says_so(
    pagerduty: PagerDutyPeer, sink: PagerDutySink
) -> None:
    pagerduty.fail_next("change", Fault.DROP_AFTER)
    await Driver(sink).run(DEPLOY)
    first, again = pagerduty.changes
    assert "repeat" not in first["payload"]["summary"]
    assert again["payload"]["summary"].endswith(" (possible repeat)")
    assert again["payload"]["custom_details"]["possible_repeat"] == "yes"


async def test_one_that_certainly_did_not_arrive_is_kept_once(
    pagerduty: PagerDutyPeer, sink: PagerDutySink
) -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as gone:
        base_url = gone.base_url
    nobody = PagerDutySink(routing_keys={"default": KEY}, changes=("default",), base_url=base_url)
    assert await nobody.send(attempt(Step.POST, DEPLOY)) == Retry(RetryReason.NOT_CONNECTED)
    await nobody.close()
    await Driver(sink).run(DEPLOY)
    assert len(pagerduty.changes) == 1


def test_every_page_and_resolve_comes_before_it_and_it_takes_no_more_than_its_share() -> None:
    sink = PagerDutySink(routing_keys={"default": KEY}, changes=("default",))
    outbox = Outbox(targets([sink]), started_ms=0)
    page = digest(PAGER, page=PageAction.TRIGGER)
    outbox.accept(page, 100_000)
    (opened,) = outbox.due(100_000, room=64)
    taken = Delivered(Receipt(id="stormfold-inc-1"))
    outbox.receive(Answer(key=opened.key, number=opened.number, outcome=taken), 100_000)
    for at in range(4):
        outbox.accept(msgspec.structs.replace(DEPLOY, id=f"dep-{at}"), 200_000)
    over = msgspec.structs.replace(page, page=PageAction.RESOLVE, at_ms=page.at_ms + 1)
    outbox.accept(over, 200_001)
    outbox.accept(msgspec.structs.replace(page, id="inc-2", page_key="inc-2"), 200_002)
    made = []
    while due := outbox.due(200_002, room=64):
        (call,) = due
        made.append(call.step)
        outbox.receive(Answer(key=call.key, number=call.number, outcome=taken), 200_002)
    assert made == [Step.TRIGGER, Step.RESOLVE, Step.POST, Step.POST]


def test_pages_and_deploys_share_the_bucket_of_their_key() -> None:
    sink = PagerDutySink(routing_keys={"default": KEY}, changes=("default",))
    assert sink.account(HERE) == sink.account(PAGER) == PAGER
    pages, deploys = sink.plan(PAGER), sink.plan(HERE)
    shared = pages.steps[Step.TRIGGER][0]
    assert shared in deploys.steps[Step.POST]
    assert shared.scope is Scope.METHOD
    assert (pages.background, deploys.background) == (False, True)


async def test_a_deploy_that_is_refused_for_the_rate_leaves_pages_alone() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=429, text="Request Limit Exceeded")

    app = web.Application()
    app.router.add_post("/v2/{what:.*}", refuse)
    async with TestServer(app) as server:
        base_url = str(server.make_url("/"))
        sink = PagerDutySink(routing_keys={"default": KEY}, changes=("default",), base_url=base_url)
        deploy = await sink.send(attempt(Step.POST, DEPLOY))
        page = await sink.send(attempt(Step.TRIGGER, digest(PAGER, page=PageAction.TRIGGER)))
        await sink.close()
    assert deploy == Retry(RetryReason.RATE_LIMITED, 30_000, Scope.DESTINATION)
    assert page == Retry(RetryReason.RATE_LIMITED, 30_000, Scope.METHOD)


async def _kept(one: Attempt) -> int:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        sink = PagerDutySink(
            routing_keys={"default": KEY}, changes=("default",), base_url=peer.base_url
        )
        await sink.send(one)
        await sink.close()
        return len(peer.changes)


@examples(40)
@given(st.tuples(*[NASTY] * 6), st.booleans())
def test_any_deploy_is_taken_and_its_summary_fits(
    texts: tuple[str, ...], possible_repeat: bool
) -> None:
    service, release, before, environment, by, url = texts
    line = msgspec.structs.replace(DEPLOY.services[0], service=service * 9)
    one = msgspec.structs.replace(
        DEPLOY,
        services=(line,),
        releases=(release * 9,),
        release_before=before,
        environment=environment * 9,
        by=by,
        url=url,
    )
    made = attempt(Step.POST, one, possible_repeat=possible_repeat)
    assert asyncio.run(_kept(made)) == 1
    summary = change_of(made)["payload"]["summary"]
    assert len(summary) <= 1_024
    assert summary.endswith(" (possible repeat)") is possible_repeat
