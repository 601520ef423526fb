"""A backtest as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import orjson

from streams.backtest_compare import HOUR_MS, Change, Compared, Row, Totals
from streams.backtest_side import Thing

ROWS_SHOWN: Final = 40
"""Rows of the text; all are in the JSON and on the page."""
HOURS_SHOWN: Final = 48
TITLE_CHARS: Final = 70


def in_json(compared: Compared) -> str:
    """Return all of it as one indented JSON object; rows that are the same are only counted."""
    found = {
        "events": compared.events,
        "first_ms": compared.first_ms,
        "last_ms": compared.last_ms,
        "old": _totals_json(compared.old),
        "new": _totals_json(compared.new),
        "changes": {change.value: compared.count(change) for change in Change},
        "rows": [_row_json(row) for row in compared.rows if row.change is not Change.SAME],
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"


def _totals_json(side: Totals) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(side)
    for name in ("pages_by_hour", "messages_by_hour"):
        found[name] = {hour_text(hour): count for hour, count in getattr(side, name).items()}
    return found


def _row_json(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(row)
    return found


def lines(compared: Compared) -> list[str]:
    """Return the report in lines for people."""
    old, new = compared.old, compared.new
    begin, end = (moment(one) for one in (compared.first_ms, compared.last_ms))
    found = [
        f"{compared.events:,} events from {begin} to {end} (UTC)",
        "",
        f"{'':28} {'old':>12} {'new':>12}",
    ]
    found += _figures(old, new)
    found += ["", f"old: {old.name}", f"new: {new.name}", "", "Per destination"]
    found += _destinations(old, new)
    found += ["", "Pages by hour"]
    found += _hours(old, new)
    found += ["", _changes(compared)]
    changed = [row for row in compared.rows if row.change is not Change.SAME]
    found += [line for row in changed[:ROWS_SHOWN] for line in _row(row)]
    if len(changed) > ROWS_SHOWN:
        found.append(f"and {len(changed) - ROWS_SHOWN} more; --json and --html have all")
    return found


def _figures(old: Totals, new: Totals) -> list[str]:
    def line(name: str, one: object, two: object) -> str:
        return f"{name:28} {one:>12} {two:>12}"

    return [
        line("pages", old.pages, new.pages),
        line("messages", old.messages, new.messages),
        line("incidents and storms told", old.told, new.told),
        line("incidents", old.incidents, new.incidents),
        line("storms", old.storms, new.storms),
        line("held back or dropped", *(sum(one.suppressed.values()) for one in (old, new))),
        *(
            line(f"  {one}", old.suppressed.get(one, 0), new.suppressed.get(one, 0))
            for one in sorted({*old.suppressed, *new.suppressed})
        ),
        line("first told, median", *_waits(old, new, "median_ms")),
        line("first told, 9 of 10 within", *_waits(old, new, "p90_ms")),
        line("first told, longest", *_waits(old, new, "longest_ms")),
    ]


def _waits(old: Totals, new: Totals, name: str) -> list[str]:
    """Return a wait of both sides; a side that told nothing waited for nothing."""
    return [
        seconds(getattr(one.waits, name)) if one.waits.things else "none told" for one in (old, new)
    ]


def _destinations(old: Totals, new: Totals) -> list[str]:
    found = []
    for name in sorted({*old.destinations, *new.destinations}):
        one, two = old.destinations.get(name, {}), new.destinations.get(name, {})
        kinds = sorted({*one, *two})
        parts = ", ".join(f"{kind} {one.get(kind, 0)} -> {two.get(kind, 0)}" for kind in kinds)
        found.append(f"  {name}: {sum(one.values())} -> {sum(two.values())} ({parts})")
    return found or ["  nobody is told anything"]


def _hours(old: Totals, new: Totals) -> list[str]:
    hours = sorted({*old.pages_by_hour, *new.pages_by_hour})
    found = [
        f"  {hour_text(hour)}  {old.pages_by_hour.get(hour, 0):>4} -> "
        f"{new.pages_by_hour.get(hour, 0)}"
        for hour in hours[:HOURS_SHOWN]
    ]
    if len(hours) > HOURS_SHOWN:
        found.append(f"  and {len(hours) - HOURS_SHOWN} more hours")
    return found or ["  none"]


def _changes(compared: Compared) -> str:
    counts = Counter(row.change for row in compared.rows)
    said = [
        f"{counts[change]} {word}"
        for change, word in (
            (Change.APPEARS, "appear"),
            (Change.VANISHES, "vanish"),
            (Change.SPLITS, "split"),
            (Change.MERGES, "merge"),
            (Change.URGENCY, "change urgency"),
            (Change.ROUTE, "go elsewhere"),
        )
        if counts[change]
    ]
    return (
        f"Of what is told: {', '.join(said) or 'nothing differs'}; {counts[Change.SAME]} the same"
    )


def _row(row: Row) -> list[str]:
    shown = row.new if row.change is Change.APPEARS else row.old
    title = f"{_services(shown)}  {shown[0].title[:TITLE_CHARS]}" if shown else ""
    head = f"  {row.change:9} {row.events:>7,} events  {title}"
    detail = f"            {_side(row.old)} -> {_side(row.new)}"
    return [head, detail + (f" ({row.why})" if row.why else "")]


def _services(things: Iterable[Thing]) -> str:
    names = list(dict.fromkeys(name for thing in things for name in thing.services))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _side(things: tuple[Thing, ...]) -> str:
    told = [thing for thing in things if thing.told]
    if not told:
        return "not told"
    first = told[0]
    where = ", ".join(dict.fromkeys(place for thing in told for place in thing.to))
    more = f", {len(told)} of them" if len(told) > 1 else ""
    return f"{first.id} {first.urgency or 'told'} by {first.rule or 'no rule'} to {where}{more}"


def seconds(ms: int) -> str:
    """Return a time as people read it."""
    return f"{ms / 1000:.0f} s" if ms < 120_000 else f"{ms / 60_000:.1f} min"


def moment(at_ms: int) -> str:
    """Return a moment in UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def hour_text(hour: int) -> str:
    """Return an hour since the epoch as a moment."""
    return f"{datetime.fromtimestamp(hour * HOUR_MS / 1000, UTC):%Y-%m-%d %H:00}"
