"""What an error used to do: how often it comes by the hour, how often it opens and closes.

Pure values for the state: bounded tuples of whole numbers.
"""

from __future__ import annotations

from typing import Final

from correlators.types import TICK_MS

HOUR_TICKS: Final = 3_600_000 // TICK_MS
HOURS_KEPT: Final = 7 * 24
ESCALATES_FROM: Final = 20
"""Fewer events in an hour are no escalation, whatever came before."""

ESCALATES_BY: Final = 3
"""It escalates when an hour brings so many times what the busiest hour before it brought."""

FLAPS_OVER: Final = 4
"""More changes than this within `flap_within` are flapping."""

Hours = tuple[tuple[int, int], ...]
"""(hour since the epoch, new distinct events), ascending, without hours that had none."""


def added(hours: Hours, new: int, tick: int) -> Hours:
    """Return the hours of the last week with so many more events in that of this tick."""
    if not new:
        return hours
    hour = tick // HOUR_TICKS
    if hours and hours[-1][0] == hour and hours[0][0] > hour - HOURS_KEPT:
        return (*hours[:-1], (hour, hours[-1][1] + new))
    found = dict(hours)
    found[hour] = found.get(hour, 0) + new
    return tuple(sorted(one for one in found.items() if one[0] > hour - HOURS_KEPT))


def escalating(hours: Hours, first_tick: int, tick: int) -> bool:
    """Return whether this hour is far above the busiest before it.

    An error that is younger than an hour has no baseline yet: it is new, and does not escalate.

    Args:
        hours: as kept.
        first_tick: when the error was first seen.
        tick: now.

    Source: Sentry calls an issue escalating above a multiple of the last week's busiest hour.
    """
    hour = tick // HOUR_TICKS
    if tick - first_tick < HOUR_TICKS:
        return False
    now = sum(count for at, count in hours if at == hour)
    before = max((count for at, count in hours if at < hour), default=0)
    return now >= ESCALATES_FROM and now >= ESCALATES_BY * max(before, 1)


def flipped(flips: tuple[int, ...], tick: int, within: int) -> tuple[int, ...]:
    """Return the ticks of the last changes with one more, no more than `flapping_until` needs."""
    return (*(one for one in flips if one > tick - within), tick)[-FLAPS_OVER - 1 :]


def flapping_until(flips: tuple[int, ...], tick: int, within: int) -> int | None:
    """Return the tick from which on it no longer flaps if nothing changes; None where it does not
    flap.

    Args:
        flips: the last changes, as `flipped` keeps them.
        tick: now.
        within: in how many ticks more than `FLAPS_OVER` changes are flapping.
    """
    lately = [one for one in flips if one > tick - within]
    return lately[0] + within if len(lately) > FLAPS_OVER else None
