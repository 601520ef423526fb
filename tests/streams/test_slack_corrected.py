"""From a press in Slack to the word that it was not done: desk, CORRELATE, outbox, real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from correlators.acts import Act, Resolve
from correlators.answering import DESTINATION
from correlators.incidents import Incident
from sinks.slack_ephemeral import SlackEphemeralSink
from streams.live import Live, Part
from streams.sink_config import make_sinks
from tests.correlators.acted import ANNA, Stage
from tests.correlators.score import PAGING, event, ms
from tests.sinks.make import digest
from tests.sinks.played import Clock, Played
from tests.streams.slack_stand import INC, Stand, settings_with, stand


@asynccontextmanager
async def told_later(it: Stand) -> AsyncIterator[Played]:
    sink = SlackEphemeralSink(token="xoxb-test", base_url=it.slack.base_url)
    yield Played(Clock(), [sink])
    await sink.close()


def staged() -> tuple[Stage, Incident]:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC"))
    return stage, stage.incident("checkout")


async def deliver(it: Stand, stage: Stage) -> None:
    async with told_later(it) as played:
        await played.run(*[one for one in stage.digests if one.destination == DESTINATION])
        assert played.dead == []


def decide(stage: Stage, acts: list[Act], *before: Act) -> None:
    """Let acts take effect, after others."""
    stage.run(60, acts=[*[(25, one) for one in before], *[(30, one) for one in acts]])


async def test_a_button_is_answered_with_what_will_happen_and_put_right_where_it_was_pressed() -> (
    None
):
    stage, incident = staged()
    async with stand() as it:
        await it.ada.press(await it.post(digest("slack:incidents", id=incident.id)), "Acknowledge")
        assert (await it.heard(it.ada))[0].startswith(f"You have `{incident.id}`")
        decide(stage, it.acts.acts, Resolve(subject=incident.id, **ANNA))
        await deliver(it, stage)
        assert it.ada.heard()[1:] == [
            f"⚠️ Not as you were told: `{incident.id}` is not acknowledged. It was over when this "
            "took effect."
        ]
        assert {(one.channel, one.thread_ts) for one in it.slack.back.ephemerals} == {("C0INC", "")}


async def test_what_is_said_in_a_thread_is_put_right_in_it() -> None:
    _, incident = staged()
    async with stand() as it:
        message = await it.post(digest("slack:incidents", id=incident.id))
        await it.ada.mention("incidents", "page", thread_ts=message.ts)
        await it.heard(it.ada)
        alone = msgspec.structs.replace(
            PAGING, routes=msgspec.structs.replace(PAGING.routes, page=())
        )
        unpaged = Stage(config=alone)
        unpaged.run(20, event(0, "checkout", "EC"))
        decide(unpaged, it.acts.acts)
        await deliver(it, unpaged)
        first, second = it.slack.back.ephemerals
        assert first.thread_ts == second.thread_ts == message.ts
        assert second.text.endswith("No rule and no route pages anybody for it.")


async def test_a_command_in_another_channel_is_put_right_there() -> None:
    stage, incident = staged()
    async with stand() as it:
        it.live = Live(PAGING, [Part(0, stage.state, 0)], ms(20))
        bob = it.person("U0BOB", "bob")
        await bob.command(f"resolve {incident.id}", channel="ops")
        decide(stage, it.acts.acts, Resolve(subject=incident.id, **ANNA))
        await deliver(it, stage)
        (told,) = it.slack.back.ephemerals
        assert (told.channel, told.user) == ("C0OPS", "U0BOB")
        assert "is not resolved. It was over when this took effect." in told.text


async def test_of_two_people_at_once_the_second_hears_who_has_it() -> None:
    stage, incident = staged()
    async with stand() as it:
        message = await it.post(digest("slack:incidents", id=incident.id))
        bob = it.person("U0BOB", "bob")
        await it.ada.press(message, "Acknowledge")
        await bob.press(message, "Acknowledge")
        await it.heard(bob)
        decide(stage, it.acts.acts)
        await deliver(it, stage)
        assert bob.heard()[1:] == [
            f"⚠️ Not as you were told: `{incident.id}` is not acknowledged. ada has it already."
        ]
        assert len(it.ada.heard()) == 1


@pytest.mark.parametrize("back", [True, False])
async def test_who_may_press_is_told_later_and_where_nobody_may_nobody_is(back: bool) -> None:
    async with stand() as it:
        settings = settings_with(it.slack)
        if not back:
            settings = msgspec.structs.replace(settings, slack_in=None)
        made = make_sinks(settings)
        assert (DESTINATION in [to for one in made for to in one.destinations]) is back
        for one in made:
            await one.close()


async def test_no_response_address_and_no_trigger_reach_the_log() -> None:
    async with stand() as it:
        await it.ada.press(await it.post(), "Acknowledge")
        await it.ada.mention("incidents", f"resolve {INC}")
        (act, *_) = it.acts.acts
        raw = msgspec.msgpack.encode(act)
        assert b"http" not in raw
        assert b"trigger" not in raw
        assert b"U0ADA" in raw
