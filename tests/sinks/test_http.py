"""The one module that uses httpx."""

from __future__ import annotations

import logging

import pytest

from sinks.http import Http, Reply
from sinks.peers.slack import SlackPeer
from tests.sinks.conftest import TOKEN
from tests.sinks.peer_calls import CHANNELS


async def test_an_address_that_is_a_secret_reaches_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with SlackPeer(token=TOKEN, channels=CHANNELS) as peer:
        url = peer.webhook_url("incidents")
        http = Http(timeout_ms=5_000)
        reply = await http.post(url, b'{"text": "x"}')
        await http.close()
    assert isinstance(reply, Reply)
    assert reply.text == "ok"
    assert url.rpartition("/")[2] not in caplog.text + repr(reply)
