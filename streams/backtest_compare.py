"""What two configurations would have told of the same events, side by side.

A thing here is what people meet: a storm, or an incident that no storm told. Two things of two
sides are the same as far as they tell the same events. Nothing is replayed or printed here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from streams.backtest_side import HOUR_MS as HOUR_MS
from streams.backtest_side import Side, Thing

SHARE: Final = 0.1
"""A thing has gone into another where at least this share of its events did."""


class Change(StrEnum):
    """How a thing differs between the two."""

    APPEARS = "appears"
    VANISHES = "vanishes"
    SPLITS = "splits"
    MERGES = "merges"
    URGENCY = "urgency"
    ROUTE = "route"
    SAME = "same"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: what it was, and what it would be."""

    change: Change
    old: tuple[Thing, ...] = ()
    new: tuple[Thing, ...] = ()
    events: int = 0
    why: str = ""
    """For what vanishes or appears: what keeps, or kept, it untold."""


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How long until the first message or page of what was told, in milliseconds."""

    median_ms: int = 0
    p90_ms: int = 0
    longest_ms: int = 0
    things: int = 0


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """One side in figures."""

    name: str
    incidents: int
    storms: int
    told: int
    """Things that anybody heard of."""
    messages: int
    pages: int
    destinations: dict[str, dict[str, int]]
    pages_by_hour: dict[int, int]
    """By the hour since the epoch."""
    messages_by_hour: dict[int, int]
    suppressed: dict[str, int]
    waits: Waits
    left_out: int = 0
    """Messages and pages that the timeline of the page does not show."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides, and every thing that differs."""

    old: Totals
    new: Totals
    rows: tuple[Row, ...]
    """Changes first, in the order of `Change`, the loudest of each first."""
    events: int
    first_ms: int
    last_ms: int

    def count(self, change: Change) -> int:
        """Return how many rows are such a change."""
        return sum(row.change is change for row in self.rows)


def compare(
    old: Side, new: Side, pairs: Mapping[tuple[str, str], int], *, first_ms: int, last_ms: int
) -> Compared:
    """Return what differs.

    Args:
        old: what runs today.
        new: what is tried.
        pairs: events by (thing of the old, thing of the new).
        first_ms: of the first event.
        last_ms: of the last one.
    """
    rows = _rows(old, new, pairs)
    order = list(Change)
    rows.sort(key=lambda row: (order.index(row.change), -row.events, _ids(row)))
    return Compared(
        old=_totals(old),
        new=_totals(new),
        rows=tuple(rows),
        events=sum(pairs.values()),
        first_ms=first_ms,
        last_ms=last_ms,
    )


def _ids(row: Row) -> tuple[str, ...]:
    return tuple(one.id for one in (*row.old, *row.new))


def _rows(old: Side, new: Side, pairs: Mapping[tuple[str, str], int]) -> list[Row]:
    """Group what shares events into rows: each thing of either side is in exactly one."""
    shares: list[defaultdict[str, Counter[str]]] = [defaultdict(Counter), defaultdict(Counter)]
    for (one, two), events in pairs.items():
        shares[0][one][two] += events
        shares[1][two][one] += events
    for side, at in ((old, 0), (new, 1)):
        for name, counts in shares[at].items():
            if name in side.things:
                side.things[name].events = counts.total()
    groups = _groups(old, new, pairs, shares)
    return [_row(old, new, *group) for group in groups]


def _groups(
    old: Side,
    new: Side,
    pairs: Mapping[tuple[str, str], int],
    shares: list[defaultdict[str, Counter[str]]],
) -> list[tuple[list[str], list[str]]]:
    """Return what is tied together by a good share of events: ids of the old, ids of the new."""
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def root(one: tuple[int, str]) -> tuple[int, str]:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for (one, two), events in sorted(pairs.items()):
        if one:
            root((0, one))
        if two:
            root((1, two))
        least = SHARE * min(shares[0][one].total(), shares[1][two].total())
        if one and two and events >= least:
            parent[root((1, two))] = root((0, one))
    found: defaultdict[tuple[int, str], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for place in sorted(parent):
        found[root(place)][place[0]].append(place[1])
    return list(found.values())


def _row(old: Side, new: Side, one: list[str], two: list[str]) -> Row:
    before = [old.things[name] for name in one if name in old.things]
    after = [new.things[name] for name in two if name in new.things]
    told = [thing for thing in before if thing.told], [thing for thing in after if thing.told]
    events = max(sum(thing.events for thing in before), sum(thing.events for thing in after))
    shown = tuple(told[0] or before), tuple(told[1] or after)

    def row(change: Change, why: str = "") -> Row:
        return Row(change=change, old=shown[0], new=shown[1], events=events, why=why)

    if not told[0] and not told[1]:
        return row(Change.SAME, "told by neither")
    if not told[1]:
        return row(Change.VANISHES, _why(after))
    if not told[0]:
        return row(Change.APPEARS, _why(before))
    if len(told[0]) < len(told[1]):
        return row(Change.SPLITS)
    if len(told[0]) > len(told[1]):
        return row(Change.MERGES)
    urgencies = [sorted(thing.urgency for thing in side) for side in told]
    if urgencies[0] != urgencies[1]:
        return row(Change.URGENCY)
    routes = [sorted({place for thing in side for place in thing.to}) for side in told]
    return row(Change.ROUTE if routes[0] != routes[1] else Change.SAME)


def _why(things: list[Thing]) -> str:
    held = dict.fromkeys(reason for thing in things for reason in thing.held)
    return ", ".join(held)


def _totals(side: Side) -> Totals:
    told = [thing for thing in side.things.values() if thing.told]
    return Totals(
        name=side.name,
        incidents=side.lives.incidents,
        storms=side.lives.storms,
        told=len(told),
        messages=side.told,
        pages=side.pages,
        destinations={
            name: dict(sorted(counts.items())) for name, counts in sorted(side.destinations.items())
        },
        pages_by_hour=dict(sorted(side.pages_by_hour.items())),
        messages_by_hour=dict(sorted(side.messages_by_hour.items())),
        suppressed=dict(sorted(side.suppressed.items())),
        waits=_waits(told),
        left_out=side.left_out,
    )


def _waits(told: list[Thing]) -> Waits:
    # Of what a storm told first, the wait is the storm's.
    waits = sorted(max(0, one.first_ms - one.began_ms) for one in told if not one.storm)
    if not waits:
        return Waits()

    def at(share: float) -> int:
        return waits[min(len(waits) - 1, int(share * len(waits)))]

    return Waits(median_ms=at(0.5), p90_ms=at(0.9), longest_ms=waits[-1], things=len(waits))
