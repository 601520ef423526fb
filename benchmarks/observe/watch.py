"""What Prometheus says fires, asked again and again."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.observe.server import Prometheus
from observability.rules.all import WATCHDOG

LOOKS_S: Final = 0.5
SLOW: Final = frozenset({"StormfoldBudgetBurns"})
"""What looks back so far that it goes on long after a fault, as it should. It may fire while all is
well too: on a busy machine more than one webhook in a hundred takes over 50 ms."""


class Watch:
    """Asks `/api/v1/alerts` twice a second inside `async with`."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self.alerts: list[dict[str, Any]] = []
        """As it was answered last."""
        self.fired: set[str] = set()
        """All that fired since `begin`, but the Watchdog."""
        self.watchdog = 0
        self.looks = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def begin(self) -> None:
        """Forget what has fired."""
        self.fired = set()

    def firing(self, name: str = "") -> list[dict[str, Any]]:
        """Return what fires now, the Watchdog apart; of a name, if one is given."""
        return [
            one
            for one in self.alerts
            if one["state"] == "firing"
            and one["labels"]["alertname"] in ({name} if name else self._names())
        ]

    async def fires(self, name: str, *, within_s: float) -> dict[str, Any] | None:
        """Return the alert as Prometheus tells it once it fires, None where it does not in time."""
        deadline = time.monotonic() + within_s
        while not self.firing(name):
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(LOOKS_S)
        return self.firing(name)[0]

    async def quiet(self, *, within_s: float) -> bool:
        """Return whether nothing fires any more within this time, but the Watchdog and `SLOW`."""
        deadline = time.monotonic() + within_s
        while any(one["labels"]["alertname"] not in SLOW for one in self.firing()):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOKS_S)
        return True

    def _names(self) -> set[str]:
        return {one["labels"]["alertname"] for one in self.alerts} - {WATCHDOG.name}

    async def _look(self) -> None:
        while True:
            self.alerts = await self._prometheus.alerts()
            self.looks += 1
            self.watchdog += bool(self.firing(WATCHDOG.name))
            self.fired |= {one["labels"]["alertname"] for one in self.firing()}
            await asyncio.sleep(LOOKS_S)
