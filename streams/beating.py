"""The heartbeat as a pure step: when a beat is sent, whether it came back the whole way, whether it
did so in time.

Time is cut into slots of `every_ms`; a slot has at most one beat, and a beat at most one ping. A
beat came back when every partition of CORRELATE has passed it on from every partition of
`sentry.events`, before half of its slot was over. Whoever becomes the owner waits for the next
slot: the owner before may have had this one. So nobody is pinged twice for one slot, and nothing
makes up for a beat that was lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from correlators.beats import Passed

MISSING_SAID: Final = 10
"""Places that are named of those that a beat did not pass."""


class Beaten(StrEnum):
    """What became of a beat. The word is the metric label."""

    PINGED = "pinged"
    LOST = "lost"
    """It did not come back in time."""
    NOT_SENT = "not_sent"
    """Intake did not take it."""
    NOT_PINGED = "not_pinged"
    """It came back, and the heartbeat address did not take the ping."""


class Beating:
    """One owner's beats."""

    def __init__(self, every_ms: int) -> None:
        """Args: every_ms: length of a slot, > 0."""
        assert every_ms > 0
        self._every_ms = every_ms
        self._next_ms = -1
        self._beat = ""
        self._until_ms = 0
        self._missing: set[tuple[int, int]] = set()
        """(source, partition of CORRELATE) that the beat has not passed yet."""

    @property
    def owned(self) -> bool:
        """Return whether it is for this one to beat."""
        return self._next_ms >= 0

    def own(self, now_ms: int) -> None:
        """Begin with the next slot."""
        if not self.owned:
            self._next_ms = self._slot_after(now_ms)

    def disown(self) -> None:
        """Beat no more; a beat that is on its way is nobody's."""
        self._next_ms, self._beat = -1, ""
        self._missing = set()

    def due(self, now_ms: int) -> bool:
        """Return whether a beat is to be sent now; True once in a slot."""
        if not self.owned or now_ms < self._next_ms:
            return False
        self._next_ms = self._slot_after(now_ms)
        return True

    def sent(
        self, beat: str, now_ms: int, sources: Iterable[int], partitions: Iterable[int]
    ) -> None:
        """Note that a beat is on its way.

        Args:
            beat: its id, of its own.
            now_ms: now, in its slot.
            sources: partitions of `sentry.events`.
            partitions: of CORRELATE.
        """
        begins_ms = now_ms - now_ms % self._every_ms
        self._beat = beat
        self._until_ms = begins_ms + self._every_ms // 2
        every = tuple(partitions)
        self._missing = {(source, one) for source in sources for one in every}
        assert self._missing

    def dropped(self, beat: str) -> None:
        """Note that it was not sent after all."""
        if beat == self._beat:
            self._beat, self._missing = "", set()

    def passed(self, passed: Passed) -> None:
        """Take in what a partition of CORRELATE has passed on; beats of others mean nothing."""
        for one in passed.beats:
            if one.id == self._beat:
                self._missing.discard((one.source, passed.partition))

    def arrived(self, now_ms: int) -> bool:
        """Return whether the beat came back, whole and in time; True once for a beat."""
        if not self._beat or self._missing or now_ms >= self._until_ms:
            return False
        self._beat = ""
        return True

    def lost(self, now_ms: int) -> list[str]:
        """Return where a beat whose time is over was not passed, once; nothing while there is
        time."""
        if not self._beat or now_ms < self._until_ms:
            return []
        self._beat = ""
        places = sorted(self._missing)[:MISSING_SAID]
        self._missing = set()
        return [f"{source} by {partition}" for source, partition in places] or ["late"]

    def _slot_after(self, now_ms: int) -> int:
        return (now_ms // self._every_ms + 1) * self._every_ms
