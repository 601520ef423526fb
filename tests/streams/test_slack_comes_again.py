"""What Slack sends again by itself: nobody is told to say it again, and it is one act."""

from __future__ import annotations

import pytest

from correlators.acts import Comment, act_id
from sinks.peers.faults import Fault
from streams.intake_log import Written
from tests.streams.slack_stand import stand


@pytest.mark.parametrize("written", [Written.REFUSED, Written.LATE])
async def test_who_said_it_is_told_that_it_comes_again_and_when_it_does_not(
    written: Written,
) -> None:
    async with stand() as it:
        message = await it.post()
        told = it.ada.mentioning("incidents", "comment it was the disk", thread_ts=message.ts)
        it.acts.answer = written
        for retry in range(4):
            assert (await it.app.send("events_api", told, retry=retry)).status == 503
        first, last = await it.heard(it.ada, 2)
        assert "Slack sends it again by itself" in first
        assert "do not say it again" in first
        assert "Nothing was done" not in first + last
        assert "Slack does not send it again" in last
        assert len({act_id(one) for one in it.acts.acts}) == 1


async def test_what_comes_again_is_by_the_name_that_it_had_before() -> None:
    async with stand() as it:
        message = await it.post()
        told = it.ada.mentioning("incidents", "comment it was the disk", thread_ts=message.ts)
        it.acts.answer = Written.LATE
        it.slack.fail_next("users.info", Fault.DROP_BEFORE)
        assert (await it.app.send("events_api", told)).status == 503
        it.acts.answer = Written.YES
        assert (await it.app.send("events_api", told, retry=1)).status == 200
        first, second = it.acts.acts
        assert isinstance(first, Comment)
        assert first == second
        said = await it.heard(it.ada, 2)
        assert said[-1].startswith("Your comment is kept")


async def test_a_button_that_kafka_refuses_is_not_sent_again_and_says_so() -> None:
    async with stand() as it:
        it.acts.answer = Written.REFUSED
        await it.ada.press(await it.post(), "Acknowledge")
        assert (await it.heard(it.ada))[0].endswith("Try again.")
