"""Who is of another workspace: in a shared channel they see the buttons, and nothing more."""

from __future__ import annotations

import pytest

from sinks.peers.faults import Fault
from streams import slack_acts
from tests.streams.slack_stand import INC, SENTRY, Stand, outage_and_mail, stand


async def everything(it: Stand, team: str) -> list[str]:
    """Do what can be done in each way, and return what was said of it."""
    message = await it.post()
    eve = it.person("U0EVE", "eve", team=team)
    said = []
    for label in ("Acknowledge", "Page the on-call", "Silence…", "Assign…", "Why?"):
        await eve.press(message, label)
    await eve.shortcut(message, "stormfold.resolve")
    await eve.mention("incidents", "resolve", thread_ts=message.ts)
    said += await it.heard(eve, 7)
    for text in ("status", f"ack {INC}", "link", "link mail", "unlink", "me"):
        said.append((await eve.command(text)).body["text"])
    return said


async def test_whoever_is_of_another_workspace_does_nothing_and_is_told_nothing() -> None:
    async with stand(sentry=SENTRY) as it:
        it.live = outage_and_mail()[0]
        assert set(await everything(it, "T0OTHER")) == {slack_acts.STRANGER}
        assert it.acts.told == []
        assert it.acts.everywhere == []
        assert not it.slack.back.views
        await it.ada.press(await it.post(), "Acknowledge")
        assert [one.actor for one in it.acts.acts] == ["ada"]


async def test_a_modal_that_comes_from_another_workspace_does_nothing() -> None:
    async with stand() as it:
        await it.ada.press(await it.post(), "Silence…")
        given = {"for": {"for": {"selected_option": {"value": "3600000"}}}}
        eve = it.person("U0EVE", "eve", team="T0OTHER")
        answered = await eve.submit(it.ada.modal(), given)
        assert slack_acts.STRANGER in str(answered.body["view"])
        assert it.acts.told == []


@pytest.mark.parametrize(("of", "acts"), [("E0SHOP", 1), ("E0OTHER", 0)])
async def test_of_an_organisation_every_workspace_is_its_own(of: str, acts: int) -> None:
    async with stand() as it:
        it.slack.back.organisation = "E0SHOP"
        it.slack.back.organisations["U0EVE"] = of
        await it.person("U0EVE", "eve", team="T0SECOND").press(await it.post(), "Acknowledge")
        assert len(it.acts.acts) == acts


async def test_while_slack_does_not_say_whose_the_bot_is_nothing_is_done() -> None:
    async with stand() as it:
        message = await it.post()
        it.slack.fail_next("auth.test", Fault.DROP_BEFORE)
        eve = it.person("U0EVE", "eve", team="T0OTHER")
        await eve.press(message, "Acknowledge")
        assert it.acts.told == []
        assert await it.heard(eve) == [slack_acts.WHOSE]
        await eve.press(message, "Acknowledge")
        assert await it.heard(eve, 2) == [slack_acts.WHOSE, slack_acts.STRANGER]


async def test_what_another_app_writes_as_ours_is_about_nothing() -> None:
    async with stand() as it:
        it.live = outage_and_mail()[0]
        forged = await it.post()
        forged.user = "U0OTHER"
        await it.ada.shortcut(forged, "stormfold.resolve")
        await it.ada.mention("incidents", "resolve", thread_ts=forged.ts)
        said = await it.heard(it.ada, 2)
        assert "this message is about no open incident" in said[0]
        assert "expected an id" in said[1]
        assert it.acts.told == []
