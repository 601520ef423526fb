"""Moments that come back: some minutes of the day, on some days of the week, in a time zone.

Lives here: when the next one is. Not here: times that last (`schedules`), and what happens at such
a moment (`reporting`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.schedules import DAY_MINUTES, DAY_MS, MINUTE_MS, UTC, Zone

WEEK: Final = (0, 1, 2, 3, 4, 5, 6)
BACK_MS: Final = 4 * 3_600_000
"""No clock is put back by more than this at once."""
LOOKED_AT_DAYS: Final = 9
"""From yesterday on: so many days hold the next moment of any week, whatever the zone does."""


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """Some minutes of some days, as the clock on the wall of a zone shows them.

    A minute that is shown twice, where a clock is put back, is the first of the two. One that is
    skipped is the moment of the skip; several of these are one.

    Raises:
        ValueError: no day, no minute, one that no week or day has, or minutes that do not ascend.
    """

    zone: Zone = UTC
    days: tuple[int, ...] = WEEK
    """0 is Monday."""
    minutes: tuple[int, ...]
    """Of the day, 0 to 1439."""

    def __post_init__(self) -> None:
        if not self.days or any(not 0 <= day <= 6 for day in self.days):
            raise ValueError("days are 0 (Monday) to 6, at least one")
        if not self.minutes or any(not 0 <= one < DAY_MINUTES for one in self.minutes):
            raise ValueError("a day has the minutes 0 to 1439, and at least one is needed")
        if list(self.minutes) != sorted(set(self.minutes)):
            raise ValueError("minutes ascend")

    def next_ms(self, after_ms: int) -> int:
        """Return the first of its moments after this one, in ms since the epoch."""
        now_ms = self.zone.wall_ms(after_ms)
        today = now_ms // DAY_MS
        for day in range(today - 1, today + LOOKED_AT_DAYS):
            if (day + 3) % 7 not in self.days:  # the epoch began on a Thursday
                continue
            for minute in self.minutes:
                wall_ms = day * DAY_MS + minute * MINUTE_MS
                if wall_ms > now_ms - BACK_MS:
                    at_ms = self.zone.moments(wall_ms)[0]  # never before that of an earlier one
                    if at_ms > after_ms:
                        return at_ms
        raise AssertionError("a week has each of its days")

    @property
    def name(self) -> str:
        """The same text for the same moments of a zone."""
        return f"{self.zone.name} {self.days} {self.minutes}"


def evenly(every_minutes: int, from_minute: int) -> tuple[int, ...]:
    """Return the minutes of a day that lie so far apart, one of them `from_minute`.

    Args:
        every_minutes: a part of a day, 1 to 1440.
        from_minute: 0 to 1439.
    """
    assert DAY_MINUTES % every_minutes == 0
    return tuple(range(from_minute % every_minutes, DAY_MINUTES, every_minutes))
