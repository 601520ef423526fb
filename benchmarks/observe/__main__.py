"""Stormfold under a real Prometheus: does each alert fire in its fault, and do panels have data?

`python -m benchmarks.observe [--only ALERT] [--pictures FOLDER] [--results FOLDER]`

Everything is real but the services: a Kafka, two of `stormfold intake`, `stormfold run` with two
processes of FINGERPRINT, a Prometheus with the rules of `observability/`, at a pace that turns
minutes into seconds. First a recorded outage is replayed, and people act: nothing may fire then but
the Watchdog, and the dashboards are drawn. Then one fault after the other: its alert has to fire,
nothing else that is not so too, and to end. In the end every panel must have data, unless only
some faults were made.

Exit status: 0 when all of that was so; else 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.observe.faults import FAULTS, Fault
from benchmarks.observe.page import WIDTH, page
from benchmarks.observe.panels import Span, marked, shown
from benchmarks.observe.report import Found, Report
from benchmarks.observe.server import Prometheus
from benchmarks.observe.watch import Watch
from benchmarks.observe.world import DEPLOY_KEY, World
from observability.dashboards.__main__ import BOARDS
from observability.rules.made import Pace
from streams.broker import Broker, running_broker
from streams.picture import PictureError, take

FACTOR: Final = 1 / 60
SPEED: Final = 20.0
SETTLES_S: Final = 8.0
OUTAGE_S: Final = 780.0
"""From the begin of the recording until its outage is at its worst."""
ACTS: Final = ("ack", "false-alarm", "resolve")
QUIET_WITHIN_S: Final = 150.0


async def show(options: argparse.Namespace, broker: Broker, folder: Path) -> Report:
    """Do all of it, and return what came of it."""
    report = Report()
    async with (
        World(broker, folder) as world,
        Prometheus(folder / "prometheus", world.targets, Pace(FACTOR)) as prometheus,
        Watch(prometheus) as watch,
    ):
        await asyncio.sleep(SETTLES_S)
        await _well(world, prometheus, watch, report, options)
        for fault in FAULTS:
            if not options.only or set(options.only) & set(fault.alerts):
                found = await _fault(world, watch, fault)
                _say(found.text())
                report.found.append(found)
        _say(world.run("dead-letters", "redrive", "--all", "--yes").stdout)
        await asyncio.sleep(SETTLES_S)
        if not options.only:  # some panels show what only some faults do
            await _all_panels(prometheus, report)
        report.watchdog = (watch.watchdog, watch.looks)
        if options.logs is not None:
            (options.logs / "observe.log").write_text(world.logs())
    return report


async def _well(
    world: World,
    prometheus: Prometheus,
    watch: Watch,
    report: Report,
    options: argparse.Namespace,
) -> None:
    """Replay an outage that people act in, and draw what the dashboards show of it."""
    watch.begin()
    began = time.time()
    await world.sentry.deploys(DEPLOY_KEY, "inventory", "inventory@2.0.1")
    replay = asyncio.create_task(world.sentry.replay(options.speed))
    await asyncio.sleep(OUTAGE_S / options.speed)
    await _people(world)
    await replay
    await asyncio.sleep(SETTLES_S)
    report.well_s, report.well_webhooks = time.time() - began, world.sentry.told
    report.well_fired = set(watch.fired)
    if options.pictures is not None:
        await _draw(prometheus, Span(began - SETTLES_S, time.time()), options.pictures)


async def _people(world: World) -> None:
    """Have somebody take the storm, resolve an incident and call another a false alarm."""
    told = await asyncio.to_thread(world.run, "incidents", "list", "--json")
    every = sorted(json.loads(told.stdout), key=lambda one: one["kind"] != "storm")
    for act, id in zip(ACTS, (one["id"] for one in every), strict=False):
        done = await asyncio.to_thread(world.run, "incidents", act, id, "--by", "ada")
        _say(done.stdout + done.stderr)


async def _fault(world: World, watch: Watch, fault: Fault) -> Found:
    """Make a fault, wait for its alerts, mend it, and wait until nothing fires."""
    watch.begin()
    began = time.monotonic()
    alerts: dict[str, dict[str, Any] | None] = {}
    after_s: dict[str, float] = {}
    async with fault.make(world):
        for name in fault.alerts:
            left_s = began + fault.within_s - time.monotonic()
            alerts[name] = await watch.fires(name, within_s=left_s)
            after_s[name] = time.monotonic() - began
    mended = time.monotonic()
    quiet = not fault.stays and await watch.quiet(within_s=QUIET_WITHIN_S)
    beside = watch.fired - set(fault.alerts)
    return Found(fault, alerts, after_s, beside, time.monotonic() - mended if quiet else None)


async def _all_panels(prometheus: Prometheus, report: Report) -> None:
    """Ask every panel's queries once more, over the whole run."""
    span = Span(prometheus.began, time.time())
    for board in BOARDS:
        for one in await shown(prometheus, board, span):
            if one.panel["type"] != "row":
                report.panels += 1
                if not one.series:
                    report.empty.append(f"{board.name}: {one.title}")


async def _draw(prometheus: Prometheus, span: Span, folder: Path) -> None:
    for board in BOARDS:
        panels = await shown(prometheus, board, span)
        marks = await marked(prometheus, board, span)
        drawn = page(board, panels, marks, span)
        (folder / f"{board.name}.html").write_text(drawn, "utf-8")
        try:
            await asyncio.to_thread(take, drawn, folder / f"{board.name}.png", width=WIDTH)
        except PictureError as error:
            _say(f"{board.name}: {error}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.observe", description=__doc__)
    parser.add_argument("--only", action="append", help="the fault of this alert; may be repeated")
    parser.add_argument("--speed", type=float, default=SPEED, help="of the replayed outage")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures; needs Chromium")
    parser.add_argument("--results", type=Path, help="a folder for alerts.txt")
    parser.add_argument("--logs", type=Path, help="a folder for what the processes log")
    options = parser.parse_args()
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    # As Ctrl-C, so that the processes that were started are taken down.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with running_broker(say=_say) as broker, tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(show(options, broker, Path(folder)))
    text = report.text()
    print(text, end="")
    if options.results is not None:
        head = (
            f"Alerts in their faults; Python {platform.python_version()}, {os.cpu_count()} cores, "
            f"real Apache Kafka and Prometheus, rules at a factor of 1/{round(1 / FACTOR)}; "
            "`make observe`\n\n"
        )
        (options.results / "alerts.txt").write_text(head + text)
    bad = report.wrong()
    for line in bad:
        _say(f"wrong: {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
