"""Whoever opens requests and never ends them keeps nobody else out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from streams import arriving
from streams.intake_room import REQUESTS_AT_ONCE
from streams.intake_slack import ARRIVING_AT_ONCE
from streams.metrics import Metrics, exposition
from tests.streams.slack_stand import stand
from tests.streams.test_intake import BODY, SlowLog, door, headers, posting, settings_for, until


@asynccontextmanager
async def unfinished(address: str, path: str, count: int) -> AsyncIterator[None]:
    """Have so many requests open of which only the beginning comes."""
    port = int(address.split(":")[2].split("/")[0])
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers(BODY).items())
    start = f"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: 9\r\n\r\nhalf".encode()
    async with AsyncExitStack() as stack:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(start)
            await writer.drain()
        yield


async def test_events_get_in_beside_bodies_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "LEFT_ALONE_S", 0.0)
    log, metrics = SlowLog(), Metrics()
    log.answer.set()
    async with (
        door(settings_for("k:1", "demo"), log, metrics) as address,
        unfinished(address, "/sentry", REQUESTS_AT_ONCE),
        posting(address) as post,
    ):

        async def given_up() -> bool:
            assert (await post(BODY, headers(BODY)))[0] == 200
            return b'requests_total{outcome="incomplete"} 0' not in exposition(metrics)

        await until(given_up, "there is no room any more, and the oldest is given up")
        assert (await post(BODY, headers(BODY)))[0] == 200
    assert set(log.bodies) == {BODY}


async def test_a_body_has_its_time_before_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "LEFT_ALONE_S", 60.0)
    log = SlowLog()
    log.answer.set()
    async with (
        door(settings_for("k:1", "demo"), log, Metrics()) as address,
        unfinished(address, "/sentry", REQUESTS_AT_ONCE),
        posting(address) as post,
    ):

        async def refused() -> bool:
            return (await post(BODY, headers(BODY)))[0] == 503

        await until(refused, "there is no room any more, and nothing is given up")


async def test_slack_gets_in_beside_bodies_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "LEFT_ALONE_S", 0.0)
    async with stand() as it, unfinished(it.app._url, "/slack", ARRIVING_AT_ONCE):
        message = await it.post()

        async def given_up() -> bool:
            assert (await it.ada.press(message, "Acknowledge")).status == 200
            return ("other", "unreadable") in it.counted()

        await until(given_up, "there is no room any more, and the oldest is given up")
        assert (await it.ada.press(message, "Acknowledge")).status == 200
