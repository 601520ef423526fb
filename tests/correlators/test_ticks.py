"""When a tick is complete, and what becomes of deltas that are late, repeated, or read again."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.deltas import merge
from correlators.ticks import CHANGE_BYTES, Reception, Source, _bytes_of
from correlators.types import DeltaBatch
from tests.correlators.score import START, deltas_of, event, ms
from tests.correlators.ticking import Log, batch, change

HELD, LATE, REPEATED = Reception.HELD, Reception.LATE, Reception.REPEATED


def test_a_tick_is_complete_when_every_source_has_passed_it() -> None:
    log = Log(sources=3)
    log.write(batch(0, event(1), mark=5))
    log.write(batch(1, mark=4))
    assert log.complete() == -1
    log.write(batch(2, mark=2))
    assert log.complete() == 1
    log.write(batch(2, mark=9))
    assert log.complete() == 3
    assert list(log.apply()) == [1]


def test_a_watermark_inside_a_tick_does_not_complete_it() -> None:
    log = Log(sources=1)
    log.write(batch(0, mark=5.999))
    assert log.complete() == 4
    log.write(batch(0, mark=6))
    assert log.complete() == 5


def test_a_source_that_said_nothing_yet_is_waited_for() -> None:
    log = Log(sources=2)
    log.write(batch(0, event(1), mark=100))
    assert log.complete() == -1
    assert log.apply() == {}


def test_a_source_that_comes_later_counts_from_its_first_watermark() -> None:
    log = Log(sources=1)
    log.write(batch(0, event(1), mark=10))
    assert log.complete() == 9
    log.apply()
    log.write(batch(7, mark=3))
    log.write(batch(0, mark=20))
    assert log.complete() == 9
    log.write(batch(7, mark=15))
    assert log.complete() == 14
    assert Source("events", 7) in log.ticks.sources


def test_deltas_of_one_place_merge_and_come_in_key_order() -> None:
    one, two = event(1, "b", "A"), event(1.5, "b", "A")
    log = Log(sources=2)
    log.write(batch(0, one, event(1, "z")))
    log.write(batch(1, two, event(1, "a"), mark=3))
    log.write(batch(0, mark=3))
    (found,) = log.apply().values()
    assert [delta.key.service for delta in found] == ["a", "b", "z"]
    assert found[1] == merge(*deltas_of(one), *deltas_of(two))


def test_a_watermark_that_goes_back_is_harmless() -> None:
    log = Log(sources=1)
    log.write(batch(0, mark=10))
    log.write(batch(0, mark=4))
    assert log.complete() == 9
    log.apply()
    log.write(batch(0, mark=3))
    assert log.complete() == 9
    assert dict((s, at) for s, at in log.ticks.watermarks.items()) == {Source("events", 0): ms(10)}


def test_a_zombie_that_tells_its_old_deltas_again_changes_nothing() -> None:
    log = Log(sources=1)
    old = batch(0, event(1), mark=2)
    log.write(old)
    log.write(batch(0, event(5), mark=9))
    log.apply()
    assert log.write(old) == [REPEATED]
    assert log.apply() == {}


def test_a_repetition_of_a_held_delta_merges_with_it() -> None:
    log = Log(sources=2)
    again = batch(0, event(1))
    assert log.write(again) == [HELD]
    assert log.write(again) == [HELD]
    assert log.ticks.held == 1


def test_a_delta_of_an_excluded_source_is_late_and_applied_in_the_next_tick() -> None:
    log = Log(sources=2)
    log.write(batch(1, mark=1))
    log.write(batch(0, event(5), mark=50))
    assert log.complete() == 0
    log.ticks.exclude([Source("events", 1)])
    assert log.complete() == 49
    log.apply()
    assert log.write(batch(1, event(3, "late"))) == [LATE]
    assert log.apply() == {}
    log.write(batch(0, mark=60))
    found = log.apply()
    assert list(found) == [50]
    assert [delta.tick for delta in found[50]] == [START + 3]


def test_an_excluded_source_that_speaks_again_is_waited_for_again() -> None:
    log = Log(sources=2)
    log.write(batch(0, mark=50))
    log.ticks.exclude([Source("events", 1)])
    log.apply()
    assert log.ticks.progress().excluded == (("events", 1),)
    log.write(batch(1, mark=20))
    log.write(batch(0, mark=70))
    assert log.ticks.progress().excluded == ()
    assert log.complete() == 49
    log.write(batch(1, mark=60))
    assert log.complete() == 59


def test_when_all_sources_are_excluded_no_tick_is_complete() -> None:
    log = Log(sources=1)
    log.write(batch(0, mark=5))
    log.apply()
    log.ticks.exclude([Source("events", 0), Source("other", 3)])
    assert log.complete() == 4
    assert Source("other", 3) not in log.ticks.excluded


def test_changes_wait_for_their_tick_and_come_once_by_identity() -> None:
    log = Log(sources=1)
    log.write(batch(0, changes=[change(2, "b"), change(2, "a"), change(2, "b")]))
    log.write(batch(0, changes=[change(2, "a")], mark=5))
    assert log.ticks.next_tick() == START + 2
    work = log.ticks.take(START + 2)
    assert [one.identity for one in work.changes] == ["a", "b"]


def test_a_late_change_takes_effect_in_the_next_tick() -> None:
    log = Log(sources=2)
    log.write(batch(0, mark=50))
    log.ticks.exclude([Source("events", 1)])
    log.apply()
    log.write(batch(1, changes=[change(3)]))
    assert log.ticks.next_tick() == START + 50


def test_a_repeated_change_of_an_applied_tick_changes_nothing() -> None:
    log = Log(sources=1)
    message = batch(0, changes=[change(3)], mark=5)
    log.write(message)
    log.apply()
    log.write(message)
    assert log.ticks.next_tick() is None


def test_a_delta_that_cannot_be_merged_is_held_apart_and_not_lost() -> None:
    (good,) = deltas_of(event(1))
    bad = msgspec.structs.replace(good, events=b"\x07" * 30)
    more = deltas_of(event(1))[0]
    log = Log(sources=1)
    for delta in (good, bad, more, bad):
        log.write(DeltaBatch(topic="events", partition=0, deltas=(delta,)))
    log.write(batch(0, mark=5))
    (found,) = log.apply().values()
    assert found == [merge(good, more), bad]


@given(st.data())
def test_what_is_held_is_counted_as_it_comes_and_goes(data: st.DataObject) -> None:
    """Looked up once for each record; added up anew each time, a backlog would take for ever."""
    log = Log(sources=2)
    for _ in range(data.draw(st.integers(1, 25))):
        source, at = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 12))
        match data.draw(st.integers(0, 3)):
            case 0:
                log.write(batch(source, changes=[change(at, data.draw(st.sampled_from("xyz")))]))
            case 1:
                log.write(batch(source, mark=at))
            case 2:
                log.apply()
            case _:
                key = data.draw(st.sampled_from("abc"))
                user = data.draw(st.sampled_from(("u1", "u2")))
                log.write(batch(source, event(at, key, user=user)))
        ticks = log.ticks
        deltas = [delta for held in ticks._deltas.values() for delta in held.values()]
        changes = [change for held in ticks._changes.values() for change in held.values()]
        assert ticks.held == len(deltas) + len(changes)
        assert ticks.held_bytes == sum(map(_bytes_of, deltas)) + CHANGE_BYTES * len(changes)
        waiting = sorted({*ticks._deltas, *ticks._changes})
        assert ticks.next_tick() == (waiting[0] if waiting else None)
        held_offsets = [ticks._offsets[tick] for tick in waiting]
        read_up_to = ticks.progress().read_up_to
        assert ticks.progress().input_offset == min([read_up_to, *held_offsets])
