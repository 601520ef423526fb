"""The local PagerDuty: what an event does, what is refused, what 202 does not say."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from sinks.peers.faults import Fault
from sinks.peers.pagerduty import Fate, PagerDutyPeer
from tests.sinks.conftest import KEY
from tests.sinks.peer_calls import PAYLOAD, Clock, enqueue

OTHER = "o" * 32


async def trigger(peer: PagerDutyPeer, **more: Any) -> tuple[int, str]:
    return await enqueue(peer, **{"dedup_key": "d", "payload": PAYLOAD, **more})


async def change(peer: PagerDutyPeer, **event: Any) -> tuple[int, str]:
    whole = {"routing_key": KEY, **event}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{peer.base_url}/v2/change/enqueue", json=whole) as answer,
    ):
        return answer.status, await answer.text()


async def test_an_acknowledged_alert_wakes_nobody_again_until_it_is_resolved() -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        await trigger(peer)
        await enqueue(peer, event_action="acknowledge", dedup_key="d")
        await trigger(peer)
        (page,) = peer.pages
        assert (page.status, page.triggers) == ("acknowledged", 2)
        assert [what for _, what in page.log] == ["trigger", "acknowledge", "trigger"]
        await enqueue(peer, event_action="resolve", dedup_key="d")
        assert page.status == "resolved"
        await trigger(peer)
        assert [one.status for one in peer.pages] == ["resolved", "triggered"]
        assert len({one.incident_id for one in peer.pages}) == 2


async def test_an_alert_is_reached_by_its_own_routing_key_only() -> None:
    async with PagerDutyPeer(routing_keys=[KEY, OTHER]) as peer:
        await trigger(peer)
        for action in ("acknowledge", "resolve"):
            status, _ = await enqueue(peer, routing_key=OTHER, event_action=action, dedup_key="d")
            assert status == 202
        assert peer.dropped == [("acknowledge", "d"), ("resolve", "d")]
        assert peer.pages[0].status == "triggered"


async def test_a_trigger_without_a_key_is_always_a_new_alert_and_is_told_its_key() -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        keys = {
            json.loads((await enqueue(peer, payload=PAYLOAD))[1])["dedup_key"] for _ in range(3)
        }
        assert keys == {one.dedup_key for one in peer.pages}
        assert len(keys) == 3


@pytest.mark.parametrize(("fate", "alerts"), [(Fate.SUPPRESSED, 1), (Fate.DROPPED, 0)])
async def test_an_accepted_event_is_not_yet_an_incident(fate: Fate, alerts: int) -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        peer.suppress(fate)
        status, told = await trigger(peer)
        assert (status, json.loads(told)["status"]) == (202, "success")
        assert (len(peer.alerts), peer.pages) == (alerts, [])
        assert [one.status for one in peer.alerts] == ["suppressed"] * alerts
        peer.suppress(Fate.OPENS)
        await trigger(peer, dedup_key="e")
        assert len(peer.pages) == 1


async def test_a_rule_can_look_at_the_event() -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        peer.rule(
            lambda event: (
                Fate.OPENS if event["payload"]["severity"] == "critical" else Fate.SUPPRESSED
            )
        )
        await trigger(peer)
        await trigger(peer, dedup_key="e", payload={**PAYLOAD, "severity": "critical"})
        assert [one.dedup_key for one in peer.pages] == ["e"]


async def test_each_key_has_a_limit_of_its_own_that_changes_share() -> None:
    async with PagerDutyPeer(routing_keys=[KEY, OTHER], calls_per_minute=2, clock=Clock()) as peer:
        assert (await trigger(peer))[0] == 202
        assert (await change(peer, payload={"summary": "deploy"}))[0] == 202
        assert await trigger(peer) == (429, "Request Limit Exceeded")
        assert (await trigger(peer, routing_key=OTHER))[0] == 202


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"routing_key": "u" * 32}, "Invalid routing key"),
        (
            {"routing_key": "-" * 32},
            "'routing_key' cannot contain non-alphanumeric characters.",
        ),
        ({"links": [{"text": "no address"}]}, "'links[0].href' is missing or no address"),
        ({"images": [{"src": "http://a.test/x.png"}]}, "'images[0].src' is missing or not https"),
        (
            {"payload": {**PAYLOAD, "custom_details": "words"}},
            "'payload.custom_details' is not an object",
        ),
        (
            {"payload": {**PAYLOAD, "timestamp": "yesterday"}},
            "'payload.timestamp' is not ISO 8601",
        ),
        ({"payload": {**PAYLOAD, "component": 3}}, "'payload.component' is not a string"),
    ],
)
async def test_a_refusal_names_what_is_wrong(event: dict[str, Any], error: str) -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        status, told = await trigger(peer, **event)
        assert (status, json.loads(told)["errors"]) == (400, [error])
        assert peer.alerts == []


async def test_a_deleted_integration_is_known_to_nobody() -> None:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        peer.remove_key(KEY)
        assert (await trigger(peer))[0] == 400


async def test_a_change_is_kept_and_wakes_nobody() -> None:
    payload = {"summary": "payment 2.4.1", "source": "ci", "custom_details": {"by": "kim"}}
    links = [{"href": "https://ci.test/1", "text": "build"}]
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        assert (await change(peer, payload=payload, links=links))[0] == 202
        assert peer.changes == [{"payload": payload, "links": links}]
        for event in (
            {},
            {"payload": {"summary": ""}},
            {"payload": {"summary": "x" * 1_025}},
            {"payload": {**payload, "severity": "info"}},
            {"payload": payload, "routing_key": "u" * 32},
        ):
            assert (await change(peer, **event))[0] == 400
        assert (len(peer.changes), peer.pages) == (1, [])


async def test_faults_on_demand_speak_as_the_service_does() -> None:
    clock = Clock()
    async with PagerDutyPeer(routing_keys=[KEY], clock=clock) as peer:
        peer.fail_next("enqueue", Fault.RATE_LIMITED)
        assert (await trigger(peer))[0] == 429
        assert (await trigger(peer))[0] == 429
        assert [one.violation for one in peer.calls] == ["", "inside_penalty"]
        clock.now += 1.0
        for word, status in (("403", 403), ("'payload' is too blue", 400)):
            peer.fail(Fault.REFUSED, calls=1, word=word)
            assert (await trigger(peer))[0] == status
        peer.fail_next("enqueue", Fault.GARBAGE)
        assert (await trigger(peer))[0] == 200
        assert (await trigger(peer))[0] == 202
        assert peer.pages[0].triggers == 2
        assert KEY not in repr(peer.calls)
