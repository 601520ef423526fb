"""The parent of the stages: starts one process per stage, starts again what dies, ends what hangs.

A partition that kills its process again and again at one offset is parked: its process starts
without reading it. The parent decides nothing about events. A stage that refuses its configuration
(exit status 2) stops the whole run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from streams.metrics import Metrics
from streams.metrics_http import Aggregate, Probe, serve_aggregate
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
from streams.settings import Settings

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


class RunError(Exception):
    """The run cannot begin; one line says why."""


class Log(NamedTuple):
    """How stage processes log."""

    json: bool = False
    level: str = "info"


class Child:
    """One stage's process, and how often it died where."""

    def __init__(self, name: StageName, command: Sequence[str], metrics: Metrics) -> None:
        self.name = name
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
                working.close()
                aggregate.retire(process.pid)
        return status

    async def _start(
        self, aggregate: Aggregate, lifeline: int, shared: int
    ) -> asyncio.subprocess.Process:
        command = list(self._command)
        for topic, partition in sorted(self.parking.parked):
            command += ["--parked", f"{topic}:{partition}"]
        environment = {
            **os.environ,
            **aggregate.child_environment(),
            PLACE_VARIABLE: str(shared),
            LIFELINE_VARIABLE: str(lifeline),
            WORKER_VARIABLE: worker_name(),
        }
        self._process = await asyncio.create_subprocess_exec(
            *command, env=environment, pass_fds=(shared, lifeline), start_new_session=True
        )
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


async def run(
    settings: Settings, stages: Sequence[StageName], config: Path | None, *, log: Log
) -> int:
    """Run these stages until SIGTERM or SIGINT. Returns the exit status of the command.

    Args:
        settings: as loaded from `config`.
        stages: each once.
        config: the file that the children load, None for the defaults.
        log: how the children log.

    Raises:
        RunError: the metrics' port is taken.
    """
    metrics = Metrics()
    aggregate = Aggregate(metrics)
    lifeline, lifeline_end = os.pipe()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    children = [Child(name, _command(name, config, log), metrics) for name in stages]
    try:
        async with _metrics_port(aggregate, settings, children):
            runs = [
                asyncio.create_task(child.run(aggregate, lifeline), name=child.name.value)
                for child in children
            ]
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([*runs, stopped], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*(child.stop() for child in children))
            statuses = await asyncio.gather(*runs)
            stopped.cancel()
    finally:
        os.close(lifeline)
        os.close(lifeline_end)
        aggregate.close()
    if EXIT_REFUSED in statuses:
        return EXIT_REFUSED
    return 0 if stop.is_set() else 1


def probes(children: Sequence[Child]) -> dict[str, Probe]:
    """Return what a worker is asked over HTTP, by path: whether it is well, whether it is up."""
    return {
        "/healthz": lambda: [line for child in children for line in child.troubles()],
        "/readyz": lambda: [line for child in children for line in child.waits()],
    }


@contextlib.asynccontextmanager
async def _metrics_port(
    aggregate: Aggregate, settings: Settings, children: Sequence[Child]
) -> AsyncIterator[None]:
    """Serve metrics and health as configured while the context lasts; port 0 is nowhere."""
    at = settings.metrics
    async with contextlib.AsyncExitStack() as stack:
        if at.port:
            try:
                await stack.enter_async_context(
                    serve_aggregate(aggregate, at.host, at.port, probes(children))
                )
            except OSError as error:
                raise RunError(
                    f"metrics cannot be served on {at.host}:{at.port}: {error.strerror or error}; "
                    "metrics.port: 0 switches them off"
                ) from error
        yield


def _command(name: StageName, config: Path | None, log: Log) -> list[str]:
    command = [sys.executable, "-m", "streams.app", name.value]
    if config is not None:
        command += ["--config", str(config)]
    command += ["--log-level", log.level]
    return [*command, "--json-log"] if log.json else command
