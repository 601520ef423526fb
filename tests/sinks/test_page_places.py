"""Pages in an outbox that is full: they keep their place, or go to their fallback."""

from __future__ import annotations

import pytest

from correlators.types import PageAction
from sinks.base import (
    Answer,
    Delivered,
    Receipt,
    Step,
)
from sinks.entries import DeadReason
from sinks.marks import Redrive, RedriveOutcome
from sinks.outbox import Outbox
from sinks.page_watch import without_place
from sinks.watched import PageOutcome
from tests.sinks.desks import (
    ACK,
    SERVED,
    A,
    P,
    Q,
    R,
    T,
    page,
)
from tests.sinks.make import digest
from tests.sinks.world import START_MS

DAY_MS = 86_400_000


def test_a_page_that_stands_is_not_forgotten_early() -> None:
    outbox = Outbox(SERVED, started_ms=START_MS, max_entries=2)
    outbox.accept(page(T, "inc-1.1"), START_MS)
    now_ms = START_MS + 20_000
    (call,) = outbox.due(now_ms, room=4)
    there = Delivered(Receipt(id="x"))
    outbox.receive(Answer(key=call.key, number=call.number, outcome=there), now_ms)
    for number in range(5):
        outbox.accept(digest(A, id=f"inc-{number}"), now_ms)
    assert "pagerduty:p|inc-1.1" in outbox.entries()


@pytest.mark.parametrize("to", [P, A])
def test_the_end_of_a_page_that_was_open_for_weeks_is_told(to: str) -> None:
    outbox = Outbox(SERVED, started_ms=START_MS, remind_every_ms=DAY_MS)
    now_ms = START_MS + 20_000

    def told() -> list[Step]:
        calls = outbox.due(now_ms, room=8)
        for call in calls:
            there = Delivered(Receipt(place="C1", id=f"{call.key}.{call.number}"))
            outbox.receive(Answer(key=call.key, number=call.number, outcome=there), now_ms)
        return [call.step for call in calls]

    outbox.accept(page(T, to=to), now_ms)
    opened = told()
    for _ in range(30):
        now_ms += DAY_MS
        assert told() == []
    outbox.accept(page(R, second=30 * DAY_MS // 1_000, to=to), now_ms)
    assert [opened, told()] == (
        [[Step.TRIGGER], [Step.RESOLVE]] if to == P else [[Step.POST], [Step.REPLY]]
    )
    for _ in range(12):
        now_ms += DAY_MS
        told()
    assert outbox.entries() == {}


def test_the_end_of_a_page_whose_pager_was_away_can_be_sent_again() -> None:
    outbox = Outbox(SERVED, started_ms=START_MS)
    outbox.accept(page(T, to=P), START_MS)
    (call,) = outbox.due(START_MS + 20_000, room=4)
    there = Delivered(Receipt(id="x"))
    answer = Answer(key=call.key, number=call.number, outcome=there)
    outbox.receive(answer, START_MS + 20_000)
    end = page(R, second=60, to=P)
    for served in ({one: SERVED[one] for one in SERVED if one != P}, SERVED):
        entries = outbox.entries().values()
        outbox = Outbox(served, started_ms=START_MS + 60_000)
        outbox.load(entries)
        if served is not SERVED:
            outbox.accept(end, START_MS + 60_000)
            assert [one.reason for one in outbox.take_changes().dead] == [
                DeadReason.UNKNOWN_DESTINATION
            ]
    outbox.accept(end, START_MS + 90_000, Redrive(letter="dl-1"))
    assert [one.outcome for one in outbox.take_changes().taken] == [RedriveOutcome.TAKEN]
    assert [one.step for one in outbox.due(START_MS + 120_000, room=4)] == [Step.RESOLVE]


def test_a_page_without_a_place_in_a_full_outbox_goes_to_its_fallback() -> None:
    said = without_place(page(T, fallback=Q))
    assert [(one.destination, one.page) for one in said.handed] == [(Q, T), (A, PageAction.NONE)]
    assert [one.outcome for one in said.pages] == [PageOutcome.FALLBACK]
    outbox = Outbox(SERVED, started_ms=START_MS, max_entries=1)
    outbox.accept(page(T, "inc-1.1"), START_MS)
    outbox.accept(page(T, "inc-2.1", fallback=Q, told=()), START_MS)
    changes = outbox.take_changes()
    assert [one.destination for one in changes.handed] == [Q]
    assert [one.reason for one in changes.dead] == [DeadReason.OUTBOX_FULL]


@pytest.mark.parametrize("end", [ACK, R])
def test_its_end_reaches_whoever_was_paged_instead_also_without_a_place(end: PageAction) -> None:
    outbox = Outbox(SERVED, started_ms=START_MS, max_entries=1)
    outbox.accept(page(T, "inc-1.1"), START_MS)
    outbox.accept(page(T, "inc-2.1", fallback=Q, told=()), START_MS)
    outbox.accept(page(end, "inc-2.1", second=20, fallback=Q, told=()), START_MS + 20_000)
    changes = outbox.take_changes()
    assert [(one.destination, one.page) for one in changes.handed] == [(Q, T), (Q, end)]
    assert {one.page_fallback for one in changes.handed} == {""}
