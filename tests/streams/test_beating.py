"""A ping is for a beat that came back whole and in time: one for a slot, and none for anything
less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlators.beats import Beat, Passed
from streams.beating import Beating

MINUTE = 60_000
SOURCES = (0, 1)
PARTITIONS = (0, 1, 2)


def back(beating: Beating, beat: str, *, without: tuple[int, int] | None = None) -> None:
    """Have a beat come back from every partition, but for one (source, partition)."""
    for partition in PARTITIONS:
        beats = tuple(Beat(1, beat, source) for source in SOURCES if (source, partition) != without)
        beating.passed(Passed(partition, beats))


def owner(now_ms: int = 0) -> Beating:
    made = Beating(MINUTE)
    made.own(now_ms)
    return made


def test_a_beat_that_comes_back_is_pinged_once() -> None:
    beating = owner()
    assert not beating.due(MINUTE - 1)
    assert beating.due(MINUTE)
    assert not beating.due(MINUTE + 1)
    beating.sent("a", MINUTE, SOURCES, PARTITIONS)
    assert not beating.arrived(MINUTE + 500)
    back(beating, "a")
    assert beating.arrived(MINUTE + 1_000)
    back(beating, "a")
    assert not beating.arrived(MINUTE + 1_001)
    assert beating.lost(2 * MINUTE) == []
    assert beating.due(2 * MINUTE)


def test_a_beat_that_misses_one_partition_or_one_source_is_lost_and_says_where() -> None:
    beating = owner()
    assert beating.due(MINUTE)
    beating.sent("a", MINUTE, SOURCES, PARTITIONS)
    back(beating, "a", without=(1, 2))
    assert not beating.arrived(MINUTE + 1_000)
    assert beating.lost(MINUTE + 29_999) == []
    assert beating.lost(MINUTE + 30_000) == ["1 by 2"]
    back(beating, "a")
    assert not beating.arrived(MINUTE + 31_000)
    assert beating.lost(MINUTE + 31_000) == []


def test_one_that_comes_back_late_is_lost() -> None:
    beating = owner()
    assert beating.due(MINUTE)
    beating.sent("a", MINUTE, SOURCES, PARTITIONS)
    back(beating, "a")
    assert not beating.arrived(MINUTE + 30_000)
    assert beating.lost(MINUTE + 30_000) == ["late"]


def test_beats_of_others_mean_nothing() -> None:
    beating = owner()
    back(beating, "")
    assert not beating.arrived(1)
    assert beating.due(MINUTE)
    beating.sent("mine", MINUTE, SOURCES, PARTITIONS)
    back(beating, "theirs")
    back(beating, "")
    assert not beating.arrived(MINUTE + 1)


def test_a_new_owner_waits_for_the_next_slot() -> None:
    first, second = owner(), owner(MINUTE + 20_000)
    assert first.due(MINUTE)
    assert not second.due(MINUTE + 40_000)
    assert second.due(2 * MINUTE)


def test_who_owns_it_no_more_sends_and_pings_nothing() -> None:
    beating = owner()
    assert beating.due(MINUTE)
    beating.sent("a", MINUTE, SOURCES, PARTITIONS)
    beating.disown()
    back(beating, "a")
    assert not beating.arrived(MINUTE + 10)
    assert beating.lost(10 * MINUTE) == []
    assert not beating.due(10 * MINUTE)


def test_one_that_intake_did_not_take_is_neither_pinged_nor_lost() -> None:
    beating = owner()
    assert beating.due(MINUTE)
    beating.sent("a", MINUTE, SOURCES, PARTITIONS)
    beating.dropped("a")
    back(beating, "a")
    assert not beating.arrived(MINUTE + 10)
    assert beating.lost(10 * MINUTE) == []


MOVES = st.one_of(
    st.integers(1, 45_000).map(lambda ms: ("wait", ms)),
    st.tuples(st.just("back"), st.sampled_from([None, (0, 0), (1, 2)])),
    st.sampled_from([("own", 0), ("disown", 0)]),
)


@given(st.lists(MOVES, max_size=60))
def test_there_is_never_more_than_one_ping_for_a_slot_and_each_is_for_its_own_beat(
    moves: list[tuple[str, object]],
) -> None:
    beating, now_ms, number = Beating(MINUTE), 7_000, 0
    pinged: list[int] = []
    sent: dict[str, int] = {}
    missing: dict[str, set[tuple[int, ...]]] = {}
    for what, how in moves:
        if what == "wait":
            assert isinstance(how, int)
            now_ms += how
        elif what == "own":
            beating.own(now_ms)
        elif what == "disown":
            beating.disown()
        else:
            without = how if isinstance(how, tuple) else None
            back(beating, str(number), without=without)
            if str(number) in sent:  # what one lacks, another may bring
                missing[str(number)] &= set() if without is None else {without}
        if beating.arrived(now_ms):
            assert not missing[str(number)]
            assert now_ms - sent[str(number)] < MINUTE // 2
            pinged.append(now_ms // MINUTE)
        beating.lost(now_ms)
        if beating.due(now_ms):
            number += 1
            sent[str(number)] = now_ms
            missing[str(number)] = {(0, 0), (1, 2)}
            beating.sent(str(number), now_ms, SOURCES, PARTITIONS)
    assert len(pinged) == len(set(pinged))
