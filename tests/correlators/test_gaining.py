"""Storms on which a wave may break: those that gain nothing are not looked at again."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.gaining import Gaining
from correlators.storms import GAIN_TICKS, Storm
from correlators.types import Level

STORM = Storm(
    id="storm-0",
    environment="production",
    opened_tick=0,
    last_tick=0,
    first_ms=0,
    last_ms=0,
    level=Level.ERROR,
)
WRITES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["gains", "ends", "goes"]), st.integers(0, 40))
)


def gained(number: int, tick: int) -> Storm:
    gains = ((tick // GAIN_TICKS, 1),)
    return msgspec.structs.replace(STORM, id=f"storm-{number}", last_tick=tick, gains=gains)


@given(WRITES, st.integers(0, 60))
def test_found_are_the_open_storms_that_gained_since_a_tick(
    writes: list[tuple[int, str, int]], since: int
) -> None:
    gaining, storms = Gaining(), dict[str, Storm]()
    for number, what, tick in writes:
        before = storms.get(f"storm-{number}")
        after = gained(number, tick) if what != "goes" else None
        if after is not None and what == "ends":
            after = msgspec.structs.replace(after, closed_tick=tick)
        gaining.change(before, after)
        storms.pop(f"storm-{number}", None)
        if after is not None:
            storms[after.id] = after
    slot = since // GAIN_TICKS
    expected = sorted(
        one.id for one in storms.values() if one.open and one.gains and one.gains[-1][0] >= slot
    )
    assert gaining.since(since) == expected
    assert len(gaining) == len(expected)


def test_ten_thousand_storms_that_gain_nothing_are_looked_at_once() -> None:
    gaining = Gaining()
    for number in range(10_000):
        gaining.change(None, gained(number, 100))
    gaining.change(None, gained(10_000, 200))
    assert gaining.since(195) == ["storm-10000"]
    assert len(gaining) == 1
