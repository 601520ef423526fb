"""The way back, shown: people handle an outage from Slack, PagerDuty, Sentry and a terminal.

`python -m benchmarks.wayback [--only outage|asked|times] [--results FOLDER] [--pictures FOLDER]`

Everything is real but the services: a Kafka, `stormfold intake`, two `stormfold run`, and the local
Slack, PagerDuty and Sentry, which keep the real limits. First an outage from its first error to its
second end, as a transcript. Then each button and each command once, and what somebody sees who is
in no group. Last, how long answers and effects take while a storm runs.

Exit status: 0 when every act that was to be told was told, and whoever may not did nothing; else 1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from benchmarks.wayback import pictures, report
from benchmarks.wayback.asked import Asked
from benchmarks.wayback.outage import Outage
from benchmarks.wayback.times import Times
from benchmarks.wayback.world import World
from streams.broker import running_broker

PARTS = ("outage", "asked", "times")


async def show(options: argparse.Namespace, bootstrap: str, folder: Path) -> report.Report:
    """Play the parts that are asked for, and return what came of them."""
    found = report.Report()
    drawn: list[tuple[str, str]] = []
    async with World(bootstrap, folder) as world:
        for part, play in (("outage", _outage), ("asked", _asked), ("times", _times)):
            if part not in (options.only or PARTS):
                continue
            _say(part)
            try:
                await play(world, options, found, drawn)
            except (TimeoutError, AssertionError):
                found.failed.append(f"{part}: {traceback.format_exc()}")
        found.errors = [line for line in world.logs().splitlines() if "error" in line.lower()]
    if options.pictures is not None:
        for picture in pictures.draw(drawn, options.pictures):
            _say(f"picture: {picture}")
    return found


async def _outage(
    world: World, options: argparse.Namespace, found: report.Report, drawn: list[tuple[str, str]]
) -> None:
    def snap(name: str) -> None:
        drawn.append((name, pictures.channel(world.slack, "incidents")))

    try:
        storms = await Outage(world, snap).play()
        for number, storm in enumerate(storms, start=1):
            told = await asyncio.to_thread(world.run, "timeline", storm, "--md")
            found.timelines[f"timeline-{number}"] = told.stdout or told.stderr
    finally:
        found.transcript = list(world.lines)
        drawn.append(("7-pagerduty", pictures.pager(world.pagerduty)))


async def _asked(
    world: World, options: argparse.Namespace, found: report.Report, drawn: list[tuple[str, str]]
) -> None:
    asked = Asked(world)
    found.outsider = asked.outsider.name
    try:
        await asked.begin()
        found.buttons = await asked.buttons()
        found.commands = await asked.commands()
        found.refused, found.allowed = await asked.outside()
        found.elsewhere = await asked.elsewhere()
    finally:
        drawn.append(("8-asked", pictures.channel(world.slack, "incidents")))
        for user in ("U0ADA0001", "U0CLEO001"):
            name = world.slack.back.names[user]
            drawn.append((f"9-only-{name}", pictures.alone(world.slack, user)))


async def _times(
    world: World, options: argparse.Namespace, found: report.Report, drawn: list[tuple[str, str]]
) -> None:
    times = Times(world, rate=options.rate, environments=options.environments)
    try:
        found.measured = await times.measure()
    finally:
        drawn.append(("10-storm", pictures.channel(world.slack, "incidents")))
        drawn.append(("11-shard-a", pictures.channel(world.slack, "shard-a")))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the show. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wayback", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
    parser.add_argument("--rate", type=int, default=1_000, help="events of the storm a second")
    parser.add_argument("--environments", type=int, default=60, help="with a page each")
    parser.add_argument("--results", type=Path, help="a folder for wayback.txt")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures; needs Chromium")
    options = parser.parse_args()
    # As Ctrl-C, so that the processes that were started are taken down.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with (
        running_broker(say=_say) as broker,
        tempfile.TemporaryDirectory() as folder,
    ):
        found = asyncio.run(show(options, broker.bootstrap, Path(folder)))
    text = found.text()
    print(text, end="")
    for line in found.errors:
        _say(line)
    if options.results is not None:
        head = (
            f"The way back; Python {platform.python_version()}, {os.cpu_count()} cores, real "
            "Apache Kafka; `make wayback`\n\n"
        )
        (options.results / "wayback.txt").write_text(head + text)
    for name, told in found.timelines.items() if options.pictures is not None else ():
        (options.pictures / f"{name}.md").write_text(told)
    bad = found.wrong()
    for line in bad:
        _say(f"wrong: {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
