"""What is pressed in Slack: one act on the log, and an answer that says what will happen."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlators.acts import (
    Acknowledge,
    Act,
    Assign,
    Comment,
    FalseAlarm,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
    act_id,
)
from correlators.types import DigestKind
from sinks.slack_buttons import bar, environment_hash
from streams import codec
from streams.intake_log import Written
from streams.slack_acts import Moments, when
from streams.slack_desk import AT_ONCE, MOMENT
from streams.slack_inbound import Kind, Outcome, envelope
from tests.correlators.acted import Stage, outage
from tests.correlators.score import ms
from tests.sinks.make import digest
from tests.streams.slack_stand import INC, Stand, outage_and_mail, stand

NOW_MS = 1_790_000_000_000


@pytest.fixture
async def it() -> AsyncIterator[Stand]:
    async with stand() as running:
        yield running


@pytest.mark.parametrize(
    ("label", "kind", "says"),
    [
        ("Acknowledge", Acknowledge, f"You have `{INC}`: what is in it now wakes nobody again."),
        ("Page the on-call", PageNow, f"The on-call is paged for `{INC}`, unless a page of it is"),
        ("Resolve", Resolve, f"`{INC}` is resolved, and its page with it. What happens after"),
        ("False alarm", FalseAlarm, f"`{INC}` is over: a false alarm."),
    ],
)
async def test_a_press_is_an_act_by_name_in_the_partition_of_its_environment(
    it: Stand, label: str, kind: type, says: str
) -> None:
    answered = await it.ada.press(await it.post(), label)
    assert (answered.status, answered.text) == (200, "")
    ((act, environment),) = it.acts.told
    assert isinstance(act, kind)
    assert (act.actor, act.source, act.subject) == ("ada", "slack", INC)
    assert environment == environment_hash("production")
    assert (await it.heard(it.ada))[0].startswith(says)
    assert it.counted() == {("button", "acted"): 1}


async def test_what_is_acknowledged_is_given_back_and_one_of_a_storm_taken_out(it: Stand) -> None:
    acked = msgspec.structs.replace(digest("slack:incidents", id=INC), acked_by="bob")
    await it.ada.press(await it.post(acked), "Give back")
    joined = msgspec.structs.replace(
        digest("slack:incidents", id=INC), kind=DigestKind.JOINED, storm=False
    )
    await it.ada.press(await it.post(joined), "Not part of this…")
    assert [type(one) for one in it.acts.acts] == [Unacknowledge, Separate]


async def test_a_double_click_is_one_act_and_answered_twice(it: Stand) -> None:
    message = await it.post()
    await asyncio.gather(*[it.ada.press(message, "Acknowledge") for _ in range(2)])
    first, second = it.acts.acts
    assert act_id(first) == act_id(second)
    assert len(set(await it.heard(it.ada, 2))) == 1


async def test_whatever_a_name_or_a_text_holds_it_is_one_clean_line_that_the_log_takes(
    it: Stand,
) -> None:
    message = await it.post()
    odd = it.person("U0ODD", "a\ud800\u202e b\nc")
    await odd.press(message, "Acknowledge")
    await odd.press(message, "Assign…")
    await odd.submit(odd.modal(), {"text": {"text": {"value": "@web\n\udfffteam"}}})
    await odd.mention("incidents", "comment a\ud83d b", thread_ts=message.ts)
    ack, assign, comment = it.acts.acts
    assert (ack.actor, assign.actor) == ("a\ufffd b c",) * 2
    assert isinstance(assign, Assign)
    assert assign.assignee == "web \ufffdteam"
    assert isinstance(comment, Comment)
    assert comment.text == "a\ufffd b"
    assert all(codec.encode(one) for one in it.acts.acts)


async def test_two_people_at_once_are_two_acts(it: Stand) -> None:
    message, bob = await it.post(), it.person("U0BOB", "bob")
    await asyncio.gather(*[one.press(message, "Acknowledge") for one in (it.ada, bob)])
    assert {one.actor for one in it.acts.acts} == {"ada", "bob"}
    assert len({act_id(one) for one in it.acts.acts}) == 2


async def test_another_decision_in_between_makes_the_first_a_new_one() -> None:
    moments = Moments()

    def at(*said: Any) -> int:
        return moments.at(*said)[0]

    assert at("U1", INC, "ack", 1_000) == at("U1", INC, "ack", 2_000) == 1_000
    assert at("U1", INC, "unack", 3_000) == 3_000
    assert at("U1", INC, "ack", 4_000) == 4_000
    assert at("U2", INC, "ack", 4_500) == 4_500
    assert at("U1", INC, "ack", 14_001) == 14_001
    assert at("U1", INC, "ack", 13_000) == 14_001


async def test_what_another_person_undid_may_be_done_again_at_once(it: Stand) -> None:
    message, bob = await it.post(), it.person("U0BOB", "bob")
    acked = digest("slack:incidents", id=INC, revision=3)
    acked = msgspec.structs.replace(acked, acked_by="ada")
    await it.ada.press(message, "Acknowledge")
    await bob.press(await it.post(acked), "Give back")
    await it.ada.press(message, "Acknowledge")
    assert [one.actor for one in it.acts.acts] == ["ada", "bob", "ada"]
    first, _, again = it.acts.acts
    assert act_id(first) != act_id(again)


@given(at_ms=st.integers(NOW_MS - 3_600_000, NOW_MS + 3_600_000), odd=st.text(max_size=20))
def test_a_time_that_slack_gives_is_taken_unless_it_is_none(at_ms: int, odd: str) -> None:
    assert when(f"{at_ms // 1000}.{at_ms % 1000:03d}456", NOW_MS) == at_ms
    assert abs(when(odd, NOW_MS) - NOW_MS) <= 3_600_000
    assert when("9999999999.000000", NOW_MS) == NOW_MS


async def test_what_slack_sends_again_is_the_same_act_whichever_process_takes_it() -> None:
    async with stand() as one, stand() as two:
        message = await one.post()
        pressed = one.ada.pressing(message, "Page the on-call")
        said = one.ada.mentioning("incidents", f"resolve {INC}", thread_ts=message.ts)
        two.slack.back.names["U0ADA"] = "ada"
        two.slack.workspace.channels["C0INC"].messages[message.ts] = message
        for it in (one, two):
            await it.app.send("interactive", pressed)
            await it.app.send("events_api", said)
        assert [act_id(act) for act in one.acts.acts] == [act_id(act) for act in two.acts.acts]
        assert len(one.acts.acts) == 2


@pytest.mark.parametrize(
    ("written", "says"),
    [(Written.LATE, "may be done all the same"), (Written.REFUSED, "Nothing was done: Kafka")],
)
async def test_what_kafka_does_not_take_is_told_where_it_was_pressed(
    it: Stand, written: Written, says: str
) -> None:
    it.acts.answer = written
    answered = await it.ada.press(await it.post(), "Resolve")
    assert answered.status == 200
    assert says in (await it.heard(it.ada))[0]


async def test_a_message_of_an_incident_that_is_over_tells_why_and_opens_sentry(it: Stand) -> None:
    message = await it.post(digest("slack:incidents", id=INC, revision=4, resolved=True))
    it.live, _, _ = outage_and_mail()
    await it.ada.press(message, "Why?")
    assert (await it.heard(it.ada))[0] == f"Nothing is called `{INC}`."
    await it.ada.press(message, "Open in Sentry")
    assert it.acts.told == []
    assert it.counted() == {("button", "gone"): 1, ("button", "answered"): 1}


async def test_why_tells_the_reasons(it: Stand) -> None:
    it.live, storm, _ = outage_and_mail()
    await it.ada.press(await it.post(digest("slack:incidents", id=storm)), "Why?")
    (told,) = await it.heard(it.ada)
    assert "checkout, payment, cart · 3 incidents" in told
    assert "by the rule `storm`" in told
    assert told.endswith(f"Every decision: `stormfold explain --storm {storm}`")


# ---------------------------------------------------------------- in time


async def test_what_takes_longer_than_slack_waits_is_answered_at_once_and_in_full_later() -> None:
    async with stand(answer_within_s=0.0) as it:
        it.acts.open.clear()
        message = await it.post()
        assert (await it.ada.press(message, "Acknowledge")).text == ""
        it.live, storm, _ = outage_and_mail()
        answered = await it.ada.command(f"resolve {storm}")
        assert answered.body["text"].startswith("One moment")
        assert await it.heard(it.ada) == [MOMENT]
        it.acts.open.set()
        told = await it.heard(it.ada, 3)
        assert sorted(one.split("`")[0] for one in told) == ["", MOMENT, "You have "]
        assert {one.subject for one in it.acts.acts} == {INC, storm}


class Broken:
    """A log that fails as nobody expects, with what it was to write in its error."""

    async def tell(self, act: Act, environment: int, *, within_s: float) -> Written:
        raise RuntimeError(repr(act))

    async def tell_everywhere(self, acts: Sequence[Act], *, within_s: float) -> Written:
        raise RuntimeError(repr(acts))


@pytest.mark.parametrize("answer_within_s", [30.0, 0.0])
async def test_a_bug_of_ours_is_told_to_who_asked_and_the_log_holds_nothing_that_they_said(
    caplog: pytest.LogCaptureFixture, answer_within_s: float
) -> None:
    async with stand(answer_within_s=answer_within_s) as it:
        it.live, _, mail = outage_and_mail()
        it.desk._clerk._acts = Broken()
        await it.ada.press(await it.post(), "Acknowledge")
        await it.ada.command(f"comment {mail} of Mrs Miller")
        await it.ada.mention("incidents", f"comment {mail} of Mrs Miller")
        said = await it.heard(it.ada, 2 if answer_within_s else 5)
        assert {one[:24] for one in said} - {MOMENT[:24]} == {"Something went wrong her"}
    gc.collect()
    assert "it could not be done: RuntimeError in test_slack_desk.py" in caplog.text
    assert "Miller" not in caplog.text
    assert "ada" not in caplog.text


async def test_more_than_can_be_answered_is_refused_and_nothing_of_it_is_done() -> None:
    async with stand(answer_within_s=0.0) as it:
        it.acts.open.clear()
        payload = it.ada.pressing(await it.post(), "Acknowledge")
        got = envelope("interactive", payload)
        outcomes = [(await it.desk.handle(got)).outcome for _ in range(AT_ONCE + 1)]
        assert outcomes[0] is Outcome.ANSWERED
        assert outcomes[-1] is Outcome.OVERLOADED
        it.acts.open.set()


async def test_a_press_shows_in_the_thread_and_the_buttons_follow() -> None:
    stage = Stage()
    stage.run(20, *outage())
    async with stand() as it:
        opened = stage.digests[-1]
        sent = msgspec.structs.replace(opened, destination="slack:incidents")
        message = await it.post(sent)
        await it.ada.press(message, "Acknowledge")
        stage.run(25, acts=[(21, msgspec.structs.replace(it.acts.acts[0], at_ms=ms(21)))])
        acked = stage.digests[-1]
        assert (acked.id, acked.acked_by, acked.acked_in) == (opened.id, "ada", "slack")
        assert [one["text"]["text"] for one in bar(acked)[0]["elements"][:1]] == ["Give back"]


# ---------------------------------------------------------------- whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "user", "id", "actions", "view", "event", "state", "message"])
            | st.sampled_from(["values", "action_id", "value", "channel", "text", "blocks"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["block_actions", "view_submission", "message_action", "event_callback"]),
    payload=st.dictionaries(
        st.sampled_from(["user", "actions", "view", "message", "event", "channel", "event_id"]),
        JSON,
        max_size=6,
    ),
)
def test_no_payload_raises(kind: str, payload: dict[str, Any]) -> None:
    async def send() -> None:
        async with stand() as it:
            way = "events_api" if kind == "event_callback" else "interactive"
            reply = await it.desk.handle(envelope(way, {**payload, "type": kind}))
            assert reply.outcome in Outcome
            assert it.acts.told == []

    asyncio.run(send())
    assert envelope("x", payload).kind is Kind.OTHER
