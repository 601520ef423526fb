"""Which source partitions are stalled: silent for long while others moved on. Time is handed in.

A stall is the only thing that is no function of the log; it is declared under `clock: wall` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from correlators.ticks import Source
from correlators.types import TICK_MS

SILENT_MS: Final = 30_000
"""A source that told nothing for this long may be stalled, once its owner's input is at its end."""

BEHIND_MS: Final = 10_000
"""And only when another source is this far ahead of it."""

AWAY_MS: Final = 2_000
"""Under traffic something always waits to be read; only for so long in a row is the end left."""

AHEAD_MS: Final = 30_000
"""A source further ahead of CORRELATE than this is paused by its owner: silent, but not stalled."""

ROUND_MS: Final = 2 * TICK_MS
"""A paused source may have told so much less: within a tick it tells its time only with deltas."""

OVERFULL: Final = 2.0
"""So many times what may be held: no source is waited for any more that is behind."""


class Stalls:
    """What one owner of `incident.deltas` has heard from its sources, and since when it waits."""

    def __init__(self) -> None:
        self._spoke_ms: dict[Source, int] = {}
        self._at_end_since_ms: int | None = None
        self._away_since_ms: int | None = None

    def heard(self, source: Source, now_ms: int) -> None:
        """Note that a source told a watermark."""
        self._spoke_ms[source] = now_ms

    def at_end(self, now_ms: int, *, at_end: bool) -> None:
        """Note whether everything that stands in the input has been read."""
        if at_end:
            self._away_since_ms = None
            if self._at_end_since_ms is None:
                self._at_end_since_ms = now_ms
        elif self._away_since_ms is None:
            self._away_since_ms = now_ms
        elif now_ms - self._away_since_ms >= AWAY_MS:
            self._at_end_since_ms = None

    def stalled(
        self,
        waited_for: Iterable[Source],
        watermarks: Mapping[Source, int],
        now_ms: int,
        *,
        applied_ms: int,
        full: float,
    ) -> set[Source]:
        """Return the sources to go on without.

        That others moved on is read from the watermarks, not from who spoke lately: whoever is far
        ahead of what is applied is paused because of that, and falls silent too. So silence counts
        only from when a source can be read.

        Args:
            waited_for: the sources that are not left out already.
            watermarks: as told, milliseconds of stream time.
            now_ms: of the same clock as in the other calls.
            applied_ms: the stream time that CORRELATE has applied, in the slowest of its
                partitions: what pauses a source.
            full: how much is held, as a share of what may be. Over 1, the end of the input is not
                waited for; over `OVERFULL`, nor is silence: who is merely slow would have everybody
                run out of memory.
        """
        since_ms = self._at_end_since_ms
        waited = since_ms is not None and now_ms - since_ms >= SILENT_MS
        newest_ms = max(watermarks.values(), default=0)
        told_ms = {source: watermarks.get(source, 0) for source in waited_for}
        slowest_ms = min(told_ms.values(), default=0)
        paused_from_ms = min(applied_ms, slowest_ms) + AHEAD_MS - ROUND_MS
        found = set()
        for source, at_ms in told_ms.items():
            if at_ms >= paused_from_ms:
                self._spoke_ms[source] = now_ms
            silent = now_ms - self._spoke_ms.setdefault(source, now_ms) >= SILENT_MS
            behind = at_ms + BEHIND_MS < newest_ms and at_ms <= slowest_ms + AHEAD_MS
            if behind and ((silent and (waited or full > 1)) or full > OVERFULL):
                found.add(source)
        return found
