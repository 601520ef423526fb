"""What only one person is told: where they pressed, else directly, and what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import ACT_KINDS, ActOutcome
from correlators.answering import BELIES, DESTINATION
from correlators.pressed import Answer, Pressed
from correlators.types import Digest
from sinks.corrections import says
from sinks.mrkdwn import size
from sinks.peers.faults import Fault
from sinks.peers.slack import SlackPeer
from sinks.slack_ephemeral import GIVE_UP_MS, SlackEphemeralSink
from tests.sinks.ephemeral_case import ADA, BOT, shaped
from tests.sinks.hostile import TEXT, struct
from tests.sinks.make import digest
from tests.sinks.played import Clock, Played

IN_THREAD = Pressed("U0ADA", "C0INC", "1790000000.000100")
SAYS = "⚠️ Not as you were told: `inc-1` is not acknowledged."


def correction(to: Pressed = ADA, id: str = "inc-1", outcome: str = "gone") -> Digest:
    return shaped(digest(DESTINATION, id=id), to, outcome)


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackPeer]:
    async with SlackPeer(token=BOT, channels={"C0INC": "incidents"}, clock=clock) as peer:
        peer.back.names["U0ADA"] = "ada"
        yield peer


@pytest.fixture
async def played(slack: SlackPeer, clock: Clock) -> AsyncIterator[Played]:
    sink = SlackEphemeralSink(token=BOT, base_url=slack.base_url)
    yield Played(clock, [sink])
    await sink.close()


def direct(slack: SlackPeer) -> list[str]:
    found = slack.workspace.channels.get("D0ADA")
    return [one.text for one in found.messages.values()] if found is not None else []


async def test_it_is_said_in_the_thread_where_they_pressed_and_nobody_else_sees_it(
    slack: SlackPeer, played: Played
) -> None:
    await played.run(correction(IN_THREAD))
    (told,) = slack.back.ephemerals
    assert (told.channel, told.user, told.thread_ts) == ("C0INC", "U0ADA", "1790000000.000100")
    assert told.text.startswith(SAYS)
    assert slack.posts("incidents") == []
    assert direct(slack) == []


@pytest.mark.parametrize("how", ["they left", "bot not there", "unknown channel", "archived"])
async def test_where_it_cannot_be_said_they_are_told_directly(
    slack: SlackPeer, played: Played, how: str
) -> None:
    to = Pressed("U0ADA", "C0GONE") if how == "unknown channel" else IN_THREAD
    if how == "they left":
        slack.back.away.add(("U0ADA", "C0INC"))
    elif how == "bot not there":
        slack.remove_bot("incidents")
    elif how == "archived":
        slack.fail(Fault.REFUSED, method="chat.postEphemeral", word="is_archived", calls=1)
    await played.run(correction(to))
    assert [one.startswith(SAYS) for one in direct(slack)] == [True]
    assert slack.back.ephemerals == []
    assert played.dead == []


async def test_who_cannot_be_told_at_all_is_a_dead_letter_and_keeps_nobody_waiting(
    slack: SlackPeer, played: Played
) -> None:
    await played.run(correction(Pressed("U0GONE", "C0GONE")), correction(id="inc-2"))
    assert [one.reason.value for one in played.dead] == ["no_such_place"]
    assert len(slack.back.ephemerals) == 1


@pytest.mark.parametrize(
    "fault", [Fault.ERROR_503, Fault.RATE_LIMITED, Fault.DROP_BEFORE, Fault.ERROR_AFTER]
)
async def test_under_faults_it_is_told_and_a_second_time_only_marked(
    slack: SlackPeer, played: Played, fault: Fault
) -> None:
    slack.fail(fault, calls=2)
    await played.run(correction())
    told = [one.text for one in slack.back.ephemerals]
    assert told
    assert len([one for one in told if "possible repeat" not in one]) <= 1
    assert played.dead == []


async def test_after_half_an_hour_nobody_waits_for_it(slack: SlackPeer, played: Played) -> None:
    await slack.stop_listening()
    await played.run(correction(), within_s=2 * GIVE_UP_MS // 1000)
    assert [one.reason.value for one in played.dead] == ["retries_exhausted"]
    await slack.listen()
    assert slack.back.ephemerals == []


# What it says


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"outcome": "gone", "gone": "inc-1", "over": True}, "It was over when this took effect."),
        ({"outcome": "gone", "gone": "inc-1"}, "It is not known any more"),
        ({"outcome": "unchanged", "who": "b*b <@U1>"}, "b\u2217b &lt;@U1&gt; has it already."),
        ({"act": "page_now", "outcome": "unchanged"}, "A page of it is open."),
        ({"act": "page_now", "outcome": "no_pager"}, "No rule and no route pages anybody for it."),
        ({"act": "assign", "outcome": "set_aside"}, "It could not be carried out and is set aside"),
        ({"act": "ignore", "outcome": "no_issue"}, "No issue of it is known"),
        ({"act": "add_silence", "outcome": "too_many"}, "Its environment has 200 silences already"),
        ({"act": "add_silence", "outcome": "ended", "subject": ""}, "What you described is not"),
        (
            {"act": "merge_into", "outcome": "gone", "gone": "storm-2", "over": True},
            "`storm-2` was over when this took effect.",
        ),
    ],
)
def test_each_outcome_says_why(how: dict[str, object], expected: str) -> None:
    given = {"act": "acknowledge", "subject": "inc-1", "to": ADA, **how}
    answer = Answer(**given)  # type: ignore[arg-type]
    assert expected in says(msgspec.structs.replace(correction(), answer=answer))


@given(
    st.sampled_from(ACT_KINDS),
    st.sampled_from(sorted(BELIES | {ActOutcome.UNCHANGED})),
    st.booleans(),
)
def test_of_every_act_and_outcome_there_is_a_sentence(
    act: str, outcome: ActOutcome, named: bool
) -> None:
    subject = "inc-1" if named else ""
    answer = Answer(to=ADA, act=act, subject=subject, outcome=outcome, gone=subject)
    told = says(msgspec.structs.replace(correction(), answer=answer))
    assert told.endswith(".")
    assert "What you asked" not in told
    assert "_" not in told


@given(TEXT, struct(Answer, 4))
def test_whatever_it_names_it_is_short_and_mentions_formats_and_links_nothing(
    notice: str, answer: msgspec.Struct
) -> None:
    assert isinstance(answer, Answer)
    told = says(msgspec.structs.replace(correction(), answer=answer, notice=notice))
    assert size(told) <= 4_000
    assert told.count("`") % 2 == 0
    outside = re.sub(r"`[^`]*`", "", told)
    assert not re.search(r"<|\*|~|\n", outside)
