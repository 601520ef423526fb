"""Settled: what a person ends is over with all that happened before they said so, also with what is
heard of it only later.

FINGERPRINT may be far behind. What it has yet to tell of that time is counted: it opens nothing
again and wakes nobody. What happened in that second or later does. The act's own time decides, and
an event's stream time, or its own where it is belated; so this too follows from the log alone. What
is not over by the act's own time comes again after it, so nothing that goes on is missed. A metric
alert is told once however long it goes on: it is no part of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from correlators.acts import Act
from correlators.incidents import Incident
from correlators.types import tick_of

SETTLES_MOST_TICKS: Final = 86_400
"""An act whose time is further ahead of stream time settles nothing: its clock is another one, such
as that of today beside a replay of last month. So a wrong clock holds nothing back for longer."""

TOLD_TICKS: Final = 60
"""From so far behind on it is said of an end that it settles something."""


def settled_tick(act: Act, tick: int) -> int:
    """Return the tick before which an end by this act settles everything, -1 where that is nothing.

    Args:
        act: what ends it.
        tick: the tick being applied.
    """
    said = tick_of(act.at_ms)
    return said if 0 < said - tick <= SETTLES_MOST_TICKS else -1


def holding(found: Sequence[Incident], tick: int) -> Incident | None:
    """Return the newest incident that is over, and that an event of this tick does not open again.

    Args:
        found: the remembered incidents of a key, oldest first.
        tick: when the event was.
    """
    held = (one for one in reversed(found) if not one.open and tick < one.settled_tick)
    return next((one for one in held if tick >= one.opened_tick), None)


def behind(incident: Incident) -> int:
    """Return by how many seconds the end of an incident was said later than it took effect, 0 where
    that is not worth saying."""
    ticks = incident.settled_tick - incident.closed_tick
    return ticks if not incident.open and ticks >= TOLD_TICKS else 0
