"""The state of the installation, for answers in Slack: read when somebody asks, kept for a moment.

One reading serves all who ask meanwhile, and goes on when one of them cannot wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from streams.live import Live, LiveError

KEPT_MS: Final = 5_000
"""How old a reading may be that is taken again."""
EFFECT_MS: Final = 3_000
"""By when what somebody does is mostly in the state: until then it is read for all who ask."""
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
        self._read_ms = 0
        self._stale_until_ms = 0
        self._reading: asyncio.Task[Live | None] | None = None

    async def live(self, *, newest: bool = False, within_s: float = WITHIN_S) -> Live | None:
        """Return the state, None where it cannot be read in this time.

        Args:
            newest: read anew, however young the last reading is.
            within_s: in seconds.
        """
        young = self._now_ms() - self._read_ms < KEPT_MS
        kept = young and self._read_ms >= self._stale_until_ms
        if self._live is not None and kept and not newest:
            return self._live
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._again())
        done, _ = await asyncio.wait({self._reading}, timeout=within_s)
        return self._reading.result() if done else None

    def acted(self) -> None:
        """Take no reading any more that may not show what somebody has just done."""
        self._stale_until_ms = self._now_ms() + EFFECT_MS

    async def close(self) -> None:
        """Stop what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _again(self) -> Live | None:
        began_ms = self._now_ms()
        try:
            live = await self._read()
        except LiveError as error:
            _log.warning("the state cannot be read for Slack: %s", error)
            return None
        self._live, self._read_ms = live, began_ms
        return live
