"""Times that come back every week, and single spans, in a time zone: quiet hours, maintenance.

Lives here: whether a moment lies in such a time, and when that ends. Not here: what is held back
then (`rules`), and where the offsets of a zone come from: they are data (`Zone`), read once with
the configuration, so that the same log and configuration give the same answers on every machine.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import msgspec

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
DAY_MINUTES: Final = 24 * 60
LONGEST_MS: Final = 8 * DAY_MS
"""How far the end of a time is looked for: one that never ends is told as ending then."""


class Zone(msgspec.Struct, frozen=True):
    """A time zone as the changes of its offset from UTC.

    Raises:
        ValueError: no offset, one of a day and more, or changes that are not ascending.
    """

    name: str
    changes: tuple[tuple[int, int], ...] = ((-(1 << 62), 0),)
    """(from this moment in ms since the epoch, seconds east of UTC), ascending; the first holds for
    all time before the second."""

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.changes]
        if not starts or starts != sorted(set(starts)):
            raise ValueError("a zone needs changes of its offset in ascending order")
        if any(abs(offset) >= DAY_MS // 1000 for _, offset in self.changes):
            raise ValueError("an offset from UTC is shorter than a day")

    def wall_ms(self, at_ms: int) -> int:
        """Return what the clock on the wall shows at this moment, as if it were UTC."""
        return at_ms + self._offset_ms(at_ms)

    def moments(self, wall_ms: int) -> tuple[int, int]:
        """Return the first and the last moment at which the clock on the wall shows this.

        Both are one but where a clock is put back, which shows an hour twice. Of a time that is
        skipped where it is put forward, both are the moment of the skip.
        """
        offsets = sorted({self._offset_ms(wall_ms + days * DAY_MS) for days in (-1, 0, 1)})
        found = [wall_ms - one for one in offsets if self.wall_ms(wall_ms - one) == wall_ms]
        if found:
            return min(found), max(found)
        # Skipped: with the offset before the change the moment lies behind the change.
        late = wall_ms - offsets[0]
        skip = self.changes[bisect_right(self.changes, late, key=_start) - 1][0]
        return skip, skip

    def _offset_ms(self, at_ms: int) -> int:
        index = bisect_right(self.changes, at_ms, key=_start) - 1
        return self.changes[max(index, 0)][1] * 1000


UTC: Final = Zone("UTC")


class Weekly(msgspec.Struct, frozen=True, kw_only=True):
    """From one time of day to another on some days of the week; over midnight where it ends first.

    Raises:
        ValueError: no day, an unknown day, or a time that is no time of day.
    """

    zone: Zone = UTC
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """The days on which it begins, 0 is Monday."""
    from_minute: int
    """Minutes since midnight, 0 to 1439."""
    to_minute: int
    """1 to 1440; not above `from_minute`: on the next day. It ends just before it."""

    def __post_init__(self) -> None:
        if not self.days or any(not 0 <= day <= 6 for day in self.days):
            raise ValueError("days are 0 (Monday) to 6, at least one")
        if not (0 <= self.from_minute < DAY_MINUTES and 0 < self.to_minute <= DAY_MINUTES):
            raise ValueError("a time of day lies between 00:00 and 24:00")

    def spans(self, near_ms: int) -> Iterator[tuple[int, int]]:
        """Yield its (first moment, moment after the last) that may hold or follow this moment."""
        today = self.zone.wall_ms(near_ms) // DAY_MS
        over = self.to_minute <= self.from_minute
        for day in range(today - 2, today + 9):
            if (day + 3) % 7 not in self.days:  # the epoch began on a Thursday
                continue
            begin = day * DAY_MS + self.from_minute * MINUTE_MS
            end = (day + over) * DAY_MS + self.to_minute * MINUTE_MS
            yield self.zone.moments(begin)[0], self.zone.moments(end)[1]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From one moment to another, once.

    Raises:
        ValueError: it does not end after it begins.
    """

    from_ms: int
    to_ms: int
    """It ends just before this."""

    def __post_init__(self) -> None:
        if self.to_ms <= self.from_ms:
            raise ValueError("it must end after it begins")

    def spans(self, near_ms: int) -> Iterator[tuple[int, int]]:
        """Yield its one (first moment, moment after the last)."""
        yield self.from_ms, self.to_ms


Schedule = Weekly | Span


def ends_ms(schedules: tuple[Schedule, ...], at_ms: int) -> int | None:
    """Return when the time that this moment lies in ends, None where it lies in none.

    Times that touch or overlap are one. One that never ends is told as ending after `LONGEST_MS`.

    Args:
        schedules: any, also none.
        at_ms: the moment, in ms since the epoch.
    """
    spans = sorted(span for one in schedules for span in one.spans(at_ms))
    end = at_ms
    for begin, after in spans:
        if begin <= end < after:
            end = after
    return None if end == at_ms else min(end, at_ms + LONGEST_MS)


def _start(change: tuple[int, int]) -> int:
    return change[0]
