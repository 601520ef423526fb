"""Looking whether pages became incidents, beside DELIVER: tasks, metrics and warnings.

Which page is looked for, and when, is decided in `sinks.incident_looks`. Nothing of it is waited
for, and what it finds changes no delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog

from correlators.types import Digest
from sinks.base import Answer, Attempt, CannotTell, Found, Sink
from sinks.entries import Delivery
from sinks.incident_looks import IncidentLooks, Look, Page, looking, open_pages, opened
from sinks.notices import no_incident
from streams.metrics import Metrics

LOOK_S: Final = 10.0

log = structlog.get_logger(__name__)


class LookAgent:
    """Looks for the pages of one process."""

    def __init__(self, metrics: Metrics, *, wake: Callable[[], None]) -> None:
        """Args: metrics: of this process; wake: has `turn` called soon."""
        self._metrics = metrics
        self._wake = wake
        self._looks = IncidentLooks()
        self._answers: list[tuple[Page, Found]] = []
        self._tasks: dict[asyncio.Task[Found], Page] = {}

    def know(self, sinks: Mapping[str, Sink]) -> None:
        """Count from nought on for every destination that is looked at."""
        for sink in sinks.values():
            for destination in sink.destinations:
                if looking(sink, destination):
                    for look in Look:
                        self._metrics.pages_looked_for.labels(
                            destination=destination, outcome=look.value
                        )

    def answered(self, attempt: Attempt, answer: Answer, sink: Sink | None, now_ms: int) -> None:
        """Look for the page that this answer says was taken, if any."""
        page = opened(attempt, answer.outcome)
        if page is not None and looking(sink, page.destination):
            self._looks.taken(page, now_ms, attempt.digest)

    def restored(self, entries: Iterable[Delivery], sinks: Mapping[str, Sink], now_ms: int) -> None:
        """Look for all pages that are open: nobody knows whether the owner before did."""
        for page in open_pages(entries):
            sink = sinks.get(page.destination.partition(":")[0])
            if looking(sink, page.destination):
                self._looks.taken(page, now_ms)

    def turn(self, sinks: Mapping[str, Sink], now_ms: int) -> list[Digest]:
        """Take in what was found, begin the look-ups that are due, and return what is to be told
        in chats of pages that became no incident."""
        notices: list[Digest] = []
        answers, self._answers = self._answers, []
        for page, found in answers:
            self._looks.heard(page, found, now_ms)
        for page in self._looks.due(now_ms):
            sink = sinks.get(page.destination.partition(":")[0])
            task = asyncio.get_running_loop().create_task(self._look(sink, page))
            self._tasks[task] = page
            task.add_done_callback(self._looked)
        for one in self._looks.take():
            self._metrics.pages_looked_for.labels(
                destination=one.destination, outcome=one.look.value
            ).inc()
            if one.look is Look.NO_INCIDENT:
                notices += no_incident(one.trigger) if one.trigger is not None else []
                log.warning(
                    "a page is no incident",
                    destination=one.destination,
                    id=one.trigger.id if one.trigger is not None else "",
                    dedup_key=one.key,
                    look_at="event rules and orchestrations that suppress it, whether the service "
                    "is disabled or in a maintenance window, and whether it makes incidents",
                )
            elif one.look is not Look.INCIDENT:
                log.warning(
                    "nobody could look whether a page is an incident",
                    destination=one.destination,
                    dedup_key=one.key,
                    why=one.reason or one.look.value,
                )
        return notices

    async def stop(self) -> None:
        """End the look-ups that run; they are made again, here or by a new owner."""
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _look(self, sink: Sink | None, page: Page) -> Found:
        looker = looking(sink, page.destination)
        if looker is None:
            return CannotTell("nobody looks at this destination any more")
        try:
            async with asyncio.timeout(LOOK_S):
                return await looker.look(page)
        except TimeoutError:
            return CannotTell("timed out")
        except Exception as error:
            # A bug in a look-up must not cost more than that look-up.
            log.error("looking for a page raised", error=type(error).__name__, exc_info=True)
            return CannotTell(type(error).__name__)

    def _looked(self, task: asyncio.Task[Found]) -> None:
        # Also a task that was cancelled before it began has an answer: its page is not forgotten.
        found = CannotTell("ended") if task.cancelled() else task.result()
        self._answers.append((self._tasks.pop(task), found))
        self._wake()
