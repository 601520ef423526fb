"""Which partitions are parked: those that end their process again and again and get no further.

The processes of one stage share one `Parking`: what has ended one of them moves to the next. Only
counts; nothing is killed or started here.
"""

from __future__ import annotations

import signal
from typing import Final

from streams.processes import EXIT_FAILED, Place

ENOUGH: Final = 10
"""Blame that parks a partition."""

CRASH: Final = 5
"""Blame for a death by the work itself: it raised, crashed the interpreter or never ended."""

KILL: Final = 2
"""Blame for SIGKILL: by an operator, or by the system that is short of memory; who knows."""

_CRASHES: Final = frozenset(
    -number
    for number in (
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGSEGV,
        signal.SIGSYS,
    )
)


class Parking:
    """How much the places of a process are to blame for its deaths, and what is parked.

    Every partition is blamed for itself: two that fail in turns must not hide one another.
    """

    def __init__(self) -> None:
        self.parked: dict[tuple[str, int], int] = {}
        """By topic and partition, the offset that it fails at."""
        self._blamed: dict[tuple[str, int], tuple[int, int]] = {}
        """By topic and partition, the furthest offset that it died at and the blame since then."""

    def died(self, place: Place | None, status: int, *, hung: bool = False) -> Place | None:
        """Count a death and return the place if that parks it.

        Args:
            place: what was worked on; None where nothing was, or the work is not to blame.
            status: of the exit, negative for a signal.
            hung: whether it was killed because its work there did not end.
        """
        if place is None or place.offset < 0:
            return None
        partition = (place.topic, place.partition)
        if partition in self.parked:
            return None  # this process had not heard of it yet
        # A place is where some records begin, and what was not committed is read again: the same
        # record may lie in some that begin earlier. Only beyond the last place has it gone on.
        offset, blame = self._blamed.get(partition, (place.offset, 0))
        if place.offset > offset:
            offset, blame = place.offset, 0
        if hung or status == EXIT_FAILED or status in _CRASHES:
            blame += CRASH
        elif status == -signal.SIGKILL:
            blame += KILL
        self._blamed[partition] = (offset, blame)
        if blame < ENOUGH:
            return None
        del self._blamed[partition]
        self.parked[partition] = place.offset
        return place
