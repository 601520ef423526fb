"""FINGERPRINT on Kafka: raw records of `sentry.events` in, delta batches on `incident.deltas` out.

It keeps no state. What it has folded is flushed and acknowledged before the offset is committed, so
a crash repeats deltas and loses none; the running maximum of stream time travels in the commit's
metadata. An unreadable record goes to the quarantine with its bytes, origin and reason. A
self-hosted Sentry's topics are read beside ours; what is different about them is in `foreign`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.types import TICK_MS, Delta, tick_of
from streams import codec
from streams.agents import foreign, installations
from streams.agents.batches import batches
from streams.agents.lanes import Lane
from streams.agents.pressure import Pressure
from streams.codec import Heard
from streams.metrics import Metrics
from streams.reports import FingerprintReport
from streams.settings import Clock
from streams.stage import Source
from streams.topics import ROOM_BYTES

FLUSH_MS: Final = 100
FLUSH_EVENTS: Final = 5_000
AHEAD_MS: Final = 30_000
"""A source partition this far ahead of the slowest, or of CORRELATE, is paused."""

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
    ) -> None:
        """Args: what decides, where to read and write, and `max_request_bytes` of a producer."""
        self._fingerprinting = fingerprinting
        self._bootstrap = bootstrap
        self._clock = clock
        self._deltas_topic = deltas_topic
        self._quarantine_topic = quarantine_topic
        self._max_request_bytes = max_request_bytes
        self._metrics = metrics
        self._lanes: dict[TopicPartition, Lane] = {}
        self._pressure = Pressure(deltas_topic)  # news may come before the start is done
        self._targets = 0

    async def start(self, source: Source) -> None:
        """Connect the producer and the admin client."""
        self._source = source
        self._host = source.stage.host
        self._producer = self._host.producer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=5,
            max_batch_size=256 * 1024,
            max_request_size=self._max_request_bytes,
        )
        await self._producer.start()
        self._admin = self._host.admin(bootstrap_servers=self._bootstrap)
        await self._admin.start()
        self._targets = len(await self._producer.partitions_for(self._deltas_topic))
        self._pressure.partitions = self._targets
        self._own, *others = source.stage.topics
        self._foreign = frozenset(others)
        self._own_partitions = len(await self._producer.partitions_for(self._own))

    async def stop(self) -> None:
        """Close both."""
        await self._producer.stop()
        await self._admin.close()

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
        self._lanes[tp] = Lane(self._fingerprinting, offset, stream_ms)
        return offset

    async def _assign_foreign(self, tp: TopicPartition) -> int:
        consumer = self._source.consumer
        assert consumer is not None
        committed = await self._admin.list_consumer_group_offsets(self._source.stage.group)
        begin = await foreign.begin(tp, committed, consumer, self._host.now_ms())
        lane = Lane(self._fingerprinting, begin.offset, begin.stream_ms, begin.since_ms)
        if not begin.known:
            # Else another start would begin at a later moment, and lose what lies between.
            await foreign.insist(lambda: self._commit(tp, lane, begin.offset, 0))
        self._lanes[tp] = lane
        return begin.offset

    async def revoke(self, tp: TopicPartition) -> None:
        """Flush and commit what is open."""
        lane = self._lanes.pop(tp, None)
        if lane is not None:
            await self._flush(tp, lane)

    async def reconfigure(self, fingerprinting: Fingerprinting) -> None:
        """Read every record from now on in another way; what was folded in the old one is sent."""
        if fingerprinting == self._fingerprinting:
            return
        self._fingerprinting = fingerprinting
        for tp, lane in list(self._lanes.items()):
            await self._flush(tp, lane)
            lane.fingerprinter = Fingerprinter(fingerprinting)

    def progress(self, heard: Heard) -> None:
        """Note how far CORRELATE is; sources far ahead of it wait."""
        self._pressure.hear(heard)
        self._throttle()

    def report(self, tp: TopicPartition) -> FingerprintReport | None:
        """Return the times of a source partition."""
        lane = self._lanes.get(tp)
        if lane is None:
            return None
        return FingerprintReport(stream_ms=lane.stream_ms, watermark_ms=lane.told_ms)

    async def records(self, tp: TopicPartition, records: list[ConsumerRecord[Any, Any]]) -> None:
        """Fold records; flush when enough has gathered."""
        lane = self._lanes[tp]
        for record, reason in lane.take(records, self._clock, self._metrics):
            await self._set_aside(tp, lane, record, reason)
        lane.busy_tick = tick_of(self._host.now_ms())
        if self._due(lane):
            await self._flush(tp, lane)
        self._throttle()

    async def timer(self, now_ms: int) -> None:
        """Flush what has waited long enough; keep the time of idle partitions moving."""
        for tp, lane in list(self._lanes.items()):
            if self._due(lane):
                await self._flush(tp, lane)
            if self._clock is Clock.WALL and not lane.foreign:
                await self._mark_idle(tp, lane, now_ms)
        if self._clock is Clock.WALL:
            await self._tell_idle(now_ms)
            behind_ms = [now_ms - lane.stream_ms for lane in self._lanes.values() if lane.stream_ms]
            lag = self._metrics.tick_lag_seconds.labels(stage="fingerprint")
            lag.set(max(0, *behind_ms, 0) / 1000)

    def _due(self, lane: Lane) -> bool:
        if lane.offset == lane.committed:
            return False
        if self._clock is Clock.DATA and lane.watermark_ms > lane.told_ms:
            return True  # a mark ends a stretch of recorded time: everybody waits for it
        waited_ms = self._host.monotonic_ms() - lane.flushed_ms
        return lane.waiting >= FLUSH_EVENTS or waited_ms >= FLUSH_MS

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

    async def _flush(self, tp: TopicPartition, lane: Lane) -> None:
        """Send what was folded, wait until Kafka has it, then commit."""
        offset, stream_ms = lane.offset, lane.stream_ms
        deltas, changes = lane.fingerprinter.fold.flush()
        self._count(lane, deltas)
        installations.say(changes)
        moved = lane.watermark_ms // TICK_MS > lane.told_ms // TICK_MS
        heard = lane.fingerprinter.fold.heard.take()
        tells = moved or deltas or changes or heard
        watermark_ms = lane.watermark_ms if tells else -1
        sent: list[Awaitable[Any]] = list(lane.quarantine)
        lane.quarantine = []
        messages = batches(
            tp, deltas, changes, watermark_ms=watermark_ms, targets=self._targets, heard=heard
        )
        # The last message of a target tells the watermark: whoever hears it takes what comes again
        # for a repetition. So it is not sent before all others are there.
        for last in (False, True):
            for target, of_target in messages.items():
                for batch in of_target[-1:] if last else of_target[:-1]:
                    sent.append(
                        await self._producer.send(
                            self._deltas_topic, value=codec.encode(batch), partition=target
                        )
                    )
            for future in sent:
                await future
            sent = []
        if watermark_ms >= 0:
            lane.told_ms = watermark_ms
        lane.waiting = 0
        lane.flushed_ms = self._host.monotonic_ms()
        if offset != lane.committed:
            await self._commit(tp, lane, offset, stream_ms)

    async def _commit(self, tp: TopicPartition, lane: Lane, offset: int, stream_ms: int) -> bool:
        """Commit what Kafka has, and return whether it took it.

        While the group rebalances it may refuse, which repeats deltas.
        """
        assert self._source.consumer is not None
        stored = OffsetAndMetadata(offset, foreign.metadata(stream_ms, lane.since_ms))
        lane.committed = offset
        try:
            await self._source.consumer.commit({tp: stored})
        except (CommitFailedError, IllegalStateError) as error:
            why = type(error).__name__
            log.warning("offset not committed", topic=tp.topic, partition=tp.partition, why=why)
            return False
        return True

    def _count(self, lane: Lane, deltas: list[Delta]) -> None:
        self._metrics.deltas.inc(len(deltas))
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
        told = [self._tell(tp, self._lanes[tp], mark.at_ms) for tp in mark.partitions]
        await asyncio.gather(*told)

    async def _tell(self, tp: TopicPartition, lane: Lane, at_ms: int) -> None:
        """Raise a partition to this time, for everybody who will own it, then tell it.

        Told before it is committed, the next owner might begin below it; and CORRELATE drops a
        delta below what its source has told, as a repetition.
        """
        at_ms = max(lane.stream_ms, at_ms)
        if await self._commit(tp, lane, lane.offset, at_ms):
            lane.stream_ms = lane.watermark_ms = at_ms
            await self._flush(tp, lane)

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
            if self._clock is Clock.DATA and lane.watermark_ms < 0:
                continue
            self._source.pause(tp, lane.stream_ms > slowest_ms + AHEAD_MS)


def reason_label(reason: str) -> str:
    """Return the reason as a metric label: its first words, without places."""
    return reason.split(":", 1)[0][:40]
