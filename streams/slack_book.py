"""The state of the installation, for answers in Slack: read when somebody asks, kept for a moment.

One reading serves all who ask meanwhile, and goes on when one of them cannot wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from correlators.deltas import tick_end_ms
from streams.live import Live, LiveError

KEPT_MS: Final = 5_000
"""How old a reading may be that is taken again."""
EFFECT_MS: Final = 3_000
"""By when what somebody does is mostly in the state: until then it is read for all who ask."""
AGAIN_MS: Final = 1_000
"""After a reading it is not read anew for so long, whoever asks after an act."""
NEWEST_MS: Final = 2_000
"""The same where an id is unknown, which may be new."""
SAYS_MS: Final = 60_000
"""How old a reading may be that says how far behind the state is."""
WITHIN_S: Final = 2.0
"""How long somebody waits for it."""

_log = logging.getLogger(__name__)


class Book:
    """Reads the state, one time after the other.

    Args:
        read: reads it whole.
        now_ms: the time.
    """

    def __init__(self, read: Callable[[], Awaitable[Live]], now_ms: Callable[[], int]) -> None:
        self._read, self._now_ms = read, now_ms
        self._live: Live | None = None
        self._begun_ms = self._ended_ms = 0
        self._newest_asked, self._newest_ms = False, 0
        """Whether the newest is asked for, and when it was last read for that."""
        self._acted_ms = self._stale_until_ms = 0
        self._reading: asyncio.Task[Live | None] | None = None
        self._under_way: set[asyncio.Task[Live | None]] = set()
        """With those that another configuration began."""

    def renew(self, read: Callable[[], Awaitable[Live]]) -> None:
        """Read so from the next look on; what was read before is for those who wait for it."""
        self._read, self._live, self._reading = read, None, None

    async def live(self, *, newest: bool = False, within_s: float = WITHIN_S) -> Live | None:
        """Return the state, None where it cannot be read in this time.

        Args:
            newest: read anew, however young the last reading is; but however many ask for what is
                unknown, it is so once in `NEWEST_MS`.
            within_s: in seconds.
        """
        now_ms = self._now_ms()
        kept = now_ms - self._begun_ms < KEPT_MS and self._begun_ms >= self._stale_until_ms
        if newest:
            kept = now_ms - self._newest_ms < NEWEST_MS and self._begun_ms >= self._acted_ms
        elif now_ms - self._ended_ms < AGAIN_MS and self._begun_ms >= self._acted_ms:
            kept = True
        if self._live is not None and kept:
            return self._live
        self._newest_asked |= newest
        reading = self._reading
        if reading is None or reading.done():
            self._reading = reading = asyncio.create_task(self._again(self._read))
            self._under_way.add(reading)
            reading.add_done_callback(self._under_way.discard)
        done, _ = await asyncio.wait({reading}, timeout=within_s)
        return reading.result() if done else None

    def acted(self) -> None:
        """Take no reading any more that may not show what somebody has just done."""
        self._acted_ms = self._now_ms()
        self._stale_until_ms = self._acted_ms + EFFECT_MS

    def behind_ms(self, environment: int | None = None) -> int:
        """Return how far behind the state was when it was last read, in milliseconds; 0 where that
        is too long ago to say.

        Args:
            environment: hash of the one whose part is asked about; None asks about the slowest.
        """
        live = self._live
        if live is None or self._now_ms() - self._begun_ms > SAYS_MS:
            return 0
        parts = live.parts
        if environment is not None and parts:
            parts = [parts[environment % len(parts)]]
        applied = (tick_end_ms(one.tick) for one in parts if one.tick >= 0)
        return max(0, live.now_ms - min(applied, default=live.now_ms))

    async def close(self) -> None:
        """Stop what is being read."""
        under_way = list(self._under_way)
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _again(self, read: Callable[[], Awaitable[Live]]) -> Live | None:
        begun_ms = self._now_ms()
        try:
            live = await read()
        except LiveError as error:
            _log.warning("the state cannot be read for Slack: %s", error)
            return None
        if read is self._read:
            self._live, self._begun_ms, self._ended_ms = live, begun_ms, self._now_ms()
            if self._newest_asked:
                self._newest_asked, self._newest_ms = False, self._ended_ms
        return live
