"""One stage's process, as its parent sees it: started, watched, started again, parked, ended.

What is decided of it is here and in `parking`; what the processes of one stage are to each other is
`crew`'s, and which stages there are `supervisor`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from streams.config_line import LINE_VARIABLE, ParentsEnd
from streams.deaths import DEATHS, DEATHS_WITHIN_S, GIVEN_UP, Deaths
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
    Standing,
    worker_name,
)
from streams.references import SettingsError
from streams.settings import Loaded

WATCHDOG_S: Final = 60.0
"""A piece of work that takes longer than this has its process killed."""

PARKED_S: Final = 600.0
"""A parked process is tried again after this long, once."""

LOOK_S: Final = 1.0

logger = structlog.get_logger(__name__)


def _nobody() -> bool:
    return False


class Child:
    """One stage's process, and how often it died where."""

    def __init__(
        self,
        name: StageName,
        command: Sequence[str],
        metrics: Metrics,
        loaded: Loaded | None = None,
        *,
        number: int = 0,
        parking: Parking | None = None,
        others_go_on: Callable[[], bool] = _nobody,
        parks: Callable[[Place], None] | None = None,
    ) -> None:
        """One process, not started.

        Args:
            name: of the stage.
            command: that runs it.
            metrics: the parent's own.
            loaded: what it begins with.
            number: among those of its stage, from 1; 0 where there is only one.
            parking: what all processes of its stage share.
            others_go_on: whether another of them is well.
            parks: is told a partition that was parked by a death of this one.
        """
        self.name = name
        self.number = number
        self.label = f"{name.value}.{number}" if number else name.value
        self._log = logger.bind(worker=number) if number else logger
        self._loaded = loaded
        self._line: ParentsEnd | None = None
        self.parking = parking if parking is not None else Parking()
        self._others_go_on = others_go_on
        self._parks = parks
        self._parked = False
        self._hung = False
        self._command = list(command)
        self._metrics = metrics
        self._deaths = Deaths()
        self._process: asyncio.subprocess.Process | None = None
        self._working: PlaceFile | None = None
        self._stop = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def standing(self) -> Standing:
        """How it stands."""
        if self._parked:
            return Standing.PARKED
        return Standing.RUNNING if self.alive else Standing.BETWEEN

    @property
    def started(self) -> bool:
        """Whether the process runs and has started its stage."""
        return self.alive and self._working is not None and self._working.worked()

    def well(self, for_s: float) -> bool:
        """Return whether it has run for so long without an end."""
        return self.started and self._deaths.ran_s() >= for_s

    def waits(self) -> list[str]:
        """Return one line while the process has not started its stage, else nothing.

        One that is parked is waited for by nobody: `troubles` tells of it.
        """
        return [] if self.started or self._parked else [f"{self.label} has not started"]

    def troubles(self) -> list[str]:
        """Return a line for what somebody should look after of this process."""
        if self._parked:
            died = f"its process died {self._deaths.in_a_row} times in a row"
            return [f"{self.label}: {died} and is parked; the others go on"]
        if self._deaths.often:
            died = f"its process died {DEATHS} times within {DEATHS_WITHIN_S:.0f} s"
            return [f"{self.label}: {died}"]
        return []

    def park(self, place: Place) -> None:
        """Have the process know of a partition that was parked by a death of another."""
        if self._line is not None and self.alive:
            self._line.park(place.topic, place.partition)

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
            self._log.warning("stage has not taken the configuration yet", stage=self.name.value)
        elif answer.refused:
            self._loaded = before
            raise SettingsError(*answer.refused.splitlines())

    async def run(self, aggregate: Aggregate, lifeline: int) -> int:
        """Run the stage until it is stopped or refuses; returns its last exit status."""
        while True:
            self._deaths.began()
            status = await self._once(aggregate, lifeline)
            # Also one that ended well: somebody else told it to, and its partitions wait.
            if self._stop.is_set() or status == EXIT_REFUSED:
                return status
            pause_s = self._deaths.died()
            if self._deaths.in_a_row >= GIVEN_UP and self._others_go_on():
                await self._rest(status)
                pause_s = 0
            self._log.warning(
                "stage restarts", stage=self.name.value, status=status, pause_s=pause_s
            )
            self._metrics.restarts.labels(stage=self.name.value).inc()
            await self._stopped_within(pause_s)
            if self._stop.is_set():
                return 0

    async def _rest(self, status: int) -> None:
        """Stay down while the others go on, for `PARKED_S` at the most."""
        self._log.error("worker parked", stage=self.name.value, status=status, for_s=PARKED_S)
        self._parked = True
        until_s = time.monotonic() + PARKED_S
        while self._others_go_on() and time.monotonic() < until_s:
            if await self._stopped_within(LOOK_S):
                break
        self._parked = False

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

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
        command = [*self._command, *(["--number", str(self.number)] if self.number else [])]
        parked = set(self.parking.parked)
        for topic, partition in sorted(parked):
            command += ["--parked", f"{topic}:{partition}"]
        ours, theirs = socket.socketpair()
        with theirs:
            environment = {
                **os.environ,
                **aggregate.child_environment(),
                PLACE_VARIABLE: str(shared),
                LIFELINE_VARIABLE: str(lifeline),
                WORKER_VARIABLE: worker_name(self.number),
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
        for topic, partition in self.parking.parked.keys() - parked:
            line.park(topic, partition)
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
            self._log.error("work makes no progress", stage=self.name.value, place=place)
            self._hung = True
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            return

    def _note_death(self, place: Place | None, status: int) -> None:
        hung, self._hung = self._hung, False
        if self._stop.is_set() or status in (0, EXIT_REFUSED):
            return
        parked = self.parking.died(place, status, hung=hung)
        if parked is not None:
            self._metrics.parked_partitions.inc()
            if self._parks is not None:
                self._parks(parked)
            self._log.error(
                "partition parked",
                stage=self.name.value,
                topic=parked.topic,
                partition=parked.partition,
                offset=parked.offset,
            )

    async def stop(self) -> None:
        """End the process: SIGTERM first, SIGKILL when it takes too long."""
        told, process = self._stop.is_set(), self._process
        self._stop.set()
        if told or process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            self._log.error("stage killed", stage=self.name.value)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
