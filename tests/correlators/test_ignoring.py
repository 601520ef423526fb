"""What is ignored in Sentry is told once as such, and then no more until that ends."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest

from correlators.deltas import ISSUES_KEPT
from correlators.entries import IGNORED_MOST, Ignored, ignored_key
from correlators.state import Correlation, State
from correlators.storms import MEMBERS_KEPT
from correlators.types import ChangeKind, StateChange, Suppression
from tests.correlators.score import (
    DAY,
    HOUR,
    MINUTE,
    PAGING,
    Push,
    Score,
    event,
    events,
    ms,
    resolve,
    run,
    second_of,
)

_bodies = count(1)


def word(
    at: float,
    kind: ChangeKind = ChangeKind.ISSUE_IGNORED,
    issue: str = "7",
    *,
    status: str = "",
    substatus: str = "",
) -> Push:
    """Return Sentry's word on an issue."""
    change = StateChange(
        kind=kind,
        resource="issue",
        action="",
        identity=f"{next(_bodies):032x}",
        issue_id=issue,
        status=status,
        substatus=substatus,
    )
    return Push(ms(at), change=change)


def unresolved(at: float) -> Push:
    return word(at, ChangeKind.ISSUE_UNRESOLVED)


def heard(score: Score) -> list[tuple[int, str, bool]]:
    return [(second_of(one), one.kind.value, one.ignored) for one in score.to()]


STEADY = events(range(0, HOUR, 60), issue="7")


def test_it_is_told_once_that_an_issue_is_ignored_then_only_its_end() -> None:
    score = run(STEADY, word(400))
    end = HOUR - 60 + 10 * MINUTE
    assert heard(score) == [
        (10, "opened", False),
        (310, "updated", False),
        (400, "updated", True),
        (end, "resolved", False),
    ]
    assert score.suppressed[Suppression.IGNORED] >= 5


def test_its_open_page_is_resolved_and_it_pages_no_more() -> None:
    loud = events(range(0, HOUR, 2), issue="7")
    score = run(loud, word(400), config=PAGING)
    assert [(one.second, one.action) for one in score.paged()] == [
        (98, "trigger"),
        (400, "resolve"),
    ]


def test_when_it_is_unresolved_it_is_told_again_and_may_page_again() -> None:
    loud = events(range(0, HOUR, 2), issue="7")
    score = run(loud, word(400), unresolved(2_000), config=PAGING)
    assert (2_000, "updated", False) in heard(score)
    assert [(one.second, one.action) for one in score.paged()] == [
        (98, "trigger"),
        (400, "resolve"),
        (2_000, "trigger"),
        (HOUR - 2 + 10 * MINUTE, "resolve"),
    ]


def test_the_next_incident_of_an_ignored_issue_is_not_told_either() -> None:
    score = run(event(0, issue="7"), word(60), events([DAY, DAY + 700], issue="7"))
    assert {second_of(one) for one in score.to()} == {10, 60, 600}
    assert score.suppressed[Suppression.IGNORED] >= 1


@pytest.mark.parametrize(
    "ends",
    [
        unresolved(HOUR),
        resolve(HOUR, "7"),
        word(HOUR, ChangeKind.ISSUE_ASSIGNED, status="unresolved", substatus="ongoing"),
    ],
)
def test_any_word_that_says_it_is_not_ignored_ends_it(ends: Push) -> None:
    score = run(word(0), ends, event(DAY, issue="7"))
    assert heard(score)[0] == (DAY + 10, "opened", False)
    held = run(word(0), event(DAY, issue="7"))
    assert held.digests == []


def test_a_word_that_only_mentions_that_it_is_ignored_is_enough() -> None:
    score = run(word(0, ChangeKind.ISSUE_ASSIGNED, status="ignored"), event(DAY, issue="7"))
    assert score.digests == []


@pytest.mark.parametrize(("substatus", "told"), [("", True), ("archived_forever", False)])
def test_it_is_told_when_it_escalates_unless_it_was_archived_for_ever(
    substatus: str, told: bool
) -> None:
    usual = events(range(0, 3 * HOUR, 300), issue="7")
    burst = events(range(3 * HOUR, 3 * HOUR + 600, 2), issue="7")
    score = run(usual, word(HOUR, substatus=substatus), burst)
    late = [one for one in score.to() if second_of(one) >= 3 * HOUR and not one.resolved]
    assert bool(late) is told
    assert all(one.escalating for one in late)


def test_an_incident_with_another_issue_is_told_on() -> None:
    score = run(
        events(range(0, 1_200, 60), issue="7"),
        events(range(30, 1_200, 60), issue="8"),
        word(400),
    )
    assert not any(one.ignored for one in score.to())
    assert Suppression.IGNORED not in score.suppressed


def test_one_that_may_have_more_issues_than_are_kept_is_told_on() -> None:
    many = [event(at * 10, issue=str(at)) for at in range(ISSUES_KEPT)]
    words = [word(300, issue=str(at)) for at in range(ISSUES_KEPT)]
    score = run(many, words, events(range(310, 900, 60), issue="0"))
    assert not any(one.ignored for one in score.to())


def test_a_storm_is_held_only_when_all_its_incidents_are_ignored() -> None:
    storm = [
        *events(range(0, 900, 20), "payment", "Refused", trace="t", issue="7"),
        *events(range(2, 900, 20), "checkout", "Bad", trace="t", issue="8"),
    ]
    one = run(storm, word(400))
    both = run(storm, word(400), word(401, issue="8"))
    later = [(second_of(told), told.resolved) for told in one.to() if second_of(told) > 420]
    assert len(later) > 1
    assert [told.resolved for told in both.to() if second_of(told) > 420] == [True]


def test_a_storm_with_more_incidents_than_it_lists_is_told_on() -> None:
    storm = [
        push
        for at in range(MEMBERS_KEPT + 5)
        for push in events(
            [at / 10 + again for again in range(0, 900, 90)],
            ("payment", "checkout")[at % 2],
            f"E{at}",
            trace="t",
            issue="7" if at < MEMBERS_KEPT else "8",
        )
    ]
    score = run(storm, word(400))
    (told,) = score.storms()
    assert told.joined > len(told.members) == MEMBERS_KEPT
    assert Suppression.IGNORED not in score.suppressed


def test_the_same_word_again_changes_nothing() -> None:
    once = run(STEADY, word(400))
    twice = run(STEADY, word(400), word(500), word(900))
    assert heard(once) == heard(twice)


def test_at_the_bound_the_oldest_is_forgotten() -> None:
    state = State(Correlation())
    for at in range(IGNORED_MOST + 2):
        state.put_ignored(Ignored(issue_id=str(at), tick=at))
    assert [state.get(ignored_key(str(at))) for at in (0, 1)] == [None, None]
    assert state.get(ignored_key("2")) is not None
    state.put_ignored(Ignored(issue_id="x", tick=0))
    assert state.get(ignored_key("x")) is not None
    assert len([one for one, _ in state.entries()]) == IGNORED_MOST


def test_an_incident_that_was_never_told_ends_as_ignored() -> None:
    score = run(word(0), event(10, issue="7"))
    assert score.digests == []
    assert score.suppressed == {Suppression.IGNORED: 2}
    assert msgspec.structs.asdict(score.incidents()[0].told)["revision"] == 0
