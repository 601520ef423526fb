"""The laws of the scores: equal to counting by hand, blind to names and order, one when perfect."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scores import Score, b_cubed, pairwise

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=30)


def split(rows: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [label for label, _ in rows], [group for _, group in rows]


@given(ROWS)
def test_pairwise_equals_counting_every_pair(rows: list[tuple[int, int]]) -> None:
    pairs = list(combinations(rows, 2))
    labelled = [(a, b) for a, b in pairs if a[0] == b[0]]
    grouped = [(a, b) for a, b in pairs if a[1] == b[1]]
    both = [(a, b) for a, b in pairs if a == b]
    score = pairwise(*split(rows))
    assert score.precision == (len(both) / len(grouped) if grouped else 1.0)
    assert score.recall == (len(both) / len(labelled) if labelled else 1.0)


@given(ROWS)
def test_b_cubed_equals_the_average_over_rows(rows: list[tuple[int, int]]) -> None:
    score = b_cubed(*split(rows))
    if not rows:
        assert score == Score(1.0, 1.0, 1.0)
        return
    precision = recall = 0.0
    for row in rows:
        same = sum(other == row for other in rows)
        precision += same / sum(other[1] == row[1] for other in rows) / len(rows)
        recall += same / sum(other[0] == row[0] for other in rows) / len(rows)
    assert score.precision == pytest.approx(precision)
    assert score.recall == pytest.approx(recall)


@given(ROWS, st.permutations(range(5)))
def test_names_of_groups_and_order_of_rows_do_not_count(
    rows: list[tuple[int, int]], renamed: list[int]
) -> None:
    shuffled = [(label, renamed[group]) for label, group in reversed(rows)]
    for score in (pairwise, b_cubed):
        assert score(*split(rows)) == score(*split(shuffled))


@given(ROWS)
def test_a_perfect_grouping_scores_one(rows: list[tuple[int, int]]) -> None:
    labels, _ = split(rows)
    assert pairwise(labels, labels) == b_cubed(labels, labels) == Score(1.0, 1.0, 1.0)


def test_f1_is_the_harmonic_mean() -> None:
    assert pairwise(["a", "a", "b"], [1, 1, 1]) == Score(1 / 3, 1.0, 0.5)


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        pairwise([1], [])
