"""The local Sentry: who may change an issue, how often, and what is refused in which words."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from sinks.peers.control import add_control
from sinks.peers.faults import Fault
from sinks.peers.sentry import SentryPeer
from tests.sinks.peer_calls import Clock

TOKEN = "sntrys_local-only"
ISSUE = "/api/0/organizations/shop/issues/41/"
OLD_ISSUE = "/api/0/issues/41/"


def made(**how: Any) -> SentryPeer:
    peer = SentryPeer(
        **{"tokens": {"shop": TOKEN}, "teams": {"payments": 7}, "people": {"anna": 3}, **how}
    )
    peer.add_issue("41")
    return peer


async def ask(
    peer: SentryPeer, path: str = ISSUE, body: object = None, *, token: str = TOKEN
) -> tuple[int, Any, dict[str, str]]:
    verb = "GET" if body is None else "PUT"
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(verb, peer.base_url + path, json=body) as answer,
    ):
        return answer.status, await answer.json(), dict(answer.headers)


@pytest.mark.parametrize("path", [ISSUE, OLD_ISSUE])
async def test_an_issue_is_changed_and_shown_by_both_forms_of_its_address(path: str) -> None:
    async with made() as peer:
        status, issue, _ = await ask(peer, path, {"status": "resolved", "assignedTo": "team:7"})
        assert (status, issue["status"]) == (200, "resolved")
        status, issue, _ = await ask(peer, path)
        assert issue["assignedTo"] == {"type": "team", "id": "7", "name": "payments"}
        await ask(peer, path, {"status": "resolved"})
        assert len(peer.add_issue("41").log) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "done"}, "status"),
        ({"status": "ignored", "substatus": "ongoing"}, "substatus"),
        ({"status": "ignored", "statusDetails": {"ignoreDuration": 0}}, "statusDetails"),
        ({"status": "ignored", "statusDetails": {"ignoreDuration": "1h"}}, "statusDetails"),
        ({"assignedTo": "team:8"}, "assignedTo"),
        ({"assignedTo": "nobody"}, "assignedTo"),
        ([], "detail"),
    ],
)
async def test_what_is_wrong_in_a_change_is_named(body: object, field: str) -> None:
    async with made() as peer:
        status, told, _ = await ask(peer, body=body)
        assert (status, list(told)) == (400, [field])
        assert peer.add_issue("41").log == []


async def test_who_may_not_is_told_401_403_or_that_nothing_is_there() -> None:
    async with made(tokens={"shop": TOKEN, "other": "sntrys_other-only"}) as peer:
        resolve = {"status": "resolved"}
        assert (await ask(peer, body=resolve, token="wrong"))[0] == 401
        assert (await ask(peer, body=resolve, token="sntrys_other-only"))[0] == 404
        peer.revoke_token("shop")
        assert (await ask(peer, body=resolve))[0] == 401
        peer.restore_token("shop")
        peer.take_scope("event:write")
        assert (await ask(peer, body=resolve))[0] == 403
        assert (await ask(peer))[0] == 200
        peer.give_scope("event:write")
        peer.merge_issue("41")
        assert (await ask(peer, body=resolve))[0] == 404
        assert (await ask(peer, "/api/0/teams/shop/payments/"))[1]["id"] == "7"
        assert (await ask(peer, "/api/0/teams/shop/none/"))[0] == 404


async def test_every_answer_says_what_is_left_of_the_window_and_when_the_next_begins() -> None:
    clock = Clock()
    async with made(clock=clock, calls_per_window=2, window_s=5) as peer:
        answers = [await ask(peer) for _ in range(3)]
        left = [(status, told["X-Sentry-Rate-Limit-Remaining"]) for status, _, told in answers]
        assert left == [(200, "1"), (200, "0"), (429, "0")]
        headers = answers[-1][2]
        assert headers["X-Sentry-Rate-Limit-Reset"] == "1790000005"
        assert "Retry-After" not in headers
        clock.now = 1_790_000_005.0
        assert (await ask(peer))[0] == 200


async def test_more_calls_at_once_than_it_takes_are_refused() -> None:
    async with made(at_once=1) as peer:
        peer._running["shop"] = 1  # as while another one is carried out
        status, _, headers = await ask(peer, body={"status": "resolved"})
        assert (status, headers["X-Sentry-Rate-Limit-ConcurrentRemaining"]) == (429, "0")


async def test_a_call_inside_a_wait_that_was_asked_for_is_a_violation() -> None:
    clock = Clock()
    async with made(clock=clock) as peer:
        peer.fail(Fault.RATE_LIMITED_BODY, calls=1, retry_after_s=9)
        status, _, headers = await ask(peer)
        assert (status, headers["X-Sentry-Rate-Limit-Reset"]) == (429, "1790000009")
        await ask(peer)
        assert [one.violation for one in peer.violations] == ["inside_penalty"]
        clock.now += 9.0
        assert (await ask(peer))[0] == 200


async def test_by_hand_it_shows_its_issues_and_switches_by_http() -> None:
    peer = made()
    add_control(peer)
    async with peer:
        await ask(peer, body={"status": "ignored"})
        async with aiohttp.ClientSession() as session:
            async with session.get(peer.origin) as answer:
                page = await answer.text()
            for does in ("add_issue", "merge_issue"):
                url, given = f"{peer.origin}/_peer/switch", {"do": does, "issue_id": "42"}
                async with session.post(url, json=given) as answer:
                    assert answer.status == 200
        assert "<b>ignored</b> · archived_until_escalating" in page
        assert TOKEN not in page
        assert peer.add_issue("42").merged
        assert "issue.put" in page


async def test_two_calls_that_run_at_once_are_counted_apart() -> None:
    async with made() as peer:
        found = await asyncio.gather(*(ask(peer) for _ in range(4)))
        assert [status for status, _, _ in found] == [200] * 4
        assert peer._running == {"shop": 0}
