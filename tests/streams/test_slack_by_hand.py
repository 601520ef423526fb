"""A local Slack that is run by hand: its people reach the desk by plain HTTP."""

from __future__ import annotations

from typing import Any

import aiohttp

from correlators.acts import Acknowledge, Assign
from tests.sinks.make import digest
from tests.streams.slack_stand import INC, stand


async def test_a_shell_presses_fills_in_says_and_sees_what_one_person_sees() -> None:
    async with stand(groups={"page": ("S0CALL",)}) as it:
        await it.post(digest("slack:incidents", id=INC))
        async with aiohttp.ClientSession() as session:

            async def do(what: str, **given: Any) -> dict[str, Any]:
                async with session.post(f"{it.slack.origin}/_peer/{what}", json=given) as answer:
                    found: dict[str, Any] = await answer.json()
                    return found

            assert (await do("press", name="ada", label="Acknowledge"))["status"] == 200
            opened = await do("press", name="ada", label="Assign…")
            assert opened["dialog"]["title"]["text"] == "Assign"
            values = {"text": {"text": {"value": "team-pay"}}}
            assert (await do("submit", name="ada", values=values))["status"] == 200
            said = await do("command", name="bob", text="help")
            assert "/stormfold status" in said["body"]["text"]
            await do("press", name="bob", label="Page the on-call")
            await do("group", id="S0CALL", members=["U0BOB"])
            assert (await do("press", name="ada", label="Dance"))["ok"] is False
        assert [type(one) for one in it.acts.acts] == [Acknowledge, Assign]
