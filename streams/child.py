"""One stage's process, as its parent sees it: started, watched, started again, parked, ended.

What is decided of it is here and in `parking`; which stages there are is `supervisor`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from streams.config_line import LINE_VARIABLE, ParentsEnd
from streams.metrics import Metrics
from streams.metrics_http import Aggregate
from streams.parking import Parking
from streams.processes import (
    EXIT_REFUSED,
    LIFELINE_VARIABLE,
    PLACE_VARIABLE,
    STOP_S,
    WORKER_VARIABLE,
    Place,
    PlaceFile,
    StageName,
    worker_name,
)
from streams.references import SettingsError
from streams.settings import Loaded

BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before a restart; the last one goes on."""

HEALTHY_S: Final = 60.0
"""A process that ran this long starts again without a pause."""

DEATHS: Final = 3
DEATHS_WITHIN_S: Final = 60.0
"""A stage whose process died this often in this time is a trouble of the worker."""

WATCHDOG_S: Final = 60.0
"""A piece of work that takes longer than this has its process killed."""

logger = structlog.get_logger(__name__)


class Child:
    """One stage's process, and how often it died where."""

    def __init__(
        self,
        name: StageName,
        command: Sequence[str],
        metrics: Metrics,
        loaded: Loaded | None = None,
    ) -> None:
        self.name = name
        self._loaded = loaded
        self._line: ParentsEnd | None = None
        self.parking = Parking()
        self._command = list(command)
        self._metrics = metrics
        self._failures = 0
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._process: asyncio.subprocess.Process | None = None
        self._working: PlaceFile | None = None
        self._stop = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    def waits(self) -> list[str]:
        """Return one line while the process has not started its stage, else nothing."""
        started = self.alive and self._working is not None and self._working.worked()
        return [] if started else [f"{self.name.value} has not started"]

    def troubles(self) -> list[str]:
        """Return a line for everything that somebody should look after."""
        found = [
            f"{self.name.value}: partition {topic}-{partition} is parked: "
            f"its process died again and again at offset {offset}"
            for (topic, partition), offset in sorted(self.parking.parked.items())
        ]
        if len(self._deaths) == DEATHS and time.monotonic() - self._deaths[0] < DEATHS_WITHIN_S:
            found.append(
                f"{self.name.value}: its process died {DEATHS} times within {DEATHS_WITHIN_S:.0f} s"
            )
        return found

    async def take(self, loaded: Loaded) -> None:
        """Have the process go on with another configuration, from its next piece of work on.

        One that is not there begins with it, and one that is busy takes it when it comes to it.

        Raises:
            SettingsError: the process cannot use it, and goes on with the old one.
        """
        before, self._loaded = self._loaded, loaded
        line = self._line
        if line is None:
            return
        answer = await line.answer(line.hand(loaded))
        if answer is None:
            logger.warning("stage has not taken the configuration yet", stage=self.name.value)
        elif answer.refused:
            self._loaded = before
            raise SettingsError(*answer.refused.splitlines())

    async def run(self, aggregate: Aggregate, lifeline: int) -> int:
        """Run the stage until it is stopped or refuses; returns its last exit status."""
        while True:
            began = time.monotonic()
            status = await self._once(aggregate, lifeline)
            # Also one that ended well: somebody else told it to, and its partitions wait.
            if self._stop.is_set() or status == EXIT_REFUSED:
                return status
            self._deaths.append(time.monotonic())
            self._failures = 0 if time.monotonic() - began > HEALTHY_S else self._failures + 1
            pause_s = BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1] if self._failures else 0
            logger.warning("stage restarts", stage=self.name.value, status=status, pause_s=pause_s)
            self._metrics.restarts.labels(stage=self.name.value).inc()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)
            if self._stop.is_set():
                return 0

    async def _once(self, aggregate: Aggregate, lifeline: int) -> int:
        with tempfile.TemporaryFile() as shared:
            shared.truncate(PlaceFile.SIZE)
            working = self._working = PlaceFile(shared.fileno())
            process = await self._start(aggregate, lifeline, shared.fileno())
            watchdog = asyncio.create_task(self._watch(process, working))
            try:
                status = await process.wait()
                self._note_death(working.read()[0], status)
            finally:
                watchdog.cancel()
                self._working = None
                if self._line is not None:
                    self._line.close()
                    self._line = None
                working.close()
                aggregate.retire(process.pid)
        return status

    async def _start(
        self, aggregate: Aggregate, lifeline: int, shared: int
    ) -> asyncio.subprocess.Process:
        command = list(self._command)
        for topic, partition in sorted(self.parking.parked):
            command += ["--parked", f"{topic}:{partition}"]
        ours, theirs = socket.socketpair()
        with theirs:
            environment = {
                **os.environ,
                **aggregate.child_environment(),
                PLACE_VARIABLE: str(shared),
                LIFELINE_VARIABLE: str(lifeline),
                WORKER_VARIABLE: worker_name(),
                LINE_VARIABLE: str(theirs.fileno()),
            }
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                pass_fds=(shared, lifeline, theirs.fileno()),
                start_new_session=True,
            )
        line = ParentsEnd(ours)
        await line.open()
        if self._loaded is not None:
            # As it is now: it may be another one since the process was being made.
            line.hand(self._loaded)
        self._line = line
        if self._stop.is_set():  # it came while the process was being made
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        return self._process

    async def _watch(self, process: asyncio.subprocess.Process, working: PlaceFile) -> None:
        """Kill the process when one piece of work takes too long; it could not do so itself."""
        while True:
            await asyncio.sleep(1.0)
            place, since_ms = working.read()
            if place is None or time.monotonic_ns() // 1_000_000 - since_ms < WATCHDOG_S * 1000:
                continue
            logger.error("work makes no progress", stage=self.name.value, place=place)
            self.parking.hung(place)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            return

    def _note_death(self, place: Place | None, status: int) -> None:
        if self._stop.is_set() or status in (0, EXIT_REFUSED):
            return
        parked = self.parking.died(place, status)
        if parked is not None:
            logger.error(
                "partition parked",
                stage=self.name.value,
                topic=parked.topic,
                partition=parked.partition,
                offset=parked.offset,
            )

    async def stop(self) -> None:
        """End the process: SIGTERM first, SIGKILL when it takes too long."""
        self._stop.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            logger.error("stage killed", stage=self.name.value)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
