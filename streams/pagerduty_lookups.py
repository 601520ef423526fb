"""Which pages an incident of PagerDuty stands for, asked of its REST API where a webhook does not
say.

Looked up beside the answer: a request waits a moment for it and no longer, and what was found out
meanwhile is there when PagerDuty sends the webhook again. So nothing is kept here for which a crash
would matter: until Kafka has the act, PagerDuty has the webhook.

Bounded: one look-up per incident at a time, `AT_ONCE` together, `CALLS_MOST` in any minute (a third
of what PagerDuty takes; looking whether pages became incidents takes another third), `KEPT` answers
for `FRESH_S`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from enum import StrEnum
from typing import Final

from sinks.base import CannotTell
from sinks.pagerduty_heard import pages_of
from sinks.pagerduty_rest import FINAL, PagerDutyRest

WAIT_S: Final = 1.5
"""How long a request waits for a look-up: PagerDuty waits 5 s for its answer, and Kafka needs its
time."""
FRESH_S: Final = 60.0
"""How long an answer holds: alerts may be added to an incident."""
KEPT: Final = 10_000
AT_ONCE: Final = 4
CALLS_MOST: Final = 300
MINUTE_S: Final = 60.0

_log = logging.getLogger(__name__)


class Unsaid(StrEnum):
    """Why it is not known which pages an incident stands for."""

    NO_TOKEN = "no_token"
    NOT_YET = "not_yet"
    """Asking again may help."""
    REFUSED = "refused"
    """It would not: the token is refused, or it is no incident of its account."""


Pages = frozenset[str]


class Lookups:
    """The pages by incident, of one account.

    Args:
        rest: of the account; None without a token: only what webhooks tell is known then.
        wait_s: how long a request waits.
        fresh_s: how long an answer holds.
    """

    def __init__(
        self, rest: PagerDutyRest | None, *, wait_s: float = WAIT_S, fresh_s: float = FRESH_S
    ) -> None:
        self._rest = rest
        self._wait_s, self._fresh_s = wait_s, fresh_s
        self._known: OrderedDict[str, tuple[float, Pages | Unsaid]] = OrderedDict()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._calls: deque[float] = deque()
        self._not_before_s = 0.0

    def learn(self, incident: str, pages: Pages | Unsaid) -> None:
        """Keep what an incident stands for; of too many the one that was heard of first goes."""
        now_s = asyncio.get_running_loop().time()
        self._known[incident] = (now_s, pages)
        self._known.move_to_end(incident)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    async def pages(self, incident: str) -> Pages | Unsaid:
        """Return the pages of ours that an incident stands for, none where it is not ours."""
        now_s = asyncio.get_running_loop().time()
        at_s, known = self._known.get(incident, (0.0, Unsaid.NO_TOKEN))
        if self._rest is None:
            return known
        if incident in self._known and now_s - at_s < self._fresh_s:
            return known
        task = self._running.get(incident) or self._begin(self._rest, incident, now_s)
        if task is None:
            return Unsaid.NOT_YET
        await asyncio.wait({task}, timeout=self._wait_s)
        at_s, known = self._known.get(incident, (0.0, Unsaid.NOT_YET))
        return known if at_s >= now_s else Unsaid.NOT_YET

    async def renew(self, rest: PagerDutyRest | None) -> None:
        """Ask with another token from the next look-up on; what is known stays known.

        Only a refusal is forgotten: it was the old token's. A look-up that is under way ends, and
        PagerDuty sends its webhook again.
        """
        before, self._rest = self._rest, rest
        for incident in [one for one, it in self._known.items() if it[1] is Unsaid.REFUSED]:
            del self._known[incident]
        self._not_before_s = 0.0
        await self._end(before)

    async def close(self) -> None:
        """End what runs, and the connections."""
        await self._end(self._rest)

    async def _end(self, rest: PagerDutyRest | None) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if rest is not None:
            await rest.close()

    def _begin(self, rest: PagerDutyRest, incident: str, now_s: float) -> asyncio.Task[None] | None:
        """Return the look-up that was begun, None where it may not be made now."""
        while self._calls and self._calls[0] <= now_s - MINUTE_S:
            self._calls.popleft()
        full = len(self._running) >= AT_ONCE or len(self._calls) >= CALLS_MOST
        if full or now_s < self._not_before_s:
            return None
        self._calls.append(now_s)
        task = asyncio.get_running_loop().create_task(self._look(rest, incident))
        self._running[incident] = task
        task.add_done_callback(lambda _: self._running.pop(incident, None))
        return task

    async def _look(self, rest: PagerDutyRest, incident: str) -> None:
        found = await rest.alert_keys(incident)
        if not isinstance(found, CannotTell):
            self.learn(incident, pages_of(found))
            return
        _log.warning("PagerDuty does not say which alerts %s has: %s", incident, found.reason)
        if found.reason in FINAL:
            self.learn(incident, Unsaid.REFUSED)
        if found.after_ms:
            self._not_before_s = asyncio.get_running_loop().time() + found.after_ms / 1000
