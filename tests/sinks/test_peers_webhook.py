"""A local receiver believes nothing that is not signed, now, by its secret."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from sinks.peers.webhook import WebhookPeer
from sinks.webhook_signature import key_of, signature
from tests.sinks.played import Clock
from tests.sinks.webhook_case import secret

ONE, OTHER = secret("one"), secret("other")
BODY = json.dumps({"type": "a.b", "timestamp": "", "data": {"id": "inc-1"}}).encode()


@pytest.fixture
async def peer(clock: Clock) -> AsyncIterator[WebhookPeer]:
    async with WebhookPeer(secrets={"a": ONE}, clock=clock) as made:
        yield made


async def post(
    peer: WebhookPeer, *secrets: str, late_s: int = 0, body: bytes = BODY, to: str = "a"
) -> int:
    at_s = int(peer.clock()) - late_s
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature(list(map(key_of, secrets)), "msg_1", at_s, BODY)
        if secrets
        else "v1,x",
    }
    url = peer.url(to)
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status


async def test_what_is_signed_is_taken_and_known_again(peer: WebhookPeer) -> None:
    assert [await post(peer, ONE), await post(peer, OTHER, ONE)] == [204, 204]
    assert len(peer.arrived) == 2
    assert list(peer.messages) == ["msg_1"]


async def test_nothing_else_is(peer: WebhookPeer) -> None:
    assert await post(peer) == 401
    assert await post(peer, OTHER) == 401
    assert await post(peer, ONE, body=BODY + b" ") == 401
    assert await post(peer, ONE, late_s=301) == 401
    assert await post(peer, ONE, late_s=-301) == 401
    assert await post(peer, ONE, to="b") == 404
    async with aiohttp.ClientSession() as http, http.post(peer.url("a"), data=BODY) as answer:
        assert answer.status == 400
    assert peer.arrived == []
    assert ONE not in repr(peer.calls)


async def test_states(peer: WebhookPeer) -> None:
    peer.replace_secret("a", OTHER)
    assert [await post(peer, ONE), await post(peer, OTHER)] == [401, 204]
    peer.first_secret("a")
    peer.want_no_more("a")
    assert await post(peer, ONE) == 410
    peer.want_again("a")
    peer.move("a", "http://127.0.0.1:1/")
    assert await post(peer, ONE) == 307
    peer.move("a", "")
    assert await post(peer, ONE, late_s=299) == 204
    peer.remove_receiver("a")
    assert await post(peer, ONE) == 404
