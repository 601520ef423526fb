"""The way in for heartbeats: `POST /heartbeat`, signed as Sentry's webhooks are.

A heartbeat goes through the same door, limits and producer as a webhook, and is written to every
partition of `sentry.events`. It is none: it counts in no figure of what came in, and says nothing
of when Sentry was heard last. Whoever may sign webhooks may send it; what nobody waits for is
dropped at the end of its way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from correlators.beats import RESOURCE
from streams.intake_checks import SAID, SIGNATURE_HEADER, Answer
from streams.intake_door import WRITTEN, Door
from streams.intake_log import Written


class EveryLog(Protocol):
    """What is needed of the raw log."""

    async def append_everywhere(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        """Return what became of the records, one in every partition, in time."""
        ...


class HeartbeatDoor:
    """Answers `POST /heartbeat`."""

    def __init__(self, door: Door, log: EveryLog) -> None:
        """Args: door: whose secrets and limits hold; log: started."""
        self._door = door
        self._log = log

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take a heartbeat; 200 once Kafka has it everywhere."""
        signature = request.headers.get(SIGNATURE_HEADER)
        answer = await self._door.taken(
            request,
            lambda body: self._door.signed(signature, body),
            self._write,
            measured=False,
        )
        status, text = SAID[answer]
        return web.Response(status=status, text=text + "\n")

    async def _write(self, body: bytes) -> Answer:
        now_ms = time.time_ns() // 1_000_000
        headers = [("resource", RESOURCE.encode()), ("received_ms", str(now_ms).encode())]
        within_s = self._door.within_s
        return WRITTEN[await self._log.append_everywhere(body, headers, within_s=within_s)]
