"""When a flush of FINGERPRINT is due."""

from __future__ import annotations

from aiokafka import TopicPartition

from streams.agents.gathered import (
    COUNTED_EVENTS,
    DELTA_BYTES,
    EVENT_BYTES,
    FLUSH_BYTES,
    FLUSH_EVENTS,
    FLUSH_MS,
    FULL,
    OPEN_MS,
    TOGETHER_MS,
    Gathered,
)

ONE, OTHER = (TopicPartition("sentry.events", number) for number in range(2))


def busy(gathered: Gathered, from_ms: int, to_ms: int, tp: TopicPartition = ONE) -> None:
    """A record every 10 ms, none of which ends a tick."""
    for now_ms in range(from_ms, to_ms, 10):
        gathered.add(tp, 1, 0, now_ms, ended=False)


def test_nothing_is_due_where_nothing_was_read() -> None:
    assert not Gathered().due(10**6, 2)


def test_within_a_tick_it_waits_for_its_end_but_no_longer_than_it_may_stay_open() -> None:
    gathered = Gathered()
    gathered.taken(0)
    busy(gathered, 0, OPEN_MS)
    assert not gathered.due(OPEN_MS - 1, 2)
    assert gathered.due(OPEN_MS, 2)


def test_a_tick_that_ends_everywhere_is_flushed_at_once_and_else_after_a_moment() -> None:
    gathered = Gathered()
    gathered.taken(0)
    busy(gathered, 0, 500)
    gathered.add(ONE, 1, 0, 500, ended=True)
    busy(gathered, 500, 500 + TOGETHER_MS)
    assert not gathered.due(500 + TOGETHER_MS - 1, 2)
    assert gathered.due(500 + TOGETHER_MS, 2)
    gathered.add(OTHER, 1, 0, 510, ended=True)
    assert gathered.due(510, 2)
    gathered.taken(510)
    busy(gathered, 511, 700)
    assert not gathered.due(700, 2)


def test_flushes_do_not_follow_each_other_closely_however_fast_ticks_end() -> None:
    gathered = Gathered()
    gathered.taken(0)
    for now_ms in range(FLUSH_MS):
        for tp in (ONE, OTHER):
            gathered.add(tp, 10, 1, now_ms, ended=True)
        assert not gathered.due(now_ms, 2)
    assert gathered.due(FLUSH_MS, 2)


def test_when_nothing_more_comes_it_waits_for_nobody() -> None:
    gathered = Gathered()
    gathered.taken(0)
    gathered.add(ONE, 1, 1, 200, ended=False)
    assert not gathered.due(200 + TOGETHER_MS - 1, 2)
    assert gathered.due(200 + TOGETHER_MS, 2)


def test_what_everybody_waits_for_and_what_is_much_is_due_at_once() -> None:
    urgent, many, large = Gathered(), Gathered(), Gathered()
    for gathered in (urgent, many, large):
        gathered.taken(0)
    urgent.add(ONE, 1, 1, 1, ended=False, urgent=True)
    many.add(ONE, FLUSH_EVENTS, 1, 1, ended=False)
    size = DELTA_BYTES + COUNTED_EVENTS * EVENT_BYTES
    deltas = -(-FLUSH_BYTES // size)
    large.add(ONE, deltas * COUNTED_EVENTS, deltas, 1, ended=False)
    assert all(gathered.due(1, 2) for gathered in (urgent, many, large))
    assert not any(gathered.full for gathered in (urgent, many))
    many.add(ONE, (FULL - 1) * FLUSH_EVENTS, 0, 1, ended=False)
    assert many.full
    many.taken(2)
    assert (many.full, many.due(2, 2)) == (False, False)
