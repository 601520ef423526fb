"""What `stormfold status` reads from Kafka: reports, ends, committed offsets, stored progress.

It joins no group and writes nothing. Every reading has a bound in records and in time, so that a
cluster with much on it is answered for as fast as one with little.

    StatusError     Kafka does not answer
    NotThere        topics of this installation are missing
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from streams import codec
from streams.codec import CodecError
from streams.group_offsets import committed_by
from streams.processes import StageName
from streams.reports import Report
from streams.settings import Settings
from streams.status_letters import DeadLetters, dead_letters
from streams.status_look_up import LookUp, claimed
from streams.status_parts import Part, Standing
from streams.topics import inputs, names, said_by

WITHIN_S: Final = 4.0
"""For all of it."""

FRESH_MS: Final = 5_000
"""A process whose last report is older has nothing any more; one is told every second."""

LISTEN_S: Final = 1.5
"""How long a partition is waited for that nobody has told of lately."""

REPORTS_MOST: Final = 20_000
"""Messages read back from the end of `stormfold.progress`."""


class StatusError(Exception):
    """Kafka does not answer; one line says why."""


class NotThere(StatusError):
    """Topics of this installation are missing; one line names them."""


class Readings(NamedTuple):
    """What was read."""

    at_ms: int
    reports: list[Report]
    """The newest of every process that lives, in the order in which they were told."""
    standings: dict[Part, Standing]
    dead_letters: DeadLetters | None
    """None where their topic is missing."""


async def read(settings: Settings, stages: Sequence[StageName]) -> Readings:
    """Return what Kafka has of these stages.

    Raises:
        StatusError: it gives no answer in `WITHIN_S`.
        NotThere: a topic is missing.
    """
    bootstrap = settings.kafka.bootstrap
    try:
        async with asyncio.timeout(WITHIN_S), _clients(bootstrap) as (admin, consumer):
            return await _Reader(settings, stages, admin, consumer).read()
    except TimeoutError:
        raise StatusError(f"Kafka at {bootstrap} gave no answer in {WITHIN_S:.0f} s") from None
    except (KafkaError, OSError) as error:
        raise StatusError(f"Kafka at {bootstrap} cannot be asked: {said_by(error)}") from None


@contextlib.asynccontextmanager
async def _clients(bootstrap: str) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
    try:
        await admin.start()
        await consumer.start()
        yield admin, consumer
    finally:
        await consumer.stop()
        await admin.close()


class _Reader:
    """One look at one installation."""

    def __init__(
        self,
        settings: Settings,
        stages: Sequence[StageName],
        admin: AIOKafkaAdminClient,
        consumer: AIOKafkaConsumer,
    ) -> None:
        self._namespace = settings.namespace
        self._names = names(settings.namespace)
        self._inputs = {stage: inputs(settings)[stage] for stage in stages}
        self._admin = admin
        self._consumer = consumer

    async def read(self) -> Readings:
        read = [topic for topics in self._inputs.values() for topic in topics]
        needed = {*read, self._names.incidents, self._names.progress}
        partitions = await self._partitions(needed, {self._names.dead})
        parts = [
            Part(stage, topic, partition)
            for stage, topics in self._inputs.items()
            for topic in topics
            for partition in partitions[topic]
        ]
        committed = await self._committed()
        tps = [TopicPartition(part.topic, part.partition) for part in parts]
        begins = await self._consumer.beginning_offsets(tps)
        ends = await self._consumer.end_offsets(tps)
        standings = {}
        for part, tp in zip(parts, tps, strict=True):
            stored = committed[part.stage].get(tp)
            standings[part] = Standing(
                begin=begins[tp],
                end=ends[tp],
                committed=stored.offset if stored is not None else -1,
                metadata=(stored.metadata or "") if stored is not None else "",
            )
        reports = await self._reports(partitions[self._names.progress], set(parts))
        look_up = LookUp(self._consumer)
        await look_up.progress(standings, reports, self._names.incidents)
        await look_up.unread(standings, reports)
        dead = None
        if partitions[self._names.dead]:
            dead = await dead_letters(
                self._consumer, self._names.dead, partitions[self._names.dead]
            )
        return Readings(_now_ms(), reports, standings, dead)

    async def _partitions(self, needed: set[str], others: set[str]) -> dict[str, list[int]]:
        # Asked for by name, a missing topic might be made by the broker.
        there = set(await self._admin.list_topics())
        missing = needed - there
        if missing:
            raise NotThere(
                f"topics are missing ({', '.join(sorted(missing))}); `stormfold topics` makes them"
            )
        return {one: [] for one in others - there} | {
            one["topic"]: sorted(partition["partition"] for partition in one["partitions"])
            for one in await self._admin.describe_topics(sorted(needed | (others & there)))
        }

    async def _committed(self) -> dict[StageName, dict[TopicPartition, OffsetAndMetadata]]:
        stages = list(self._inputs)
        found = await asyncio.gather(
            *(committed_by(self._admin, self._namespace, stage) for stage in stages)
        )
        return dict(zip(stages, found, strict=True))

    # Reports

    async def _reports(self, partitions: Iterable[int], wanted: set[Part]) -> list[Report]:
        """Return the newest report of every process that lives.

        One that told something lately lives, and one that tells something while we listen: hosts'
        clocks may differ.
        """
        tps = [TopicPartition(self._names.progress, partition) for partition in partitions]
        now_ms = _now_ms()
        ends = await self._consumer.end_offsets(tps)
        found = await self._consumer.offsets_for_times({tp: now_ms - 2 * FRESH_MS for tp in tps})
        self._consumer.assign(tps)
        for tp in tps:
            start = found[tp].offset if found.get(tp) is not None else ends[tp]
            self._consumer.seek(tp, max(start, ends[tp] - REPORTS_MOST, 0))
        newest: dict[tuple[str, str], Report] = {}
        until = time.monotonic() + LISTEN_S
        while await self._behind(ends) or (wanted - claimed(newest.values())):
            if time.monotonic() > until:
                break
            fetched = await self._consumer.getmany(timeout_ms=100, max_records=5_000)
            for tp, records in fetched.items():
                for record in records:
                    report = _report(record)
                    if report is None:
                        continue
                    newest.pop((report.stage, report.worker), None)
                    if record.offset >= ends[tp] or report.at_ms > now_ms - FRESH_MS:
                        newest[report.stage, report.worker] = report
        return list(newest.values())

    async def _behind(self, ends: Mapping[TopicPartition, int]) -> bool:
        return any([await self._consumer.position(tp) < end for tp, end in ends.items()])


def _report(record: ConsumerRecord[Any, Any]) -> Report | None:
    """Return the report that a message is; None for another message, also of another version."""
    with contextlib.suppress(CodecError, ValueError):
        heard = codec.told(record.value or b"")
        if isinstance(heard, Report):
            StageName(heard.stage)
            return heard
    return None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
