"""How well a grouping agrees with labels: pairwise and B³ precision, recall and F1.

Pure arithmetic over two lists of the same length. Reading recordings and printing tables is
`quality`. Both scores come from the contingency table (how many rows have this label and that
group), so they take time and memory in proportion to the rows, not to their pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import fsum

import msgspec


class Score(msgspec.Struct, frozen=True):
    """Precision, recall and their harmonic mean, each from 0 to 1."""

    precision: float
    recall: float
    f1: float


def pairwise(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> Score:
    """Return the score over all pairs of rows.

    Precision is the share of pairs in one group that have one label; recall the share of pairs with
    one label that are in one group. Where there is no pair at all nothing can be wrong: 1.

    Args:
        labels: what belongs together, one per row.
        groups: what was put together, one per row.

    Raises:
        ValueError: the two lists differ in length.

    Source: Manning, Raghavan, Schütze, Introduction to Information Retrieval, section 16.3.
    """
    both, by_label, by_group = _contingency(labels, groups)
    agreed = _pairs(both)
    return _score(_share(agreed, _pairs(by_group)), _share(agreed, _pairs(by_label)))


def b_cubed(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> Score:
    """Return the score averaged over rows.

    A row's precision is the share of its group that has its label; its recall the share of its
    label that is in its group. No rows at all score 1.

    Args:
        labels: what belongs together, one per row.
        groups: what was put together, one per row.

    Raises:
        ValueError: the two lists differ in length.

    Source: Bagga and Baldwin, Entity-based cross-document coreferencing, 1998.
    """
    both, by_label, by_group = _contingency(labels, groups)
    if not labels:
        return _score(1.0, 1.0)
    rows = len(labels)
    precision = fsum(count * count / by_group[group] for (_, group), count in both.items()) / rows
    recall = fsum(count * count / by_label[label] for (label, _), count in both.items()) / rows
    return _score(precision, recall)


def _contingency(
    labels: Sequence[Hashable], groups: Sequence[Hashable]
) -> tuple[Counter[tuple[Hashable, Hashable]], Counter[Hashable], Counter[Hashable]]:
    """Return rows per (label, group), per label and per group."""
    return Counter(zip(labels, groups, strict=True)), Counter(labels), Counter(groups)


def _pairs(counts: Counter[tuple[Hashable, Hashable]] | Counter[Hashable]) -> int:
    """Return how many pairs of rows fall into the same cell."""
    return sum(count * (count - 1) // 2 for count in counts.values())


def _share(part: int, whole: int) -> float:
    """Return part of whole, 1 where the whole is nothing."""
    return part / whole if whole else 1.0


def _score(precision: float, recall: float) -> Score:
    """Return the score with its harmonic mean."""
    total = precision + recall
    return Score(precision, recall, 2 * precision * recall / total if total else 0.0)
