"""What FINGERPRINT has folded since its last flush, and whether the next one is due.

A flush is due when a tick ends, `FLUSH_MS` after the one before at the earliest: CORRELATE applies
whole ticks, so what goes out in the middle of one is of no use to it. It waits a moment for the
other source partitions, whose ticks end at about the same time. Pure: it is told what was folded
and when.
"""

from __future__ import annotations

from typing import Final

from aiokafka import TopicPartition

FLUSH_MS: Final = 100
"""Between the beginnings of two flushes at least, unless much has gathered."""

TOGETHER_MS: Final = 50
"""How long a flush waits for source partitions whose tick has not ended yet; and how long nothing
came when it waits for nobody."""

OPEN_MS: Final = 1_000
"""What was read is flushed after so long, also where no tick ends."""

FLUSH_EVENTS: Final = 15_000
FLUSH_BYTES: Final = 512 * 1024
"""Due at once with so many events, or bytes of deltas."""

FULL: Final = 2
"""So many times as much may gather while a flush is under way; then nothing is read until it is
done."""

DELTA_BYTES: Final = 1_024
EVENT_BYTES: Final = 16
COUNTED_EVENTS: Final = 512
"""A delta takes roughly so many bytes, and so many for each of at most so many events."""


class Gathered:
    """What was folded since the last flush began, of all source partitions."""

    def __init__(self) -> None:
        self.records = 0
        """Also those that were no events."""
        self.deltas = 0
        self.flushed_ms = -OPEN_MS
        self._first_ms = -1
        """When the first record came; -1 while there is none."""
        self._last_ms = 0
        self._ended: set[TopicPartition] = set()
        self._ended_ms = 0
        self._urgent = False

    def add(
        self,
        tp: TopicPartition,
        records: int,
        deltas: int,
        now_ms: int,
        *,
        ended: bool,
        urgent: bool = False,
    ) -> None:
        """Note that records were folded.

        Args:
            tp: where they come from.
            records: how many.
            deltas: how many more are open now.
            now_ms: a monotonic clock.
            ended: a tick of it is over that was not told.
            urgent: everybody waits for what they say.
        """
        if self._first_ms < 0:
            self._first_ms = now_ms
        self._last_ms = now_ms
        self.records += records
        self.deltas += deltas
        self._urgent = self._urgent or urgent
        if ended and tp not in self._ended:
            if not self._ended:
                self._ended_ms = now_ms
            self._ended.add(tp)

    def taken(self, now_ms: int) -> None:
        """Note that a flush takes all of it."""
        self.records = self.deltas = 0
        self.flushed_ms = now_ms
        self._first_ms = -1
        self._ended.clear()
        self._urgent = False

    @property
    def share(self) -> float:
        """How much it is, where 1 is so much that it is flushed at once."""
        of_events = min(self.records, COUNTED_EVENTS * self.deltas) * EVENT_BYTES
        size = self.deltas * DELTA_BYTES + of_events
        return max(self.records / FLUSH_EVENTS, size / FLUSH_BYTES)

    def due(self, now_ms: int, partitions: int) -> bool:
        """Return whether it is to be flushed.

        Args:
            now_ms: a monotonic clock.
            partitions: how many are read.
        """
        if self._first_ms < 0:
            return False
        if self._urgent or self.share >= 1:
            return True
        if now_ms - self.flushed_ms < FLUSH_MS:
            return False
        if now_ms - self._last_ms >= TOGETHER_MS or now_ms - self._first_ms >= OPEN_MS:
            return True
        if not self._ended:
            return False
        return len(self._ended) >= partitions or now_ms - self._ended_ms >= TOGETHER_MS

    @property
    def full(self) -> bool:
        """Whether nothing more may be folded before it is flushed."""
        return self.share >= FULL
