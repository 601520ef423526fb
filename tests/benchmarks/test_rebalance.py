"""What the rebalance benchmark takes for a pause, and that its environments have owners each."""

from __future__ import annotations

import pytest

from benchmarks.rebalance.decided import PARTITIONS, Decided, environments, longest
from streams.agents.batches import target_of


@pytest.mark.parametrize(
    ("at_s", "found"),
    [
        ([1.0, 2.0, 10.0, 11.0, 17.0, 19.0, 22.0], 6.0),
        ([9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 29.0], 1.0),
        ([9.0, 12.0, 20.5, 21.0], 8.5),
        ([9.0, 11.0], 9.0),
        ([], 10.0),
        ([4.0], 16.0),
    ],
    ids=["inside", "only behind", "over the end", "to the end", "never", "before it"],
)
def test_a_pause_is_the_longest_gap_within_or_over_the_stretch(
    at_s: list[float], found: float
) -> None:
    assert longest(at_s, 10.0, 20.0) == found


def test_the_partition_that_waits_longest_is_the_pause_and_a_repetition_is_no_step() -> None:
    decided = Decided()
    for at_s in range(1, 12):
        decided.note(0, at_s, float(at_s))
        decided.note(1, min(at_s, 4), float(at_s))  # it tells the same again after 4
    assert decided.pause_s(2.0, 10.0) == 6.0


def test_each_environment_has_another_owner() -> None:
    assert {target_of(one, PARTITIONS) for one in environments()} == set(range(PARTITIONS))
