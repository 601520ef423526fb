"""The keys `quiet_hours`, `maintenance`, `inhibit` and `spike_protection` of `stormfold.yaml`.

What they mean is said in `correlators.holds` and `schedules`; conditions are read in
`settings_rules`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from yaml.nodes import Node

from correlators.holds import Holding, Inhibition, Period
from correlators.schedules import UTC, Schedule, Span, Weekly, Zone
from streams.settings_rules import NAME, NAME_SAYS, built, when_of
from streams.settings_words import word
from streams.yaml_reader import Reader
from streams.zones import UnknownZone, zone

HOLDS: Final = ("quiet_hours", "maintenance", "inhibit", "spike_protection")
"""The keys that this module reads."""

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_CLOCK_SAYS: Final = 'a time of day such as "22:00" (in quotes)'
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_MOMENT_SAYS: Final = 'a moment with its offset such as "2026-12-01T22:00+01:00" (in quotes)'
_ZONE: Final = re.compile(r"[A-Za-z0-9_+/-]{1,60}")
_ZONE_SAYS: Final = "a time zone such as Europe/Berlin"
_WEEKLY: Final = ("name", "when", "pages", "zone", "days", "from", "to")


def holding_of(reader: Reader, part: dict[str, Node]) -> Holding:
    """Return all that may hold a telling back; nothing for keys that are absent.

    Args:
        reader: notes problems.
        part: the file's sections by name.
    """
    periods = [
        *_periods(reader, part.get("quiet_hours"), "quiet_hours", maintenance=False),
        *_periods(reader, part.get("maintenance"), "maintenance", maintenance=True),
    ]
    path = "spike_protection"
    spike = reader.section(part.get(path), path, ("per_hour",))
    return Holding(
        periods=tuple(periods),
        inhibitions=tuple(_inhibitions(reader, part.get("inhibit"))),
        most_per_hour=reader.integer(spike.get("per_hour"), f"{path}.per_hour", 0, 1, 100_000),
    )


def _periods(reader: Reader, node: Node | None, path: str, *, maintenance: bool) -> list[Period]:
    found = []
    for at, entry in enumerate(reader.entries(node, path, "periods") or ()):
        below = f"{path}[{at}]"
        key = reader.section(entry, below, _WEEKLY)
        times = _times(reader, entry, key, below, once=maintenance)
        values = {
            "name": _name(reader, entry, key, below),
            "when": when_of(reader, key.get("when"), f"{below}.when"),
            "times": (times,) if times is not None else (),
            "maintenance": maintenance,
            "pages": reader.boolean(key.get("pages"), f"{below}.pages", maintenance),
        }
        if times is not None and (made := built(reader, entry, below, Period, values)):
            found.append(made)
    return found


def _times(
    reader: Reader, entry: Node, key: dict[str, Node], path: str, *, once: bool
) -> Schedule | None:
    """Return when it is: maintenance may be a span from one moment to another."""
    for name in ("from", "to"):
        if name not in key:
            reader.problem(entry, f"{path}.{name}", "is missing")
            return None
    if once and "days" not in key and not _CLOCK.fullmatch(str(key["from"].value)):
        begin, end = (_moment(reader, key[name], f"{path}.{name}") for name in ("from", "to"))
        if begin is None or end is None:
            return None
        span: Schedule | None = built(reader, entry, path, Span, {"from_ms": begin, "to_ms": end})
        return span
    weekly: Schedule | None = built(
        reader,
        entry,
        path,
        Weekly,
        {
            "zone": zone_of(reader, key.get("zone"), f"{path}.zone"),
            "days": days_of(reader, key.get("days"), f"{path}.days"),
            "from_minute": _minute(reader, key["from"], f"{path}.from"),
            "to_minute": _minute(reader, key["to"], f"{path}.to") or 1440,
        },
    )
    return weekly


def _moment(reader: Reader, node: Node, path: str) -> int | None:
    text = reader.text(node, path, "", _MOMENT, _MOMENT_SAYS)
    found = moment_ms(text) if text else None
    if text and found is None:
        reader.problem(node, path, f'expected {_MOMENT_SAYS}, found "{text}"')
    return found


def moment_ms(text: str) -> int | None:
    """Return the moment that a text with its offset names, in milliseconds; None if it names
    none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return None


def zone_of(reader: Reader, node: Node | None, path: str) -> Zone:
    """Return the zone of this name, UTC where it is absent or wrong."""
    name = reader.text(node, path, "UTC", _ZONE, _ZONE_SAYS)
    try:
        return zone(name)
    except UnknownZone:
        if node is not None:
            reader.problem(node, path, f'expected {_ZONE_SAYS}, found "{name}"')
        return UTC


def days_of(reader: Reader, node: Node | None, path: str) -> tuple[int, ...]:
    """Return the days of the week that are named, 0 is Monday; all where it is absent or wrong."""
    entries = reader.entries(node, path, "days") if node is not None else None
    if entries is None:
        return tuple(range(7))
    found = {word(reader, one, f"{path}[{at}]", "mon", _DAYS) for at, one in enumerate(entries)}
    return tuple(at for at, day in enumerate(_DAYS) if day in found)


def _minute(reader: Reader, node: Node, path: str) -> int:
    hours, minutes = reader.text(node, path, "00:00", _CLOCK, _CLOCK_SAYS).split(":")
    return int(hours) * 60 + int(minutes)


def _inhibitions(reader: Reader, node: Node | None) -> list[Inhibition]:
    found = []
    for at, entry in enumerate(reader.entries(node, "inhibit", "inhibitions") or ()):
        below = f"inhibit[{at}]"
        key = reader.section(entry, below, ("name", "source", "mutes", "any_service", "pages"))
        for name in ("source", "mutes"):
            if name not in key:
                reader.problem(entry, f"{below}.{name}", "is missing")
        found.append(
            Inhibition(
                name=_name(reader, entry, key, below),
                source=when_of(reader, key.get("source"), f"{below}.source"),
                when=when_of(reader, key.get("mutes"), f"{below}.mutes"),
                any_service=reader.boolean(key.get("any_service"), f"{below}.any_service", False),
                pages=reader.boolean(key.get("pages"), f"{below}.pages", False),
            )
        )
    return found


def _name(reader: Reader, entry: Node, key: dict[str, Node], path: str) -> str:
    if "name" not in key:
        reader.problem(entry, path, "expected a name, found none")
    return reader.text(key.get("name"), f"{path}.name", path, NAME, NAME_SAYS)
