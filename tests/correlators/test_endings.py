"""Endings: what is over by a tick, whatever was put off, forgotten and noted again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlators.endings import STALE_LEAST, Endings

KEYS = st.sampled_from("abcdef")
STEPS = st.lists(st.tuples(st.sampled_from(["put", "forget", "by"]), KEYS, st.integers(0, 30)))


@given(STEPS)
def test_what_ends_by_a_tick_is_what_a_look_at_all_of_them_finds(
    steps: list[tuple[str, str, int]],
) -> None:
    endings, plain = Endings(), dict[str, int]()
    for what, key, tick in steps:
        if what == "put":
            endings.put(key, tick)
            plain[key] = tick
        elif what == "forget":
            endings.forget(key)
            plain.pop(key, None)
        else:
            assert endings.by(tick) == sorted(one for one, ends in plain.items() if ends <= tick)
        assert len(endings) == len(plain)


class Counted(int):
    """A tick that counts how often it is looked at."""

    looks = 0

    def __le__(self, other: int) -> bool:
        Counted.looks += 1
        return int(self) <= other

    def __lt__(self, other: int) -> bool:
        Counted.looks += 1
        return int(self) < other


def looks(many: int) -> int:
    """Return how often ends are looked at in a tick in which two of so many are over."""
    endings = Endings()
    for number in range(many):
        endings.put(f"later {number}", Counted(1_000 + number))
    endings.put("now", Counted(5))
    endings.put("before", Counted(4))
    endings.by(4)
    Counted.looks = 0
    assert endings.by(3) == []
    assert endings.by(4) == ["before"]
    return Counted.looks


def test_what_ends_later_costs_a_tick_nothing() -> None:
    assert looks(10) <= 24
    assert looks(10_000) <= looks(10) + 30  # a heap is some levels higher


def test_what_was_put_off_and_forgotten_is_not_kept() -> None:
    endings = Endings()
    for tick in range(10_000):
        endings.put("one", tick)
    assert len(endings._queue) <= 2 + STALE_LEAST
    assert endings.by(20_000) == ["one"]
