"""What a person ends is over with all that happened before they said so, however far behind
FINGERPRINT is; what happened after that opens it again."""

from __future__ import annotations

from typing import Any

import pytest

from correlators.acts import Acknowledge, Act, FalseAlarm, Resolve
from correlators.decisions import Kind
from correlators.decisions_of_entries import of_change
from correlators.incidents import Closed
from correlators.storms import Storm
from correlators.types import DigestKind, Level, PageAction
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import HOUR, MINUTE, Push, event, ms, resolve, run

SAID = HOUR
"""When they said so, by their own clock; CORRELATE is at `AT` then."""
AT = 25
DAY = 24 * HOUR


def by(second: float) -> dict[str, Any]:
    return {**ANNA, "at_ms": ms(second)}


def told(stage: Stage) -> list[str]:
    return [one.kind.value for one in stage.chats()]


def ended(act: type[Act], *, restore: bool = False, level: Level = Level.ERROR) -> Stage:
    """Return an incident that somebody ended an hour after what CORRELATE has come to."""
    stage = Stage(restore=restore)
    stage.run(20, event(0, "checkout", "EC", level=level, user="u0"))
    id = stage.incident("checkout").id
    stage.run(AT + 1, acts=[(AT, act(subject=id, **by(SAID)))])
    assert told(stage) == ["opened", "resolved"]
    return stage


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("act", [Resolve, FalseAlarm])
def test_what_happened_before_a_person_said_so_is_counted_and_opens_nothing_again(
    act: type[Act], restore: bool
) -> None:
    stage = ended(act, restore=restore, level=Level.FATAL)
    backlog = [event(at, "checkout", "EC", level=Level.FATAL) for at in range(26, SAID, 60)]
    stage.run(SAID, *backlog, event(SAID - 1, "checkout", "EC", level=Level.FATAL))
    assert told(stage) == ["opened", "resolved"]
    assert [one[0] for one in stage.pages()] == ["trigger", "resolve"]
    over = stage.incident("checkout")
    assert (over.open, over.closed) == (False, Closed.HAND)
    assert over.events_since(0) == len(backlog) + 2


def test_what_happens_in_the_second_of_the_act_or_later_opens_the_same_incident_again() -> None:
    for later in (0, 1, 29 * MINUTE):
        stage = ended(Resolve, level=Level.FATAL)
        id = stage.incident("checkout").id
        stage.run(SAID + later + 20, event(SAID + later, "checkout", "EC", level=Level.FATAL))
        assert told(stage) == ["opened", "resolved", "reopened"], later
        assert stage.chats()[-1].id == id
        assert [one[0] for one in stage.pages()] == ["trigger", "resolve", "trigger"]


def test_a_return_counts_from_when_it_was_said_to_be_over() -> None:
    stage = ended(Resolve)
    id = stage.incident("checkout").id
    late = SAID + 31 * MINUTE
    stage.run(late + 20, event(late, "checkout", "EC"))
    last = stage.chats()[-1]
    assert (last.kind, last.regressed, last.id == id) == (DigestKind.OPENED, True, False)


def test_a_clock_that_is_not_of_this_stream_settles_nothing() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC"))
    id = stage.incident("checkout").id
    stage.run(60, acts=[(AT, Resolve(subject=id, **by(AT + DAY + 1)))])
    stage.run(90, event(61, "checkout", "EC"))
    assert told(stage) == ["opened", "resolved", "reopened"]


def test_the_end_of_a_storm_settles_all_that_was_in_it_and_nothing_else() -> None:
    stage = Stage()
    stage.run(100, *outage())
    (storm,) = (one for _, one in stage.state.entries() if isinstance(one, Storm))
    before = len(stage.chats())
    stage.run(121, acts=[(120, Resolve(subject=storm.id, **by(SAID)))])
    backlog = [
        event(at, service, error)
        for at in range(200, SAID, 300)
        for service, error in (("checkout", "EC"), ("payment", "EP"), ("cart", "EK"))
    ]
    stage.run(SAID, *backlog, event(500, "elsewhere", "EE"))
    storm_over, *rest = stage.chats()[before:]
    assert (storm_over.kind, storm_over.id) == (DigestKind.RESOLVED, storm.id)
    assert {one.services[0].service for one in rest} == {"elsewhere"}


def test_an_event_that_sentry_tells_late_is_of_its_own_time() -> None:
    stage = ended(Resolve)
    stage.run(SAID + 400, event(SAID + 300, "checkout", "EC", happened=SAID - 10))
    assert told(stage) == ["opened", "resolved"]
    stage.run(SAID + 900, event(SAID + 500, "checkout", "EC", happened=SAID + 10))
    assert told(stage) == ["opened", "resolved", "opened"]


def test_another_release_of_that_time_is_told_and_has_not_regressed() -> None:
    stage = ended(Resolve)
    stage.run(200, event(100, "checkout", "EC", release="1.1"))
    last = stage.chats()[-1]
    assert (last.kind, last.regressed) == (DigestKind.OPENED, False)


def test_whoever_ends_a_page_that_was_left_to_them_settles_what_it_was_for() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC", level=Level.FATAL))
    id = stage.incident("checkout").id
    stage.run(30, acts=[(25, Acknowledge(subject=id, **by(25)))])
    stage.run(700)
    assert stage.incident("checkout").page_left
    stage.run(710, acts=[(705, Resolve(subject=id, **by(SAID)))])
    assert stage.digests[-1].page is PageAction.RESOLVE
    before = len(stage.digests)
    stage.run(900, event(800, "checkout", "EC", level=Level.FATAL))
    assert len(stage.digests) == before


def test_a_late_event_of_before_the_end_opens_nothing_again() -> None:
    """Its source stood still, was left out, and speaks again after the end."""
    stage = ended(Resolve)
    stage.run(SAID + 50)
    stage.hear_late(event(SAID - 5, "checkout", "EC"))
    assert told(stage) == ["opened", "resolved"]
    assert stage.incident("checkout").events_since(0) == 2


def test_sentrys_own_word_settles_nothing_it_stands_among_the_events() -> None:
    pushes: list[Push] = [event(0, issue="7"), resolve(25, "7"), event(30, issue="7")]
    assert [one.kind for one in run(*pushes).told()][:3] == ["opened", "resolved", "reopened"]


def test_explain_says_of_an_end_that_it_settles_something() -> None:
    stage = Stage()
    stage.run(20, event(0, "checkout", "EC"))
    before = stage.incident("checkout")
    for said, because in ((AT + 60, 1), (AT + 59, 0)):
        other = Stage(entries=[one for _, one in stage.state.entries()], now=20)
        other.run(30, acts=[(AT, Resolve(subject=before.id, **by(said)))])
        (end,) = (
            one
            for one in of_change(AT, (before, other.incident("checkout")))
            if one.kind is Kind.CLOSED
        )
        assert len(end.because) == because
