"""What Sentry did not take is said in the incident's thread, once for one decision."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.issue_change import IssueChange, IssueDoes
from correlators.pressed import Pressed
from correlators.types import Digest, DigestKind
from sinks.base import (
    Attempt,
    Outcome,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Step,
    Target,
    Unknown,
    UnknownReason,
)
from sinks.corrections import not_taken
from sinks.peers.sentry import SentryPeer
from sinks.peers.slack import SlackPeer
from sinks.sentry import GIVE_UP_MS, Organisation, SentrySink
from sinks.slack import SlackSink
from tests.sinks.cases import TOKEN
from tests.sinks.desks import SERVED, A, B, Desks
from tests.sinks.make import digest
from tests.sinks.played import Clock, Played
from tests.sinks.sentry_case import TOKENS
from tests.sinks.world import START_MS

S = "sentry:default"
PLAN = SentrySink(organisations={}).plan(S)
TARGETS = {**SERVED, S: Target(account=S, plan=PLAN)}
NO = Rejected(RejectReason.NOT_AUTHORISED, "status 403: give its token the scope event:write")
MINUTES = GIVE_UP_MS // 60_000


def change(
    second: int = 0,
    issue: str = "41",
    does: IssueDoes = IssueDoes.RESOLVE,
    *,
    told: tuple[str, ...] = (A,),
    together: int = 1,
) -> Digest:
    made = digest(S, id=f"isu-{issue}.{second}", at_ms=START_MS + 1_000 * second)
    return msgspec.structs.replace(
        made,
        kind=DigestKind.ISSUE_CHANGE,
        page_told=told,
        issue_change=IssueChange(
            issue_id=issue, does=does, subject="inc-1", source="slack", together=together
        ),
    )


def refuses(outcome: Outcome) -> Any:
    def says(now_ms: int, one: Attempt) -> Outcome | None:
        return outcome if one.destination == S else None

    return says


def opened(at_ms: int = START_MS) -> Digest:
    return digest(A, id="inc-1", at_ms=at_ms)


def test_a_refusal_is_said_in_the_thread_with_what_to_do() -> None:
    desks = Desks(refuses(NO), TARGETS)
    desks.run(60, (0, opened()), (5, change(5)))
    first, notice = desks.done
    assert (first.attempt.digest.id, notice.attempt.digest.id) == ("inc-1", "inc-1")
    assert notice.attempt.step is Step.POST
    assert notice.attempt.root is not None
    assert notice.attempt.digest.kind is DigestKind.ISSUE_TROUBLE
    assert desks.notices() == [
        "Sentry said no: issue 41 is not resolved "
        "(status 403: give its token the scope event:write)"
    ]
    assert [one.detail for one in desks.dead] == [NO.detail]


def test_of_a_decision_about_many_issues_one_notice_speaks_and_the_next_one_speaks_anew() -> None:
    desks = Desks(refuses(NO), TARGETS)
    both = [(5.0, change(5, str(number), together=9)) for number in range(9)]
    again = [(60.0, change(60, str(number), together=9)) for number in range(9)]
    desks.run(200, (0, opened()), *both, *again)
    assert len(desks.dead) == 18
    assert len(desks.notices()) == 2
    assert "one of 9," in desks.notices()[0]


def test_each_place_that_was_told_hears_it_and_where_nobody_was_nobody_does() -> None:
    desks = Desks(refuses(NO), TARGETS)
    desks.run(60, (5, change(5, told=(A, B))), (5, change(5, "42", IssueDoes.ASSIGN, told=())))
    assert sorted(one.attempt.destination for one in desks.done) == [A, B]
    assert {one.attempt.digest.notice.partition(" (")[0] for one in desks.done} == {
        "Sentry said no: issue 41 is not resolved"
    }


@pytest.mark.parametrize(
    "outcome",
    [Retry(RetryReason.NOT_CONNECTED), Unknown(UnknownReason.SERVER_ERROR)],
    ids=["away", "failing"],
)
def test_what_cannot_be_reached_is_said_after_half_an_hour(outcome: Outcome) -> None:
    desks = Desks(refuses(outcome), TARGETS)
    desks.run(60 * (MINUTES - 1), (0, opened()), (5, change(5)))
    assert desks.notices() == []
    desks.run(60 * (MINUTES + 3))
    (says,) = desks.notices()
    assert "could not be reached for half an hour; do it again" in says


def test_where_sentry_is_configured_no_more_that_is_said() -> None:
    desks = Desks(targets=SERVED)
    desks.run(60, (0, opened()), (5, change(5)))
    assert ["is not configured any more" in one for one in desks.notices()] == [True]


def test_what_sentry_takes_is_said_by_nobody() -> None:
    desks = Desks(targets=TARGETS)
    desks.run(60, (0, opened()), (5, change(5)))
    assert desks.notices() == []
    assert [one.attempt.destination for one in desks.done] == [A, S]


@given(st.sets(st.integers(1, 60)))
def test_whatever_crashes_it_is_said_once(crashes: set[int]) -> None:
    desks = Desks(refuses(NO), TARGETS, crashes)
    desks.run(300, (0, opened()), (5, change(5)))
    assert len(desks.notices()) == 1


def test_whoever_pressed_is_told_once_for_a_decision_and_anew_for_the_next_or_another_one() -> None:
    def told(second: int, issue: str, user: str, does: IssueDoes = IssueDoes.RESOLVE) -> str:
        made = change(second, issue, does)
        assert made.issue_change is not None
        pressed = Pressed(user, "C0A")
        asked = msgspec.structs.replace(made.issue_change, pressed=pressed)
        found = not_taken(made, asked, "Sentry said no")
        assert found is not None
        assert found.answer is not None
        assert (found.answer.to, found.page_told, found.notice) == (pressed, (), "Sentry said no")
        return found.id

    first = told(5, "41", "U0ADA")
    assert told(5, "42", "U0ADA") == first
    others = [
        told(6, "41", "U0ADA"),
        told(5, "41", "U0BEN"),
        told(5, "41", "U0ADA", IssueDoes.ASSIGN),
    ]
    assert len({first, *others}) == 4


async def test_a_real_refusal_stands_below_the_message_in_slack(clock: Clock) -> None:
    async with (
        SentryPeer(tokens={"shop": TOKENS["shop"]}, clock=clock) as sentry,
        SlackPeer(token=TOKEN, channels={"C0A": "a"}, clock=clock) as slack,
    ):
        here = Organisation(slug="shop", token=TOKENS["shop"], api_url=sentry.base_url)
        sinks = (
            SentrySink(organisations={"default": here}),
            SlackSink(token=TOKEN, channels={"a": "C0A"}, base_url=slack.base_url),
        )
        played = Played(clock, list(sinks))
        await played.run(digest("slack:a", id="inc-1"))
        handed = await _refused(played, change(5))
        await played.run(*handed)
        (first,) = slack.posts("a")
        (below,) = slack.replies("a", first.ts)
        said = str(below.blocks) + below.text
        assert "Sentry said no: issue 41 is not resolved" in said
        assert "the issue was merged into another one or deleted: do it in Sentry" in said
        assert [one.outcome for one in sentry.calls] == ["404"]
        for one in sinks:
            await one.close()


async def _refused(played: Played, one: Digest) -> list[Digest]:
    """Return what an outbox hands on when this change is refused."""
    handed: list[Digest] = []
    take = played.outbox.take_changes

    def noted() -> Any:
        changes = take()
        handed.extend(changes.handed)
        return changes

    played.outbox.take_changes = noted  # type: ignore[method-assign]
    await played.run(one)
    return handed
