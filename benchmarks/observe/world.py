"""The installation that is watched: local Slack and PagerDuty, `intake`, `run`, steady traffic."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
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
STAGES: Final = 3

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
        self.namespace = f"observe{int(time.time())}"
        self.slack = SlackPeer(token="xoxb-observe", channels=CHANNELS)
        self.pagerduty = PagerDutyPeer(routing_keys=[KEY])
        self.counting = SentryPeer(tokens={"shop": "sntrys-observe"})
        self.counting.counts = {"accepted": 1_000, "rate_limited": 12}
        for issue in issues():  # what people decide of them is made so there
            self.counting.add_issue(issue)
        self.rest = PagerDutyRestPeer(self.pagerduty, token="pd-rest")
        self.slack.also_serve("GET", "/ping", _pong)
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
            await self.start(text, "intake", "run", stages=STAGES)
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
    def targets(self) -> dict[str, str]:
        """Return what Prometheus scrapes, by job."""
        return {
            "intake": f"127.0.0.1:{self.port}",
            "worker": f"127.0.0.1:{self.metrics_port}",
        }

    @property
    def settings(self) -> Settings:
        """Return the settings that run."""
        return load(self.config, {})

    def _command(self, *arguments: str) -> list[str]:
        # The worker is the product's, but that its CORRELATE dies of one record.
        module = "tests.chaos.fragile" if arguments[0] == "run" else "streams.cli"
        return [sys.executable, "-m", module, *arguments, "--config", str(self.config)]

    # ---------------------------------------------------------------- processes

    @property
    def worker(self) -> subprocess.Popen[bytes]:
        """Return the parent of the stages."""
        return self._processes[1]

    def stage(self, name: str) -> int | None:
        """Return the process id of a stage, None while there is none."""
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
                words = (status.parent / "cmdline").read_bytes().decode().split("\0")
                if parent == self.worker.pid and words[3:4] == [name]:
                    return int(status.parent.name)
        return None

    async def pid_of(self, name: str) -> int:
        """Return the process id of a stage, once there is one."""
        await until(lambda: self.stage(name) is not None, within_s=30.0, why=self.logs)
        found = self.stage(name)
        assert found is not None
        return found

    async def end_intake(self) -> None:
        """End intake."""
        self._processes[0].send_signal(signal.SIGTERM)
        await asyncio.to_thread(self._processes[0].wait)

    async def begin_intake(self) -> None:
        """Start intake again, at the same port."""
        self._begin("intake")
        self._processes[0] = self._processes.pop()
        await until(self._listens, within_s=60.0, why=self.logs)

    def reread(self) -> None:
        """Have the worker read its configuration again."""
        self.worker.send_signal(signal.SIGHUP)

    def _listens(self) -> bool:
        return self._ready(0)


async def _pong(request: web.Request) -> web.Response:
    return web.Response()


def wake(pid: int) -> None:
    """Let a suspended process go on; nothing where it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
