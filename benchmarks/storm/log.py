"""The log that contenders read, and the deltas that they leave: written, read back, counted.

Each log stands in a namespace of its own, with the topics that `stormfold topics` makes: clock
wall, four partitions. It is written once; every contender reads it from its beginning.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import msgspec
import xxhash
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.storm.events import RESOURCE, Traffic, events
from correlators import sets
from correlators.deltas import merge, place_of
from correlators.types import Delta
from streams import codec
from streams.settings import Settings, load
from streams.topics import ensure, names

PARTITIONS: Final = 4
IN_FLIGHT_MOST: Final = 2_000
"""Records not yet acknowledged."""

WRITERS: Final = 2
"""Processes that write logs at once."""


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """One log as it stands on Kafka."""

    traffic: Traffic
    settings: Settings
    config: Path
    """The configuration file of its namespace."""
    ends: dict[int, int]
    """By partition: the offset after its last event. Marks may come to stand behind it."""
    events: int
    event_bytes: float
    """Of one body, on average."""

    @property
    def topic(self) -> str:
        """The topic that holds the events."""
        return names(self.settings.namespace).events

    @property
    def deltas_topic(self) -> str:
        """The topic of the same namespace for deltas."""
        return names(self.settings.namespace).deltas


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What some deltas say."""

    events: int
    """The sum over the deltas as they were sent."""
    exact: bool
    """False when a set was too large to be counted exactly."""
    deltas: int
    incidents: int
    merged: str
    """A hash of all deltas merged: equal for the same log, however it was cut and folded."""


async def make_namespace(
    folder: Path, bootstrap: str, namespace: str, partitions: int = PARTITIONS
) -> tuple[Path, Settings]:
    """Write the configuration of a namespace and make its topics."""
    config = folder / f"{namespace}.yaml"
    config.write_text(
        f"namespace: {namespace}\nclock: wall\nmetrics: {{port: 0}}\n"
        f'kafka: {{bootstrap: "{bootstrap}", partitions: {partitions}}}\n'
    )
    settings = load(config, {})
    await ensure(settings)
    return config, settings


async def write_logs(
    folder: Path,
    bootstrap: str,
    namespace: str,
    traffics: Iterable[Traffic],
    count: int,
    *,
    partitions: int = PARTITIONS,
) -> dict[Traffic, Log]:
    """Write a log of each traffic, two at a time, of `count_of` events each."""
    made = {
        traffic: await make_namespace(folder, bootstrap, f"{namespace}{traffic}", partitions)
        for traffic in traffics
    }
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as writers:
        topics = {one: names(settings.namespace).events for one, (_, settings) in made.items()}
        written = await asyncio.gather(
            *(
                loop.run_in_executor(
                    writers,
                    _write,
                    bootstrap,
                    topics[traffic],
                    traffic,
                    count_of(traffic, count),
                    partitions,
                )
                for traffic in made
            )
        )
    logs: dict[Traffic, Log] = {}
    for (traffic, (config, settings)), written_bytes in zip(made.items(), written, strict=True):
        ends = await end_offsets(bootstrap, topics[traffic], partitions)
        of_traffic = count_of(traffic, count)
        assert sum(ends.values()) == of_traffic, f"{topics[traffic]} holds other records"
        logs[traffic] = Log(
            traffic=traffic,
            settings=settings,
            config=config,
            ends=ends,
            events=of_traffic,
            event_bytes=written_bytes / of_traffic,
        )
    return logs


_TIMES: Final = {Traffic.REPEATING: 6.0, Traffic.SMALL: 12.0}
"""Logs that are read fast are longer, so that what a start costs weighs less."""


def count_of(traffic: Traffic, count: int) -> int:
    """Return how many events the log of a traffic has where the usual ones have so many."""
    return round(_TIMES.get(traffic, 1.0) * count)


def _write(bootstrap: str, topic: str, traffic: Traffic, count: int, partitions: int) -> int:
    """Write the log, in a process of its own; return the bytes of all bodies."""
    # A topic made a moment ago is not led yet; the sender tries again.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    return asyncio.run(_written(bootstrap, topic, traffic, count, partitions))


async def _written(
    bootstrap: str, topic: str, traffic: Traffic, count: int, partitions: int
) -> int:
    """Write events as intake does, dealt to the partitions in turn."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        linger_ms=5,
        max_batch_size=256 * 1024,
    )
    at_ms = time.time_ns() // 1_000_000
    headers = [
        ("resource", RESOURCE.encode()),
        ("received_ms", str(at_ms).encode()),
        ("intake", b"benchmark"),
    ]
    sent: deque[Awaitable[Any]] = deque()
    written_bytes = 0
    async with producer:
        for number, body in enumerate(events(traffic, count, at_ms=at_ms)):
            partition = number % partitions
            sent.append(
                await producer.send(topic, value=body, partition=partition, headers=headers)
            )
            written_bytes += len(body)
            if len(sent) >= IN_FLIGHT_MOST:
                await sent.popleft()
        for future in sent:
            await future
    return written_bytes


async def end_offsets(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> dict[int, int]:
    """Return the end of every partition of a topic."""
    async with _reader(bootstrap) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, one) for one in range(partitions)])
    return {tp.partition: end for tp, end in ends.items()}


async def count_deltas(
    bootstrap: str, topic: str, begins: dict[int, int], ends: dict[int, int]
) -> Counted:
    """Return what the deltas between these offsets say.

    Args:
        bootstrap: where.
        topic: of delta batches.
        begins: by partition: the first offset.
        ends: by partition: the offset after the last.
    """
    deltas: list[Delta] = []
    async with _reader(bootstrap) as consumer:
        unread = {TopicPartition(topic, one) for one, end in ends.items() if begins[one] < end}
        consumer.assign(sorted(unread))
        for tp in unread:
            consumer.seek(tp, begins[tp.partition])
        while unread:
            for tp, records in (await consumer.getmany(timeout_ms=1_000)).items():
                for record in records:
                    if record.offset < ends[tp.partition]:
                        for batch in codec.batches(record.value):
                            deltas += batch.deltas
                if records[-1].offset >= ends[tp.partition] - 1:
                    unread.discard(tp)
    return counted(deltas)


def counted(deltas: Iterable[Delta]) -> Counted:
    """Return what these deltas say, as they are and merged."""
    events = made = 0
    exact = True
    merged: dict[tuple[Any, ...], Delta] = {}
    for delta in deltas:
        found = sets.count(delta.events)
        events += found.value
        exact = exact and not found.about
        made += 1
        place = place_of(delta)
        known = merged.get(place)
        merged[place] = delta if known is None else merge(known, delta)
    whole = xxhash.xxh3_128()
    for place in sorted(merged):
        whole.update(codec.encode(merged[place]))
    return Counted(
        events=events,
        exact=exact,
        deltas=made,
        incidents=len({delta.key for delta in merged.values()}),
        merged=whole.hexdigest(),
    )


async def remove(settings: Iterable[Settings]) -> None:
    """Remove all topics of these namespaces."""
    for one in settings:
        admin = AIOKafkaAdminClient(bootstrap_servers=one.kafka.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics(list(msgspec.structs.astuple(names(one.namespace))))
        finally:
            await admin.close()


def _reader(bootstrap: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=8 * 1024 * 1024,
        isolation_level="read_committed",
    )
