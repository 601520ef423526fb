"""What silence is usual and since when hearing goes on, compared with a plain list of everything
heard."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from correlators.presence import (
    SLOT_TICKS,
    SLOTS_KEPT,
    Presence,
    heard_from,
    known_before,
    longest_silence,
    noted,
    others,
    slot_of,
    usually_heard,
)

MOST = 3 * SLOTS_KEPT
signs = st.lists(st.tuples(st.integers(0, MOST), st.integers(0, 3)), min_size=1, max_size=60)
near = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=60)


def presence_of(found: list[tuple[int, int]]) -> Presence:
    presence = Presence()
    for slot, what in found:
        presence = noted(presence, slot, what)
    return presence


def every(*slots: int) -> Presence:
    return presence_of([(slot, 7) for slot in slots])


def bits(text: str, last: int) -> set[int]:
    found = int(text or "0", 16)
    return {last - n for n in range(SLOTS_KEPT + 1) if found >> n & 1}


def kept(found: list[tuple[int, int]]) -> dict[int, set[int]]:
    """Return what was heard by slot, of the last day."""
    last = max(slot for slot, _ in found)
    by_slot: dict[int, set[int]] = {}
    for slot, what in found:
        if slot > last - SLOTS_KEPT:
            by_slot.setdefault(slot, set()).add(what)
    return by_slot


@given(signs)
def test_it_holds_the_slots_of_the_last_day_and_which_of_them_had_several(
    found: list[tuple[int, int]],
) -> None:
    presence = presence_of(sorted(found))
    by_slot = kept(found)
    assert presence.last == max(by_slot)
    assert presence.first == max(min(slot for slot, _ in found), presence.last - SLOTS_KEPT + 1)
    assert bits(presence.heard, presence.last) == set(by_slot)
    several = {slot for slot, what in by_slot.items() if len(what) > 1 or 0 in what}
    assert bits(presence.several, presence.last) == several
    assert max(len(presence.heard), len(presence.several)) <= SLOTS_KEPT // 4


@given(signs, st.randoms())
def test_any_order_gives_the_same_slots_and_repeating_changes_nothing(
    found: list[tuple[int, int]], order: object
) -> None:
    shuffled = list(found)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = presence_of(sorted(found)), presence_of(shuffled)
    assert (one.first, one.last, one.heard) == (other.first, other.last, other.heard)
    last = max(found)[0]
    assert all(noted(one, slot, what) is one for slot, what in found if slot == last)


@given(near, near)
def test_others_is_what_is_left_without_an_error(
    found: list[tuple[int, int]], more: list[tuple[int, int]]
) -> None:
    found = sorted({*found, *more})
    presence = presence_of(found)
    for error in (1, 2, 3):
        own = presence_of([one for one in found if one[1] == error])
        left = {slot for slot, what in kept(found).items() if what != {error}}
        assert bits(others(presence, own).heard, presence.last) == left


@given(signs, st.integers(0, MOST))
def test_the_longest_silence_is_that_of_a_plain_list(
    found: list[tuple[int, int]], before: int
) -> None:
    presence = presence_of(sorted(found))
    heard = set(kept(found))
    line = [slot in heard for slot in range(presence.first, before + 1)]
    runs = [len(list(run)) for was_heard, run in groupby(line) if not was_heard]
    assert longest_silence(presence, before * SLOT_TICKS) == max(runs, default=0)


@given(near, st.integers(0, 40), st.integers(0, 60), st.integers(1, 8))
def test_hearing_goes_on_from_the_end_of_the_last_silence(
    found: list[tuple[int, int]], since: int, more: int, least: int
) -> None:
    presence = presence_of(sorted(found))
    now = max(since, presence.last) + more
    run, ended = 0, -1
    heard = set(kept(found))
    for slot in range(presence.first, now):
        if slot in heard:
            ended = slot if run >= least and slot > since else ended
            run = 0
        else:
            run += 1
    tick = now * SLOT_TICKS + 5
    expected = since * SLOT_TICKS
    if run >= least:
        expected = tick
    elif ended >= 0:
        expected = min((ended + 1) * SLOT_TICKS, tick)
    if now == presence.last and now > since and now - 1 not in heard and run >= least:
        expected = tick  # heard in the slot that is not over: the silence ended in it
    assert heard_from(presence, since * SLOT_TICKS, tick, least) == expected


def test_a_service_that_sends_in_nearly_every_window_is_usually_heard() -> None:
    often, opened = every(*range(0, 300, 8)), 290 * SLOT_TICKS
    assert usually_heard(often, opened, 10 * SLOT_TICKS)
    assert not usually_heard(often, opened, 2 * SLOT_TICKS)
    assert not usually_heard(every(0, 100, 200, 290), opened, 10 * SLOT_TICKS)
    assert not usually_heard(every(289), opened, 10 * SLOT_TICKS)
    assert not usually_heard(Presence(), opened, 10 * SLOT_TICKS)


def test_what_began_with_an_incident_makes_nothing_usual_for_it() -> None:
    opened = 1_000 * SLOT_TICKS
    assert not usually_heard(every(*range(1_000, 1_100)), opened, 10 * SLOT_TICKS)
    assert not known_before(every(*range(1_000, 1_100)), opened)
    assert known_before(every(*range(900, 1_100)), opened)
    assert slot_of(opened) == 1_000
