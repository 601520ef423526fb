"""Dependencies: which service needs which, as declared by people or learnt from traces.

A declared one has a direction and may be part of a cycle. What is learnt says only that two
services were seen in one trace, time and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

NEIGHBOURS_KEPT: Final = 16
"""Services that are remembered as seen in traces with one; the rarest go."""
LEARNT_FROM: Final = 3
"""Seen together at so many different times, they count as dependent."""
APART_TICKS: Final = 600
"""Times that lie closer together are one: an outage that lasts teaches no more than one of them."""
HALVES_TICKS: Final = 7 * 86_400
"""A count is halved for every whole week without a new time."""
COUNT_MOST: Final = 1_000

Depends = Mapping[str, tuple[str, ...]]


class Neighbours(msgspec.Struct, frozen=True, kw_only=True, tag="neighbours", gc=False):
    """Services that were seen in traces with one service."""

    environment: str
    service: str
    seen: tuple[tuple[str, int, int], ...] = ()
    """(other service, times, last tick), by name; at most `NEIGHBOURS_KEPT`."""

    @property
    def last_tick(self) -> int:
        """The last tick in which any was seen."""
        return max((tick for _, _, tick in self.seen), default=0)


def met(known: Neighbours, other: str, tick: int) -> Neighbours:
    """Return the entry after the two were seen in one trace in this tick.

    A time that lies within `APART_TICKS` of the one before is the same.
    """
    seen = {name: (times, last) for name, times, last in known.seen}
    times, last = seen.get(other, (0, -1))
    if times and tick - last < APART_TICKS:
        return known
    seen[other] = (min(COUNT_MOST, _faded(times, last, tick) + 1), tick)
    if len(seen) > NEIGHBOURS_KEPT:
        others = (name for name in seen if name != other)
        del seen[min(others, key=lambda one: (_faded(*seen[one], tick), seen[one][1], one))]
    return msgspec.structs.replace(
        known, seen=tuple((name, *found) for name, found in sorted(seen.items()))
    )


def learnt(known: Neighbours | None, other: str, tick: int) -> int:
    """Return at how many times the two were seen together, 0 while it is too seldom to count."""
    for name, times, last in known.seen if known is not None else ():
        if name == other:
            faded = _faded(times, last, tick)
            return faded if faded >= LEARNT_FROM else 0
    return 0


def _faded(times: int, last: int, tick: int) -> int:
    return times >> max(0, (tick - last) // HALVES_TICKS)


def upstream(service: str, among: Iterable[str], depends: Depends) -> set[str]:
    """Return those of `among` that the service needs, directly or through one another.

    Args:
        service: where to begin; part of the result only where it needs itself by a cycle.
        among: the services that count, also on the way.
        depends: what each needs.
    """
    inside = set(among)
    found: set[str] = set()
    ahead = [service]
    while ahead:
        for needed in depends.get(ahead.pop(), ()):
            if needed in inside and needed not in found:
                found.add(needed)
                ahead.append(needed)
    return found
