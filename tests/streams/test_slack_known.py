"""Who is known in Slack acts and is assigned by the one name that they have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from correlators.acts import Assign, PageNow
from correlators.pressed import Pressed
from streams.people import Person
from tests.streams.slack_stand import INC, Stand, outage_and_mail, stand

PEOPLE = {"Ada Lovelace": Person(slack="U0ADA"), "Bob": Person(slack="U0BOB")}


@pytest.fixture
async def it() -> AsyncIterator[Stand]:
    async with stand(people=PEOPLE) as running:
        running.live, _, _ = outage_and_mail()
        running.person("U0BOB", "bob_the_builder")
        yield running


async def test_whoever_presses_says_and_mentions_has_one_name(it: Stand) -> None:
    _, storm, _ = outage_and_mail()
    message = await it.post()
    await it.ada.press(message, "Page the on-call")
    await it.ada.command(f"ack {storm}")
    await it.ada.mention("incidents", "resolve", thread_ts=message.ts)
    await it.ada.shortcut(message, "stormfold.acknowledge")
    assert [one.actor for one in it.acts.acts] == ["Ada Lovelace"] * 4
    assert isinstance(it.acts.acts[0], PageNow)
    assert it.acts.acts[0].pressed == Pressed("U0ADA", "C0INC")


@pytest.mark.parametrize(
    ("to", "name"),
    [("me", "Ada Lovelace"), ("<@U0BOB|bob>", "Bob"), ("<@U0ADA>", "Ada Lovelace")],
)
async def test_whom_a_mention_means_is_assigned_by_that_name(it: Stand, to: str, name: str) -> None:
    _, storm, _ = outage_and_mail()
    await it.ada.command(f"assign {storm} {to}")
    (act,) = it.acts.acts
    assert isinstance(act, Assign)
    assert act.assignee == name


async def test_the_dialog_offers_the_name_and_what_is_filled_in_is_by_it(it: Stand) -> None:
    await it.ada.press(await it.post(), "Assign…")
    view = it.ada.modal()
    assert "Ada Lovelace" in str(view.content)
    await it.ada.submit(view, {"text": {"text": {"value": "team-pay"}}})
    (act,) = it.acts.acts
    assert act.actor == "Ada Lovelace"


async def test_who_is_not_known_is_called_as_in_slack() -> None:
    async with stand(people={"cy": Person(slack="U0CY")}) as it:
        message = await it.post()
        await it.ada.press(message, "Acknowledge")
        await it.person("U0BOB", "bob").mention("incidents", "resolve", thread_ts=message.ts)
        assert [one.actor for one in it.acts.acts] == ["ada", "bob"]
        assert it.acts.acts[0].subject == INC
