"""Rates of new events: counted in slots whose length follows from the rules, which may change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlators.rates import RATE_SLOTS, Rate, add_rate, rate_within

NOW = 1_700_000_000
LENGTHS = st.sampled_from([30, 60, 300, 3_600, 86_400])
EVENTS = st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 9)), max_size=30)


def counted(events: list[tuple[int, int]], rate_ticks: int) -> Rate:
    rate: Rate = ()
    for ago, new in sorted(events, reverse=True):
        rate = add_rate(rate, new, NOW - ago, rate_ticks)
    return rate


@given(EVENTS, LENGTHS)
def test_a_rate_counts_what_came_within_its_time_to_a_slot(
    events: list[tuple[int, int]], rate_ticks: int
) -> None:
    slot = -(-rate_ticks // RATE_SLOTS)
    rate = counted(events, rate_ticks)
    found = rate_within(rate, tick=NOW, rate_ticks=rate_ticks)
    surely = sum(new for ago, new in events if ago <= rate_ticks - slot)
    perhaps = sum(new for ago, new in events if ago <= rate_ticks + slot)
    assert surely <= found <= perhaps
    assert len(rate) <= RATE_SLOTS + 1


@given(EVENTS, LENGTHS, LENGTHS)
def test_slots_of_another_length_count_nothing_too_long_and_nothing_twice(
    events: list[tuple[int, int]], before: int, after: int
) -> None:
    rate = add_rate(counted(events, before), 1, NOW, after)
    assert sum(new for _, new in rate) <= sum(new for _, new in events) + 1
    assert len(rate) <= RATE_SLOTS + 1
    # Long after the last event nothing of it counts any more, however long slots were.
    gone = NOW + 2 * max(before, after)
    assert rate_within(rate, tick=gone, rate_ticks=after) == 0
