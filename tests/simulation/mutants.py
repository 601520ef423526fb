"""The protocol, broken in known ways: a simulation that does not see each of these proves
nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import msgspec
from aiokafka import TopicPartition
from mode import Service

from correlators.partition import Step
from correlators.ticks import Ticks
from correlators.types import tick_of
from streams import codec
from streams.agents import correlate
from streams.agents.batches import Part, batches
from streams.agents.correlate import CorrelateHandler
from streams.agents.fingerprint import FingerprintHandler
from streams.agents.written import Outgoing
from streams.stage.fetching import PIECE_RECORDS
from streams.stage.source import _Work
from streams.stage.state import FencedWriter, restore
from streams.stage.types import Stage
from tests.simulation.child import SimHost, SimSource
from tests.simulation.stages import TOPICS, Parts


class Mutant(NamedTuple):
    """One way to break it."""

    parts: type[Parts] = Parts
    patches: Callable[[], AbstractContextManager[Any]] = nullcontext
    rare: bool = False
    """Few seeds see it: only a soak looks for one."""
    seen_by: int = 0
    """A seed that has seen it, tried first; where runs are drawn otherwise, others see it."""


# Taking a partition over

DAWDLES_S: Final = 3.0
"""Between two things in the wrong order: a wider gap is found by fewer runs. In the right order any
gap is harmless."""


async def _read_then_fence(
    stage: Stage, partition: int, topic: str, most: int
) -> tuple[FencedWriter, dict[str, bytes]]:
    stored = await restore(stage.bootstrap, topic, partition, stage.host)
    await asyncio.sleep(DAWDLES_S)
    writer = _writer(stage, f"{stage.group}.{partition}", most)
    await writer.start()
    return writer, stored


async def _fence_nobody(
    stage: Stage, partition: int, topic: str, most: int
) -> tuple[FencedWriter, dict[str, bytes]]:
    assert isinstance(stage.host, SimHost)
    writer = _writer(stage, f"{stage.group}.{partition}.{stage.host.name}", most)
    await writer.start()
    return writer, await restore(stage.bootstrap, topic, partition, stage.host)


def _writer(stage: Stage, name: str, most: int) -> FencedWriter:
    return FencedWriter(
        stage.host, bootstrap=stage.bootstrap, transactional_id=name, max_request_bytes=most
    )


class OffsetOfGroup(Parts):
    """Goes on where the group stood before the former owner was fenced."""

    class correlate(CorrelateHandler):
        async def assign(self, tp: TopicPartition) -> int:
            admin = self._host.admin()
            group = self._source.stage.group
            stored = (await admin.list_consumer_group_offsets(group, partitions=[tp]))[tp]
            await asyncio.sleep(DAWDLES_S)
            offset = await super().assign(tp)
            return offset if stored.offset < 0 else int(stored.offset)


# Reading


class DropsAcrossAssignments(Parts):
    """Drops what a fetch read that began before the assignment, though it is past it."""

    class source(SimSource):
        @Service.task
        async def _fetch(self) -> None:
            consumer = self.consumer
            assert consumer is not None
            while not self.should_stop:
                generation = self._generation
                readable = set(self.ready())
                fetched = await consumer.getmany(
                    timeout_ms=self.stage.poll_ms, max_records=PIECE_RECORDS
                )
                for tp, records in fetched.items():
                    if generation != self._generation:
                        break
                    if tp in readable and records:
                        owned = self.owned[tp]
                        owned.offset = records[-1].offset + 1
                        await self._put(_Work(tp, owned.generation, records))
                    elif tp in self.ready():
                        consumer.seek(tp, self.owned[tp].offset)


class WorksForAFormer(Parts):
    """Works also on what was queued before the partition was taken over again."""

    class source(SimSource):
        async def _records(self, tp: TopicPartition, work: _Work) -> None:
            owned = self.owned.get(tp)
            generation = owned.generation if owned is not None else work.generation
            await super()._records(tp, replace(work, generation=generation))


class EndsWithTheFormer(Parts):
    """Takes the cancellation of a partition's former preparation for one of its own."""

    class source(SimSource):
        async def _prepare(
            self, tp: TopicPartition, generation: int, former: asyncio.Task[None] | None
        ) -> None:
            if former is not None:
                await former
            await super()._prepare(tp, generation, None)


class NeverSought(Parts):
    """Reads on where the group stands, not where the state says."""

    class source(SimSource):
        def assigned(self, partitions: Any) -> None:
            super().assigned(partitions)
            consumer = self.consumer
            assert consumer is not None
            consumer.seek = lambda tp, offset: None


# Ticks


def _complete_too_soon(self: Ticks) -> int:
    waited_for = self.sources - self.excluded
    if not waited_for or any(source not in self.watermarks for source in waited_for):
        return self.applied
    return max(self.applied, tick_of(min(self.watermarks[s] for s in waited_for)) - 1)


def _repeats_count(self: Ticks, tick: int, told: int, *, again: bool) -> int:
    return tick if tick > self.applied else self.applied + 1


def _waits_for_nobody(self: Ticks) -> int:
    if self._next_offset < self._reread_below:
        return self.applied
    heard = [self.watermarks[s] for s in self.sources if s in self.watermarks]
    return max(self.applied, tick_of(min(heard)) - 1) if heard else self.applied


# Writing


class MarkBeforeDeltas(Parts):
    """Tells a watermark while the deltas below it are on their way."""

    class fingerprint(FingerprintHandler):
        async def _begin(self) -> None:
            await self._flushing.settle()
            parts = [
                Part(tuple(tp), watermark_ms=lane.watermark_ms)
                for tp, lane in self._lanes.items()
                if lane.watermark_ms > lane.sent_ms
            ]
            marks = batches(parts, targets=self._pressure.partitions)
            sent: list[Awaitable[Any]] = [
                await self._send(target, codec.encode_batches(mark))
                for target, of_target in marks.items()
                for mark in of_target
            ]
            for future in sent:
                await future
            await super()._begin()


class CommitBeforeDeltas(Parts):
    """Commits an offset while the deltas before it are on their way."""

    class fingerprint(FingerprintHandler):
        async def _begin(self) -> None:
            await self._flushing.settle()
            lanes = {tp: (one, one.offset, one.stream_ms) for tp, one in self._lanes.items()}
            if any(one.offset != one.committed for one, _, _ in lanes.values()):
                await self._commit(lanes)
            await super()._begin()


class TimeForgotten(Parts):
    """Begins with no stream time, whatever was committed."""

    class fingerprint(FingerprintHandler):
        async def assign(self, tp: TopicPartition) -> int:
            offset = await super().assign(tp)
            self._lanes[tp].stream_ms = 0
            return offset


class WaitsForAMessage(Parts):
    """Applies what a former owner left only when a message comes."""

    class correlate(CorrelateHandler):
        by_timer = False

        async def timer(self, now_ms: int) -> None:
            self.by_timer = True
            await super().timer(now_ms)
            self.by_timer = False

        async def _advance(self, tp: TopicPartition, held: Any) -> None:
            if not self.by_timer:
                await super()._advance(tp, held)


class TwoTransactions(Parts):
    """Writes the digests of a step, then its state."""

    class correlate(CorrelateHandler):
        async def _write(
            self, tp: TopicPartition, held: Any, step: Step, records: list[Outgoing]
        ) -> None:
            digests = [one for one in records if one.topic == TOPICS.deliveries]
            rest = [one for one in records if one.topic != TOPICS.deliveries]
            if digests:
                await super()._write(tp, held, step, digests)
            await super()._write(tp, held, msgspec.structs.replace(step, digests=[]), rest)


MUTANTS: dict[str, Mutant] = {
    "the state is read before the former owner is fenced": Mutant(
        patches=lambda: patch.object(correlate, "take_over", _read_then_fence), rare=True
    ),
    "no owner is fenced": Mutant(
        patches=lambda: patch.object(correlate, "take_over", _fence_nobody), seen_by=4
    ),
    "the offset is the group's, not the state's": Mutant(OffsetOfGroup, rare=True),
    "what was fetched across an assignment is dropped": Mutant(DropsAcrossAssignments),
    "what was queued for a former assignment is worked on": Mutant(WorksForAFormer, rare=True),
    "a cancelled preparation ends the next one": Mutant(EndsWithTheFormer, rare=True),
    "complete ticks wait for a message": Mutant(WaitsForAMessage, seen_by=36),
    "the consumer is never sought": Mutant(NeverSought),
    "ticks are complete before their deltas are read again": Mutant(
        patches=lambda: patch.object(Ticks, "complete_tick", _complete_too_soon), rare=True
    ),
    "a repeated delta counts again": Mutant(
        patches=lambda: patch.object(Ticks, "_place", _repeats_count), seen_by=3
    ),
    "ticks do not wait for silent sources": Mutant(
        patches=lambda: patch.object(Ticks, "complete_tick", _waits_for_nobody), seen_by=2
    ),
    "a watermark is told before its deltas": Mutant(MarkBeforeDeltas, seen_by=2),
    "an offset is committed before its deltas": Mutant(CommitBeforeDeltas, rare=True),
    "the running maximum of stream time is forgotten": Mutant(TimeForgotten, rare=True),
    "digests and state are two transactions": Mutant(TwoTransactions, seen_by=51),
}
