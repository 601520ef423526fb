"""Stormfold as a user runs it, for shows: a configuration, `intake`, `run`, and their logs."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 120.0
STOP_WITHIN_S: Final = 30.0
PORTS: Final = range(20_000, 32_000)


class Installation:
    """A configuration file and the processes that were started with it.

    Args:
        folder: for the configuration and the logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "stormfold.yaml"
        self.port = free_port()
        """Of intake, or of whatever else the configuration gives it to."""
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def origin(self) -> str:
        """Return where intake is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, text: str, *commands: str, stages: int) -> None:
        """Write the configuration, make the topics, start these and wait until they are there.

        Whoever fails to start is not left: what was started ends then, also on Ctrl-C.

        Args:
            text: the configuration.
            commands: `intake`, `run`, with options behind it where there are any.
            stages: how many have to be up.

        Raises:
            TimeoutError: they do not start; the text is what they logged.
        """
        self.config.write_text(text)
        made = await asyncio.to_thread(self.run, "topics")
        assert made.returncode == 0, made.stderr
        for command in commands:
            self._begin(command)
        try:
            await until(lambda: self._ready(stages), within_s=PATIENCE_S, why=self.logs)
        except BaseException:  # a cancelled start too leaves no process behind
            await self.stop()
            raise

    @property
    def processes(self) -> list[subprocess.Popen[bytes]]:
        """Return what was started, in order."""
        return list(self._processes)

    async def stop(self) -> None:
        """End every process that was started."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                await asyncio.to_thread(process.wait, STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def environment(self) -> dict[str, str]:
        """Return the environment without what would overrule the configuration."""
        return {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Stormfold to its end."""
        return subprocess.run(
            self._command(*arguments), env=self.environment(), capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def logs(self) -> str:
        """Return what all processes have logged."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "streams.cli", *arguments, "--config", str(self.config)]

    def _begin(self, command: str) -> None:
        name, *options = command.split()
        with (self.folder / f"{name}-{len(self._processes)}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    self._command(name, *options), env=self.environment(), stdout=log, stderr=log
                )
            )

    def _ready(self, stages: int) -> bool:
        dead = [one for one in self._processes if one.poll() is not None]
        assert not dead, self.logs()
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), 1.0)):
            return self.logs().count("stage started") >= stages
        return False


async def until(
    condition: Callable[[], bool], *, within_s: float, why: Callable[[], str] = lambda: ""
) -> None:
    """Return once the condition holds.

    Raises:
        TimeoutError: it does not in time; the text says more.
    """
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(why()[-4_000:])
        await asyncio.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody listens at, below those that a system gives to connections."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
