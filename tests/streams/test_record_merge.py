"""The merge of partitions: one order whatever way they were read, and a bound on what is held."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from streams.record_merge import Line, Merge

MOST_LINES = 3
MOST_BYTES = 40
READ_MOST = 4


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 30)), max_size=12)
"""How much later, how much further and how large the lines of one partition are."""


def _lines(partition: int, steps: list[tuple[int, int, int]]) -> list[Line]:
    lines = []
    at_ms = offset = 0
    for later_ms, further, size in steps:
        at_ms, offset = at_ms + later_ms, offset + further
        lines.append(Line(at_ms, partition, offset, "error", b"x" * size))
    return lines


@given(st.lists(STEPS, min_size=1, max_size=4), st.integers(0, 2**32))
def test_the_order_is_that_of_time_partition_and_offset_however_it_is_read(
    steps: list[list[tuple[int, int, int]]], seed: int
) -> None:
    reading = random.Random(seed)
    lines = [_lines(partition, one) for partition, one in enumerate(steps)]
    merge = Merge(range(len(lines)), most_lines=MOST_LINES, most_bytes=MOST_BYTES)
    left = [list(one) for one in lines]
    taken: list[Line] = []
    held_most = MOST_LINES + READ_MOST
    while True:
        taken += merge.take()
        if not merge.waiting:
            break
        room = merge.room
        assert merge.waiting <= set(room), "what is waited for may be read"
        partition = reading.choice(room)
        for _ in range(reading.randint(0, READ_MOST)):
            if left[partition]:
                merge.add(left[partition].pop(0))
        if not left[partition]:
            merge.finish(partition)
        held = sum(map(len, lines)) - sum(map(len, left)) - len(taken)
        assert held <= held_most * len(lines)
    assert taken == sorted(line for one in lines for line in one)


def test_a_partition_that_is_full_is_not_read_on_until_another_has_come() -> None:
    merge = Merge([0, 1], most_lines=2, most_bytes=1_000)
    for at_ms in (1, 2):
        merge.add(Line(at_ms, 0, at_ms, "", b""))
    assert (merge.room, merge.waiting) == ([1], {1})
    assert list(merge.take()) == []
    merge.add(Line(1, 1, 0, "", b""))
    assert [line.partition for line in merge.take()] == [0, 1]
    assert (merge.room, merge.waiting) == ([0, 1], {1})


def test_lines_that_are_large_fill_a_partition_too() -> None:
    merge = Merge([0, 1], most_lines=100, most_bytes=10)
    merge.add(Line(1, 0, 0, "", b"x" * 10))
    assert merge.room == [1]
    merge.finish(1)
    assert len(list(merge.take())) == 1
    assert merge.room == [0]
