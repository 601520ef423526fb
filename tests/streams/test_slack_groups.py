"""Who may page, silence and merge from Slack, and what everybody else is told."""

from __future__ import annotations

import asyncio

import pytest

from correlators.acts import Ignore
from tests.streams.slack_stand import SENTRY, stand


async def test_who_is_in_no_group_is_told_why_and_nothing_is_done() -> None:
    async with stand(groups={"page": ("S0CALL", "U0ROOT")}) as it:
        it.slack.back.groups["S0CALL"] = ["U0BOB"]
        message = await it.post()
        await it.ada.press(message, "Page the on-call")
        assert it.acts.told == []
        assert await it.heard(it.ada) == [
            "Nothing was done: only <!subteam^S0CALL>, <@U0ROOT> may page from Slack "
            "(`slack_in.groups.page`), and that is not you."
        ]
        for one in (it.person("U0BOB", "bob"), it.person("U0ROOT", "root")):
            await one.press(message, "Page the on-call")
        await it.ada.press(message, "Acknowledge")
        assert [one.actor for one in it.acts.acts] == ["bob", "root", "ada"]
        assert it.counted()["button", "may_not"] == 1


async def test_slack_is_asked_once_who_is_in_a_group_however_many_press_at_once() -> None:
    async with stand(groups={"page": ("S0CALL",)}) as it:
        message = await it.post()
        people = [it.person(f"U0{number}", f"p{number}") for number in range(40)]
        it.slack.back.groups["S0CALL"] = [one.id for one in people]
        await asyncio.gather(*(one.press(message, "Page the on-call") for one in people))
        assert {one.actor for one in it.acts.acts} == {one.name for one in people}
        assert sum(one.method == "usergroups.users.list" for one in it.slack.calls) == 1


async def test_where_slack_does_not_say_who_is_in_a_group_nobody_may() -> None:
    async with stand(groups={"silence": ("S0CALL",), "merge": ()}) as it:
        it.slack.take_scope("usergroups:read")
        message = await it.post()
        await it.ada.press(message, "Silence…")
        await it.ada.press(message, "Merge into…")
        unknown, nobody = await it.heard(it.ada, 2)
        assert "Slack does not say who is in `S0CALL`" in unknown
        assert "`slack_in.groups.merge` is empty" in nobody
        assert not it.slack.back.views


async def test_the_log_says_what_is_wrong_with_a_group_and_nothing_of_a_dialog_that_came_too_late(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with stand(groups={"page": ("S0GONE",)}) as it:
        message = await it.post()
        await it.ada.press(message, "Page the on-call")
        pressing = it.ada.pressing(message, "Assign…")
        it.slack.back._triggers.clear()
        await it.app.send("interactive", pressing)
        await it.heard(it.ada, 2)
    said = capsys.readouterr().out
    assert "a user group of slack_in.groups or teams is not in this workspace" in said
    assert "trigger" not in said
    assert "report it" not in said


async def test_who_leaves_a_group_while_a_modal_is_open_may_no_more() -> None:
    async with stand(groups={"silence": ("U0ADA",)}) as it:
        await it.ada.press(await it.post(), "Silence…")
        it.door._clerk.renew({"silence": ()}, 1.0, asks_sentry=False)
        given = {"for": {"for": {"selected_option": {"value": "3600000"}}}}
        answered = await it.ada.submit(it.ada.modal(), given)
        assert "nobody may silence from Slack" in str(answered.body["view"])
        assert it.acts.told == []


async def test_who_may_not_silence_may_not_ignore_in_sentry() -> None:
    async with stand(groups={"silence": ("U0BOB",)}, sentry=SENTRY) as it:
        message = await it.post()
        for word in ("ignore", "unignore"):
            await it.ada.mention("incidents", word, thread_ts=message.ts)
            assert "only <@U0BOB> may silence" in (await it.heard(it.ada))[-1]
        assert it.acts.told == []
        bob = it.person("U0BOB", "bob")
        await bob.mention("incidents", "ignore", thread_ts=message.ts)
        assert [type(one) for one in it.acts.acts] == [Ignore]
