"""A backtest as one page to open in a browser: figures, a timeline, lanes, a list. Loads nothing.

The list stays readable at ten thousand rows: it is drawn a hundred at a time and can be searched.
What an event says is text everywhere, never markup.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from correlators.types import DigestKind
from streams.backtest_compare import Change, Compared, Row
from streams.backtest_side import Message, Side, Thing
from streams.backtest_text import moment, seconds

WIDTH: Final = 1200
COLUMNS: Final = 200
HALF: Final = 90
LANES: Final = 24
LANE: Final = 46
LANE_LEFT: Final = 330
MARKS_MOST: Final = 60
"""Marks of one side of a lane."""
TITLE_CHARS: Final = 48
_EACH_MS: Final = tuple(
    seconds * 1000
    for seconds in (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400, 604800)
)

_FIRST: Final = frozenset({DigestKind.OPENED.value, DigestKind.REOPENED.value})


def page(compared: Compared, old: Side, new: Side) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader("streams"), autoescape=True, undefined=StrictUndefined
    )
    changed = [row for row in compared.rows if row.change is not Change.SAME]
    span = _Span(compared, [*old.messages, *new.messages])
    return environment.get_template("backtest.html.j2").render(
        old=compared.old,
        new=compared.new,
        events=compared.events,
        begin=moment(compared.first_ms),
        end=moment(compared.last_ms),
        cards=_cards(compared),
        timeline=_timeline(span, old, new),
        lanes=_lanes(span, _loudest(changed), old, new),
        changed=len(changed),
        destinations=_destinations(compared),
        suppressed=_suppressed(compared),
        data=_data(compared.rows),
    )


class _Span:
    """The time that is drawn."""

    def __init__(self, compared: Compared, messages: Iterable[Message]) -> None:
        last_ms = max([compared.last_ms, *(one.at_ms for one in messages)])
        self.begin_ms = compared.first_ms
        self.length_ms = max(1, last_ms - compared.first_ms)
        wanted = self.length_ms / COLUMNS
        self.each_ms = next((one for one in _EACH_MS if one >= wanted), _EACH_MS[-1])

    def x(self, at_ms: int, *, left: int = 0) -> float:
        share = min(1.0, max(0.0, (at_ms - self.begin_ms) / self.length_ms))
        return round(left + share * (WIDTH - left - 6), 1)

    def ticks(self, *, left: int = 0) -> list[dict[str, Any]]:
        step = self.length_ms / 6
        moments = [self.begin_ms + int(step * at) for at in range(6)]
        return [{"x": self.x(one, left=left), "text": moment(one)[5:16]} for one in moments]


def _kind(one: Message) -> str:
    if one.kind == "page":
        return "page"
    return "first" if one.kind in _FIRST else "other"


def _timeline(span: _Span, old: Side, new: Side) -> dict[str, Any]:
    sides = [_columns(span, side) for side in (old, new)]
    most = [max((column.total() for column in side.values()), default=0) for side in sides]
    scale = (HALF - 14) / max(1, *most)
    width = max(1.0, round(span.x(span.begin_ms + span.each_ms) - 0.5, 1))
    bars = []
    for at, side in enumerate(sides):
        for column, counts in sorted(side.items()):
            height = 0.0
            for kind in ("page", "first", "other"):
                if not counts[kind]:
                    continue
                tall = max(1.0, counts[kind] * scale)
                begin_ms = span.begin_ms + column * span.each_ms
                bars.append(
                    {
                        "x": span.x(begin_ms),
                        "y": round(HALF - height - tall if at == 0 else HALF + height, 1),
                        "width": width,
                        "height": round(tall, 1),
                        "kind": kind,
                        "title": f"{moment(begin_ms)}: {counts[kind]} {_WORDS[kind]}",
                    }
                )
                height += tall
    return {
        "height": 2 * HALF + 18,
        "middle": HALF,
        "bars": bars,
        "ticks": span.ticks(),
        "each": seconds(span.each_ms),
        "most_old": most[0],
        "most_new": most[1],
    }


_WORDS: Final = {"page": "pages", "first": "first messages", "other": "further messages"}


def _columns(span: _Span, side: Side) -> dict[int, Counter[str]]:
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for one in side.messages:
        found[max(0, one.at_ms - span.begin_ms) // span.each_ms][_kind(one)] += 1
    return found


def _loudest(changed: list[Row]) -> list[Row]:
    """Return the rows that get a lane: of every kind of change the loudest."""
    of_kind: defaultdict[Change, list[Row]] = defaultdict(list)
    for row in changed:
        of_kind[row.change].append(row)
    each = max(1, LANES // max(1, len(of_kind)))
    first = [row for rows in of_kind.values() for row in rows[:each]]
    rest = [row for rows in of_kind.values() for row in rows[each:]]
    return [*first, *rest][:LANES]


def _lanes(span: _Span, rows: list[Row], old: Side, new: Side) -> dict[str, Any]:
    of_thing = (
        _messages(old, {thing.id for row in rows for thing in row.old}),
        _messages(new, {thing.id for row in rows for thing in row.new}),
    )
    lanes = []
    for at, row in enumerate(rows):
        y = at * LANE
        lane: dict[str, Any] = {
            "y": y,
            "change": row.change.value,
            "title": _title(row)[:TITLE_CHARS],
            "bars": [],
            "marks": [],
        }
        for half, things in enumerate((row.old, row.new)):
            for thing in things:
                _draw(lane, span, thing, of_thing[half].get(thing.id, ()), y + 2 + half * 20)
        lanes.append(lane)
    return {"lanes": lanes, "height": max(1, len(rows)) * LANE}


def _messages(side: Side, wanted: set[str]) -> dict[str, list[Message]]:
    found: defaultdict[str, list[Message]] = defaultdict(list)
    for one in side.messages:
        if one.thing in wanted and len(found[one.thing]) < MARKS_MOST:
            found[one.thing].append(one)
    return found


def _draw(
    lane: dict[str, Any], span: _Span, thing: Thing, messages: Iterable[Message], y: int
) -> None:
    begin = span.x(thing.began_ms, left=LANE_LEFT)
    end = span.x(thing.ended_ms or span.begin_ms + span.length_ms, left=LANE_LEFT)
    tall = 14 if thing.told else 3
    lane["bars"].append(
        {
            "x": begin,
            "y": y + (14 - tall) // 2,
            "width": max(2.0, round(end - begin, 1)),
            "height": tall,
            "fill": "#f5d6dc" if thing.pages else "#e3e7ec",
            "title": f"{thing.id}: {thing.title}",
        }
    )
    lane["marks"] += [
        {
            "x": span.x(one.at_ms, left=LANE_LEFT),
            "y": y + 7,
            "kind": _kind(one),
            "title": f"{moment(one.at_ms)} {one.kind} to {one.destination}",
        }
        for one in messages
    ]


def _title(row: Row) -> str:
    shown = row.new if row.change is Change.APPEARS else row.old
    first = (shown or row.new or row.old)[0]
    return f"{', '.join(first.services[:2])}  {first.title}"


def _cards(compared: Compared) -> list[dict[str, str]]:
    old, new = compared.old, compared.new
    figures = (
        ("Pages", old.pages, new.pages),
        ("Messages", old.messages, new.messages),
        ("Told", old.told, new.told),
        ("Storms", old.storms, new.storms),
    )
    cards = [
        {
            "name": name,
            "old": f"{one:,}",
            "new": f"{two:,}",
            "way": "more" if two > one else "less" if two < one else "",
            "said": f"{two - one:+,}" if two != one else "the same",
        }
        for name, one, two in figures
    ]
    first, then = old.waits.median_ms, new.waits.median_ms
    cards.append(
        {
            "name": "First told, median",
            "old": seconds(first),
            "new": seconds(then),
            "way": "",
            "said": f"longest {seconds(old.waits.longest_ms)} → {seconds(new.waits.longest_ms)}",
        }
    )
    return cards


def _destinations(compared: Compared) -> list[dict[str, Any]]:
    old, new = compared.old.destinations, compared.new.destinations
    found = []
    for name in sorted({*old, *new}):
        one, two = old.get(name, {}), new.get(name, {})
        kinds = [f"{kind} {one.get(kind, 0)} → {two.get(kind, 0)}" for kind in sorted({*one, *two})]
        found.append(
            {
                "name": name,
                "old": sum(one.values()),
                "new": sum(two.values()),
                "kinds": ", ".join(kinds),
            }
        )
    return found


def _suppressed(compared: Compared) -> list[dict[str, Any]]:
    old, new = compared.old.suppressed, compared.new.suppressed
    return [
        {"name": name, "old": old.get(name, 0), "new": new.get(name, 0)}
        for name in sorted({*old, *new})
    ]


def _data(rows: Iterable[Row]) -> Markup:
    """Return the list as JSON that stands inside a script: it cannot end it."""
    found = [
        {
            "change": row.change.value,
            "events": row.events,
            "title": _title(row),
            "services": ", ".join(
                dict.fromkeys(name for one in (*row.old, *row.new) for name in one.services)
            ),
            "why": row.why,
            "old": [_told(one) for one in row.old if one.told],
            "new": [_told(one) for one in row.new if one.told],
        }
        for row in rows
    ]
    raw = orjson.dumps(found).decode()
    for mark, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        raw = raw.replace(mark, escaped)
    return Markup(raw)


def _told(thing: Thing) -> dict[str, str]:
    first = f"first after {seconds(max(0, thing.first_ms - thing.began_ms))}"
    said = f"{thing.urgency or 'told'} by {thing.rule or 'no rule'} to {', '.join(thing.to)}"
    count = f"{thing.messages} messages" + (f", {thing.pages} pages" if thing.pages else "")
    return {"id": thing.id, "text": f"{said}; {count}, {first}"}
