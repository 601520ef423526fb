"""Labelled recordings, and the simple rules that Stormfold is compared with.

Lives here: reading lines that hold an event and a "label", and groupings that need nothing but the
raw events. Not here: what Stormfold makes of them (`quality`).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import zstandard

GAP_MS: Final = 60_000
"""Longest pause inside one session of the simple rule for outages."""


class QualityError(Exception):
    """A recording cannot be scored; the text names the file and why. Root of the error tree."""


class Row(msgspec.Struct, frozen=True):
    """One labelled line of a recording. `line` counts from 1."""

    line: int
    label: str
    event: dict[str, Any]
    at_ms: int


def read_labelled(path: Path) -> list[Row]:
    """Return the labelled lines of a recording, in order.

    Raises:
        QualityError: there is no such file, it cannot be read, or it has no labels.
    """
    rows: list[Row] = []
    at_ms = 0
    try:
        for number, line in enumerate(_lines(path), start=1):
            item = orjson.loads(line) if line.strip() else None
            event = _event(item)
            if event is None:
                continue
            if isinstance(stamp := event.get("timestamp"), (int, float)):
                at_ms = round(stamp * 1000)
            if isinstance(item, dict) and isinstance(label := item.get("label"), str):
                rows.append(Row(number, label, event, at_ms))
    except (OSError, ValueError, EOFError, zstandard.ZstdError) as error:
        raise QualityError(f"{path}: cannot be read: {error}") from error
    if not rows:
        raise QualityError(f'{path}: no line holds an event and a "label"')
    return rows


def _event(item: object) -> dict[str, Any] | None:
    """Return the event of a line: its own, or the one inside a recorded webhook."""
    if not isinstance(item, dict):
        return None
    body = item.get("body")
    data = body.get("data") if isinstance(body, dict) else None
    held = data if isinstance(data, dict) else {}
    for event in (item.get("event"), held.get("error"), held.get("event")):
        if isinstance(event, dict):
            return event
    return None


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a plain, gzip or zstd file."""
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.open(raw) as lines:
                yield from lines
        elif path.suffix == ".zst":
            yield from zstandard.ZstdDecompressor().stream_reader(raw).read().splitlines()
        else:
            yield from raw


def by_type_and_function(rows: Sequence[Row]) -> list[Hashable]:
    """Return groups by project, exception type and newest in-app function."""
    return [(_project(row), _type(row), _function(row)) for row in rows]


def by_literal_stack(rows: Sequence[Row]) -> list[Hashable]:
    """Return groups by project, exception type and every frame with its line."""
    return [
        (_project(row), _type(row), *(_place(frame, "lineno") for frame in _frames(row)))
        for row in rows
    ]


def by_type(rows: Sequence[Row]) -> list[Hashable]:
    """Return groups by project and exception type."""
    return [(_project(row), _type(row)) for row in rows]


def by_message(rows: Sequence[Row]) -> list[Hashable]:
    """Return groups by project and the message as it stands."""
    return [(_project(row), _message(row)) for row in rows]


def by_session(rows: Sequence[Row]) -> list[Hashable]:
    """Return groups by environment, cut wherever nothing happened for more than `GAP_MS`."""
    groups: list[Hashable] = [None] * len(rows)
    last: dict[str, tuple[int, int]] = {}
    for at in sorted(range(len(rows)), key=lambda at: rows[at].at_ms):
        environment = str(rows[at].event.get("environment"))
        seen_ms, session = last.get(environment, (rows[at].at_ms, 0))
        session += rows[at].at_ms - seen_ms > GAP_MS
        last[environment] = (rows[at].at_ms, session)
        groups[at] = (environment, session)
    return groups


CRASH_RULES: Final[dict[str, Callable[[Sequence[Row]], list[Hashable]]]] = {
    "literal stack": by_literal_stack,
    "exception type": by_type,
    "type + top in-app function": by_type_and_function,
    "message only": by_message,
}
OUTAGE_RULES: Final[dict[str, Callable[[Sequence[Row]], list[Hashable]]]] = {
    "session per environment, 60 s gap": by_session,
}


def _raised(row: Row) -> dict[str, Any]:
    """Return the exception that was raised, or nothing."""
    values = (row.event.get("exception") or {}).get("values") or [{}]
    return dict(values[-1])


def _project(row: Row) -> str:
    return str(row.event.get("project"))


def _type(row: Row) -> str:
    return str(_raised(row).get("type"))


def _message(row: Row) -> str:
    """Return what the raised exception says, else the event's own message."""
    entry = row.event.get("logentry") or {}
    said = _raised(row).get("value") or entry.get("formatted") or entry.get("message")
    return str(said or row.event.get("message"))


def _frames(row: Row) -> list[dict[str, Any]]:
    return list((_raised(row).get("stacktrace") or {}).get("frames") or [])


def _function(row: Row) -> tuple[str, ...] | None:
    """Return module and function of the newest in-app frame, else of the newest frame."""
    frames = _frames(row)
    newest = [frame for frame in frames if frame.get("in_app")] or frames
    return _place(newest[-1]) if newest else None


def _place(frame: dict[str, Any], *more: str) -> tuple[str, ...]:
    return tuple(str(frame.get(field)) for field in ("module", "function", *more))
