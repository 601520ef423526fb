"""How metrics and health leave a process: one HTTP port per command, also of several processes.

A command that is one process (intake) serves its own `Metrics`. A worker is a parent with one
child process per stage, which die and are started again; its port is the parent's. Each child
writes its numbers into files of a folder of the parent's run (Prometheus's multiprocess mode,
memory-mapped, so they outlive a kill -9), and the parent adds them up whenever it is asked. When a
child has died the parent keeps its counters and histograms, forgets its gauges and removes its
files, so the folder never holds more than the children alive.

Nothing here decides what is measured (`streams.metric_list`) or when a child is restarted.

Errors: `Unreadable` when a child's file cannot be read; a scrape then answers 503 and the next
one tries again.
"""

from __future__ import annotations

import logging
import shutil
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client.core import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector

from streams.metrics import Metrics, exposition, render

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client learns, at its import, that its process is a child."""

_READS: Final = 3
"""Tries to read the children's files; a try fails when it falls into the growth of one."""

_log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Probe = Callable[[], Sequence[str]]
"""Tells what is wrong just now, one line each; nothing when all is well."""


class Unreadable(Exception):
    """The files of a child process cannot be read just now."""


class Aggregate:
    """The metrics of a parent process and of its children, as one.

    The parent makes it before it starts a child, starts each child with `child_environment()` added
    to the child's environment, and calls `retire` once a child was waited for.
    """

    def __init__(self, metrics: Metrics, *, under: Path | None = None) -> None:
        """Make the folder of this run.

        Args:
            metrics: the parent's own.
            under: where the folder is made; the system's place for temporary files by default.

        Raises:
            OSError: that place cannot be written.
        """
        self._metrics = metrics
        self._folder = Path(tempfile.mkdtemp(prefix="stormfold-metrics-", dir=under))
        self._retired: tuple[Family, ...] = ()

    def child_environment(self) -> dict[str, str]:
        """Return the variables that make a process started with them a child of this parent."""
        return {FOLDER_VARIABLE: str(self._folder)}

    def retire(self, pid: int) -> None:
        """Take over the counters and histograms of a child that is dead, and forget its gauges.

        A child that never wrote anything, or was retired before, changes nothing.

        Args:
            pid: its process id, after it was waited for.
        """
        files = self._files(str(pid))
        lasting = [path for path in files if not path.name.startswith("gauge_")]
        try:
            self._retired = _added(self._retired, _read(lasting))
        except Unreadable as error:
            _log.warning("the counters of a dead child process are lost: %s", error)
        for path in files:
            path.unlink(missing_ok=True)

    def exposition(self) -> bytes:
        """Return what a scrape of the whole worker reads, in Prometheus's text format.

        Raises:
            Unreadable: a child's file cannot be read just now.
        """
        own = self._metrics.registry.collect()
        return render([own, self._retired, _read(self._files("*"))])

    def close(self) -> None:
        """Remove the folder; the children have ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _files(self, pid: str) -> list[Path]:
        return sorted(self._folder.glob(f"*_{pid}.db"))


def _read(files: list[Path]) -> tuple[Family, ...]:
    names = [str(path) for path in files]
    reason = ""
    for _ in range(_READS):
        try:
            return tuple(family for name in names for family in _families(name))
        except (OSError, RuntimeError, ValueError, struct.error) as error:
            reason = f"{type(error).__name__} in {len(names)} files"
    raise Unreadable(reason)


def _families(name: str) -> Iterable[Family]:
    # One file at a time: a forgotten gauge is NaN, and a sum over files would be NaN with it.
    merged: Iterable[Family] = MultiProcessCollector.merge([name])  # type: ignore[no-untyped-call]
    return merged


def _added(left: Iterable[Family], right: Iterable[Family]) -> tuple[Family, ...]:
    """Return counters and histograms of both, one sample for each name and labels."""
    families: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for family in (*left, *right):
        families.setdefault(family.name, Family(family.name, family.documentation, family.type))
        of_family = values.setdefault(family.name, {})
        for sample in family.samples:
            place = (sample.name, tuple(sorted(sample.labels.items())))
            of_family[place] = of_family.get(place, 0.0) + sample.value
    for name, of_family in values.items():
        for (sample_name, labels), value in of_family.items():
            families[name].add_sample(sample_name, dict(labels), value)
    return tuple(families.values())


def handler(scrape: Callable[[], bytes]) -> Handler:
    """Return an aiohttp handler for `GET /metrics` that answers what `scrape` returns.

    Args:
        scrape: `Aggregate.exposition`, or a function of one process's metrics.
    """

    async def answer(_: web.Request) -> web.StreamResponse:
        try:
            body = scrape()
        except Unreadable as error:
            return web.Response(status=503, text=f"{error}\n")
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    return answer


def metrics_handler(metrics: Metrics) -> Handler:
    """Return an aiohttp handler that answers with this process's metrics, for any app."""
    return handler(lambda: exposition(metrics))


def probe_handler(probe: Probe) -> Handler:
    """Return an aiohttp handler that answers 200 `ok`, or 503 with a line for each trouble."""

    async def answer(_: web.Request) -> web.StreamResponse:
        lines = probe()
        text = "".join(f"{line}\n" for line in lines or ("ok",))
        return web.Response(status=503 if lines else 200, text=text)

    return answer


@asynccontextmanager
async def serve_metrics(metrics: Metrics, host: str, port: int) -> AsyncIterator[int]:
    """Serve one process's metrics at `/metrics` while the context lasts; gives the port.

    Args:
        metrics: the process's own.
        host: address to listen on.
        port: 0 for a free one.

    Raises:
        OSError: the port is taken.
    """
    async with _serve({"/metrics": metrics_handler(metrics)}, host, port) as bound:
        yield bound


@asynccontextmanager
async def serve_aggregate(
    aggregate: Aggregate, host: str, port: int, probes: Mapping[str, Probe] | None = None
) -> AsyncIterator[int]:
    """Serve the metrics of a parent and its children at `/metrics`; gives the port.

    The aggregate stays the caller's to close.

    Args:
        aggregate: the parent's.
        host: address to listen on.
        port: 0 for a free one.
        probes: what else is asked there, by path.

    Raises:
        OSError: the port is taken.
    """
    routes = {path: probe_handler(probe) for path, probe in (probes or {}).items()}
    routes["/metrics"] = handler(aggregate.exposition)
    async with _serve(routes, host, port) as bound:
        yield bound


@asynccontextmanager
async def _serve(routes: Mapping[str, Handler], host: str, port: int) -> AsyncIterator[int]:
    app = web.Application()
    for path, answer in routes.items():
        app.router.add_get(path, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
