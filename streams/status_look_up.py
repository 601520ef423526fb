"""What no report tells of a partition, looked up on Kafka: stored progress, and what is unread.

Bounded in records and in time: what is not found by then is not known.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from streams import codec
from streams.codec import CodecError
from streams.processes import StageName
from streams.reports import Report
from streams.status_parts import Part, Standing

LOOK_UP_S: Final = 0.8
"""How long stored progress, and later what DELIVER has not read, is looked up."""

UNREAD_MOST: Final = 500
"""Records counted one by one; more are told by their offsets."""

TAIL: Final = 1_000
"""Records from the end of a state partition that are searched for its progress first."""


class LookUp:
    """Looks up with one consumer that reads what is committed and belongs to no group."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """Args: consumer: started; what it is assigned to is changed."""
        self._consumer = consumer

    async def progress(
        self, standings: dict[Part, Standing], reports: Iterable[Report], state_topic: str
    ) -> None:
        """Look up the stored progress of every partition of CORRELATE that nobody told of."""
        told = claimed(reports, restored=True)
        wanted = {
            TopicPartition(state_topic, part.partition): part
            for part in standings
            if part.stage is StageName.CORRELATE and part not in told
        }
        if not wanted:
            return
        begins = await self._consumer.beginning_offsets(list(wanted))
        ends = await self._consumer.end_offsets(list(wanted))
        until = time.monotonic() + LOOK_UP_S
        tail = TAIL
        while wanted and time.monotonic() < until:
            spans = {tp: (max(begins[tp], ends[tp] - tail), ends[tp]) for tp in wanted}
            progress: dict[TopicPartition, Progress] = {}
            async for tp, record in self.records(spans, until=until):
                found = _progress(record)
                if found is not None:
                    progress[tp] = found
            for tp, found in progress.items():
                part = wanted.pop(tp)
                standings[part] = msgspec.structs.replace(standings[part], progress=found)
            # It is in every transaction: one of many entries may end with more than the tail.
            wanted = {tp: part for tp, part in wanted.items() if spans[tp][0] > begins[tp]}
            tail *= 10

    async def unread(self, standings: dict[Part, Standing], reports: Iterable[Report]) -> None:
        """Count what DELIVER has not read: offsets alone count the marks of transactions too."""
        told = {
            Part(StageName.DELIVER, one.topic, one.partition): one
            for report in reports
            for one in report.partitions
            if report.stage == StageName.DELIVER
        }
        spans: dict[TopicPartition, tuple[int, int]] = {}
        for part, standing in standings.items():
            report = told.get(part)
            start = report.offset if report is not None and report.offset >= 0 else -1
            start = max(start if start >= 0 else standing.committed, standing.begin)
            idle = report is not None and report.lag == 0
            if part.stage is StageName.DELIVER and start < standing.end and not idle:
                spans[TopicPartition(part.topic, part.partition)] = (start, standing.end)
        if not spans:
            return
        until = time.monotonic() + LOOK_UP_S
        counts = dict.fromkeys(spans, 0)
        firsts: dict[TopicPartition, int | None] = {}
        async for tp, record in self.records(spans, until=until, most=UNREAD_MOST):
            counts[tp] += 1
            if tp not in firsts:
                firsts[tp] = _decided_ms(record)
        for tp, (_, end) in spans.items():
            part = Part(StageName.DELIVER, tp.topic, tp.partition)
            complete = await self._consumer.position(tp) >= end
            standings[part] = msgspec.structs.replace(
                standings[part],
                unread=counts[tp] if complete else None,
                unread_ms=firsts.get(tp),
            )

    async def records(
        self,
        spans: Mapping[TopicPartition, tuple[int, int]],
        *,
        until: float,
        most: int | None = None,
    ) -> AsyncIterator[tuple[TopicPartition, ConsumerRecord[Any, Any]]]:
        """Yield the records of these spans of offsets, at most so many of each and so long."""
        self._consumer.assign(list(spans))
        for tp, (start, _) in spans.items():
            self._consumer.seek(tp, start)
        read = dict.fromkeys(spans, 0)
        reading = set(spans)
        while reading and time.monotonic() < until:
            fetched = await self._consumer.getmany(*reading, timeout_ms=100, max_records=most)
            for tp, records in fetched.items():
                for record in records:
                    if record.offset < spans[tp][1]:
                        yield tp, record
                read[tp] += len(records)
            for tp in list(reading):
                full = most is not None and read[tp] >= most
                if full or await self._consumer.position(tp) >= spans[tp][1]:
                    reading.discard(tp)


def claimed(reports: Iterable[Report], *, restored: bool = False) -> set[Part]:
    """Return what somebody told that it owns; if asked, only what it told everything about."""
    return {
        Part(StageName(report.stage), one.topic, one.partition)
        for report in reports
        for one in report.partitions
        if one.of_stage is not None or not restored
    }


def _progress(record: ConsumerRecord[Any, Any]) -> Progress | None:
    if record.key != PROGRESS_KEY.encode():
        return None
    with contextlib.suppress(CodecError):
        found = codec.entry(record.value or b"")
        return found if isinstance(found, Progress) else None
    return None


def _decided_ms(record: ConsumerRecord[Any, Any]) -> int | None:
    with contextlib.suppress(CodecError):
        return codec.digest(record.value or b"").at_ms
    return None
