"""Time zones as data: what the system's (else the `tzdata` package's) rules say, read once.

UnknownZone     no such zone
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from correlators.schedules import Zone

FIRST_YEAR: Final = 2015
LAST_YEAR: Final = 2050
"""Changes of the clock are looked for in these years; recorded outages are that old at most."""


class UnknownZone(ValueError):
    """There is no zone of that name."""


@cache
def zone(name: str) -> Zone:
    """Return the zone's changes of offset from `FIRST_YEAR` to `LAST_YEAR`.

    Args:
        name: as in the IANA database, for example `Europe/Berlin`.

    Raises:
        UnknownZone: no such zone.

    Source: IANA time zone database.
    """
    try:
        info = ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise UnknownZone(name) from None
    day = timedelta(days=1)
    at = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    changes = [(_ms(at), _offset_s(info, at))]
    while at.year < LAST_YEAR:
        # No zone changes twice in a day, so between two equal offsets there is no change.
        if _offset_s(info, at + day) != changes[-1][1]:
            changes.append(_change(info, at, at + day))
        at += day
    return Zone(name, tuple(changes))


def _change(info: ZoneInfo, before: datetime, after: datetime) -> tuple[int, int]:
    """Return the first second with the offset of `after`."""
    last = _offset_s(info, after)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=1) // 2)
        if _offset_s(info, middle) == last:
            after = middle
        else:
            before = middle
    return _ms(after), last


def _offset_s(info: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(info).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
