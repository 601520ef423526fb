"""The chain of a heartbeat for tests: its real parts, wired without a Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiokafka import ConsumerRecord, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from correlators.beats import RESOURCE
from correlators.fingerprinter import Fingerprinter, Fingerprinting, RecordKind
from correlators.partition import Partition
from correlators.ticks import Progress
from streams.agents.batches import Part, batches
from streams.agents.heart import Heart
from streams.agents.written import Outgoing, Topics, outgoing
from streams.intake_log import Written
from streams.metrics import Metrics, exposition
from streams.settings import Settings, load
from streams.stage import Host
from tests.correlators.score import PAGING

SOURCES = PARTITIONS = 2
MINUTE = 60_000
BEGIN_MS = 1_800_000_000_000 - 1_800_000_000_000 % MINUTE
TOPICS = Topics("incidents", "deliveries", "quarantine", "decisions")
PATIENCE_S = 60.0


class EveryLog:
    """The raw log of an intake: what was written to every partition."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, bytes]] = []
        self.answer = Written.YES

    async def append(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        raise AssertionError("a heartbeat is no webhook")

    async def append_everywhere(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        if self.answer is Written.YES:
            self.bodies.append(body)
            self.headers.append(dict(headers))
        return self.answer

    async def ready(self) -> bool:
        return True


class Probe:
    """The part of a producer that says how many partitions a topic has."""

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to let go of."""

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(SOURCES if "events" in topic else PARTITIONS))


class OwnTime(Host):
    """A host whose clock a test moves."""

    at_ms = BEGIN_MS + 1

    def now_ms(self) -> int:
        return self.at_ms

    def producer(self, **_: Any) -> Any:
        return Probe()


class Staged:
    """What a heart needs of its source."""

    def __init__(self, host: Host) -> None:
        self.stage = self
        self.host = host
        self.bootstrap = "nowhere:1"


class World:
    """An intake, a heartbeat address, and the heart between them."""

    def __init__(self, log: EveryLog, metrics: Metrics, heart: Heart, host: OwnTime) -> None:
        self.log, self.metrics, self.heart, self.host = log, metrics, heart, host
        self.pings = 0
        self.status = 200
        self.intake = Metrics()

    def told(self, name: str, **labels: str) -> float:
        for family in text_string_to_metric_families(exposition(self.metrics).decode()):
            for sample in family.samples:
                if sample.name == f"stormfold_{name}" and sample.labels == labels:
                    return sample.value
        return 0.0

    async def until(self, holds: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.01)

    async def beat(self) -> None:
        """Move to the next slot, and return once intake was asked."""
        self.host.at_ms += MINUTE
        before = len(self.log.bodies) + self.told("heartbeats_total", outcome="not_sent")
        self.heart.turn(self.host.at_ms)
        await self.until(
            lambda: (
                len(self.log.bodies) + self.told("heartbeats_total", outcome="not_sent") > before
            )
        )

    def walk(self, *, dead_source: int = -1, dead_partition: int = -1) -> list[Outgoing]:
        """Take the last body through FINGERPRINT and CORRELATE; return what is on `deliveries`."""
        correlators = [
            Partition(
                PAGING,
                Progress(
                    installation="t",
                    partitions=PARTITIONS,
                    sources=tuple(("events", one) for one in range(SOURCES)),
                ),
            )
            for _ in range(PARTITIONS)
        ]
        at_ms, offset = self.host.at_ms, 0
        for second in (0, 1, 2):
            for source in range(SOURCES):
                if source == dead_source:
                    continue
                reader = Fingerprinter(Fingerprinting())
                if not second:
                    found = reader.take(RESOURCE, self.log.bodies[-1], at_ms)
                    assert found.kind is RecordKind.HEARTBEAT
                deltas, changes = reader.fold.flush()
                beats = reader.fold.beats.take_all()
                part = Part(
                    ("events", source), deltas, changes, at_ms + 1_000 * second, beats=beats
                )
                for target, of_target in batches([part], targets=PARTITIONS).items():
                    for message in of_target:
                        for batch in message:
                            correlators[target].receive(offset, batch)
                offset += 1
        written: list[Outgoing] = []
        for number, one in enumerate(correlators):
            if number == dead_partition:
                continue
            while one.ready():
                step = one.step(most_ticks=8)
                assert not step.digests
                assert not step.decisions
                tp = TopicPartition("incident.deltas", number)
                written += outgoing(step, tp, TOPICS, lambda _: 0)
        return [one for one in written if one.topic == TOPICS.deliveries]

    def deliver(self, written: list[Outgoing], *, writes: bool = True) -> None:
        """Have DELIVER take in records, and write how far it is."""
        for one in written:
            record: Any = ConsumerRecord(
                TOPICS.deliveries, 0, 0, 0, 0, one.key, one.value, 0, 0, 0, tuple(one.headers)
            )
            assert one.value is None  # no digest, whoever else reads the topic
            assert self.heart.takes(record)
        if writes:
            self.heart.written()

    async def settled(self) -> None:
        """Return once no ping is under way."""
        await self.until(lambda: not self.heart.busy)


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def settings_of(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "stormfold.yaml"
    file.write_text(text)
    given = {"SENTRY_CLIENT_SECRET": "new-client-secret", **environ}
    return load(file, given)
