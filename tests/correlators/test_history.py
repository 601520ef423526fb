"""Escalation against an error's own baseline, and flapping."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlators.history import (
    ESCALATES_FROM,
    FLAPS_OVER,
    HOUR_TICKS,
    HOURS_KEPT,
    Hours,
    added,
    escalating,
    flapping_until,
    flipped,
)

NOON = 1_000 * HOUR_TICKS


def week(*counts: int) -> Hours:
    """Return hours that end with the one before `NOON`."""
    found: Hours = ()
    for back, count in enumerate(reversed(counts), 1):
        found = tuple(sorted((*found, (1_000 - back, count))))
    return found


def test_far_above_its_busiest_hour_it_escalates() -> None:
    hours = added(week(4, 10, 7), 30, NOON)
    assert escalating(hours, 0, NOON)
    assert not escalating(added(week(4, 10, 7), 29, NOON), 0, NOON)


def test_a_few_more_of_a_rare_error_are_no_escalation() -> None:
    assert not escalating(added(week(1), ESCALATES_FROM - 1, NOON), 0, NOON)
    assert escalating(added(week(1), ESCALATES_FROM, NOON), 0, NOON)


def test_a_new_error_does_not_escalate_however_loud() -> None:
    assert not escalating(added((), 10_000, NOON), NOON - HOUR_TICKS + 1, NOON)


@given(st.lists(st.tuples(st.integers(0, 400 * HOUR_TICKS), st.integers(0, 9)), max_size=60))
def test_a_week_is_kept_and_every_event_of_it_counted(seen: list[tuple[int, int]]) -> None:
    hours: Hours = ()
    for tick, new in sorted(seen):
        hours = added(hours, new, tick)
    last = max((tick // HOUR_TICKS for tick, new in seen if new), default=0)
    kept = [new for tick, new in seen if tick // HOUR_TICKS > last - HOURS_KEPT]
    assert sum(count for _, count in hours) == sum(kept)
    assert len(hours) <= HOURS_KEPT
    assert list(hours) == sorted(hours)


def test_more_than_four_changes_in_an_hour_are_flapping_until_they_are_old() -> None:
    flips: tuple[int, ...] = ()
    for minute in range(FLAPS_OVER):
        flips = flipped(flips, NOON + 60 * minute, HOUR_TICKS)
    assert flapping_until(flips, NOON + 300, HOUR_TICKS) is None
    flips = flipped(flips, NOON + 300, HOUR_TICKS)
    assert flapping_until(flips, NOON + 300, HOUR_TICKS) == NOON + HOUR_TICKS
    assert flapping_until(flips, NOON + HOUR_TICKS, HOUR_TICKS) is None


@given(st.lists(st.integers(0, 20_000), max_size=40), st.integers(0, 20_000))
def test_flapping_is_what_a_plain_list_of_changes_says(changes: list[int], later: int) -> None:
    flips: tuple[int, ...] = ()
    for tick in sorted(changes):
        flips = flipped(flips, tick, HOUR_TICKS)
    now = max([*changes, later])
    lately = [tick for tick in changes if tick > now - HOUR_TICKS]
    until = flapping_until(flips, now, HOUR_TICKS)
    assert (until is not None) == (len(lately) > FLAPS_OVER)
    assert len(flips) <= FLAPS_OVER + 1
    if until is not None:
        assert sum(tick > until - HOUR_TICKS for tick in changes) <= FLAPS_OVER
        assert sum(tick > until - 1 - HOUR_TICKS for tick in changes) > FLAPS_OVER
