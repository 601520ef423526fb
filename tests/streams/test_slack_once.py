"""What Slack sends again without a time of its own, over a socket, is the same act: however much
later, and whichever intake takes it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from correlators.acts import AddSilence, Comment, act_id, silence_id
from sinks.peers.slack_people import Person
from streams.intake_slack import now_ms
from streams.slack_inbound import Inbound, envelope
from tests.streams.slack_stand import Stand, outage_and_mail, stand

LATER_MS = 60_000


def watched(it: Stand) -> tuple[Person, list[Inbound]]:
    """Return a person, and what a socket brings of what they do."""
    sent: list[Inbound] = []

    async def send(kind: str, payload: dict[str, Any]) -> Any:
        sent.append(envelope(kind, payload))
        return await it.app.send(kind, payload)

    return Person(it.slack, send, "U0ADA", "ada"), sent


async def taken(it: Stand, got: Inbound, *, later_ms: int = 0) -> None:
    it.desk._clerk._now_ms = lambda: now_ms() + later_ms
    await it.desk.handle(got)


@pytest.mark.parametrize("text", ["comment {} it was the disk", "silence {} 2h", "resolve {}"])
async def test_a_command_that_comes_again_is_one_act(text: str) -> None:
    async with stand() as it, stand() as other:
        it.live, _, mail = outage_and_mail()
        other.live = it.live
        ada, sent = watched(it)
        await ada.command(text.format(mail))
        await ada.command(text.format(mail))
        first, second = sent
        it.acts.told.clear()
        for stood, later_ms in ((it, 0), (it, LATER_MS), (other, 2 * LATER_MS)):
            await taken(stood, first, later_ms=later_ms)
        acts = [*it.acts.acts, *other.acts.acts]
        assert len(acts) == 3
        assert len({one.at_ms for one in acts}) > 1
        assert len({act_id(one) for one in acts}) == 1
        # The same said anew is another act, once a double click is out of the question.
        await taken(it, second, later_ms=3 * LATER_MS)
        assert act_id(it.acts.acts[-1]) != act_id(acts[0])


async def test_a_dialog_that_comes_again_is_one_act() -> None:
    async with stand() as it, stand() as other:
        ada, sent = watched(it)
        await ada.press(await it.post(), "Silence…")
        values = {"for": {"for": {"selected_option": {"value": "3600000"}}}}
        await ada.submit(ada.modal(), values)
        for later_ms in (LATER_MS, 2 * LATER_MS):
            await taken(other, sent[-1], later_ms=later_ms)
        silences = [one for one in (*it.acts.acts, *other.acts.acts) if isinstance(one, AddSilence)]
        assert len(silences) == 3
        assert len({one.at_ms for one in silences}) == 3
        assert len({silence_id(one) for one in silences}) == 1


async def test_a_double_click_of_commands_is_one_act_by_the_first() -> None:
    async with stand() as it:
        it.live, _, mail = outage_and_mail()
        await asyncio.gather(*[it.ada.command(f"ack {mail}") for _ in range(2)])
        assert len({act_id(one) for one in it.acts.acts}) == 1


def test_the_time_is_no_part_of_an_act_whose_deed_has_a_name_and_else_it_is() -> None:
    def comment(at_ms: int, **more: Any) -> str:
        act = Comment(actor="ada", source="slack", subject="inc-1", text="x", at_ms=at_ms, **more)
        return act_id(act)

    assert comment(1, once="a") == comment(2, once="a")
    assert len({comment(1), comment(2), comment(1, once="a"), comment(1, once="b")}) == 4
    for wrong in ("", "x" * 121):
        with pytest.raises(ValueError, match="once has 1 to 120"):
            comment(1, once=wrong)
