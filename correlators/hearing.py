"""Hearing: that a record came at all, from FINGERPRINT, which tells it minute by minute, to the
tick in which CORRELATE counts it.

What it says of quiet is decided in `quiet`.
"""

from __future__ import annotations

from collections.abc import Iterable

import xxhash

from correlators.presence import SEVERAL, SLOT_TICKS, slot_of, together
from correlators.types import TICK_MS, IncidentKey, tick_of


def error_hash(environment: str, service: str, fingerprint: str) -> int:
    """Return the 64-bit hash of an error of a service, whatever its release; never 0."""
    text = f"{environment}\0{service}\0{fingerprint}"
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) or 1


def one_name(key: IncidentKey, aliases: Iterable[tuple[int, str]]) -> str:
    """Return the one name of an error that has several: the same whatever version it is taken
    under."""
    return min([key.fingerprint, *(name for _, name in aliases)])


class Hearing:
    """What came from one source partition and was not told yet."""

    def __init__(self) -> None:
        self._slot = -1
        self._only: tuple[str, ...] = ()
        """What alone was heard in that slot; empty where it was more than one error."""
        self._heard: dict[int, int] = {}
        self.settled_ms = 0
        """Nothing that stands before this moment changes anything any more."""

    def note(self, at_ms: int, error: tuple[str, ...] = ()) -> None:
        """Note that a record stands at this stream time in the log.

        Args:
            at_ms: not before that of any record so far.
            error: environment, service and fingerprint of an event; none for other records.
        """
        slot = slot_of(tick_of(at_ms))
        if slot > self._slot:
            self._slot, self._only = slot, error
        elif self._only and self._only != error:
            self._only = ()
        else:
            return
        self.settled_ms = 0 if self._only else (self._slot + 1) * SLOT_TICKS * TICK_MS
        self._heard[slot] = error_hash(*self._only) if self._only else SEVERAL

    def take(self) -> tuple[tuple[int, int], ...]:
        """Return what was heard, slot by slot; nothing that was returned before."""
        heard, self._heard = tuple(sorted(self._heard.items())), {}
        return heard


class HeldSlots:
    """What was heard, by the tick in which it counts: the first in which the slot is over, so that
    nobody knows more by having read ahead."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[int, int]] = {}

    def __contains__(self, tick: int) -> bool:
        """Return whether something counts in this tick."""
        return tick in self._slots

    def hold(self, tick: int, slot: int, what: int) -> None:
        """Hold what was heard in a slot for this tick, together with what is held of it."""
        of_tick = self._slots.setdefault(tick, {})
        of_tick[slot] = together(of_tick.get(slot, what), what)

    def take(self, tick: int) -> tuple[tuple[int, int], ...]:
        """Return what counts in this tick, by slot, and hold it no longer."""
        return tuple(sorted(self._slots.pop(tick, {}).items()))

    def held(self) -> tuple[tuple[int, int], ...]:
        """Return everything that is held, by slot."""
        return tuple(sorted(one for found in self._slots.values() for one in found.items()))


def counts_in(slot: int) -> int:
    """Return the tick in which what was heard in this slot counts."""
    return (slot + 1) * SLOT_TICKS
