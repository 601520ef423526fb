"""Calls of the local services as any HTTP client makes them, and a clock that is set by hand."""

from __future__ import annotations

from typing import Any

import aiohttp

from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from tests.sinks.conftest import KEY, TOKEN

CHANNELS = {"C0INC": "incidents"}
PAYLOAD = {"summary": "s", "source": "x", "severity": "error"}


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


async def call(
    peer: SlackPeer, method: str, *, token: str = TOKEN, verb: str = "POST", **args: Any
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return status, body and headers of a call of the Web API."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    how: dict[str, Any] = {"json": args} if verb == "POST" else {"params": args}
    if verb == "FORM":
        verb, how = "POST", {"data": args}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(verb, peer.base_url + method, **how) as answer,
    ):
        return answer.status, await answer.json(), dict(answer.headers)


async def ask(peer: SlackPeer, method: str, **args: Any) -> dict[str, Any]:
    """Return the body of a call in the channel of the tests."""
    return (await call(peer, method, **{"channel": "C0INC", **args}))[1]


async def post(peer: SlackPeer, **args: Any) -> dict[str, Any]:
    """Return the body of a message's answer."""
    return await ask(peer, "chat.postMessage", **{"text": "hello", **args})


async def send_webhook(url: str, body: bytes | dict[str, Any]) -> tuple[int, str]:
    """Return status and text of what a webhook answers."""
    how: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with aiohttp.ClientSession() as session, session.post(url, **how) as answer:
        return answer.status, await answer.text()


async def enqueue(peer: PagerDutyPeer, **event: Any) -> tuple[int, str]:
    """Return status and text of what an event is answered with."""
    whole = {"routing_key": KEY, "event_action": "trigger", **event}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{peer.base_url}/v2/enqueue", json=whole) as answer,
    ):
        return answer.status, await answer.text()
