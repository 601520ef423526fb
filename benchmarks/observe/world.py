"""The installation that is watched: local Slack and PagerDuty, `intake`, `run`, steady traffic.

There are two intakes: Sentry tells the first, the second stands by. FINGERPRINT has two processes,
each other stage has one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import web

from benchmarks.installation import Installation, free_port, until
from benchmarks.observe.sentry import Sentry, issues
from benchmarks.wayback.happening import SECRET
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.pagerduty_rest import PagerDutyRestPeer
from sinks.peers.sentry import SentryPeer
from sinks.peers.slack import SlackPeer
from streams.broker import Broker
from streams.settings import Settings, load

CHANNELS: Final = {"C0INC": "incidents", "C0ONC": "oncall"}
KEY: Final = "b" * 32
DEPLOY_KEY: Final = "whsec_b2JzZXJ2ZS1vYnNlcnZlLW9ic2VydmUtb2JzZXJ2ZQ=="
PAGER_SECRET: Final = "pd-observe"
WORKERS: Final = {"fingerprint": 2, "correlate": 1, "deliver": 1}
"""Processes of each stage."""
INTAKE: Final = 0
WORKER: Final = 1
SECOND: Final = 2
"""Where the processes stand in `processes`: intake, the parent of the stages, the second intake."""

CONFIG: Final = """
namespace: {namespace}
clock: wall
kafka: {{bootstrap: "{bootstrap}"}}
intake: {{port: {port}, secrets: ["{secret}"], deploy_secrets: ["{deploy}"]}}
metrics: {{port: {metrics}}}
incidents: {{settle: 2s, update_every: 1m, quiet_for: 30s}}
storms: {{storm_quiet: 20s}}
sinks:
  slack: {{token: xoxb-observe, base_url: "{slack}", channels: {{incidents: C0INC, oncall: C0ONC}}}}
  pagerduty: {{routing_key: {key}, base_url: "{pagerduty}", webhook_secrets: [{pager}],
    api_token: pd-rest, api_url: "{rest}"}}
sentry: {{organisation: shop, token: sntrys-observe, api_url: "{sentry}", count_events: true}}
heartbeat: {{url: "{slack_origin}/ping", every: 10s}}
slack_in: {{signing_secrets: [slack-observe]}}
services:
  checkout: {{depends_on: [payment]}}
rules:
  - {{name: tried out, when: {{environment: staging}}, drop: people try things there}}
  - name: fatal
    when: {{environment: production, level: fatal}}
    to: [slack:incidents]
    page: [pagerduty:default]
    fallback: slack:oncall
  - name: loud
    when: {{environment: production, events: 20 in 5m}}
    to: [slack:incidents]
    page: [pagerduty:default]
    fallback: slack:oncall
  - {{name: rest, to: [slack:incidents]}}
"""


class World(Installation):
    """All of it, running, inside `async with`.

    Args:
        broker: a Kafka.
        folder: for the configuration and the logs.
    """

    def __init__(self, broker: Broker, folder: Path) -> None:
        super().__init__(folder)
        self.broker = broker
        self.metrics_port = free_port()
        self.second_port = free_port()
        self.ping_status = 200
        """What the heartbeat address answers."""
        self.namespace = f"observe{int(time.time())}"
        self.slack = SlackPeer(token="xoxb-observe", channels=CHANNELS)
        self.pagerduty = PagerDutyPeer(routing_keys=[KEY])
        self.counting = SentryPeer(tokens={"shop": "sntrys-observe"})
        self.counting.counts = {"accepted": 1_000, "rate_limited": 12}
        for issue in issues():  # what people decide of them is made so there
            self.counting.add_issue(issue)
        self.rest = PagerDutyRestPeer(self.pagerduty, token="pd-rest")
        self.slack.also_serve("GET", "/ping", self._pong)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for one in (self.slack, self.pagerduty, self.rest, self.counting):
            await self._stack.enter_async_context(one)
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession())
        self.sentry = Sentry(self.http, self.origin)
        text = CONFIG.format(
            namespace=self.namespace, bootstrap=self.broker.bootstrap, port=self.port,
            secret=SECRET, deploy=DEPLOY_KEY, metrics=self.metrics_port, key=KEY,
            slack=self.slack.base_url, pagerduty=self.pagerduty.origin, pager=PAGER_SECRET,
            rest=self.rest.base_url, slack_origin=self.slack.origin, sentry=self.counting.base_url,
        )  # fmt: skip
        try:
            second = self.folder / "second.yaml"
            second.write_text(text.replace(f"port: {self.port}", f"port: {self.second_port}"))
            self._commands = {INTAKE: "intake", SECOND: f"intake --config {second}"}
            workers = ",".join(f"{stage}={count}" for stage, count in WORKERS.items())
            commands = ("intake", f"run --workers {workers}", self._commands[SECOND])
            await self.start(text, *commands, stages=sum(WORKERS.values()))
            await until(self._listen, within_s=60.0, why=self.logs)
        except BaseException:  # a cancelled start too leaves no service behind
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.sentry.close()
        await self.stop()
        await self._stack.aclose()

    @property
    def targets(self) -> dict[str, list[str]]:
        """Return what Prometheus scrapes, by job."""
        return {
            "intake": [f"127.0.0.1:{self.port}", f"127.0.0.1:{self.second_port}"],
            "worker": [f"127.0.0.1:{self.metrics_port}"],
        }

    @property
    def settings(self) -> Settings:
        """Return the settings that run."""
        return load(self.config, {})

    def _command(self, *arguments: str) -> list[str]:
        # The worker is the product's, but that its CORRELATE dies of one record.
        module = "tests.chaos.fragile" if arguments[0] == "run" else "streams.cli"
        config = () if "--config" in arguments else ("--config", str(self.config))
        return [sys.executable, "-m", module, *arguments, *config]

    # ---------------------------------------------------------------- processes

    @property
    def worker(self) -> subprocess.Popen[bytes]:
        """Return the parent of the stages."""
        return self._processes[WORKER]

    def stage(self, name: str) -> dict[int, int]:
        """Return the process ids of a stage by number, 0 where it has one: of those there are."""
        found = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
                words = (status.parent / "cmdline").read_bytes().decode().split("\0")
                if parent == self.worker.pid and words[3:4] == [name]:
                    number = words[words.index("--number") + 1] if "--number" in words else "0"
                    found[int(number)] = int(status.parent.name)
        return found

    async def pids_of(self, name: str) -> list[int]:
        """Return the process ids of a stage, once all of them are there."""
        found: dict[int, int] = {}

        def there() -> bool:
            nonlocal found
            found = self.stage(name)
            return len(found) == WORKERS[name]

        await until(there, within_s=30.0, why=self.logs)
        return list(found.values())

    async def end(self, place: int, number: signal.Signals = signal.SIGTERM) -> None:
        """End one of `processes`."""
        self._processes[place].send_signal(number)
        await asyncio.to_thread(self._processes[place].wait)

    async def begin_intakes(self) -> None:
        """Start each intake that has ended, at its port."""
        for place, command in self._commands.items():
            if self._processes[place].poll() is not None:
                self._begin(command)
                self._processes[place] = self._processes.pop()
        await until(self._listen, within_s=60.0, why=self.logs)

    def reread(self) -> None:
        """Have the worker read its configuration again."""
        self.worker.send_signal(signal.SIGHUP)

    def _listen(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.second_port), 1.0).close()
            return self._ready(0)
        return False

    async def _pong(self, request: web.Request) -> web.Response:
        return web.Response(status=self.ping_status)


def wake(pid: int) -> None:
    """Let a suspended process go on; nothing where it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
