"""The key `reports` of `stormfold.yaml`: scheduled reports, of what, when, to whom.

What they mean is said in `correlators.reporting`; how zones and days are read, in `settings_holds`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from yaml.nodes import Node

from correlators.incidents import Windows
from correlators.recurring import WEEK, Recurring, evenly
from correlators.rulings import Urgency
from correlators.scheduled import REPORTS_MOST, TOLD, Scheduled
from correlators.schedules import DAY_MS
from streams.settings_holds import days_of, zone_of
from streams.settings_rules import NAME, NAME_SAYS, built, patterns_of
from streams.settings_words import destinations, word, words
from streams.yaml_reader import Reader, duration

_KEYS: Final = ("name", "every", "at", "days", "zone", "to", "environment", "team", "urgency")
_HOURS: Final = {f"{hours}h": hours * 60 for hours in (1, 2, 3, 4, 6, 8, 12)}
"""Parts of a day, in minutes."""
_DAY: Final = "day"
_WEEK: Final = "week"
_AT: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_AT_SAYS: Final = 'a time of day such as "08:00" (in quotes)'
_MONDAY: Final = (0,)


def reports_of(
    reader: Reader,
    node: Node | None,
    chats: Collection[str],
    teams: Collection[str],
    windows: Windows,
) -> tuple[Scheduled, ...]:
    """Return the scheduled reports, in the order of the file; what is wrong is noted.

    Args:
        reader: notes problems.
        node: the list, None where it is absent.
        chats: destinations that can be told.
        teams: those that own something.
        windows: how long what is over is remembered, which a report looks back on.
    """
    found: dict[str, Scheduled] = {}
    entries = reader.entries(node, "reports", "reports") or []
    if node is not None and len(entries) > REPORTS_MOST:
        reader.problem(node, "reports", f"expected at most {REPORTS_MOST}, found {len(entries)}")
    for at, entry in enumerate(entries):
        path = f"reports[{at}]"
        one = _report(reader, entry, path, chats, teams, windows)
        if one is None:
            continue
        if one.name in found:
            reader.problem(entry, f"{path}.name", "is the name of another report too")
        found[one.name] = one
    return tuple(found.values())


def _report(
    reader: Reader,
    entry: Node,
    path: str,
    chats: Collection[str],
    teams: Collection[str],
    windows: Windows,
) -> Scheduled | None:
    before = reader.noted
    key = reader.section(entry, path, _KEYS)
    for name in ("name", "every", "to"):
        if name not in key:
            reader.problem(entry, f"{path}.{name}", "is missing")
    every = word(reader, key.get("every"), f"{path}.every", _DAY, (*_HOURS, _DAY, _WEEK))
    urgency = words(reader, key["urgency"], f"{path}.urgency", TOLD) if "urgency" in key else TOLD
    values = {
        "name": reader.text(key.get("name"), f"{path}.name", path, NAME, NAME_SAYS),
        "at": _times(reader, key, path, every),
        "to": destinations(reader, key.get("to"), f"{path}.to", chats),
        "environment": patterns_of(reader, key["environment"], f"{path}.environment")
        if "environment" in key
        else ("production",),
        "team": word(reader, key["team"], f"{path}.team", "", sorted(teams))
        if "team" in key
        else "",
        "urgency": tuple(one for one in TOLD if one in set(map(Urgency, urgency))),
    }
    if reader.noted != before:
        return None
    days = 7 if every == _WEEK else 1
    if windows.remember_ms < days * DAY_MS:
        reader.problem(
            key["every"],
            f"{path}.every",
            f"expected at most incidents.remember, which is {duration(windows.remember_ms)}: "
            "what ended before that is forgotten",
        )
        return None
    made: Scheduled | None = built(reader, entry, path, Scheduled, values)
    return made


def _times(reader: Reader, key: dict[str, Node], path: str, every: str) -> Recurring:
    hours, minutes = reader.text(key.get("at"), f"{path}.at", "08:00", _AT, _AT_SAYS).split(":")
    minute = int(hours) * 60 + int(minutes)
    days = days_of(reader, key["days"], f"{path}.days") if "days" in key else None
    usual = _MONDAY if every == _WEEK else WEEK
    if every == _WEEK and days is not None and len(days) != 1:
        reader.problem(key["days"], f"{path}.days", "expected the one day of a weekly report")
    return Recurring(
        zone=zone_of(reader, key.get("zone"), f"{path}.zone"),
        days=days or usual,
        minutes=evenly(_HOURS[every], minute) if every in _HOURS else (minute,),
    )
