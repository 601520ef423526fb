"""FINGERPRINT on Kafka: raw records of `sentry.events` in, delta batches on `incident.deltas` out.

It keeps no state. What it has folded is flushed and acknowledged before the offset is committed, so
a crash repeats deltas and loses none; the running maximum of stream time travels in the commit's
metadata. An unreadable record goes to the quarantine with its bytes, origin and reason. A
self-hosted Sentry's topics are read beside ours; what is different about them is in `foreign`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.remembered import Remembered
from correlators.types import TICK_MS, tick_of
from streams.agents import foreign, installations
from streams.agents.batches import Part
from streams.agents.flushing import Flushing
from streams.agents.gathered import Gathered
from streams.agents.lanes import Lane
from streams.agents.pressure import Pressure
from streams.codec import Heard
from streams.metrics import Metrics
from streams.reports import FingerprintReport
from streams.settings import Clock
from streams.stage.source import Source
from streams.topics import ROOM_BYTES
from streams.traced_hops import FingerprintTraces
from streams.tracing import Tracer

AHEAD_MS: Final = 30_000
"""A source partition this far ahead of the slowest, or of CORRELATE, is paused."""
NEARER_MS: Final = 10_000
"""It is read again once it is so much nearer: what was fetched of it is then fetched anew."""

log = structlog.get_logger(__name__)


class FingerprintHandler:
    """The handler of FINGERPRINT."""

    def __init__(
        self,
        fingerprinting: Fingerprinting,
        *,
        bootstrap: str,
        clock: Clock,
        deltas_topic: str,
        quarantine_topic: str,
        max_request_bytes: int,
        metrics: Metrics,
        tracer: Tracer | None = None,
    ) -> None:
        """Args: what decides, where to read and write, and `max_request_bytes` of a producer."""
        self._fingerprinting = fingerprinting
        self._remembered = Remembered(fingerprinting.cache_size)
        self._bootstrap = bootstrap
        self._clock = clock
        self._deltas_topic = deltas_topic
        self._quarantine_topic = quarantine_topic
        self._max_request_bytes = max_request_bytes
        self._metrics = metrics
        self._traces = FingerprintTraces(tracer) if tracer is not None else None
        self._lanes: dict[TopicPartition, Lane] = {}
        self._gathered = Gathered()
        self._pressure = Pressure(deltas_topic)  # news may come before the start is done

    async def start(self, source: Source) -> None:
        """Connect the producer and the admin client."""
        self._source = source
        self._host = source.stage.host
        self._producer = self._host.producer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=0,  # a flush has one message for a target: nothing to wait for
            max_batch_size=256 * 1024,
            max_request_size=self._max_request_bytes,
        )
        await self._producer.start()
        self._admin = self._host.admin(bootstrap_servers=self._bootstrap)
        await self._admin.start()
        targets = len(await self._producer.partitions_for(self._deltas_topic))
        self._pressure.partitions = targets
        self._flushing = Flushing(
            self._host, targets, send=self._send, commit=self._commit, count=self._count
        )
        self._own, *others = source.stage.topics
        self._foreign = frozenset(others)
        self._own_partitions = len(await self._producer.partitions_for(self._own))

    async def stop(self) -> None:
        """Close both."""
        await self._producer.stop()
        await self._admin.close()
        if self._traces is not None:
            self._traces.close()

    async def assign(self, tp: TopicPartition) -> int:
        """Return the committed offset, and begin with the stream time that was committed with
        it."""
        if tp.topic in self._foreign:
            return await self._assign_foreign(tp)
        group = self._source.stage.group
        stored = (await self._admin.list_consumer_group_offsets(group, partitions=[tp])).get(tp)
        assert self._source.consumer is not None
        offset = stored.offset if stored is not None else -1
        stream_ms = int(stored.metadata or 0) if stored is not None and offset >= 0 else 0
        end = int((await self._source.consumer.end_offsets([tp]))[tp])
        if offset > end:
            # Made anew: nothing is kept here that it could contradict, and its time goes on.
            log.error("topic was made anew", topic=tp.topic, partition=tp.partition, ends=end)
        if 0 <= offset <= end:
            offset = await self._source.kept_from(tp, offset)
        else:
            offset = int((await self._source.consumer.beginning_offsets([tp]))[tp])
        self._lanes[tp] = Lane(self._fingerprinter(), offset, stream_ms)
        return offset

    async def _assign_foreign(self, tp: TopicPartition) -> int:
        consumer = self._source.consumer
        assert consumer is not None
        committed = await self._admin.list_consumer_group_offsets(self._source.stage.group)
        begin = await foreign.begin(tp, committed, consumer, self._host.now_ms())
        lane = Lane(self._fingerprinter(), begin.offset, begin.stream_ms, begin.since_ms)
        if not begin.known:
            # Else another start would begin at a later moment, and lose what lies between.
            await foreign.insist(lambda: self._commit({tp: (lane, begin.offset, 0)}))
            lane.fingerprinter = self._fingerprinter()  # they may have been reconfigured meanwhile
        self._lanes[tp] = lane
        return begin.offset

    async def revoke(self, tp: TopicPartition) -> None:
        """Flush and commit what is open."""
        if tp in self._lanes:
            await self._drain()
            del self._lanes[tp]

    async def reconfigure(self, fingerprinting: Fingerprinting) -> None:
        """Read every record from now on in another way; what was folded in the old one is sent."""
        if fingerprinting == self._fingerprinting:
            return
        self._fingerprinting = fingerprinting
        self._remembered = Remembered(fingerprinting.cache_size)
        await self._drain()
        for lane in self._lanes.values():
            lane.fingerprinter = self._fingerprinter()

    def _fingerprinter(self) -> Fingerprinter:
        return Fingerprinter(self._fingerprinting, remembered=self._remembered)

    def progress(self, heard: Heard) -> None:
        """Note how far CORRELATE is; sources far ahead of it wait."""
        if self._pressure.hear(heard):
            self._throttle()

    def report(self, tp: TopicPartition) -> FingerprintReport | None:
        """Return the times of a source partition."""
        lane = self._lanes.get(tp)
        if lane is None:
            return None
        return FingerprintReport(stream_ms=lane.stream_ms, watermark_ms=lane.told_ms)

    async def records(self, tp: TopicPartition, records: list[ConsumerRecord[Any, Any]]) -> None:
        """Fold records; flush when enough has gathered.

        A flush goes on beside the fold. Only where that has gathered as much again meanwhile does
        it wait, and with it whoever fetches.
        """
        lane = self._lanes[tp]
        before = len(lane.fingerprinter.fold)
        for record, reason in lane.take(records, self._clock, self._metrics):
            await self._set_aside(tp, lane, record, reason)
        lane.busy_tick = tick_of(self._host.now_ms())
        if self._traces is not None and not lane.foreign:
            self._traces.read(tp, records)
        now_ms = self._host.monotonic_ms()
        self._gathered.add(
            tp,
            len(records),
            len(lane.fingerprinter.fold) - before,
            now_ms,
            ended=lane.ended,
            # A mark ends a stretch of recorded time: everybody waits for it.
            urgent=self._clock is Clock.DATA and lane.watermark_ms > lane.sent_ms,
        )
        if self._gathered.due(now_ms, len(self._lanes)):
            await self._flush()
        self._throttle_read(tp, lane)

    async def timer(self, now_ms: int) -> None:
        """Flush what has waited long enough; keep the time of idle partitions moving."""
        await self._flushing.look()
        if self._gathered.due(self._host.monotonic_ms(), len(self._lanes)):
            await self._flush()
        self._throttle()
        if self._clock is Clock.WALL:
            for tp, lane in list(self._lanes.items()):
                if not lane.foreign:
                    await self._mark_idle(tp, lane, now_ms)
            await self._tell_idle(now_ms)
            behind_ms = [now_ms - lane.stream_ms for lane in self._lanes.values() if lane.stream_ms]
            lag = self._metrics.tick_lag_seconds.labels(stage="fingerprint")
            lag.set(max(0, *behind_ms, 0) / 1000)

    async def _set_aside(
        self, tp: TopicPartition, lane: Lane, record: ConsumerRecord[Any, Any], reason: str
    ) -> None:
        self._metrics.quarantined.labels(reason=reason_label(reason)).inc()
        kept, value, key = [h for h in record.headers if h[0] != "mark"], record.value, record.key
        if lane.foreign:
            most_bytes = self._max_request_bytes - ROOM_BYTES
            kept, value = foreign.quarantined(record.headers, value, most_bytes)
            key = None  # the number of a project, which the headers name too
        headers = [
            *kept,
            ("reason", reason.encode()),
            ("topic", tp.topic.encode()),
            ("partition", str(tp.partition).encode()),
            ("offset", str(record.offset).encode()),
        ]
        lane.quarantine.append(
            await self._producer.send(self._quarantine_topic, value=value, key=key, headers=headers)
        )

    async def _flush(self) -> None:
        """Have what has gathered flushed, unless a flush is under way and more may gather."""
        if not self._flushing.busy or self._gathered.full:
            await self._begin()

    async def _begin(self) -> None:
        """Have all that has gathered flushed, once the flush before it is done."""
        await self._flushing.settle()
        self._gathered.taken(self._host.monotonic_ms())
        await self._flushing.begin(list(self._lanes.items()))

    async def _drain(self) -> None:
        """Return once Kafka has all that was folded, and it is committed."""
        await self._begin()
        await self._flushing.settle()

    async def _send(self, target: int, value: bytes) -> Awaitable[Any]:
        sent: Awaitable[Any] = await self._producer.send(
            self._deltas_topic, value=value, partition=target
        )
        return sent

    async def _commit(self, found: Mapping[TopicPartition, tuple[Lane, int, int]]) -> bool:
        """Commit what Kafka has, and return whether it took it.

        While the group rebalances it may refuse, which repeats deltas.

        Args:
            found: (lane, offset, stream time) of each partition.
        """
        assert self._source.consumer is not None
        stored = {}
        for tp, (lane, offset, stream_ms) in found.items():
            stored[tp] = OffsetAndMetadata(offset, foreign.metadata(stream_ms, lane.since_ms))
            lane.committed = offset
            if self._traces is not None:
                self._traces.flushed(tp, offset, self._host.now_ms())
        try:
            await self._source.consumer.commit(stored)
        except (CommitFailedError, IllegalStateError) as error:
            places = [f"{tp.topic}-{tp.partition}" for tp in found]
            log.warning("offsets not committed", partitions=places, why=type(error).__name__)
            return False
        return True

    def _count(self, lane: Lane, part: Part) -> None:
        installations.say(part.changes)
        self._metrics.deltas.inc(len(part.deltas))
        for result, found in lane.fingerprinter.cache_results.items():
            self._metrics.signature_cache.labels(result=result).inc(found)
        lane.fingerprinter.cache_results.clear()
        self._metrics.belated_events.inc(lane.fingerprinter.fold.belated)
        lane.fingerprinter.fold.belated = 0

    async def _mark_idle(self, tp: TopicPartition, lane: Lane, now_ms: int) -> None:
        """Write a mark into a partition that is idle and read to its end, once a tick.

        The host's clock is compared with itself alone: the brokers' may be elsewhere.
        """
        tick = tick_of(now_ms)
        if tick == lane.busy_tick or self._source.lag(tp) != 0:
            return
        lane.busy_tick = tick
        await self._producer.send(
            tp.topic, value=b"", partition=tp.partition, headers=[("mark", b"")]
        )

    async def _tell_idle(self, now_ms: int) -> None:
        """Tell the time of foreign partitions that are idle and read to their end, once a tick."""
        tick = tick_of(now_ms)
        read_to = {
            tp: lane.offset
            for tp, lane in self._lanes.items()
            if lane.foreign and tick != lane.busy_tick and lane.offset == lane.committed
            if self._source.lag(tp) == 0
        }
        if not read_to:
            return
        for tp in read_to:
            self._lanes[tp].busy_tick = tick
        own = (self._own, self._own_partitions)
        mark = await foreign.mark(self._producer, self._source.consumer, own, read_to)
        if mark.partitions:
            await self._tell({tp: self._lanes[tp] for tp in mark.partitions}, mark.at_ms)

    async def _tell(self, lanes: Mapping[TopicPartition, Lane], at_ms: int) -> None:
        """Raise partitions to this time, for everybody who will own them, then tell it.

        Told before it is committed, the next owner might begin below it; and CORRELATE drops a
        delta below what its source has told, as a repetition. A flush that is under way may still
        commit a time before it.
        """
        await self._flushing.settle()
        raised = {tp: max(lane.stream_ms, at_ms) for tp, lane in lanes.items()}
        if await self._commit({tp: (lane, lane.offset, raised[tp]) for tp, lane in lanes.items()}):
            for tp, lane in lanes.items():
                lane.stream_ms = lane.watermark_ms = raised[tp]
            await self._begin()

    def _throttle(self) -> None:
        """Pause the lanes that are far ahead of CORRELATE; let the others go on.

        It waits for the slowest lane too, unless it was declared stalled: then nobody does. Only
        while CORRELATE has not told how far it is, the slowest lane counts itself.
        """
        applied_tick = self._pressure.slowest_tick()
        if applied_tick is not None:
            slowest_ms = (applied_tick + 1) * TICK_MS
        else:
            times = (lane.stream_ms for lane in self._lanes.values() if lane.stream_ms)
            slowest_ms = min(times, default=0)
        for tp, lane in self._lanes.items():
            self._pause(tp, lane, slowest_ms)

    def _throttle_read(self, tp: TopicPartition, lane: Lane) -> None:
        """Do the same after this one was read: of the others nothing has changed."""
        applied_tick = self._pressure.slowest_tick()
        if applied_tick is None:
            self._throttle()
        else:
            self._pause(tp, lane, (applied_tick + 1) * TICK_MS)

    def _pause(self, tp: TopicPartition, lane: Lane, slowest_ms: int) -> None:
        if self._clock is not Clock.DATA or lane.watermark_ms >= 0:
            most_ms = AHEAD_MS - NEARER_MS if self._source.paused(tp) else AHEAD_MS
            self._source.pause(tp, lane.stream_ms > slowest_ms + most_ms)


def reason_label(reason: str) -> str:
    """Return the reason as a metric label: its first words, without places."""
    return reason.split(":", 1)[0][:40]
