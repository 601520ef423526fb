"""A page reaches whom it is for, or its fallback: once, in time, and so does its end."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import Digest, DigestKind, PageAction
from sinks.base import (
    Attempt,
    Outcome,
    Retry,
    RetryReason,
    Step,
)
from sinks.entries import DeadReason, DropReason
from sinks.notices import handed_on
from sinks.page_watch import WAIT_MS
from sinks.watched import PageOutcome
from tests.sinks.desks import (
    ACK,
    AWAY,
    LOST,
    REFUSED,
    SERVED,
    A,
    B,
    Desks,
    P,
    Q,
    R,
    T,
    page,
    refuses,
)
from tests.sinks.make import digest
from tests.sinks.world import START_MS


def test_a_page_that_gets_through_is_nobody_elses_business() -> None:
    desks = Desks()
    desks.run(200, (0, page(T)), (100, page(R, second=100)))
    assert desks.what() == [(P, "trigger", "inc-1.1"), (P, "resolve", "inc-1.1")]
    assert desks.handed == []
    assert desks.outcomes() == [(P, PageOutcome.DELIVERED)]
    assert desks.pages[0].waited_ms < 10_000


def test_a_refused_page_goes_to_its_fallback_at_once_and_that_is_said_where_it_is_told() -> None:
    desks = refuses(P)
    first = digest(A, id="inc-1", revision=1, at_ms=START_MS)
    desks.run(30, (0, first), (5, page(T)))
    posts = [one for one in desks.done if one.attempt.step is Step.POST]
    first_post, paged, told = posts
    assert paged.what == (A, "post", "inc-1.1")
    assert paged.attempt.digest.page is T
    assert paged.attempt.digest.handed_by == P
    assert paged.attempt.root is None
    assert paged.at_ms - START_MS < 15_000
    assert told.attempt.digest.kind is DigestKind.PAGE_TROUBLE
    assert told.attempt.digest.page is PageAction.NONE
    assert told.attempt.root is not None
    assert told.attempt.root.id == str(first_post.at_ms)
    assert told.attempt.digest.notice == (
        "The page to pagerduty:p could not be delivered (refused: not_authorised); slack:a was "
        "paged instead"
    )
    assert desks.outcomes() == [(P, PageOutcome.FALLBACK), (A, PageOutcome.DELIVERED)]
    assert [one.reason for one in desks.dead] == [DeadReason.NOT_AUTHORISED]


def test_a_page_that_is_not_through_in_a_minute_goes_to_its_fallback_and_is_tried_on() -> None:
    back_ms = START_MS + 90_000
    desks = Desks(lambda now, one: AWAY if one.destination == P and now < back_ms else None)
    desks.run(60, (0, page(T, fallback=Q)))
    assert desks.what() == []
    desks.run(64)
    assert desks.what()[0] == (Q, "trigger", "inc-1.1")
    assert desks.handed[0][0] == START_MS + WAIT_MS
    desks.run(400, (300, page(R, second=300)))
    assert [one for one in desks.what() if one[0] != A] == [
        (Q, "trigger", "inc-1.1"),
        (P, "trigger", "inc-1.1"),
        (P, "resolve", "inc-1.1"),
        (Q, "resolve", "inc-1.1"),
    ]
    late, through = desks.notices()
    assert late == (
        "The page to pagerduty:p could not be delivered (not within 60 s); pagerduty:q was paged "
        "instead"
    )
    assert through.startswith("The page to pagerduty:p got through after ")
    assert through.endswith("; pagerduty:q had been paged instead")
    assert desks.outcomes() == [
        (P, PageOutcome.FALLBACK),
        (Q, PageOutcome.DELIVERED),
        (P, PageOutcome.LATE),
    ]
    assert [one.id for one in desks.pages] == ["inc-1"] * 3


@pytest.mark.parametrize("end", [ACK, R])
def test_what_is_over_before_it_was_sent_is_handed_to_nobody(end: PageAction) -> None:
    desks = refuses(P, with_=AWAY)
    desks.run(300, (0, page(T)), (20, page(end, second=20)))
    assert desks.what() == []
    assert desks.handed == []
    why = {ACK: DropReason.ACKNOWLEDGED_BEFORE_SENT, R: DropReason.RESOLVED_BEFORE_SENT}[end]
    assert why in [one.reason for one in desks.dropped]


def test_an_acknowledgement_and_the_end_reach_whoever_was_paged_instead() -> None:
    desks = refuses(P)
    desks.run(200, (0, page(T, fallback=Q)), (30, page(ACK, second=30)), (60, page(R, second=60)))
    assert [one for one in desks.what() if one[0] == Q] == [
        (Q, "trigger", "inc-1.1"),
        (Q, "acknowledge", "inc-1.1"),
        (Q, "resolve", "inc-1.1"),
    ]


def test_a_pager_hears_an_acknowledgement_once_and_only_of_what_it_has() -> None:
    desks = Desks()
    desks.run(100, (0, page(T)), (10, page(ACK, second=10)), (11, page(ACK, second=10)))
    assert [one[1] for one in desks.what()] == ["trigger", "acknowledge"]
    desks.run(200, (110, page(R, second=110)), (120, page(ACK, second=120)))
    assert [one[1] for one in desks.what()] == ["trigger", "acknowledge", "resolve"]


def test_a_pager_is_not_told_what_it_said_itself_but_whoever_was_paged_instead_is() -> None:
    back_ms = START_MS + 90_000
    desks = Desks(lambda now, one: AWAY if one.destination == P and now < back_ms else None)
    ack = msgspec.structs.replace(page(ACK, second=200), acked_in="pagerduty", page_heard=True)
    desks.run(900, (0, page(T, fallback=B, told=())), (200, ack))
    assert [one for one in desks.what() if one[0] == P] == [(P, "trigger", "inc-1.1")]
    words = [(one.attempt.step, one.attempt.digest.page) for one in desks.done if one.what[0] == B]
    assert words == [(Step.POST, T), (Step.REPLY, ACK), (Step.EDIT, ACK)]


def test_an_acknowledgement_of_a_page_that_may_be_there_is_sent() -> None:
    lost = [LOST]
    desks = Desks(lambda _, one: lost.pop() if one.step is Step.TRIGGER and lost else None)
    desks.run(0.1, (0, page(T)), (0, page(ACK, second=1)))
    assert desks.what() == []
    desks = Desks(lambda now, one: LOST if one.step is Step.TRIGGER else None, call_ms=2_000)
    desks.run(60, (0, page(T)), (7, page(ACK, second=1)))
    assert [one[1] for one in desks.what()] == ["acknowledge"]


def test_a_fallback_that_cannot_either_is_no_chain_and_loud() -> None:
    desks = refuses(P, Q)
    desks.run(300, (0, page(T, fallback=Q)))
    assert [one.destination for _, one in desks.handed if one.page is T] == [Q]
    assert desks.outcomes() == [(P, PageOutcome.FALLBACK), (Q, PageOutcome.GIVEN_UP)]
    assert [one.destination for one in desks.dead] == [P, Q]
    assert desks.notices() == [
        "The page to pagerduty:p could not be delivered (refused: not_authorised); pagerduty:q was "
        "paged instead",
        "The page to pagerduty:q, which pagerduty:p could not take, could not be delivered "
        "(refused: not_authorised); nobody was paged instead",
    ]


def test_a_page_to_what_is_configured_no_longer_goes_to_its_fallback() -> None:
    served = {one: target for one, target in SERVED.items() if one != P}
    desks = Desks(targets=served)
    desks.run(100, (0, page(T, fallback=Q)), (50, page(R, second=50)))
    assert [one for one in desks.what() if one[0] == Q] == [
        (Q, "trigger", "inc-1.1"),
        (Q, "resolve", "inc-1.1"),
    ]
    assert {one.reason for one in desks.dead} == {DeadReason.UNKNOWN_DESTINATION}


def test_a_page_that_waits_when_its_destination_is_taken_away_goes_to_its_fallback() -> None:
    desks = refuses(P, with_=AWAY)
    desks.run(20, (0, page(T, fallback=Q)))
    desks.targets = {one: target for one, target in SERVED.items() if one != P}
    desks.crash()
    desks.run(30)
    assert [one for one in desks.what() if one[0] == Q] == [(Q, "trigger", "inc-1.1")]


# ---------------------------------------------------------------- whatever happens

FAULTS = st.lists(
    st.sampled_from([None, AWAY, LOST, REFUSED, Retry(RetryReason.UNAVAILABLE)]), max_size=30
)


class Faulty:
    """Services that fail as drawn: triggers in every way, all else for a while only."""

    def __init__(self, faults: list[Outcome | None]) -> None:
        self._faults = list(faults)

    def __call__(self, now_ms: int, one: Attempt) -> Outcome | None:
        said = self._faults.pop(0) if self._faults else None
        opens = one.digest.page is T and one.destination in (P, Q)
        return AWAY if said is REFUSED and not opens else said


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[float, Digest]]:
    """Pages with their ends, at drawn moments."""
    found: list[tuple[float, Digest]] = []
    for number in range(draw(st.integers(1, 4))):
        key, at = f"inc-{number}.1", draw(st.integers(0, 100))
        to = draw(st.sampled_from([P, Q, A]))
        fallback = draw(st.sampled_from([one for one in (A, B, Q) if one != to]))
        found.append((at, page(T, key, at, to=to, fallback=fallback)))
        for action in (ACK, PageAction.UNACKNOWLEDGE, ACK, R):
            if draw(st.booleans()):
                at += draw(st.integers(1, 200))
                found.append((at, page(action, key, at, to=to)))
    return found


@given(lives(), FAULTS, st.lists(st.integers(1, 80), max_size=4))
def test_within_a_minute_and_a_call_somebody_is_paged_or_it_is_over(
    life: list[tuple[float, Digest]], faults: list[Outcome | None], crashes: list[int]
) -> None:
    desks = Desks(Faulty(faults), crashes=crashes)
    desks.run(8_000, *life)
    for at, trigger in life:
        if trigger.page is not T:
            continue
        by_ms = START_MS + at * 1_000 + WAIT_MS + 4_000
        there = [
            one.at_ms
            for one in desks.done
            if one.attempt.destination == trigger.destination
            and one.attempt.digest.page is T
            and one.attempt.digest.page_key == trigger.page_key
        ]
        handed = [
            at_ms
            for at_ms, one in desks.handed
            if one.page is T
            and one.page_key == trigger.page_key
            and one.handed_by == trigger.destination
        ]
        assert len(handed) <= 1
        over = [
            START_MS + when * 1_000
            for when, one in life
            if one.page in (ACK, R) and one.page_key == trigger.page_key
        ]
        assert min([*there, *handed, *over]) <= by_ms


@given(lives(), FAULTS, st.lists(st.integers(1, 80), max_size=4))
def test_the_end_reaches_whoever_was_paged(
    life: list[tuple[float, Digest]], faults: list[Outcome | None], crashes: list[int]
) -> None:
    desks = Desks(Faulty(faults), crashes=crashes)
    desks.run(8_000, *life)
    ended = {one.page_key for _, one in life if one.page is R}
    paged = {
        (one.attempt.destination, one.attempt.digest.page_key)
        for one in desks.done
        if one.attempt.digest.page is T
    }
    told = {
        (one.attempt.destination, one.attempt.digest.page_key)
        for one in desks.done
        if one.attempt.digest.page is R
    }
    given_up = {one.destination for one in desks.dead if one.step in (Step.RESOLVE, Step.REPLY)}
    assert not given_up
    assert {one for one in paged if one[1] in ended} <= told


@given(lives(), FAULTS, st.lists(st.integers(1, 80), max_size=4))
def test_nothing_is_said_twice_of_a_page(
    life: list[tuple[float, Digest]], faults: list[Outcome | None], crashes: list[int]
) -> None:
    desks = Desks(Faulty(faults), crashes=crashes)
    desks.run(8_000, *life)
    handed = Counter(
        (one.destination, one.handed_by, one.kind, one.page_key, one.revision, one.page)
        for _, one in desks.handed
    )
    assert not [one for one, times in handed.items() if times > 1]
    said = Counter(
        (one.attempt.key, one.attempt.digest.revision)
        for one in desks.done
        if one.attempt.step is Step.POST
    )
    assert not [one for one, times in said.items() if times > 1]


def test_what_is_handed_on_has_no_fallback_of_its_own() -> None:
    assert handed_on(page(T), A).page_fallback == ""
