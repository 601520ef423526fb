"""Stormfold in the demo: `stormfold run` in processes of its own, on a real Kafka, fed in time.

Starts the commands a user would start, writes the recording to `sentry.events` as `stormfold
replay` does, and takes everything away again. Errors: `DemoError`, and those of `replay`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from correlators.types import TICK_MS, tick_of
from streams.demo_material import Material, RecordedClock
from streams.demo_services import DemoError, Heard
from streams.local import final_mark_ms
from streams.replay_kafka import MARK_EVERY_TICKS, KafkaFeed, Marks
from streams.replay_listener import Listener
from streams.settings import Settings
from streams.topics import max_record_bytes, names, topics

STOP_WITHIN_S: Final = 25.0
"""How long `stormfold run` may take to end before it is killed; it has children of its own."""

LOG_LINES: Final = 3


class Chain:
    """A namespace on Kafka that `stormfold run` serves. Use `running` to make one."""

    def __init__(self, settings: Settings, heard: Heard) -> None:
        self._settings = settings
        self._heard = heard
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka.bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=max_record_bytes(settings),
        )
        self._listener = Listener(settings, heard)

    async def start(self, first_ms: int) -> None:
        """Return once CORRELATE has told of every partition that it waits for this moment.

        Raises:
            ReplayError: it does not come up.
        """
        await self._producer.start()
        await self._listener.start(self._producer.partitions_for)
        topic = names(self._settings.namespace).events
        partitions = await self._producer.partitions_for(topic)
        self._feed = KafkaFeed(self._producer, topic, partitions)
        self._marks = Marks(self._producer, topic, partitions, self._feed)
        await self._marks.write(tick_of(first_ms) * TICK_MS)
        await self._listener.until(tick_of(first_ms) - 1)

    async def feed(self, material: Material, clock: RecordedClock) -> None:
        """Write every record at its moment, then let time run on at once until nothing is open.

        Raises:
            ReplayError: CORRELATE stands still.
        """
        for line in material.lines:
            await self._until(line.record.at_ms, clock)
            await self._feed.record(line.record)
            self._heard.line(line.record, line.read)
        lasted_ms = material.last_ms - material.first_ms
        config = self._settings.correlation()
        final_ms = final_mark_ms(material.last_ms, config, lasted_ms=lasted_ms)
        await self._marks.write(final_ms)
        await self._listener.until(tick_of(final_ms) - 1)

    async def _until(self, at_ms: int, clock: RecordedClock) -> None:
        """Wait for this moment; marks move the stream time meanwhile."""
        while tick_of(at_ms) >= (tick := self._marks.tick + MARK_EVERY_TICKS):
            self._listener.check()
            await clock.until(tick * TICK_MS)
            await self._marks.write(tick * TICK_MS)
        await clock.until(at_ms)

    async def stop(self) -> None:
        """Let go of Kafka."""
        await self._listener.stop()
        await self._producer.stop()


@contextlib.asynccontextmanager
async def running(
    settings: Settings, config: Path, environ: Mapping[str, str], log: Path, heard: Heard
) -> AsyncIterator[tuple[Chain, asyncio.Task[None]]]:
    """Yield the chain and a task that fails when `stormfold run` ends too early.

    Args:
        config: the file that the commands load.
        environ: of the commands.
        log: gets what they say.
        heard: gets what CORRELATE decides.

    Raises:
        DemoError: a command fails.
    """
    try:
        with log.open("ab") as said:
            made = await _start("topics", config, environ, said.fileno())
            if await _ended(made):
                raise DemoError(f"stormfold topics failed: {_tail(log)}")
            worker = await _start("run", config, environ, said.fileno())
        chain = Chain(settings, heard)
        watch = asyncio.create_task(_watch(worker, log), name="stormfold run")
        try:
            yield chain, watch
        finally:
            watch.cancel()
            await chain.stop()
            await _stop(worker)
    finally:
        await _clean_up(settings)


async def _start(
    command: str, config: Path, environ: Mapping[str, str], said: int
) -> asyncio.subprocess.Process:
    """Start a command of Stormfold; Ctrl-C reaches it only through us."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", command, "--config", str(config)),
        env=dict(environ),
        cwd=Path(__file__).parent.parent,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=said,
        stderr=said,
        start_new_session=True,
    )


async def _ended(process: asyncio.subprocess.Process) -> int:
    try:
        return await process.wait()
    finally:
        await _stop(process)


async def _watch(process: asyncio.subprocess.Process, log: Path) -> None:
    status = await process.wait()
    raise DemoError(f"stormfold run ended with status {status}: {_tail(log)}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the process, whatever is cancelled meanwhile; its children end with it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LOG_LINES:]) or "it said nothing"


async def _clean_up(settings: Settings) -> None:
    """Delete the topics of the demo's namespace; its groups are empty and expire."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka.bootstrap, request_timeout_ms=5_000
    )
    try:
        await admin.start()
        there = set(await admin.list_topics())
        ours = [topic.name for topic in topics(settings) if topic.name in there]
        await admin.delete_topics(ours)
    except (KafkaError, OSError, TimeoutError):
        return
    finally:
        await admin.close()
