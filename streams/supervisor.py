"""The parent of the stages: starts their processes, starts again what dies, ends what hangs.

A partition that kills its process again and again at one offset is parked: its process starts
without reading it. The parent decides nothing about events. A stage that refuses its configuration
(exit status 2) stops the whole run. Stages have their configuration from the parent, which reads it
again on SIGHUP (`reload`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, NamedTuple

from streams.crew import Crew
from streams.describe import missing_for_sinks
from streams.metrics import Metrics
from streams.metrics_http import Aggregate, Probe, serve_aggregate
from streams.processes import EXIT_REFUSED, StageName
from streams.reload import FIXED_RUN, Reloads
from streams.settings import Loaded, Settings


class RunError(Exception):
    """The run cannot begin; one line says why."""


class Log(NamedTuple):
    """How stage processes log."""

    json: bool = False
    level: str = "info"


TAKE_ORDER: Final = (StageName.DELIVER, StageName.FINGERPRINT, StageName.CORRELATE)
"""Who takes a changed configuration first: destinations are there before somebody is told on them,
and events bear the marks that rules ask for before these rules decide."""


async def run(loaded: Loaded, stages: Mapping[StageName, int], *, log: Log) -> int:
    """Run these stages until SIGTERM or SIGINT. Returns the exit status of the command.

    SIGHUP has the configuration read again.

    Args:
        loaded: what the stages begin with.
        stages: how many processes of each.
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
    crews = [
        Crew(name, count, _command(name, log), metrics, loaded) for name, count in stages.items()
    ]
    reloads = Reloads(
        loaded,
        os.environ,
        metrics,
        fixed=FIXED_RUN,
        missing=missing_for_sinks if StageName.DELIVER in stages else lambda _: [],
        take=lambda changed: _take(crews, changed),
    )
    loop.add_signal_handler(signal.SIGHUP, reloads.ask)
    try:
        async with _metrics_port(aggregate, loaded.settings, crews):
            again = asyncio.create_task(reloads.serve())
            runs = [
                asyncio.create_task(crew.run(aggregate, lifeline), name=crew.name.value)
                for crew in crews
            ]
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([*runs, stopped], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*(crew.stop() for crew in crews))
            statuses = await asyncio.gather(*runs)
            stopped.cancel()
            again.cancel()
    finally:
        os.close(lifeline)
        os.close(lifeline_end)
        aggregate.close()
    if EXIT_REFUSED in statuses:
        return EXIT_REFUSED
    return 0 if stop.is_set() else 1


async def _take(crews: Sequence[Crew], loaded: Loaded) -> None:
    """Have all stages go on with it, one after the other.

    The first one is the only one that may refuse: it alone opens what is secret.

    Raises:
        SettingsError: it did.
    """
    for crew in sorted(crews, key=lambda one: TAKE_ORDER.index(one.name)):
        await crew.take(loaded)


def probes(crews: Sequence[Crew]) -> dict[str, Probe]:
    """Return what a worker is asked over HTTP, by path: whether it is well, whether it is up."""
    return {
        "/healthz": lambda: [line for crew in crews for line in crew.troubles()],
        "/readyz": lambda: [line for crew in crews for line in crew.waits()],
    }


@contextlib.asynccontextmanager
async def _metrics_port(
    aggregate: Aggregate, settings: Settings, crews: Sequence[Crew]
) -> AsyncIterator[None]:
    """Serve metrics and health as configured while the context lasts; port 0 is nowhere."""
    at = settings.metrics
    async with contextlib.AsyncExitStack() as stack:
        if at.port:
            try:
                await stack.enter_async_context(
                    serve_aggregate(aggregate, at.host, at.port, probes(crews))
                )
            except OSError as error:
                raise RunError(
                    f"metrics cannot be served on {at.host}:{at.port}: {error.strerror or error}; "
                    "metrics.port: 0 switches them off"
                ) from error
        yield


def _command(name: StageName, log: Log) -> list[str]:
    command = [sys.executable, "-m", "streams.app", name.value, "--log-level", log.level]
    return [*command, "--json-log"] if log.json else command
