"""Which configuration decided which ticks."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from correlators.configurations import KEPT, Configurations, decided, followed


def test_the_first_one_decides_from_the_first_tick_on() -> None:
    assert followed((), "a", -1) == ((0, "a"),)


def test_one_that_decided_nothing_leaves_no_trace() -> None:
    before = ((0, "a"), (10, "b"))
    assert followed(before, "c", 9) == ((0, "a"), (10, "c"))
    assert followed(before, "a", 9) == ((0, "a"),)


def test_a_state_from_before_names_were_kept_is_nobodys() -> None:
    changes = followed((), "a", 500)
    assert changes == ((501, "a"),)
    assert (decided(changes, 500), decided(changes, 501)) == ("", "a")


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=80))
def test_each_tick_was_decided_by_the_one_that_was_there(steps: list[tuple[int, str]]) -> None:
    changes: Configurations = ()
    names: dict[int, str] = {}
    applied = -1
    for ticks, name in steps:
        changes = followed(changes, name, applied)
        assert followed(changes, name, applied) == changes
        for _ in range(ticks):
            applied += 1
            names[applied] = name
    assert len(changes) <= KEPT
    first = changes[0][0] if changes else 0
    assert all(decided(changes, tick) == name for tick, name in names.items() if tick >= first)
    assert all(one[1] != two[1] for one, two in pairwise(changes))
