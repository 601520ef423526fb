"""The whole chain as a user runs it, for tests: local services, a configuration, real processes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from streams.processes import StageName

SECRET = "a-webhook-secret"
TOKEN = "xoxb-test"
ROUTING_KEY = "a" * 32
CHANNEL = "C0INC"
PAY = "C0PAY"
"""A second channel, for tests that name it in their configuration."""
STAGES = tuple(name.value for name in StageName)
PATIENCE_S = 180.0
"""How long anything may take on a machine that others use too: what is waited for ends the wait."""

PORTS = range(20_000, 32_000)
"""Where `free_port` looks: below those that a system gives to connections that go out."""

FAST = """
incidents: {settle: 1s, update_every: 5s}
"""


class Chain:
    """A namespace of its own on a broker, its configuration file, and its processes."""

    def __init__(self, folder: Path, bootstrap: str, namespace: str, *, clock: str) -> None:
        self.folder = folder
        self.namespace = namespace
        self.bootstrap = bootstrap
        self.clock = clock
        self.sentry_topics: tuple[str, ...] = ()
        self.port = free_port()
        self.slack = SlackPeer(
            token=TOKEN, channels={CHANNEL: "incidents", PAY: "pay"}, per_second=20.0
        )
        self.pagerduty = PagerDutyPeer(routing_keys=[ROUTING_KEY])
        self.config = folder / "stormfold.yaml"
        self.processes: list[subprocess.Popen[bytes]] = []

    def write_config(self, extra: str = "") -> None:
        """Write the configuration; the local services must listen already."""
        self.config.write_text(
            f"""
namespace: {self.namespace}
clock: {self.clock}
kafka: {{bootstrap: "{self.bootstrap}", sentry_topics: [{", ".join(self.sentry_topics)}]}}
intake: {{port: {self.port}, secrets: [{SECRET}], kafka_timeout: 10s}}
metrics: {{port: 0}}
sinks:
  slack: {{token: {TOKEN}, base_url: "{self.slack.base_url}", channels: {{incidents: {CHANNEL}}}}}
  pagerduty: {{routing_key: {ROUTING_KEY}, base_url: "{self.pagerduty.origin}"}}
{extra}
"""
        )

    def command(self, *arguments: str) -> list[str]:
        """Return a `stormfold` command line with this configuration."""
        return [sys.executable, "-m", "streams.cli", *arguments, "--config", str(self.config)]

    def environment(self) -> dict[str, str]:
        """Return the environment without what would overrule the configuration."""
        return {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command that goes on; its log is a file of the folder."""
        log = (self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                self.command(*arguments), env=self.environment(), stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def run(
        self, *arguments: str, timeout_s: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def logs(self) -> str:
        """Return what all processes have logged, for the message of a failed test."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def children(self, process: subprocess.Popen[bytes]) -> dict[str, int]:
        """Return the process ids of the stages under a `run`, by stage; one of each."""
        return dict(self.stage_processes(process))

    def stage_processes(self, process: subprocess.Popen[bytes]) -> list[tuple[str, int]]:
        """Return stage and process id of every stage process under a `run`."""
        found: list[tuple[str, int]] = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
                if parent == process.pid:
                    # `python -m MODULE STAGE`; one that just begins has its parent's words yet.
                    words = (status.parent / "cmdline").read_bytes().decode().split("\0")
                    if words[3:] and words[3] in STAGES:
                        found.append((words[3], int(status.parent.name)))
        return found

    def stop(self) -> None:
        """End every process that was started, the last one first."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    async def post(
        self, client: httpx.AsyncClient, resource: str, body: bytes, *, port: int = 0
    ) -> int:
        """Send one signed webhook, as Sentry does, and return the status of the answer."""
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        answer = await client.post(
            f"http://127.0.0.1:{port or self.port}/sentry",
            content=body,
            headers={
                "Content-Type": "application/json",
                "Sentry-Hook-Resource": resource,
                "Sentry-Hook-Timestamp": str(int(time.time())),
                "Sentry-Hook-Signature": signature,
            },
        )
        return answer.status_code


@contextlib.asynccontextmanager
async def chain(
    folder: Path,
    bootstrap: str,
    namespace: str,
    *,
    clock: str,
    extra: str = FAST,
    sentry_topics: tuple[str, ...] = (),
) -> AsyncIterator[Chain]:
    """Give a chain whose local services run and whose topics exist; take all down at the end."""
    made = Chain(folder, bootstrap, namespace, clock=clock)
    made.sentry_topics = sentry_topics
    async with made.slack, made.pagerduty:
        made.write_config(extra)
        topics = await asyncio.to_thread(made.run, "topics")
        assert topics.returncode == 0, topics.stderr
        try:
            yield made
        finally:
            await asyncio.to_thread(made.stop)


async def until(
    condition: Callable[[], bool], *, what: Callable[[], str], within_s: float = PATIENCE_S
) -> None:
    """Wait until the condition holds; fail with `what` when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what()
        await asyncio.sleep(0.05)


async def ready(made: Chain, client: httpx.AsyncClient, *, stages: int = 3) -> None:
    """Wait until intake answers and that many stages have joined."""
    deadline = time.monotonic() + PATIENCE_S

    async def answers() -> bool:
        try:
            return (await client.get(f"http://127.0.0.1:{made.port}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    while not await answers():
        assert time.monotonic() < deadline, made.logs()
    await until(lambda: made.logs().count("stage started") >= stages, what=made.logs)


def error_webhook(
    event_id: str,
    *,
    service: str,
    kind: str,
    user: str,
    at_s: float,
    release: str = "1.0",
    trace: str = "",
    environment: str = "production",
    level: str = "error",
) -> bytes:
    """Return the body of an `error.created` webhook with a stack of its own per kind."""
    event: dict[str, Any] = {
        "event_id": event_id,
        "project": sum(service.encode()),
        "url": f"https://sentry.example/api/0/projects/shop/{service}/events/{event_id}/",
        "web_url": f"https://sentry.example/organizations/shop/issues/1/events/{event_id}/",
        "issue_id": "1",
        "platform": "python",
        "level": level,
        "environment": environment,
        "release": f"{service}@{release}",
        "timestamp": at_s,
        "user": {"id": user},
        "tags": [["environment", environment], ["level", level]],
        "exception": {
            "values": [
                {
                    "type": kind,
                    "value": "no answer",
                    "stacktrace": {
                        "frames": [
                            {"module": f"{service}.db", "function": f"load_{kind}", "in_app": True}
                        ]
                    },
                }
            ]
        },
    }
    if trace:
        event["contexts"] = {"trace": {"trace_id": trace}}
    return json.dumps(
        {"action": "created", "installation": {"uuid": "i"}, "data": {"error": event}}
    ).encode()


_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port on loopback that nothing uses now, and no connection takes by chance.

    It is held for as long as this process lives: whoever looks for a free one passes it by, also
    beside this process, and a server, which sets the same option, may listen there.
    """
    while True:
        port = random.SystemRandom().choice(PORTS)
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))  # without the option: nobody else holds it
        except OSError:
            continue
        finally:
            probe.close()
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            held.bind(("127.0.0.1", port))
            _held.append(held)
            return port
        held.close()


def outage(count: int, *, at_s: float) -> Iterator[bytes]:
    """Yield webhooks of one outage over three services: many users, shared traces."""
    services = ("checkout", "payment", "catalogue")
    for number in range(count):
        yield error_webhook(
            f"{number:032x}",
            service=services[number % 3],
            kind="DatabaseDown",
            user=f"user{number % 40}",
            at_s=at_s,
            trace=f"{number // 3:032x}",
        )
