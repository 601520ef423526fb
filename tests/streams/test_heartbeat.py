"""The heartbeat goes through every part of the chain, and a part that is dead costs the ping.

The parts are the real ones, wired without a Kafka: intake's door, FINGERPRINT, CORRELATE, what it
writes, and DELIVER's heart. With a Kafka and real processes: `tests/kafka/test_heartbeat.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiokafka import ConsumerRecord, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from correlators.beats import RESOURCE
from correlators.fingerprinter import Fingerprinter, Fingerprinting, RecordKind
from correlators.partition import Partition
from correlators.ticks import Progress
from streams.agents.batches import Part, batches
from streams.agents.heart import Heart, Heartless, heart_of
from streams.agents.written import Outgoing, Topics, outgoing
from streams.intake import make_app
from streams.intake_log import Written
from streams.metrics import Metrics, exposition
from streams.settings import Settings, SettingsError, load
from streams.settings_heartbeat import LEAST_MS
from streams.stage import Host
from tests.correlators.score import PAGING
from tests.streams.test_intake import signed

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


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    log, metrics, host = EveryLog(), Metrics(), OwnTime()
    made: list[World] = []

    async def ping(_: web.Request) -> web.Response:
        made[0].pings += 1
        return web.Response(status=made[0].status)

    pinged = web.Application()
    pinged.router.add_get("/ping/secret-id", ping)
    of_intake = Metrics()
    door = make_app(settings_of(tmp_path, "{}"), of_intake, log, every=log)
    async with serving(pinged) as address, serving(door) as intake:
        settings = settings_of(
            tmp_path, f"heartbeat: {{intake: {intake}}}", HEARTBEAT_URL=f"{address}/ping/secret-id"
        )
        heart = heart_of(settings, metrics)
        assert isinstance(heart, Heart)
        made.append(World(log, metrics, heart, host))
        made[0].intake = of_intake
        source: Any = Staged(host)
        heart.start(source, 1)
        heart.assigned(0)
        yield made[0]
        await heart.stop()


async def test_a_beat_that_went_the_whole_way_is_pinged_once(world: World) -> None:
    for count in (1, 2, 3):
        await world.beat()
        written = world.walk()
        world.deliver(written)
        world.deliver(written)  # as after a crash
        await world.until(lambda: world.told("heartbeats_total", outcome="pinged") == count)  # noqa: B023
        assert world.pings == count
    assert world.told("heartbeat_time_seconds") == world.host.at_ms / 1000


@pytest.mark.parametrize(
    "dead",
    [
        {"dead_source": 1},
        {"dead_partition": 0},
        {"writes": False},
        {"late": True},
        {"intake": Written.REFUSED},
    ],
)
async def test_a_dead_part_or_a_late_one_costs_the_ping(world: World, dead: dict[str, Any]) -> None:
    late, writes = dead.pop("late", False), dead.pop("writes", True)
    world.log.answer = dead.pop("intake", Written.YES)
    await world.beat()
    if world.log.bodies:
        written = world.walk(**dead)
        world.host.at_ms += MINUTE // 2 if late else 0
        world.deliver(written, writes=writes)
    await world.settled()
    world.host.at_ms += MINUTE // 2
    world.heart.turn(world.host.at_ms)
    await world.settled()
    assert world.pings == 0
    lost = world.told("heartbeats_total", outcome="lost")
    assert lost + world.told("heartbeats_total", outcome="not_sent") == 1


async def test_it_counts_in_no_figure_of_what_comes_in(world: World) -> None:
    before = exposition(world.intake)
    await world.beat()
    assert world.log.headers[0]["resource"] == b"heartbeat"
    assert exposition(world.intake) == before


async def test_an_address_that_refuses_is_counted_and_its_path_is_said_nowhere(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.status = 503
    await world.beat()
    world.deliver(world.walk())
    await world.until(lambda: world.told("heartbeats_total", outcome="not_pinged") == 1)
    assert world.told("heartbeat_time_seconds") == 0
    assert "secret-id" not in caplog.text
    assert "secret-id" not in exposition(world.metrics).decode()


async def test_what_nobody_signed_is_not_taken(world: World, tmp_path: Path) -> None:
    import aiohttp

    address = world.heart.intake
    async with aiohttp.ClientSession() as session:
        for given in ({}, {"Sentry-Hook-Signature": signed(b"x", "another")}):
            async with session.post(address, data=b"x", headers=given) as answer:
                assert answer.status == 401
    assert world.log.bodies == []


async def test_where_nothing_is_configured_nothing_is_sent_and_what_comes_is_passed_over(
    tmp_path: Path,
) -> None:
    host = OwnTime()
    heart = heart_of(settings_of(tmp_path, "{}"), Metrics())
    assert type(heart) is Heartless
    source: Any = Staged(host)
    heart.start(source, 1)
    heart.assigned(0)
    heart.turn(host.at_ms + 10 * MINUTE)
    record: Any = ConsumerRecord("d", 0, 0, 0, 0, None, None, 0, 0, 0, ((RESOURCE, b"\xff"),))
    assert heart.takes(record)
    heart.written()
    await heart.stop()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("heartbeat: {every: 1s}", "heartbeat.every: expected a duration from 10s to 1h"),
        ("heartbeat: {intake: ftp://x}", "heartbeat.intake: expected an address"),
        ("clock: data\nheartbeat: {}", "heartbeat: it needs clock: wall"),
        ("heartbeat: {urls: x}", "heartbeat.urls"),
    ],
)
def test_what_is_wrong_with_it_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        settings_of(tmp_path, text)


def test_the_address_is_a_secret_with_a_default_place(tmp_path: Path) -> None:
    found = settings_of(tmp_path, "heartbeat: {every: 10s}", HEARTBEAT_URL="https://x.test/abc")
    assert found.heartbeat is not None
    assert found.heartbeat.every_ms == LEAST_MS
    assert found.heartbeat.url.reveal() == "https://x.test/abc"
    assert "abc" not in repr(found)
