"""Whether a silence is longer than usual, compared with a plain list of everything heard."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from correlators.presence import (
    HISTORY_SLOTS,
    SLOT_TICKS,
    SLOTS_KEPT,
    Presence,
    longest_silence,
    noted,
    silent_longer_than_usual,
    usually_heard,
)

HOUR = 60 * SLOT_TICKS


def presence_of(ticks: list[int]) -> Presence:
    found = Presence()
    for tick in sorted(ticks):
        found = noted(found, tick)
    return found


def minutes(*slots: int) -> list[int]:
    return [slot * SLOT_TICKS + 7 for slot in slots]


def test_an_environment_that_is_never_silent_for_long_is_missed_when_it_is() -> None:
    steady = presence_of(minutes(*range(0, 180, 3)))
    last = 177 * SLOT_TICKS
    assert not silent_longer_than_usual(steady, last, last + 2 * SLOT_TICKS)
    assert silent_longer_than_usual(steady, last, last + 5 * SLOT_TICKS)


def test_a_silence_as_it_came_before_is_usual() -> None:
    pauses = presence_of(minutes(0, 1, 2, 40, 41, 80, 81))
    last = 81 * SLOT_TICKS
    assert not silent_longer_than_usual(pauses, last, last + 30 * SLOT_TICKS)
    assert silent_longer_than_usual(pauses, last, last + 50 * SLOT_TICKS)


def test_what_was_heard_since_is_no_silence_and_without_history_nothing_is_usual() -> None:
    young = presence_of(minutes(*range(50)))
    assert not silent_longer_than_usual(young, 49 * SLOT_TICKS, 49 * SLOT_TICKS + 3 * HOUR)
    steady = presence_of(minutes(*range(200)))
    assert not silent_longer_than_usual(steady, 190 * SLOT_TICKS, 199 * SLOT_TICKS)
    assert not silent_longer_than_usual(Presence(), 0, HOUR)


def test_a_service_that_sends_in_nearly_every_window_is_usually_heard() -> None:
    often = presence_of(minutes(*range(0, 300, 8)))
    opened = 290 * SLOT_TICKS
    assert usually_heard(often, opened, 10 * SLOT_TICKS)
    assert not usually_heard(often, opened, 2 * SLOT_TICKS)
    seldom = presence_of(minutes(0, 100, 200, 290))
    assert not usually_heard(seldom, opened, 10 * SLOT_TICKS)
    assert not usually_heard(presence_of(minutes(289)), opened, 10 * SLOT_TICKS)
    assert not usually_heard(Presence(), opened, 10 * SLOT_TICKS)


def test_what_an_incident_itself_sends_does_not_make_its_service_usual() -> None:
    opened = 1_000 * SLOT_TICKS
    only = presence_of(minutes(*range(1_000, 1_100)))
    assert not usually_heard(only, opened, 10 * SLOT_TICKS)


@given(
    st.lists(st.integers(0, 3 * SLOTS_KEPT * SLOT_TICKS), min_size=1, max_size=60),
    st.integers(0, 4 * SLOTS_KEPT),
)
def test_the_bits_are_the_slots_of_the_last_day(ticks: list[int], before: int) -> None:
    found = presence_of(ticks)
    slots = sorted({tick // SLOT_TICKS for tick in ticks})
    kept = [slot for slot in slots if slot > slots[-1] - SLOTS_KEPT]
    assert found.last == slots[-1]
    assert found.first == max(slots[0], slots[-1] - SLOTS_KEPT + 1)
    assert len(found.heard) <= SLOTS_KEPT // 4
    bits = int(found.heard, 16)
    assert [found.last - n for n in range(SLOTS_KEPT) if bits >> n & 1] == kept[::-1]
    until = [slot for slot in kept if slot <= before]
    gaps = [right - left - 1 for left, right in pairwise(until)]
    assert longest_silence(found, before) == max(gaps, default=0)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=50), st.integers(0, 6_000))
def test_noting_twice_changes_nothing_and_a_sign_ends_a_silence(
    ticks: list[int], later: int
) -> None:
    found = presence_of(ticks)
    assert noted(found, max(ticks)) is found
    now = max(ticks) + later + 1
    heard = noted(found, now)
    assert not silent_longer_than_usual(heard, max(ticks) - SLOT_TICKS, now)
    assert HISTORY_SLOTS < SLOTS_KEPT
