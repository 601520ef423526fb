"""A whole installation in a storm that is turned up and down, with errors that begin beside it.

`stormfold run` with all stages, a Kafka, a local Slack that keeps the real limits, and `load`. The
storm is one environment's and one channel's; errors that begin beside it are spread over many
environments with a channel each, so that no channel is told more often than Slack takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
import uuid
from collections import deque
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.installation import Installation, until
from benchmarks.whole.load import Told
from benchmarks.whole.processes import PARENT, stage_processes
from sinks.peers.slack import SlackPeer
from streams.settings import Settings, load
from streams.topics import names, topics

CHANNELS: Final = 24
STAGES: Final = 3
TOKEN: Final = "xoxb-storm"
STORM_CHANNEL: Final = "storm"
KEPT: Final = {
    "retention.bytes": str(256 * 1024 * 1024),
    "segment.bytes": str(64 * 1024 * 1024),
    "file.delete.delay.ms": "1000",
}
"""Of the topic of events: what was read is not kept, as far as the broker looks after it."""
TELLS_WITHIN_S: Final = 30.0


def channel(number: int) -> str:
    """Return the name of a channel, which is the name of its environment."""
    return f"shard-{number % CHANNELS:02}"


def configuration(namespace: str, bootstrap: str, port: int, slack: str, more: str = "") -> str:
    """Return the configuration: the defaults, a rule for each environment, and what is asked for.

    Args:
        namespace: of topics and groups.
        bootstrap: of the Kafka.
        port: of the metrics.
        slack: address of the local Slack.
        more: further keys, as YAML.
    """
    shards = [channel(number) for number in range(CHANNELS)]
    listed = ", ".join(f"{one}: {_id(one)}" for one in (*shards, STORM_CHANNEL))
    rules = [
        f"  - {{name: {one}, when: {{environment: {one}}}, to: [slack:{one}]}}" for one in shards
    ]
    return "\n".join(
        [
            f"namespace: {namespace}",
            "clock: wall",
            f'kafka: {{bootstrap: "{bootstrap}"}}',
            f"metrics: {{port: {port}}}",
            f'sinks: {{slack: {{token: {TOKEN}, base_url: "{slack}", channels: {{{listed}}}}}}}',
            "rules:",
            *rules,
            f"  - {{name: storm, to: [slack:{STORM_CHANNEL}]}}",
            more,
        ]
    )


def _id(name: str) -> str:
    return f"C{name.replace('-', '').upper():0>9}"


def error(number: int, *, at_s: float, user: int = 0) -> bytes:
    """Return the webhook of an error of its own; its kind says the number.

    Args:
        number: which error; it says its environment too.
        at_s: when it happens.
        user: who meets it.
    """
    kind, place = f"Failed{word(number)}", channel(number)
    frame = {"module": f"{place}.api", "function": f"handle_{kind}", "in_app": True, "lineno": 41}
    raised = {"type": kind, "value": "no answer", "stacktrace": {"frames": [frame]}}
    event: dict[str, Any] = {
        "event_id": uuid.uuid4().hex,
        "project": 7_000 + number % CHANNELS,
        "platform": "python",
        "level": "error",
        "environment": place,
        # No release: one that is new would tie what begins in the same minute.
        "url": f"https://sentry.example/api/0/projects/acme/{place}/events/{number}/",
        "timestamp": at_s,
        "user": {"id": str(user)},
        "exception": {"values": [raised]},
    }
    return orjson.dumps({"action": "created", "data": {"error": event}})


def word(number: int) -> str:
    """Return a number as five letters: digits in a name would be taken for a variable part."""
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(4, -1, -1))


def number_of(title: str) -> int | None:
    """Return which error a title tells; None for any other title."""
    _, found, rest = title.partition("Failed")
    letters = rest[:5]
    if not found or len(letters) < 5 or not letters.isascii() or not letters.islower():
        return None
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("a")
    return number


class StormWorld(Installation):
    """All of it, running, inside `async with`.

    Args:
        bootstrap: a Kafka.
        folder: for the configuration and the logs.
        more: further keys of the configuration, as YAML.
    """

    def __init__(self, bootstrap: str, folder: Path, more: str = "") -> None:
        super().__init__(folder)
        self._bootstrap = bootstrap
        self._more = more
        self.namespace = f"storm{os.getpid()}w{time.time_ns() // 1_000_000 % 1_000_000}"
        shards = [channel(number) for number in range(CHANNELS)]
        names_by_id = {_id(one): one for one in (*shards, STORM_CHANNEL)}
        self.slack = SlackPeer(token=TOKEN, channels=names_by_id)
        self.told: deque[Told] = deque(maxlen=100_000)
        """What the load has told, oldest first."""
        self.begun = 0
        """Errors that were had to happen beside the storm."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.slack)
        # Who waits for the worker asks its port: the one that `Installation` chose for intake.
        text = configuration(
            self.namespace, self._bootstrap, self.port, self.slack.base_url, self._more
        )
        self.config.write_text(text)
        self.settings = load(self.config, {})
        try:
            await _make_events_topic(self.settings)
            await self.start(text, "run", stages=STAGES)
            self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all")
            await self._stack.enter_async_context(self._producer)
            await self._start_load()
        except BaseException:  # a cancelled start too leaves no process behind
            await self.stop()
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end_load()
        await self.stop()
        await self._stack.aclose()

    # ---------------------------------------------------------------- the storm

    async def order(self, text: str) -> None:
        """Tell the load: `rate N`, or `ahead N`."""
        assert self._load.stdin is not None
        self._load.stdin.write(f"{text}\n".encode())
        await self._load.stdin.drain()

    async def covered_at(self, at_s: float) -> Told:
        """Return the first that the load told at this time, seconds since the epoch, or later."""
        await until(
            lambda: bool(self.told) and self.told[-1].at_s >= at_s,
            within_s=max(0.0, at_s - time.time()) + TELLS_WITHIN_S,
            why=lambda: "the load tells nothing\n" + self.logs(),
        )
        return next(one for one in self.told if one.at_s >= at_s)

    async def begins(self, number: int, *, user: int = 0) -> int:
        """Have an error happen once; return when Kafka had it, milliseconds since the epoch."""
        sent = await self._producer.send(
            names(self.namespace).events,
            value=error(number, at_s=time.time(), user=user),
            partition=number % self.settings.kafka.partitions,
            headers=[("resource", b"error")],
        )
        at_ms = int((await sent).timestamp)
        self.begun += 1
        return at_ms

    async def _start_load(self) -> None:
        with (self.folder / "load.log").open("wb") as log:
            self._load = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.whole.load", str(self.config)),
                env=self.environment(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self._listening = asyncio.create_task(self._listen())
        await self.covered_at(0.0)

    async def _listen(self) -> None:
        assert self._load.stdout is not None
        while line := await self._load.stdout.readline():
            self.told.append(msgspec.json.decode(line, type=Told))

    async def _end_load(self) -> None:
        assert self._load.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._load.stdin.close()
            await self._load.stdin.wait_closed()
        try:
            await asyncio.wait_for(self._load.wait(), TELLS_WITHIN_S)
        except TimeoutError:
            self._load.kill()
            await self._load.wait()
        await self._listening

    # ---------------------------------------------------------------- its processes

    def pids(self) -> dict[str, int]:
        """Return the worker's processes: the parent, and each stage by its name."""
        (parent,) = self.processes
        return {PARENT: parent.pid, **stage_processes({parent.pid})}


async def _make_events_topic(settings: Settings) -> None:
    """Make the topic of events as it is to be, but so that it does not fill the disk."""
    wanted = next(t for t in topics(settings) if t.name == names(settings.namespace).events)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    await admin.start()
    try:
        made = NewTopic(
            wanted.name,
            wanted.partitions,
            wanted.replication,
            topic_configs=wanted.configs | KEPT,
        )
        await admin.create_topics([made])
    finally:
        await admin.close()
