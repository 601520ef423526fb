"""`python -m recordings.outages.make node|java OUT`: run an outage and write its recording.

Needs the language's own tools and its package registry; everything else is on loopback. Exit
status: 0 written, 1 the run was no clean recording or something would slip out, 2 wrong use.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from recordings import traffic
from recordings.capture import Capture
from recordings.clean import Cleaner
from recordings.fleet import Fleet
from recordings.labels import UnknownCause
from recordings.make import SPEED, NotClean, Tale, lines_of, table, write
from recordings.outages import java, node
from recordings.outages.plans import MINUTE_S, Command, Plan, Service
from recordings.story import Clock, Told, crowd

JsonObject = dict[str, Any]

HERE: Final = Path(__file__).parent
PLANS: Final = {"node": node.PLAN, "java": java.PLAN}
SEED: Final = 11
OF_THE_MACHINE: Final = ("app", "cloud_resource", "culture", "device", "os")
"""Contexts of an event that tell of the machine (memory, processor, kernel, start of the process),
not of the program."""


async def commanded(commands: Iterable[Command], folder: Path) -> None:
    """Run commands one after another in a folder.

    Raises:
        RuntimeError: one failed.
    """
    for command in commands:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder)
        if await process.wait():
            raise RuntimeError(f"{' '.join(command)} failed")


async def deploy(plan: Plan, root: Path) -> tuple[Path, Path]:
    """Return two folders in which the program stands: of the older release, of the newer one."""
    older, newer = root / "older", root / "newer"
    shutil.copytree(HERE / plan.folder, older, ignore=shutil.ignore_patterns("releases"))
    await commanded(plan.prepare, older)
    shutil.copytree(older, newer, symlinks=True)
    changes = (
        HERE / plan.folder / "releases" / plan.newer.release.replace("@", "_").replace(".", "_")
    )
    shutil.copytree(changes, newer / plan.sources, dirs_exist_ok=True)
    for folder in (older, newer):
        await commanded(plan.build, folder)
    return older, newer


class Stage:
    """The processes of one outage, each told where those that started before it listen."""

    def __init__(self, plan: Plan, fleet: Fleet, capture_port: int) -> None:
        self._plan = plan
        self._fleet = fleet
        self._capture_port = capture_port

    async def service(self, name: str, service: Service, folder: Path, number: int) -> None:
        """Start one service under a name of the fleet."""
        projects = {slug: project for project, slug in self._plan.account.slugs.items()}
        project = projects[service.name]
        ports = {f"APP_{peer.upper()}_PORT": str(port) for peer, port in self._fleet.ports.items()}
        settings = {
            "APP_DSN": f"http://{'5' * 32}@127.0.0.1:{self._capture_port}/{project}",
            "APP_RELEASE": service.release,
            "APP_SERVER_NAME": f"{service.name}-{number}",
        }
        await self._launch(name, service, folder, ports | settings)

    async def dependency(self, folder: Path, port: int, warm_up_s: float) -> None:
        """Start what dies and comes back; it takes so many real seconds to load its data."""
        name = self._plan.dependency.name
        await self._launch(name, self._plan.dependency, folder, {}, str(port), f"{warm_up_s:g}")

    async def _launch(
        self, name: str, service: Service, folder: Path, env: dict[str, str], *arguments: str
    ) -> None:
        command = [word.replace("{program}", service.program) for word in self._plan.run]
        around = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"}
        await self._fleet.launch(name, [*command, *arguments], folder, around | env)

    async def play(self, clock: Clock, older: Path, newer: Path, speed: float) -> None:
        """Let happen what the plan says: a deploy, then the dependency hangs, dies, returns."""
        times, fleet, dying = self._plan.times, self._fleet, self._plan.dependency.name
        after = f"{self._plan.newer.name}-new"
        await clock.until(times.deploy_s - MINUTE_S)
        await self.service(after, self._plan.newer, newer, 2)
        await clock.until(times.deploy_s)
        await fleet.replace(self._plan.newer.name, after)
        await clock.until(times.hang_s)
        fleet.freeze(dying)
        await clock.until(times.death_s)
        await fleet.kill(dying)
        await clock.until(times.return_s)
        await self.dependency(older, fleet.ports[dying], times.loading_s / speed)


async def tell(plan: Plan, root: Path, seed: int, speed: float) -> Told:
    """Return what the SDKs sent while the outage ran, `speed` times as fast as it is told."""
    older, newer = await deploy(plan, root)
    capture = Capture()
    port = await capture.start()
    fleet = Fleet(root, port)
    stage = Stage(plan, fleet, port)
    times = plan.times
    try:
        await stage.dependency(older, 0, 0)
        for service in plan.services:
            await stage.service(service.name, service, older, 1)
        clock = Clock(speed)
        busier = (times.hang_s, times.back_s, plan.retries)
        visitors = traffic.ordinary(seed, times.length_s, busier, plan.ordinary)
        ambient = traffic.ambient(seed, times.length_s, plan.ambient)
        async with asyncio.TaskGroup() as both:
            both.create_task(crowd(fleet, clock, plan.account.domain, visitors, ambient))
            both.create_task(stage.play(clock, older, newer, speed))
    finally:
        await fleet.stop()
        await capture.stop()
    return Told(clock.started_s, capture.captured)


def without_machine(event: JsonObject) -> JsonObject:
    """Return the event without the contexts that tell of the machine."""
    contexts = event.get("contexts") or {}
    kept = {name: value for name, value in contexts.items() if name not in OF_THE_MACHINE}
    return {**event, "contexts": kept}


def tale_of(plan: Plan) -> Tale:
    """Return what is known of a run of the plan."""
    start_s = datetime.fromisoformat(plan.start_iso).timestamp()
    times = plan.times
    return Tale(start_s, times.length_s, times.broken, plan.causes, plan.account)


def main() -> int:
    """Make the recording; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m recordings.outages.make", description=__doc__)
    parser.add_argument("language", choices=sorted(PLANS))
    parser.add_argument("out", type=Path, help="the .jsonl.gz to write")
    parser.add_argument("--seed", type=int, default=SEED, help="decides what visitors do")
    parser.add_argument("--speed", type=float, default=SPEED, help="story seconds per real second")
    options = parser.parse_args()
    plan = PLANS[options.language]
    tale = tale_of(plan)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        told = asyncio.run(tell(plan, root, options.seed, options.speed))
        events = [one._replace(event=without_machine(one.event)) for one in told.captured]
        home = f"/srv/{plan.folder}"
        cleaner = Cleaner([(str(root / name), home) for name in ("older", "newer")])
        try:
            lines = lines_of(told._replace(captured=events), cleaner, options.speed, tale)
        except (UnknownCause, NotClean) as error:
            print(f"not recorded: {error}", file=sys.stderr)
            return 1
    write(options.out, lines)
    print(table(lines, tale.start_s))
    print(f"{len(lines)} lines, {options.out.stat().st_size} bytes: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
