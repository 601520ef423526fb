"""The heartbeat's way through FINGERPRINT and CORRELATE. Pure.

A beat is a made-up error that goes the way of every other: read, signed, put with its tick on
`incident.deltas`, held there until every source has passed that tick, and passed on to DELIVER. It
is no event: it adds to no delta, opens nothing, is told to nobody, is not heard where silence is
looked for, and leaves nothing in the state. One that is lost in a crash is not made up for: that is
what it is for.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final

import msgspec

RESOURCE: Final = "heartbeat"
"""What its record on `sentry.events` is called; Sentry has no such resource."""

DESTINATION: Final = "heartbeat:default"
"""Its account owns a partition of `deliveries`, as any other's."""

BEATS_MOST: Final = 256
"""Beats that FINGERPRINT or CORRELATE holds; of more, the first are dropped."""


class Beat(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One beat that came in by one source partition."""

    tick: int
    """Of the stream time at which it stands in its source."""
    id: str
    source: int = -1
    """The partition of `sentry.events` that it came by."""


class Passed(msgspec.Struct, frozen=True, array_like=True):
    """On `deliveries`: beats that one partition of CORRELATE has passed on."""

    partition: int
    beats: tuple[Beat, ...]


class Beats:
    """Beats that wait for a flush, or for their tick: few, the earliest first."""

    def __init__(self) -> None:
        self._held: list[Beat] = []

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._held)

    def hold(self, beats: Iterable[Beat]) -> None:
        """Hold these too; one that is held already is one."""
        for one in beats:
            if one not in self._held:
                heapq.heappush(self._held, one)
            if len(self._held) > BEATS_MOST:
                heapq.heappop(self._held)

    def due(self, tick: int) -> bool:
        """Return whether one waits for a tick up to this one."""
        return bool(self._held) and self._held[0].tick <= tick

    def take(self, tick: int) -> tuple[Beat, ...]:
        """Return those up to this tick, in order, and hold them no more."""
        taken = []
        while self.due(tick):
            taken.append(heapq.heappop(self._held))
        return tuple(taken)

    def take_all(self) -> tuple[Beat, ...]:
        """Return all, in order, and hold none."""
        taken, self._held = tuple(sorted(self._held)), []
        return taken
