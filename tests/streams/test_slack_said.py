"""What is said as `/stormfold ...`, or as `@stormfold ...` in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from correlators.acts import (
    Acknowledge,
    AddSilence,
    Assign,
    Comment,
    ExpireSilence,
    FalseAlarm,
    MergeInto,
    Resolve,
    silence_id,
)
from correlators.incidents import Incident
from correlators.types import tick_of
from sinks.slack_buttons import environment_hash
from streams.live import Live, Part
from tests.correlators.acted import Stage, outage
from tests.correlators.score import MINUTE, PAGING, event, ms
from tests.sinks.make import digest
from tests.streams.slack_stand import INC, Stand, outage_and_mail, stand


@pytest.fixture
async def it() -> AsyncIterator[Stand]:
    async with stand() as running:
        yield running


async def said(it: Stand, text: str) -> str:
    answered = await it.ada.command(text)
    assert answered.status == 200
    assert answered.body["response_type"] == "ephemeral"
    return str(answered.body["text"])


async def test_a_command_names_what_it_is_about_and_is_answered_at_once(it: Stand) -> None:
    it.live, storm, mail = outage_and_mail()
    assert await said(it, f"ack {storm} 2h") == (
        f"You have `{storm}` for 2h: what is in it now wakes nobody again. The thread "
        "says so once it is done, mostly within seconds."
    )
    await said(it, f"silence {mail} 30m mails are late")
    await said(it, f"assign {mail} <@U0ADA|ada>")
    await said(it, f"merge {mail} {storm}")
    await said(it, f"comment {mail} we roll back")
    kinds = [type(one) for one in it.acts.acts]
    assert kinds == [Acknowledge, AddSilence, Assign, MergeInto, Comment]
    ack, silence, assign, merge, comment = it.acts.acts
    assert isinstance(ack, Acknowledge)
    assert isinstance(silence, AddSilence)
    assert isinstance(assign, Assign)
    assert isinstance(merge, MergeInto)
    assert isinstance(comment, Comment)
    assert (ack.for_ms, silence.comment, assign.assignee) == (7_200_000, "mails are late", "ada")
    assert (merge.into, comment.text) == (storm, "we roll back")
    assert {environment for _, environment in it.acts.told} == {environment_hash("production")}


async def test_while_the_state_is_known_to_lag_an_answer_says_by_how_much(it: Stand) -> None:
    live, storm, _ = outage_and_mail()
    it.live = Live(live.config, live.parts, live.now_ms + 4 * 60_000)
    says = "once it is done; Stormfold is 4 min behind now."
    assert (await said(it, f"ack {storm}")).endswith(f" The thread says so {says}")
    await it.post()
    answer = await said(it, "link mail")
    assert "It takes effect once that is caught up: Stormfold is 4 min behind now." in answer


async def test_a_state_that_is_as_old_as_a_quiet_one_may_be_does_not_lag(it: Stand) -> None:
    live, _, mail = outage_and_mail()
    it.live = Live(live.config, live.parts, live.now_ms + 20_000)
    assert (await said(it, f"ack {mail}")).endswith("once it is done, mostly within seconds.")


async def test_the_answer_to_a_silence_says_how_to_end_it(it: Stand) -> None:
    it.live, storm, _ = outage_and_mail()
    answer = await said(it, f"silence {storm} 2h")
    (act,) = it.acts.acts
    assert isinstance(act, AddSilence)
    assert f"no message, no page. `/stormfold unsilence {silence_id(act)}` ends it" in answer


async def test_whoever_says_me_is_meant_by_name(it: Stand) -> None:
    message = await it.post()
    await it.ada.mention("incidents", "assign me", thread_ts=message.ts)
    bob = it.person("U0BOB", "bob")
    await it.ada.mention("incidents", f"assign <@{bob.id}>", thread_ts=message.ts)
    assert [getattr(one, "assignee", "") for one in it.acts.acts] == ["ada", "bob"]


async def test_status_lists_what_is_open_and_shows_one(it: Stand) -> None:
    it.live, storm, mail = outage_and_mail()
    told = await said(it, "status")
    assert all(one in told for one in (storm, mail))
    assert "EM" in await said(it, mail)
    it.live = Live(PAGING, [Part(0, Stage().state, 0)], 0)
    it.desk._book._live = None
    assert await said(it, "status") == "Nothing is open."


async def test_a_silence_is_ended_by_its_id(it: Stand) -> None:
    stage = Stage()
    stage.run(20, *outage(), event(5, "mail", "EM"))
    mail = next(one.id for one in stage.state.open_all() if one.key.service == "mail")
    act = AddSilence(actor="bob", source="cli", at_ms=ms(20), to_ms=ms(20 + MINUTE), subject=mail)
    stage.run(25, acts=[(21, act)])
    it.live = Live(PAGING, [Part(0, stage.state, tick_of(ms(stage.now)) - 1)], ms(stage.now))
    told = await said(it, f"unsilence {silence_id(act)}")
    assert told.startswith(f"The silence `{silence_id(act)}` ends")
    assert [type(one) for one in it.acts.acts] == [ExpireSilence]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("akc", 'Nothing was done: no word "akc"; did you mean `ack`? `help` lists them'),
        (f"ack {INC}", f"Nothing was done: nothing is called `{INC}`."),
        ("split storm-7f4ac26c308e979e", "Nothing was done: a storm is split by incident."),
        (f"ignore {INC}", "Nothing was done: it would be done in Sentry, which is not asked"),
        (f"unignore {INC}", "Nothing was done: it would be done in Sentry, which is not asked"),
        ("help", "`/stormfold status [ID]`"),
    ],
)
async def test_what_cannot_be_done_says_why(it: Stand, text: str, says: str) -> None:
    it.live, _, _ = outage_and_mail()
    assert says in await said(it, text)
    assert it.acts.told == []


async def test_what_is_over_takes_a_comment_and_a_false_alarm_and_nothing_else(it: Stand) -> None:
    stage = Stage()
    stage.run(20 * MINUTE, event(5, "mail", "EM"))
    (mail,) = (one for _, one in stage.state.entries() if isinstance(one, Incident))
    assert not mail.open
    it.live = Live(PAGING, [Part(0, stage.state, tick_of(ms(stage.now)) - 1)], ms(stage.now))
    assert await said(it, f"ack {mail.id}") == f"Nothing was done: `{mail.id}` is over."
    await said(it, f"comment {mail.id} it was the queue")
    await said(it, f"false-alarm {mail.id}")
    assert [type(one) for one in it.acts.acts] == [Comment, FalseAlarm]
    assert "*Over:* it went quiet." in await said(it, f"why {mail.id}")
    assert "`it is over`" in await said(it, f"status {mail.id}")


async def test_without_the_state_a_command_says_so(it: Stand) -> None:
    assert "the state cannot be read now" in await said(it, f"ack {INC}")
    assert it.counted() == {("command", "no_state"): 1}


async def test_in_a_thread_the_same_words_need_no_id_and_no_state(it: Stand) -> None:
    message = await it.post(digest("slack:incidents", id=INC))
    answered = await it.ada.mention("incidents", "resolve", thread_ts=message.ts)
    assert answered.status == 200
    (act,) = it.acts.acts
    assert isinstance(act, Resolve)
    assert (act.subject, act.actor) == (INC, "ada")
    assert (await it.heard(it.ada))[0].startswith(f"`{INC}` is resolved")
    assert it.slack.back.ephemerals[0].thread_ts == message.ts


async def test_a_mention_outside_of_our_threads_needs_an_id(it: Stand) -> None:
    it.live, storm, _ = outage_and_mail()
    await it.ada.mention("incidents", "ack")
    root = it.slack.say("incidents", "lunch?")
    await it.ada.mention("incidents", "ack", thread_ts=root)
    await it.ada.mention("incidents", f"ack {storm}")
    first, second, done = await it.heard(it.ada, 3)
    assert "expected an id" in first
    assert "expected an id" in second
    assert done.startswith(f"You have `{storm}`")


async def test_a_message_is_answered_by_its_thread_also_without_buttons(it: Stand) -> None:
    it.live, storm, _ = outage_and_mail()
    message = await it.post(digest("slack:incidents", id=storm))
    message.blocks = [one for one in message.blocks if one["type"] != "actions"]
    await it.ada.mention("incidents", "ack", thread_ts=message.ts)
    assert [one.subject for one in it.acts.acts] == [storm]


async def test_a_shortcut_of_a_message_or_of_one_in_its_thread_does_as_the_button(
    it: Stand,
) -> None:
    message = await it.post()
    ts = it.slack.say("incidents", "I look", thread_ts=message.ts)
    reply = next(one for one in it.slack.messages("incidents") if one.ts == ts)
    lunch = it.slack.say("ops", "lunch?")
    other = next(one for one in it.slack.messages("ops") if one.ts == lunch)
    for one in (message, reply, other):
        await it.ada.shortcut(one, "stormfold.acknowledge")
    assert [one.subject for one in it.acts.acts] == [INC, INC]
    assert "about no open incident" in (await it.heard(it.ada, 3))[2]


async def test_the_words_of_a_bot_are_no_words(it: Stand) -> None:
    message = await it.post()
    told = it.ada.mentioning("incidents", "ack", thread_ts=message.ts)
    told["event"]["bot_id"] = "B0OTHER"
    assert (await it.app.send("events_api", told)).status == 200
    assert it.acts.told == []
