"""What a scheduled report says, as values: every sink shows the same fields in its own form.

Values only. How they are counted is `reporting`, how they are said in plain lines `report_text`.
"""

from __future__ import annotations

from typing import Final

import msgspec

TOP_MOST: Final = 10
"""Errors that a report names; the others are counted."""
ACTIONS_MOST: Final = 5


class ReportLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One error of a report, over all its releases."""

    id: str
    """Of its newest incident."""
    service: str
    title: str
    events: int
    """In the time of the report."""
    users: int
    about: bool = False
    """Events or users are an estimate."""
    incidents: int = 1
    new: bool = False
    """It was first seen in that time."""
    back: bool = False
    """It was known, resolved, and came back in that time."""
    open: bool = False
    """It goes on at the end of it."""
    release: str = ""
    """The newest that it was seen in."""
    owner: str = ""
    url: str = ""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled report."""

    name: str
    period: str
    """Its time in words, in the zone of the configuration."""
    from_ms: int
    to_ms: int
    team: str = ""
    """It is only of what this team owns; empty: of all."""
    urgency: tuple[str, ...] = ()
    """It is only of what was told so urgently (`digest`: of what waited for it); empty: of all."""
    new: int = 0
    """Errors first seen in that time."""
    back: int = 0
    """Errors that had been resolved, and came back in it."""
    resolved: int = 0
    """Errors that were over by the end of it, and had ended in it."""
    open: int = 0
    """Errors that go on at its end."""
    errors: int = 0
    """All of these, each once."""
    storms: int = 0
    """Storms that began in it."""
    paged: int = 0
    """Errors and storms that somebody was paged for."""
    events: int = 0
    about: bool = False
    """The events are an estimate."""
    hourly: int = 0
    """Events in an hour, rounded."""
    hourly_before: int = -1
    """In the time of the report before; -1 where there was none."""
    acknowledged: int = 0
    """How often somebody said that they have it."""
    acknowledge_s: int = 0
    """How long after the begin, in seconds, on the average; so are the others."""
    resolved_by_hand: int = 0
    resolve_s: int = 0
    false_alarms: int = 0
    lasted_s: int = 0
    """How long those that are over lasted."""
    top: tuple[ReportLine, ...] = ()
    """Those with the most events."""
    more: int = 0
    """How many more there are."""
    actions: tuple[str, ...] = ()
    """What somebody should do, in words."""
