"""How well incidents and storms fit labelled outages, in parts and beside simple rules.

Lives here: which rows are scored together, the sessions that are the floor, and the table. What
Stormfold makes of a recording is worked out in `quality`, the arithmetic is `scores`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.labelled import GAP_MS, Row, by_session
from benchmarks.scores import Score, b_cubed, pairwise

ALL: Final = "all faults"
APART: Final = "faults apart"
CLOSE: Final = "faults that follow one another"


class Part(msgspec.Struct, frozen=True):
    """One way of grouping, scored on some rows."""

    pairwise: Score
    b3: Score


class OutageQuality(msgspec.Struct, frozen=True):
    """Scores by part of the rows, and in it by way of grouping."""

    close_pairs: tuple[tuple[str, str], ...]
    """Faults of one environment of which the second begins within a minute after the first
    ended."""
    rows: dict[str, int]
    parts: dict[str, dict[str, Part]]


def close_pairs(rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of labels that follow each other within `GAP_MS`, in order of time.

    Labels that overlap are no such pair: there a time of its own tells nothing.
    """
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        place = (str(row.event.get("environment")), row.label)
        first, last = spans.get(place, (row.at_ms, row.at_ms))
        spans[place] = (min(first, row.at_ms), max(last, row.at_ms))
    ordered = sorted(spans.items(), key=lambda item: item[1])
    return tuple(
        (one, two)
        for (where, one), (_, end) in ordered
        for (there, two), (start, _) in ordered
        if where == there and one != two and 0 <= start - end <= GAP_MS
    )


def by_service_session(rows: Sequence[Row]) -> list[Hashable]:
    """Return groups by environment and service, cut wherever nothing happened for more than
    `GAP_MS`."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        places[str(row.event.get("environment")), str(row.event.get("project"))].append(at)
    groups: list[Hashable] = [None] * len(rows)
    for place, indexes in places.items():
        of_place = by_session([rows[at] for at in indexes])
        for at, session in zip(indexes, of_place, strict=True):
            groups[at] = (place, session)
    return groups


def outage_quality(
    rows: Sequence[Row], storms: Sequence[Hashable], incidents: Sequence[Hashable]
) -> OutageQuality:
    """Return the scores of a recording of outages.

    Args:
        rows: labelled.
        storms: the storm of each row, else its incident.
        incidents: the incident of each row.
    """
    pairs = close_pairs(rows)
    close = {label for pair in pairs for label in pair}
    parts = {ALL: list(range(len(rows)))}
    if pairs:
        parts[APART] = [at for at, row in enumerate(rows) if row.label not in close]
        parts[CLOSE] = [at for at, row in enumerate(rows) if row.label in close]
    ways = {
        "storms": storms,
        "incidents": incidents,
        "session per environment, 60 s gap": by_session(rows),
        "session per service, 60 s gap": by_service_session(rows),
    }
    labels = [row.label for row in rows]
    return OutageQuality(
        close_pairs=pairs,
        rows={name: len(indexes) for name, indexes in parts.items()},
        parts={
            name: {
                way: _part([labels[at] for at in indexes], [groups[at] for at in indexes])
                for way, groups in ways.items()
            }
            for name, indexes in parts.items()
        },
    )


def _part(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> Part:
    return Part(pairwise(labels, groups), b_cubed(labels, groups))


def outage_table(files: dict[str, OutageQuality]) -> Table:
    """Return the scores of recordings of outages as a table."""
    out = Table("recording, part", "rows")
    for heading in ("pairwise P", "R", "F1", "B³ P", "R", "F1"):
        out.add_column(heading, justify="right", no_wrap=True)
    for name, found in files.items():
        for part, ways in found.parts.items():
            out.add_row(f"{name}: {part}", f"{found.rows[part]:,}", style="bold")
            for way, scored in ways.items():
                both = (scored.pairwise, scored.b3)
                cells = [
                    f"{part:.3f}"
                    for score in both
                    for part in (score.precision, score.recall, score.f1)
                ]
                out.add_row(f"  {way}", "", *cells)
        out.add_section()
    return out
