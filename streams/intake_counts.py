"""Sentry's own counts beside intake's: asked for now and then, where `sentry.count_events` says so.

Two figures of the same thing from two sides: whether every error that Sentry accepted came as a
webhook too. Nothing waits for it and nothing is decided by it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from sinks.http import Http
from sinks.sentry import Organisation
from sinks.sentry_counted import Counted
from sinks.sentry_counts import ask
from streams.metrics import Metrics
from streams.settings_types import Sentry

EVERY_S: Final = 600.0
TIMEOUT_MS: Final = 10_000

_log = logging.getLogger(__name__)


def organisation_of(sentry: Sentry) -> Organisation:
    """Return whom to ask. Raises: SettingsError: the token is not there."""
    return Organisation(
        slug=sentry.organisation, token=sentry.token.reveal(), api_url=sentry.api_url
    )


class SentryCounts:
    """Asks one organisation."""

    def __init__(self, organisation: Organisation, metrics: Metrics) -> None:
        """Args: organisation: with its slug; metrics: of this process."""
        self._organisation = organisation
        self._metrics = metrics
        self._http = Http(timeout_ms=TIMEOUT_MS)

    async def once(self, now_ms: int) -> None:
        """Ask for the last hour that is over, and measure it."""
        found = await ask(self._http, self._organisation, now_ms)
        if not isinstance(found, Counted):
            _log.warning("how many events Sentry counted is not known: %s", found)
            return
        for outcome, count in found.by_outcome.items():
            self._metrics.sentry_events.labels(outcome=outcome).set(count)
        self._metrics.sentry_counted_time_seconds.set(found.hour_ms / 1000)

    async def serve(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await self.once(time.time_ns() // 1_000_000)
            await asyncio.sleep(EVERY_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
