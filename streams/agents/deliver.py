"""DELIVER on Kafka: digests in; calls to the sinks, receipts and dead letters out.

What to call and when is the outbox's decision. Here each attempt is written down in a transaction
before its call is made, calls run as bounded tasks beside the agent, and their answers come back on
a lane of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import structlog
from aiokafka import ConsumerRecord, TopicPartition

from correlators.entries import PROGRESS_KEY
from correlators.types import Digest
from sinks.attempted import attempted
from sinks.base import (
    Answer,
    Attempt,
    Retry,
    RetryReason,
    Scope,
    Sink,
)
from sinks.entries import Delivery, decode
from sinks.outbox import Outbox
from sinks.page_watch import REMIND_EVERY_MS
from sinks.spared import spared
from sinks.targets import targets
from streams import codec
from streams.agents.deliver_calls import called
from streams.agents.deliver_counting import count_answer, sink_of
from streams.agents.deliver_waiting import Waiting
from streams.agents.deliver_writing import Held, Writing
from streams.agents.heart import Heartless
from streams.agents.incident_looks import LookAgent
from streams.agents.stored import Installation, Position, read_position
from streams.codec import CodecError, Heard
from streams.letter_records import redrive_of
from streams.metrics import Metrics
from streams.reports import DeliverReport
from streams.sink_notes import count_notes
from streams.stage.source import Source
from streams.stage.state import partitions_of, take_over
from streams.traced_hops import DeliverTraces
from streams.tracing import Tracer

CALLS_AT_ONCE: Final = 64
KEPT_FOR_PAGES: Final = 8
"""One in so many of these is kept for pages: whatever hangs must not keep one waiting."""

log = structlog.get_logger(__name__)


class DeliverHandler:
    """The handler of DELIVER."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        *,
        installation: str,
        state_topic: str,
        dead_topic: str,
        quarantine_topic: str,
        decisions_topic: str,
        deliveries_topic: str,
        partition_of: Callable[[str, int], int],
        max_request_bytes: int,
        metrics: Metrics,
        remind_every_ms: int = REMIND_EVERY_MS,
        heart: Heartless | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """Args: sinks: every sink that is configured; the rest: where to read and write;
        `partition_of` maps (destination, count); `remind_every_ms` is between reminders of a
        page."""
        self._sinks = {sink.name: sink for sink in sinks}
        self._installation = installation
        self._state_topic = state_topic
        self._writing = Writing(
            installation=installation,
            state_topic=state_topic,
            dead_topic=dead_topic,
            quarantine_topic=quarantine_topic,
            decisions_topic=decisions_topic,
            deliveries_topic=deliveries_topic,
            partition_of=partition_of,
            metrics=metrics,
        )
        self._remind_every_ms = remind_every_ms
        self._max_request_bytes = max_request_bytes
        self.metrics = self._metrics = metrics
        self._traces = DeliverTraces(tracer)
        self._heart = heart or Heartless()
        self._held: dict[TopicPartition, Held] = {}
        self._looks = LookAgent(metrics, wake=lambda: self._source.wake())
        self._waiting = Waiting(metrics)
        self._notices: list[Digest] = []
        """Of pages that became no incident, until there is a partition to tell them by."""

    async def start(self, source: Source) -> None:
        """Read how many partitions the outbox has; every sink connects when it is used."""
        self._source = source
        self._host = source.stage.host
        self._partitions = len((await partitions_of(source.stage, self._state_topic))[0])
        self._writing.start(source.stage.group, self._partitions)
        self._metrics.know_sinks(self._sinks)
        self._looks.know(self._sinks)
        self._heart.start(source, self._partitions)

    async def stop(self) -> None:
        """Close the sinks."""
        await self._heart.stop()
        await self._looks.stop()
        for sink in self._sinks.values():
            await sink.close()
        self._traces.close()

    def progress(self, heard: Heard) -> None:
        """DELIVER follows the wall clock; CORRELATE's progress decides nothing here."""

    def report(self, tp: TopicPartition) -> DeliverReport | None:
        """Return what is under way for the accounts of a partition."""
        held = self._held.get(tp)
        if held is None:
            return None
        return DeliverReport(waiting=sum(held.outbox.waiting().values()), calls=len(held.calls))

    async def assign(self, tp: TopicPartition) -> int:
        """Fence, restore the outbox, and return the offset that it names."""
        writer, stored = await take_over(
            self._source.stage, tp.partition, self._state_topic, self._max_request_bytes
        )
        place = f"{self._state_topic}-{tp.partition}"
        here = Installation(self._installation, self._partitions)
        try:
            position = read_position(place, stored, here)
            offset = await self._offset(tp, position)
        except BaseException:
            await writer.stop()
            raise
        stored.pop(PROGRESS_KEY, None)
        outbox = self._outbox(decode(stored[key]) for key in sorted(stored))
        self._held[tp] = Held(outbox, writer, offset)
        self._heart.assigned(tp.partition)
        self._looks.restored(outbox.entries().values(), self._sinks, self._host.now_ms())
        return offset

    async def _offset(self, tp: TopicPartition, position: Position | None) -> int:
        if position is not None:
            return await self._source.place_of(tp, position.input_offset, position.input_offset)
        assert self._source.consumer is not None
        return int((await self._source.consumer.beginning_offsets([tp]))[tp])

    async def revoke(self, tp: TopicPartition) -> None:
        """Wait for the calls in flight, write what they gave, and let go."""
        held = self._held.pop(tp, None)
        if held is None:
            return
        self._heart.revoked(tp.partition)
        if held.calls:
            await asyncio.wait(held.calls)
        self._take_answers(held)
        await self._writing.write(tp, held, held.outbox.take_changes())
        await held.writer.stop()

    async def reconfigure(
        self,
        sinks: Sequence[Sink],
        remind_every_ms: int = REMIND_EVERY_MS,
        heart: Heartless | None = None,
    ) -> None:
        """Send to other destinations, or with other secrets, from the next call on.

        Calls in flight are waited for, as on a revoke. Unfinished deliveries to a destination that
        is no more become dead letters; its limits begin anew for one that stays.
        """
        self._remind_every_ms = remind_every_ms
        before, self._sinks = self._sinks, {sink.name: sink for sink in sinks}
        self._metrics.know_sinks(self._sinks)
        for gone in before.keys() - self._sinks.keys():
            self._metrics.deliveries_waiting.labels(sink=gone).set(0)
        for tp, held in list(self._held.items()):
            if held.calls:
                await asyncio.wait(held.calls)
            self._take_answers(held)
            await self._writing.write(tp, held, held.outbox.take_changes())
            held.outbox = self._outbox(held.outbox.entries().values())
            await self._pump(tp, held)
        self._looks.know(self._sinks)
        await self._looks.stop()
        for sink in before.values():
            await sink.close()
        if heart is not None:
            owned = [tp.partition for tp in self._held]
            self._heart = await self._heart.replaced(heart, self._source, self._partitions, owned)

    def _outbox(self, entries: Iterable[Delivery]) -> Outbox:
        outbox = Outbox(
            targets(self._sinks.values()),
            started_ms=self._host.now_ms(),
            remind_every_ms=self._remind_every_ms,
        )
        outbox.load(entries)
        return outbox

    async def records(self, tp: TopicPartition, records: list[ConsumerRecord[Any, Any]]) -> None:
        """Take in digests, then make the calls that are due."""
        held = self._held[tp]
        self._take_answers(held)
        for record in records:
            if self._heart.takes(record):
                continue
            try:
                digest = codec.digest(record.value or b"")
                redrive = redrive_of(record.headers)
            except CodecError as error:
                held.quarantine.append((record, str(error)))
                self._metrics.quarantined.labels(reason="digest").inc()
                continue
            held.outbox.accept(digest, self._host.now_ms(), redrive)
            self._traces.accepted(digest, record.headers)
        held.offset = records[-1].offset + 1
        await self._pump(tp, held)
        self._heart.written()

    async def timer(self, now_ms: int) -> None:
        """Take in answers and make the calls that are due by now."""
        waiting: dict[str, int] = dict.fromkeys(self._sinks, 0)
        for tp, held in list(self._held.items()):
            answered = self._take_answers(held)
            due_ms = held.outbox.next_due_ms(now_ms)
            if held.fresh or answered or (due_ms is not None and due_ms <= now_ms):
                await self._pump(tp, held)
            for destination, count in held.outbox.waiting().items():
                waiting[sink_of(destination)] = waiting.get(sink_of(destination), 0) + count
        self._notices += self._looks.turn(self._sinks, now_ms)
        if self._notices and self._held:
            await self._tell_notices(*next(iter(self._held.items())))
        for sink, count in waiting.items():
            self._metrics.deliveries_waiting.labels(sink=sink).set(count)
        self._heart.turn(now_ms)
        count_notes(self._metrics, self._sinks.values())
        self._waiting.look(self._sinks, (one.outbox for one in self._held.values()), now_ms)

    async def _tell_notices(self, tp: TopicPartition, held: Held) -> None:
        """Hand the notices to the destinations that are told, in a transaction of any partition."""
        changes = held.outbox.take_changes()
        handed = (*changes.handed, *self._notices)
        await self._writing.write(tp, held, msgspec.structs.replace(changes, handed=handed))
        self._notices = []

    def _take_answers(self, held: Held) -> bool:
        answers, held.answers = held.answers, []
        for attempt, answer in answers:
            now_ms = self._host.now_ms()
            held.outbox.receive(answer, now_ms)
            held.attempted.append(attempted(attempt, answer, now_ms))
            sink = self._sinks.get(sink_of(attempt.destination))
            count_answer(self._metrics, attempt, answer, sink, now_ms)
            self._traces.answered(attempt, answer, now_ms)
            self._looks.answered(attempt, answer, sink, now_ms)
        return bool(answers)

    async def _pump(self, tp: TopicPartition, held: Held) -> None:
        """Write down what is due in one transaction, then make those calls."""
        held.fresh = False
        room = CALLS_AT_ONCE - len(held.calls)
        attempts = held.outbox.due(self._host.now_ms(), room, kept=CALLS_AT_ONCE // KEPT_FOR_PAGES)
        await self._writing.write(tp, held, held.outbox.take_changes())
        heard = list(held.answers)
        known = targets(self._sinks.values()) if heard else {}
        for attempt in attempts:
            if spared(attempt, heard, known):
                # Nothing failed: with a scope it is no try, and waits for the bucket alone.
                kept = Retry(reason=RetryReason.SPARED, scope=Scope.DESTINATION)
                answer = Answer(key=attempt.key, number=attempt.number, outcome=kept)
                held.answers.append((attempt, answer))
                self._source.wake()
                continue
            sink = self._sinks[sink_of(attempt.destination)]
            if attempt.possible_repeat and not attempt.find:
                self._metrics.possible_repeats.labels(sink=sink.name).inc()
            task = asyncio.get_running_loop().create_task(self._call(held, attempt, sink))
            held.calls.add(task)
            task.add_done_callback(held.calls.discard)

    async def _call(self, held: Held, attempt: Attempt, sink: Sink) -> None:
        """Make one call; its answer waits on the answers' lane."""
        answer = await called(sink, attempt, self._host)
        held.answers.append((attempt, answer))  # the list of now: meanwhile another was taken
        self._source.wake()
