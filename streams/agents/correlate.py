"""CORRELATE on Kafka: delta batches in; state, digests and progress out, in one transaction per
step.

The state of a partition is in memory and on `incidents`; a new owner fences the old one, reads the
state to its end and goes on at the input offset that the state itself names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from faust.types import TopicT

from correlators.acts import Act
from correlators.entries import PROGRESS_KEY, key_of
from correlators.partition import Partition, Step
from correlators.stalls import Stalls
from correlators.telling import Config
from correlators.ticks import Progress, Reception
from correlators.ticks import Source as SourcePartition
from correlators.types import TICK_MS
from streams import codec
from streams.agents import counting, decision_log
from streams.agents.pressure import Pressure
from streams.agents.stored import Installation, check_sources, read_state
from streams.agents.written import Outgoing, Topics, outgoing
from streams.codec import CodecError, Heard, Told
from streams.metrics import Metrics
from streams.reports import EXCLUDED_TOLD, CorrelateReport
from streams.stage.source import Source
from streams.stage.state import FencedWriter, TransactionTooSlow, partitions_of, take_over
from streams.traced_hops import headers_of, trace_step, untraced
from streams.tracing import Tracer

TICKS_PER_TRANSACTION: Final = 256
CHANGES_PER_TRANSACTION: Final = 2_000
"""No further tick joins a transaction that writes so many entries, of at most 16 KiB each."""

STEP_MS: Final = 250
"""After a step that computed longer comes one of fewer ticks: what it decides must get out."""

HEARTBEAT_TICKS: Final = 5
"""`@progress` is written at least this often, in ticks of stream time."""

TOLD_EVERY_MS: Final = 1_000
"""Progress is told when it moved, and again after this long, for those who came later."""

MAX_HELD: Final = 200_000
MAX_HELD_BYTES: Final = 256 * 1024 * 1024
"""Deltas and state changes held for ticks that are not complete. Over either, a silent source is
declared stalled; over twice as much, also one that is merely slow."""

log = structlog.get_logger(__name__)


class TooMuchHeld(Exception):
    """More deltas wait for a silent source than may be held, and no stall may be declared."""


class _Held:
    """One partition of CORRELATE in this process."""

    def __init__(self, partition: Partition, writer: FencedWriter, written: Progress) -> None:
        self.partition = partition
        self.writer = writer
        self.written = written
        self.told: tuple[int, int] = (-2, 0)
        self.stalls = Stalls()
        self.most_ticks = TICKS_PER_TRANSACTION
        self.late = written.late
        self.repeated = 0

    @property
    def full(self) -> float:
        """How much is held, as a share of what may be."""
        ticks = self.partition.ticks
        return max(ticks.held / MAX_HELD, ticks.held_bytes / MAX_HELD_BYTES)


class CorrelateHandler:
    """The handler of CORRELATE."""

    def __init__(
        self,
        config: Config,
        *,
        installation: str,
        source_topic: str,
        deltas_topic: str,
        state_topic: str,
        deliveries_topic: str,
        quarantine_topic: str,
        decisions_topic: str,
        declares_stalls: bool,
        partition_of: Callable[[str, int], int],
        max_request_bytes: int,
        metrics: Metrics,
        foreign_topics: tuple[str, ...] = (),
        tracer: Tracer | None = None,
    ) -> None:
        """Args: what decides, where to read and write; `partition_of` maps (destination, count)."""
        self._config = config
        self._installation = installation
        self._own = source_topic
        self._source_topics = (source_topic, *foreign_topics)
        self._pressure = Pressure(deltas_topic)  # news may come before the start is done
        self._topics = Topics(state_topic, deliveries_topic, quarantine_topic, decisions_topic)
        self._declares_stalls = declares_stalls
        self._partition_of = partition_of
        self._max_request_bytes = max_request_bytes
        self._metrics = metrics
        self._tracer = tracer
        counting.begin(metrics, config)
        self._held: dict[TopicPartition, _Held] = {}
        self.progress_topic: TopicT | None = None

    async def start(self, source: Source) -> None:
        """Read how many partitions the topics around have."""
        self._source = source
        self._host = source.stage.host
        *of_sources, state, deliveries = await partitions_of(
            source.stage, *self._source_topics, self._topics.state, self._topics.deliveries
        )
        self._sources = dict(zip(self._source_topics, of_sources, strict=True))
        self._partitions, self._targets = len(state), len(deliveries)
        self._pressure.partitions = self._partitions

    async def stop(self) -> None:
        """Nothing is held beside the partitions, but for traces that are not sent yet."""
        if self._tracer is not None:
            self._tracer.close()

    def progress(self, heard: Heard) -> None:
        """Note how far its other partitions are: the slowest of all pauses the sources."""
        self._pressure.hear(heard)

    def report(self, tp: TopicPartition) -> CorrelateReport | None:
        """Return how far a partition has come, and what it waits for."""
        held = self._held.get(tp)
        if held is None:
            return None
        ticks = held.partition.ticks
        watermarks = {one: ticks.watermarks.get(one, -1) for one in ticks.sources - ticks.excluded}
        slowest = min(watermarks, key=lambda one: (watermarks[one], one), default=None)
        return CorrelateReport(
            applied_tick=max(held.told[0], -1),
            watermark_ms=watermarks[slowest] if slowest is not None else -1,
            slowest=slowest,
            held=ticks.held,
            excluded=tuple(sorted(ticks.excluded)[:EXCLUDED_TOLD]),
            excluded_count=len(ticks.excluded),
            late=held.partition.late,
            repeated=held.partition.received[Reception.REPEATED],
        )

    async def assign(self, tp: TopicPartition) -> int:
        """Fence, restore, and return the offset that the state names."""
        writer, stored = await take_over(
            self._source.stage, tp.partition, self._topics.state, self._max_request_bytes
        )
        place = f"{self._topics.state}-{tp.partition}"
        installation = Installation(self._installation, self._partitions)
        try:
            progress, entries = read_state(place, stored, installation)
            if progress is None:
                progress = await self._first_progress(tp, writer)
            check_sources(place, progress, self._own, self._sources[self._own])
            self._tell_version(tp, progress)
            offset = await self._source.place_of(tp, progress.input_offset, progress.read_up_to)
        except BaseException:
            await writer.stop()
            raise
        partition = Partition(self._config, progress, entries, explains=True)
        self._held[tp] = _Held(partition, writer, progress)
        return offset

    def _tell_version(self, tp: TopicPartition, progress: Progress) -> None:
        """Log that deltas are taken under another signature version from the next tick on."""
        before, now = progress.signature_version, self._config.signature_version
        if progress.applied_tick >= 0 and before != now:
            log.info(
                "signature version changes",
                partition=tp.partition,
                before=before,
                now=now,
                from_tick=progress.applied_tick + 1,
            )

    async def _first_progress(self, tp: TopicPartition, writer: FencedWriter) -> Progress:
        """Write which sources must be waited for, before the first tick."""
        assert self._source.consumer is not None
        begin = (await self._source.consumer.beginning_offsets([tp]))[tp]
        progress = Progress(
            installation=self._installation,
            partitions=self._partitions,
            sources=tuple(
                sorted((topic, one) for topic, found in self._sources.items() for one in found)
            ),
            input_offset=begin,
            read_up_to=begin,
        )
        async with writer.transaction() as transaction:
            await transaction.send(
                self._topics.state,
                partition=tp.partition,
                key=PROGRESS_KEY.encode(),
                value=codec.encode(progress),
            )
        return progress

    async def revoke(self, tp: TopicPartition) -> None:
        """Drop what is held: the next owner reads it again."""
        held = self._held.pop(tp, None)
        if held is not None:
            await held.writer.stop()

    async def reconfigure(self, config: Config) -> None:
        """Decide every tick from now on by another configuration; none is decided by two.

        Which one decided which ticks is written before the first of them is applied. What was read
        for later ticks is read again, as a restart would: it was taken under the old one.
        """
        if config == self._config:
            return
        self._config = config
        counting.begin(self._metrics, config)
        for tp, held in list(self._held.items()):
            held.partition = await self._host.compute(partial(held.partition.under, config))
            held.repeated = 0
            progress = held.partition.progress()
            self._tell_version(tp, held.written)
            offset = await self._source.place_of(tp, progress.input_offset, progress.read_up_to)
            await self._step(tp, held, 1)
            self._source.read_again(tp, offset)
            log.info(
                "configuration changes",
                partition=tp.partition,
                configuration=config.name,
                from_tick=progress.applied_tick + 1,
            )

    async def records(self, tp: TopicPartition, records: list[ConsumerRecord[Any, Any]]) -> None:
        """Take messages, then apply every tick that became complete."""
        held = self._held[tp]
        for record in records:
            try:
                message = codec.message(record.value or b"")
            except CodecError as error:
                if record.offset >= held.written.read_up_to:
                    await self._quarantine(tp, held, record, str(error))
                held.partition.ticks.skip(record.offset)
                continue
            if isinstance(message, Act):
                await self._act(tp, held, record, message)
                continue
            for batch in message:
                held.partition.receive(record.offset, batch)
                if batch.watermark_ms >= 0:
                    held.stalls.heard(
                        SourcePartition(batch.topic, batch.partition), self._host.monotonic_ms()
                    )
        await self._advance(tp, held)
        if held.full > 1 and not self._declares_stalls:
            ticks = held.partition.ticks
            raise TooMuchHeld(
                f"{tp.topic}-{tp.partition}: {ticks.held} deltas, {ticks.held_bytes} bytes, wait "
                "for sources that tell no watermark; under clock data every source partition needs "
                "its marks"
            )

    async def _act(
        self, tp: TopicPartition, held: _Held, record: ConsumerRecord[Any, Any], act: Act
    ) -> None:
        """Take an act, after every tick that is complete before it; see `acts_pending`."""
        held.partition.ticks.reach(record.offset)
        await self._advance(tp, held)
        if not held.partition.receive_act(record.offset, act):
            await self._quarantine(tp, held, record, "too many acts wait for one tick", of="act")

    async def timer(self, now_ms: int) -> None:
        """Tell progress again; look for stalled sources."""
        for tp, held in list(self._held.items()):
            ticks = held.partition.ticks
            if ticks.complete_tick() > ticks.applied:
                # A former owner ended between two steps; maybe no message comes to go on by.
                await self._advance(tp, held)
            held.stalls.at_end(self._host.monotonic_ms(), at_end=self._source.at_end(tp))
            if self._declares_stalls:
                await self._look_for_stalls(tp, held)
            await self._tell(tp, held)
        self._gauges(now_ms)

    async def _advance(self, tp: TopicPartition, held: _Held) -> None:
        while held.partition.ready():
            await self._step(tp, held, held.most_ticks)
        complete = held.partition.ticks.complete_tick()
        if complete > held.partition.ticks.applied:
            if complete - held.written.applied_tick >= HEARTBEAT_TICKS:
                await self._step(tp, held, 1)
            else:
                held.partition.ticks.pass_to(complete)
        await self._tell(tp, held)

    async def _step(self, tp: TopicPartition, held: _Held, most_ticks: int) -> None:
        """Apply some ticks and write what they decided.

        Beside the event loop: a tick is never cut, and heartbeats must get through while one of a
        hundred thousand deltas is computed. Nobody else touches the partition: it is worked on, or
        let go of, under the lock of its source.
        """

        def compute() -> tuple[Step, list[Outgoing]]:
            step = held.partition.step(most_ticks=most_ticks, most_changes=CHANGES_PER_TRANSACTION)
            traced = headers_of(self._tracer, held.partition) if self._tracer else untraced
            to = self._partition_of_destination
            return step, outgoing(step, tp, self._topics, to, traced)

        began_ms = self._host.monotonic_ms()
        step, records = await self._host.compute(compute)
        slow = self._host.monotonic_ms() - began_ms > STEP_MS
        most = held.most_ticks // 2 if slow else held.most_ticks * 2
        held.most_ticks = max(1, min(most, TICKS_PER_TRANSACTION))
        await self._write(tp, held, step, records)

    def _partition_of_destination(self, destination: str) -> int:
        return self._partition_of(destination, self._targets)

    async def _write(
        self, tp: TopicPartition, held: _Held, step: Step, records: list[Outgoing]
    ) -> None:
        """Write one step: state, digests, what was set aside, and offsets stand or fall
        together."""
        transaction = held.writer.transaction()
        try:
            async with transaction:
                for one in records:
                    await transaction.send(
                        one.topic,
                        partition=one.partition,
                        key=one.key,
                        value=one.value,
                        headers=one.headers,
                    )
                offsets = {tp: step.progress.input_offset}
                await transaction.offsets(offsets, self._source.stage.group)
        except TransactionTooSlow:
            self._metrics.transactions.labels(stage="correlate", outcome="too_slow").inc()
            raise
        held.written = step.progress
        self._count(step, transaction.seconds)
        if self._tracer is not None:
            trace_step(self._tracer, held.partition, step, self._host.now_ms())

    async def _quarantine(
        self,
        tp: TopicPartition,
        held: _Held,
        record: ConsumerRecord[Any, Any],
        reason: str,
        *,
        of: str = "delta_batch",
    ) -> None:
        log.warning("message set aside", topic=tp.topic, partition=tp.partition, reason=reason)
        self._metrics.quarantined.labels(reason=of).inc()
        async with held.writer.transaction() as transaction:
            await transaction.send(
                self._topics.quarantine,
                value=record.value,
                headers=[
                    ("reason", reason.encode()),
                    ("topic", tp.topic.encode()),
                    ("partition", str(tp.partition).encode()),
                    ("offset", str(record.offset).encode()),
                ],
            )

    def _count(self, step: Step, seconds: float) -> None:
        metrics = self._metrics
        metrics.ticks.inc(step.ticks)
        metrics.transactions.labels(stage="correlate", outcome="committed").inc()
        metrics.transaction_seconds.labels(stage="correlate").observe(seconds)
        for digest in step.digests:
            metrics.digests.labels(kind=digest.kind.value).inc()
        for (why, rule), held_back in step.suppressed.items():
            metrics.suppressed.labels(reason=why.value, rule=rule).inc(held_back)
        for (kind, outcome), acts in step.acts.items():
            metrics.acts.labels(act=kind, outcome=outcome.value).inc(acts)
        counting.responses(metrics, step.responses)
        counting.decisions(metrics, step.decisions)
        decision_log.say(step.decisions)
        for reason, pages in step.pages.items():
            metrics.pages.labels(reason=reason.value).inc(pages)
        for one in step.poison:
            reason_of = "act" if isinstance(one.what, Act) else "delta"
            metrics.quarantined.labels(reason=reason_of).inc()
        for frozen in step.frozen:
            metrics.frozen_entries.inc()
            log.error("entry frozen", key=key_of(frozen), reason=frozen.reason)

    async def _tell(self, tp: TopicPartition, held: _Held) -> None:
        applied_tick = held.partition.ticks.applied
        before, at = held.told
        now_ms = self._host.monotonic_ms()
        if applied_tick == before and now_ms - at < TOLD_EVERY_MS:
            return
        held.told = (applied_tick, now_ms)
        open_incidents, open_storms = held.partition.open_counts
        assert self.progress_topic is not None
        told = Told(
            partition=tp.partition,
            applied_tick=applied_tick,
            open_incidents=open_incidents,
            open_storms=open_storms,
            suppressed=held.partition.suppressed,
            late=held.partition.late,
        )
        await self.progress_topic.send(value=codec.encode(told))

    async def _look_for_stalls(self, tp: TopicPartition, held: _Held) -> None:
        """Go on without the sources that stand still."""
        ticks = held.partition.ticks
        slowest = self._pressure.slowest_tick()
        applied = ticks.applied if slowest is None else min(slowest, ticks.applied)
        stalled = held.stalls.stalled(
            ticks.sources - ticks.excluded,
            ticks.watermarks,
            self._host.monotonic_ms(),
            applied_ms=(applied + 1) * TICK_MS,
            full=held.full,
        )
        if stalled:
            ticks.exclude(stalled)
            self._metrics.stalls.inc(len(stalled))
            names = [f"{source.topic}-{source.partition}" for source in sorted(stalled)]
            log.error("source stalled", partition=tp.partition, sources=names)
            await self._advance(tp, held)

    def _gauges(self, now: int) -> None:
        incidents = storms = unconfirmed = deltas = excluded = 0
        lag = 0.0
        for held in self._held.values():
            of_partition = held.partition.open_counts
            incidents += of_partition[0]
            storms += of_partition[1]
            unconfirmed += held.partition.unconfirmed
            late = held.partition.late
            self._metrics.late_deltas.inc(late - held.late)
            held.late = late
            repeated = held.partition.received[Reception.REPEATED]
            self._metrics.repeated_deltas.inc(repeated - held.repeated)
            held.repeated = repeated
            deltas += held.partition.ticks.held
            excluded += len(held.partition.ticks.excluded)
            applied = held.partition.ticks.applied
            if applied >= 0 and self._declares_stalls:
                lag = max(lag, (now - (applied + 1) * TICK_MS) / 1000)
        self._metrics.incidents_open.set(incidents)
        self._metrics.storms_open.set(storms)
        self._metrics.unconfirmed.set(unconfirmed)
        self._metrics.held_deltas.set(deltas)
        self._metrics.excluded_sources.set(excluded)
        if self._declares_stalls:  # else its time is that of a recording
            every = [held.partition.ticks for held in self._held.values()]
            counting.watermark_age(self._metrics, every, now)
            counting.applied_time(self._metrics, every)
        self._metrics.tick_lag_seconds.labels(stage="correlate").set(max(0.0, lag))
