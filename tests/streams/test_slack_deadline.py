"""Slack waits three seconds from when it begins to send, and all of an answer is within that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import msgspec

from sinks.peers.slack_people import FORM
from streams.slack_desk import MOMENT
from streams.slack_inbound import Inbound, Outcome, Reply, envelope
from tests.streams.slack_stand import stand
from tests.streams.test_intake import until


async def test_what_arrived_slowly_is_answered_so_much_sooner() -> None:
    async with stand(answer_within_s=3_600.0) as it:
        it.acts.open.clear()
        pressed = envelope("interactive", it.ada.pressing(await it.post(), "Acknowledge"))
        long_ago_s = asyncio.get_running_loop().time() - 3_600.0
        got = msgspec.structs.replace(pressed, arrived_s=long_ago_s)
        reply = await asyncio.wait_for(it.desk.handle(got), 60.0)
        assert reply.outcome is Outcome.ANSWERED
        assert await it.heard(it.ada) == [MOMENT]
        it.acts.open.set()
        assert len(await it.heard(it.ada, 2)) == 2


async def test_the_time_counts_from_the_first_byte_of_a_body() -> None:
    async with stand() as it:
        seen: list[Inbound] = []
        handle = it.desk.handle

        async def watched(got: Inbound) -> Reply:
            seen.append(got)
            return await handle(got)

        it.desk.handle = watched  # type: ignore[method-assign]
        payload = it.ada.pressing(await it.post(), "Acknowledge")
        body = urlencode({"payload": json.dumps(payload)}).encode()
        half_s: list[float] = []

        async def is_arriving() -> bool:
            return len(it.door._arriving) == 1

        async def slowly() -> AsyncIterator[bytes]:
            yield body[:10]
            await until(is_arriving, "the door reads the body")
            half_s.append(asyncio.get_running_loop().time())
            yield body[10:]

        headers = it.app.signed(body) | {"Content-Type": FORM}
        async with (
            aiohttp.ClientSession() as session,
            session.post(it.app._url, data=slowly(), headers=headers) as answer,
        ):
            assert answer.status == 200
        (got,) = seen
        assert got.arrived_s is not None
        assert got.arrived_s <= half_s[0]
