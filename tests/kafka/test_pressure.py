"""FINGERPRINT on a real Kafka, while something behind it stands still: what it holds is counted.

Its source, handler and clients are the real ones, in this process, with bounds so small that the
log is many times larger than all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.storm.events import RESOURCE, Traffic, events
from benchmarks.storm.log import count_deltas, end_offsets
from correlators.types import tick_of
from streams.agents import gathered
from streams.agents.fingerprint import AHEAD_MS, FingerprintHandler
from streams.app import make_handler
from streams.broker import Broker
from streams.codec import Told
from streams.metrics import Metrics
from streams.processes import StageName
from streams.settings import Settings, load
from streams.stage import Host, Stage
from streams.stage.fetching import PIECE_RECORDS, STEP
from streams.stage.reader import Reader
from streams.stage.source import QUEUED_BATCHES, Source
from streams.topics import ensure, inputs, names
from tests.kafka.chain import PATIENCE_S

PARTITIONS = 4
EVENTS = 3_000
EVENT_BYTES = 16_000
"""No event of this log is larger."""

HELD = 2 * 1024 * 1024
FETCHED = 512 * 1024
SMALLER = 10
"""No answer of Kafka's is so many times smaller than its records are."""
FLUSHED = 100
"""Events of a flush."""

START_MS = 1_790_000_000_000
EVERY_MS = 100


class Gated(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka tells no types
    """A producer that takes nothing until its gate is open."""

    gate: asyncio.Event

    async def send(self, *args: Any, **kwargs: Any) -> Any:
        await self.gate.wait()
        return await super().send(*args, **kwargs)


class Here(Host):
    """This process."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    def producer(self, **settings: Any) -> AIOKafkaProducer:
        made = Gated(**settings)
        made.gate = self.gate
        return made

    def end(self, status: int) -> None:
        raise AssertionError(f"the stage ended with {status}")


class Held:
    """A stage in this process, and the most that it was ever seen to hold."""

    def __init__(self, source: Source, settings: Settings, host: Here) -> None:
        self.source = source
        self.settings = settings
        self.host = host
        self.records = 0
        self.client = 0

    def look(self) -> None:
        """Count the bytes in its channel and those in its client."""
        self.records = max(self.records, self.source.fetching.room.held)

    def look_into_client(self) -> int:
        """Return the bytes of the records that the client holds, which it then fetches again."""
        reader = self.source.consumer
        assert isinstance(reader, Reader)
        assert reader._librdkafka is not None
        found = reader._librdkafka.consume(EVENTS, 0)
        for tp, owned in self.source.owned.items():
            reader.seek(tp, owned.offset)
        size = sum(len(one.value() or b"") for one in found if one.error() is None)
        self.client = max(self.client, size)
        return size

    async def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            self.look()
            assert time.monotonic() < deadline, (self.records, self.client)
            await asyncio.sleep(0.005)

    async def all_is_read(self, ends: dict[int, int]) -> None:
        """Return once every event of the log is folded, sent and committed."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka.bootstrap)
        await admin.start()
        try:
            deadline = time.monotonic() + PATIENCE_S
            while True:
                self.look()
                found = await admin.list_consumer_group_offsets(self.source.stage.group)
                at = {tp.partition: known.offset for tp, known in found.items()}
                if all(at.get(partition, 0) >= end for partition, end in ends.items()):
                    return
                assert time.monotonic() < deadline, at
        finally:
            await admin.close()

    def stays_bounded(self) -> None:
        assert self.records <= HELD + STEP * EVENT_BYTES
        assert self.client <= FETCHED + SMALLER * FETCHED


@asynccontextmanager
async def fingerprint(
    folder: Path, bootstrap: str, namespace: str, clock: str, log: Iterable[list[tuple[str, bytes]]]
) -> AsyncIterator[tuple[Held, dict[int, int]]]:
    """Write the log, give FINGERPRINT reading it, and where the log ends."""
    config = folder / "stormfold.yaml"
    config.write_text(
        f"namespace: {namespace}\nclock: {clock}\n"
        f'kafka: {{bootstrap: "{bootstrap}", partitions: {PARTITIONS}}}\n'
    )
    settings = load(config, {})
    await ensure(settings)
    topic = names(namespace).events
    await write(bootstrap, topic, log)
    ends = await end_offsets(bootstrap, topic)
    host = Here()
    stage = Stage(
        name=StageName.FINGERPRINT.value,
        namespace=namespace,
        bootstrap=bootstrap,
        topics=inputs(settings)[StageName.FINGERPRINT],
        progress_topic=names(namespace).progress,
        max_fetch_bytes=FETCHED,
        fetched_bytes=FETCHED,
        held_bytes=HELD,
        reads_much=True,
        host=host,
    )
    source = Source(stage, make_handler(settings, StageName.FINGERPRINT, Metrics()), Metrics())
    lane: asyncio.Queue[Any] = asyncio.Queue(QUEUED_BATCHES)
    source.channel = lane
    source.listening.set()

    async def work() -> None:
        while True:
            await source.work(await lane.get())

    await source.maybe_start()
    agent = asyncio.create_task(work())
    try:
        yield Held(source, settings, host), ends
    finally:
        host.gate.set()
        await source.stop()
        agent.cancel()


async def write(bootstrap: str, topic: str, log: Iterable[list[tuple[str, bytes]]]) -> None:
    """Write marks everywhere, then the events, dealt to the partitions in turn."""
    bodies = events(Traffic.REPEATING, EVENTS, at_ms=START_MS)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type="lz4", linger_ms=5, max_batch_size=64 * 1024
    )
    async with producer:
        for partition in range(PARTITIONS):
            await producer.send(topic, value=b"", partition=partition, headers=mark(START_MS))
        for number, (body, headers) in enumerate(zip(bodies, log, strict=False)):
            assert len(body) + 100 < EVENT_BYTES
            await producer.send(topic, value=body, partition=number % PARTITIONS, headers=headers)


def mark(at_ms: int) -> list[tuple[str, bytes]]:
    return [("mark", str(at_ms).encode())]


def timed() -> list[list[tuple[str, bytes]]]:
    """Return the headers of events, a tenth of a second apart."""
    return [
        [("resource", RESOURCE.encode()), ("at_ms", str(START_MS + n * EVERY_MS).encode())]
        for n in range(EVENTS)
    ]


async def counted(here: Held) -> int:
    """Return the events that the deltas count."""
    topic = names(here.settings.namespace).deltas
    bootstrap = here.settings.kafka.bootstrap
    ends = await end_offsets(bootstrap, topic)
    found = await count_deltas(bootstrap, topic, dict.fromkeys(ends, 0), ends)
    assert found.exact
    return found.events


async def test_behind_a_producer_that_takes_nothing_it_holds_what_it_may_and_fetches_no_more(
    kafka: Broker, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails without: the room in bytes, or the bound of what the client queues, or the bound of
    what is folded beside a flush."""
    monkeypatch.setattr(gathered, "FLUSH_EVENTS", FLUSHED)
    log = [[("resource", RESOURCE.encode())]] * EVENTS
    async with fingerprint(tmp_path, kafka.bootstrap, namespace, "wall", log) as (here, ends):
        room = here.source.fetching.room
        await here.until(lambda: room.held >= room.limit and len(here.source.ready()) == PARTITIONS)
        await here.until(lambda: here.look_into_client() >= FETCHED)
        await asyncio.sleep(2)  # in which a client without a bound fetches all there is
        # It may hold nothing that counts: what was on its way when it was looked at is in its queue
        # and of before, and goes when somebody takes from it.
        here.look_into_client()
        taken = [owned.offset for owned in here.source.owned.values()]
        assert sum(taken) < EVENTS / 4
        handler = here.source.handler
        assert isinstance(handler, FingerprintHandler)
        assert handler._gathered.records < gathered.FULL * FLUSHED + PIECE_RECORDS
        here.stays_bounded()
        here.host.gate.set()
        await here.all_is_read(ends)
        here.stays_bounded()
        assert await counted(here) == EVENTS
        tp, end = TopicPartition(here.source.stage.topics[0], 0), ends[0]
        await here.until(lambda: here.source.owned[tp].position >= end)
        here.source.read_again(tp, 0)
        assert (here.source.lag(tp) or 0) >= end, "what is read again counts as behind at once"


async def test_ahead_of_a_correlate_that_stands_still_it_reads_no_more_until_that_goes_on(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with fingerprint(tmp_path, kafka.bootstrap, namespace, "data", timed()) as (here, ends):
        source = here.source

        def applied(at_ms: int) -> None:
            for partition in range(PARTITIONS):
                told = Told(
                    partition=partition,
                    applied_tick=tick_of(at_ms),
                    open_incidents=0,
                    open_storms=0,
                    suppressed=0,
                    late=0,
                )
                source.handler.progress(told)

        applied(START_MS - 1_000)
        here.host.gate.set()
        room = source.fetching.room
        everywhere = {TopicPartition(source.stage.topics[0], one) for one in range(PARTITIONS)}
        for stands_ms in (START_MS, START_MS + 60_000):
            applied(stands_ms - 1_000)
            await here.until(
                lambda: (
                    all(tp in source.owned and source.owned[tp].paused for tp in everywhere)
                    and room.held == 0
                )
            )
            read = sum(source.owned[tp].offset - 1 for tp in everywhere)
            in_time = (stands_ms - START_MS + AHEAD_MS) // EVERY_MS
            # And of each partition what it held when its first event was too far ahead.
            ahead = PARTITIONS * (HELD + STEP * EVENT_BYTES) // (EVENT_BYTES - 2_000)
            assert in_time <= read <= in_time + ahead < EVENTS
            here.stays_bounded()
        applied(START_MS + EVENTS * EVERY_MS)
        await here.all_is_read(ends)
        assert await counted(here) == EVENTS
        here.stays_bounded()
