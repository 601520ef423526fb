"""A scheduled report in plain lines, for every sink that shows them as they are. Pure.

Lives here: words. Not here: what is counted (`reporting`).
"""

from __future__ import annotations

from typing import Final

from correlators.reported import Reported, ReportLine
from correlators.schedules import DAY_MS, MINUTE_MS, Zone

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
TITLE_CHARS: Final = 120
"""Of one error."""


def period(from_ms: int, to_ms: int, zone: Zone) -> str:
    """Return a time in words, as the clock on the wall of the zone shows it."""
    return f"{_moment(from_ms, zone)} to {_moment(to_ms, zone)} {zone.name}"


def title(one: Reported, environment: str) -> str:
    """Return what the report leads with: its name, of what it is, and the counts that matter."""
    what = f"{environment}, {one.team}" if one.team else environment
    return f"{one.name}, {what}: {counts(one)}"


def counts(one: Reported) -> str:
    """Return how many errors are new, back, over and open; those of which there are none only
    where there are none at all."""
    found = [(one.new, "new"), (one.back, "back"), (one.resolved, "over"), (one.open, "open")]
    said = [f"{count:,} {word}" for count, word in found if count]
    return ", ".join(said) or "nothing new"


def lines(one: Reported) -> tuple[str, ...]:
    """Return the report in lines, at most `TOP_MOST` + `ACTIONS_MOST` + 5."""
    said = [f"{one.period}{scope(one)}", f"{impact(one)}."]
    if people := times(one):
        said.append(f"{people}.")
    said += [f"{at}. {line(top)}" for at, top in enumerate(one.top, 1)]
    if one.more:
        said.append(f"... and {many(one.more, 'more error')}")
    said += [f"To do: {action}" for action in one.actions]
    return tuple(said)


def scope(one: Reported) -> str:
    """Return of what alone it is, with a beginning for the end of a sentence; empty: of all."""
    said = f"; only what {one.team} owns" if one.team else ""
    if one.urgency == ("digest",):
        return f"{said}; only what no message told"
    return f"{said}; only urgency {' or '.join(one.urgency)}" if one.urgency else said


def impact(one: Reported) -> str:
    """Return how many events, how often, how that was before, and how many storms and pages."""
    about = "about " if one.about else ""
    said = [f"{about}{many(one.events, 'event')}", hourly(one)]
    said += [many(one.storms, "storm")] if one.storms else []
    said += [many(one.paged, "page")] if one.paged else []
    return ", ".join(said)


def hourly(one: Reported) -> str:
    """Return how often events came, and how that was before, where that is known."""
    often = f"{one.hourly:,}" if one.hourly or not one.events else "less than 1"
    return f"{often} an hour" + (
        f" ({one.hourly_before:,} before)" if one.hourly_before >= 0 else ""
    )


def times(one: Reported) -> str:
    """Return how fast people were, and how long it lasted; empty where nobody did anything and
    nothing ended."""
    said = []
    if one.acknowledged:
        said.append(f"acknowledged {one.acknowledged:,} in {length(one.acknowledge_s)} on average")
    if one.resolved_by_hand:
        said.append(f"resolved {one.resolved_by_hand:,} in {length(one.resolve_s)} on average")
    if one.false_alarms:
        said.append(many(one.false_alarms, "false alarm"))
    if one.lasted_s:
        said.append(f"what is over lasted {length(one.lasted_s)} on average")
    text = "; ".join(said)
    return text[:1].upper() + text[1:]


def line(one: ReportLine) -> str:
    """Return one error in a line."""
    hurt = [many(one.events, "event")] if one.events else []
    hurt += [many(one.users, "user")] if one.users else []
    said = [short(one), *(f"about {two}" if one.about else two for two in hurt), *marks(one)]
    said += [f"in {one.release}"] if one.release else []
    said += [f"owned by {one.owner}"] if one.owner else []
    return ", ".join(said)


def marks(one: ReportLine) -> list[str]:
    """Return the words for how it stands."""
    found = ((one.new, "new"), (one.back, "came back"), (one.open, "still open"))
    return [word for holds, word in found if holds]


def short(one: ReportLine) -> str:
    """Return service and title, as far as a line has room."""
    text = f"{one.service}: {one.title}"
    return text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1] + "…"


def length(seconds: int) -> str:
    """Return how long that is, in the two largest units that say something."""
    if seconds < 60:
        return f"{seconds} s"
    minutes = (seconds + 30) // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days:,} d {hours} h" if hours else f"{days:,} d"


def many(count: int, word: str) -> str:
    """Return the count and the word in the right form."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _moment(at_ms: int, zone: Zone) -> str:
    wall_ms = zone.wall_ms(at_ms)
    days, rest_ms = divmod(wall_ms, DAY_MS)
    day, month = _civil(days)
    hours, minutes = divmod(rest_ms // MINUTE_MS, 60)
    return f"{_DAYS[(days + 3) % 7]} {day} {_MONTHS[month - 1]} {hours:02}:{minutes:02}"


def _civil(days: int) -> tuple[int, int]:
    """Return (day, month) of this day since the epoch.

    Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    shifted = days + 719_468
    of_era = shifted % 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    return of_year - (153 * month + 2) // 5 + 1, month + 3 if month < 10 else month - 9
