"""Who is on call, by name, as PagerDuty's REST API says: kept for a while, and left out of a
message rather than waited for.

A message waits a moment for what is not known yet, and no longer; what is old is told while it is
asked for anew. Names are kept in memory alone, and no log or error has one.

Source: developer.pagerduty.com, REST API v2: list all of the on-calls; 960 calls a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from sinks.base import CannotTell
from sinks.pagerduty_rest import PagerDutyRest

WAIT_S: Final = 0.3
"""How long a message waits."""
FRESH_S: Final = 300.0
"""Asked again after this, beside the message that would like to know."""
STALE_S: Final = 3_600.0
"""Not told any more after this: shifts change."""
AGAIN_S: Final = 60.0
"""Between two questions where the first had no answer."""
NAMES_MOST: Final = 5

_log = logging.getLogger(__name__)


class _Known(msgspec.Struct):
    names: tuple[str, ...] = ()
    at_s: float = float("-inf")
    """When they were heard."""
    again_s: float = float("-inf")
    """Not asked before this."""


class OnCall:
    """The people on call, by escalation policy.

    Args:
        rest: of the account.
        clock: seconds that do not go back; None: those of the running loop.
        wait_s: how long a message waits.
    """

    def __init__(
        self,
        rest: PagerDutyRest,
        *,
        clock: Callable[[], float] | None = None,
        wait_s: float = WAIT_S,
    ) -> None:
        self._rest, self._clock, self._wait_s = rest, clock, wait_s
        self._known: dict[str, _Known] = {}
        """Bounded: by the policies that are configured."""
        self._running: dict[str, asyncio.Task[None]] = {}

    async def names(self, policies: Sequence[str]) -> tuple[str, ...]:
        """Return who is on call for these policies, each once; nobody where it is not known."""
        now_s = self._now_s()
        asked = [task for one in policies if (task := self._ask(one, now_s)) is not None]
        unknown = [one for one in policies if not self._told(one, now_s)]
        if asked and unknown:
            await asyncio.wait(asked, timeout=self._wait_s)
        found = [name for one in policies for name in self._told(one, now_s)]
        return tuple(dict.fromkeys(found))[:NAMES_MOST]

    async def close(self) -> None:
        """End what runs, and the connections."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._rest.close()

    def _now_s(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()

    def _told(self, policy: str, now_s: float) -> tuple[str, ...]:
        known = self._known.get(policy)
        return known.names if known is not None and now_s - known.at_s < STALE_S else ()

    def _ask(self, policy: str, now_s: float) -> asyncio.Task[None] | None:
        """Return the question that runs, begun where it is time for one."""
        known = self._known.setdefault(policy, _Known())
        if policy in self._running:
            return self._running[policy]
        if now_s < known.again_s or now_s - known.at_s < FRESH_S:
            return None
        task = asyncio.get_running_loop().create_task(self._look(policy, known, now_s))
        self._running[policy] = task
        task.add_done_callback(lambda _: self._running.pop(policy, None))
        return task

    async def _look(self, policy: str, known: _Known, now_s: float) -> None:
        known.again_s = now_s + AGAIN_S
        found = await self._rest.on_call(policy)
        if isinstance(found, CannotTell):
            known.again_s = now_s + max(AGAIN_S, found.after_ms / 1000)
            _log.warning("PagerDuty does not say who is on call for %s: %s", policy, found.reason)
            return
        known.names, known.at_s = found, now_s
