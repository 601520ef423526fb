"""Shadow mode as configured, and the counts of one day of one environment while it is on."""

from __future__ import annotations

from typing import Final

import msgspec

from correlators import sets
from correlators.types import TICK_MS

TITLES_KEPT: Final = 5
DAY_TICKS: Final = 86_400_000 // TICK_MS
_MINUTE: Final = 60_000 // TICK_MS


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything goes, and when the day is told.

    Raises:
        ValueError: no destination, or a minute that no day has.
    """

    to: str
    report_minute: int = 0
    """Of the day in UTC: a day ends then."""

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("shadow mode needs a destination")
        if not 0 <= self.report_minute < 24 * 60:
            raise ValueError("a day has the minutes 0 to 1439")


class Day(msgspec.Struct, frozen=True, kw_only=True, tag="day"):
    """What a day of an environment would have been, so far."""

    environment: str
    end_tick: int
    """The first tick of the next day."""
    alerts: bytes = sets.EMPTY
    """Set of the events for which an alert rule of Sentry fired."""
    metric_alerts: int = 0
    messages: int = 0
    firsts: int = 0
    """Messages about what had not been told before, or came back."""
    storms: int = 0
    pages: int = 0
    held: int = 0
    paged: tuple[str, ...] = ()
    """Titles of the first pages, at most `TITLES_KEPT`."""


def day_of(tick: int, report_minute: int) -> int:
    """Return the first tick of the day after the one that holds this tick.

    Args:
        tick: any.
        report_minute: of the day in UTC, at which a day ends.
    """
    offset = report_minute * _MINUTE
    return ((tick - offset) // DAY_TICKS + 1) * DAY_TICKS + offset
