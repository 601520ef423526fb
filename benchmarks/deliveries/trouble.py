"""What goes wrong in the show: services that refuse and hang, owners that die, one that wakes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Final

from sinks.peers.faults import Fault
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer

SHARES: Final = {
    Fault.RATE_LIMITED: 0.03,
    Fault.ERROR_500: 0.02,
    Fault.ERROR_503: 0.02,
    Fault.ERROR_AFTER: 0.02,
    Fault.DROP_BEFORE: 0.02,
    Fault.DROP_AFTER: 0.03,
    Fault.SLOW_AFTER: 0.01,
    Fault.HALF: 0.01,
}
"""Of the calls, how many meet which fault."""

SLOW_S: Final = 6.0
SLEEPS_S: Final = 12.0
"""Longer than a call may last, and than a session: another takes over meanwhile."""

PAUSE_S: Final = (5.0, 15.0)
STOPS_S: Final = 30.0


def set_faults(slack: SlackPeer, pagerduty: PagerDutyPeer) -> None:
    """Have a share of the calls go wrong until the peers are healed."""
    for fault, share in SHARES.items():
        slack.fail(fault, share=share, slow_s=SLOW_S)
        pagerduty.fail(fault, share=share, slow_s=SLOW_S)


class Workers:
    """The `stormfold run` processes, and their DELIVER stages by process id."""

    def __init__(self, config: Path, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self._stopped: set[int] = set()
        self.killed = self.zombies = 0
        self.upset: list[float] = []
        """When an owner was killed or put to sleep, seconds since the epoch."""
        self.environment = {k: v for k, v in os.environ.items() if k != "KAFKA_BOOTSTRAP"}

    def start(self) -> None:
        """Start one more."""
        command = [sys.executable, "-m", "streams.cli", "run", "--stages", "deliver"]
        with (self._folder / f"run-{len(self._workers)}.log").open("wb") as log:
            self._workers.append(
                subprocess.Popen(
                    [*command, "--config", str(self._config), "--log-level", "warning"],
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                )
            )

    def stages(self) -> list[int]:
        """Return the process ids of the stages that run."""
        parents = {one.pid for one in self._workers}
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                if int(status.read_text().rsplit(")", 1)[1].split()[1]) in parents:
                    found.append(int(status.parent.name))
        return sorted(set(found) - self._stopped)

    def kill(self, random: Random) -> None:
        """End a stage as a crash would; its parent starts another."""
        stages = self.stages()
        if stages:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(stages), signal.SIGKILL)
                self.killed += 1
                self.upset.append(time.time())

    async def sleep(self, random: Random) -> None:
        """Stop a stage in the middle of what it does; it wakes when another has taken over."""
        stages = self.stages()
        if not stages:
            return
        pid = random.choice(stages)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            self._stopped.add(pid)
            self.zombies += 1
            self.upset.append(time.time())
            await asyncio.sleep(SLEEPS_S)
        self._wake(pid)

    def _wake(self, pid: int) -> None:
        self._stopped.discard(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def mend(self) -> None:
        """Wake whoever sleeps."""
        for pid in list(self._stopped):
            self._wake(pid)

    async def stop(self) -> None:
        """End every worker by SIGTERM, and by SIGKILL who does not end."""
        for one in self._workers:
            one.send_signal(signal.SIGTERM)
        for one in self._workers:
            try:
                await asyncio.to_thread(one.wait, STOPS_S)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


class Trouble:
    """Kills and sleeps, one after the other, until it is cancelled."""

    def __init__(self, workers: Workers, random: Random) -> None:
        self._workers = workers
        self._random = random

    async def go_on(self) -> None:
        """Kill twice, then have one sleep, and again."""
        turn = 0
        while True:
            await asyncio.sleep(self._random.uniform(*PAUSE_S))
            turn += 1
            if turn % 3:
                self._workers.kill(self._random)
            else:
                await self._workers.sleep(self._random)
