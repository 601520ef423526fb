"""The parent of the stages: starts one process per stage, starts again what dies, parks what fails
twice.

It decides nothing about events. A stage that refuses its configuration (exit status 2) stops the
whole run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from streams.metrics import Metrics
from streams.metrics_http import Aggregate, serve_aggregate
from streams.processes import (
    EXIT_REFUSED,
    LIFELINE_VARIABLE,
    REPORT_VARIABLE,
    STOP_S,
    StageName,
)
from streams.settings import Settings

BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before a restart; the last one goes on."""

HEALTHY_S: Final = 60.0
"""A process that ran this long starts again without a pause."""

DEATHS_TO_PARK: Final = 2

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
        self.parked: set[int] = set()
        self._command = list(command)
        self._metrics = metrics
        self._deaths: Counter[tuple[str, int, int]] = Counter()
        self._failures = 0
        self._process: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def run(self, aggregate: Aggregate, lifeline: int) -> int:
        """Run the stage until it is stopped or refuses; returns its last exit status."""
        while True:
            began = time.monotonic()
            status = await self._once(aggregate, lifeline)
            if self._stop.is_set() or status in (0, EXIT_REFUSED):
                return status
            self._failures = 0 if time.monotonic() - began > HEALTHY_S else self._failures + 1
            pause_s = BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1] if self._failures else 0
            logger.warning("stage restarts", stage=self.name.value, status=status, pause_s=pause_s)
            self._metrics.restarts.labels(stage=self.name.value).inc()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)
            if self._stop.is_set():
                return 0

    async def _once(self, aggregate: Aggregate, lifeline: int) -> int:
        report, report_end = os.pipe()
        command = [*self._command, "--parked", ",".join(map(str, sorted(self.parked)))]
        environment = {
            **os.environ,
            **aggregate.child_environment(),
            REPORT_VARIABLE: str(report_end),
            LIFELINE_VARIABLE: str(lifeline),
        }
        self._process = await asyncio.create_subprocess_exec(
            *command, env=environment, pass_fds=(report_end, lifeline), start_new_session=True
        )
        os.close(report_end)
        if self._stop.is_set():  # it came while the process was being made
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        try:
            status = await self._process.wait()
            os.set_blocking(report, False)
            with contextlib.suppress(BlockingIOError):
                self._note_deaths(os.read(report, 4096).decode())
        finally:
            os.close(report)
            aggregate.retire(self._process.pid)
        return status

    def _note_deaths(self, reported: str) -> None:
        for line in reported.splitlines():
            topic, partition, offset = line.rsplit(" ", 2)
            place = (topic, int(partition), int(offset))
            self._deaths[place] += 1
            if self._deaths[place] >= DEATHS_TO_PARK:
                self.parked.add(place[1])
                logger.error(
                    "partition parked", stage=self.name.value, partition=place[1], offset=place[2]
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
        async with _metrics_port(aggregate, settings):
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


@contextlib.asynccontextmanager
async def _metrics_port(aggregate: Aggregate, settings: Settings) -> AsyncIterator[None]:
    """Serve the metrics as configured while the context lasts; port 0 is nowhere."""
    at = settings.metrics
    async with contextlib.AsyncExitStack() as stack:
        if at.port:
            try:
                await stack.enter_async_context(serve_aggregate(aggregate, at.host, at.port))
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
