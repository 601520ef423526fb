"""The service that owns a stage's consumer and fills its channel.

For every partition that is assigned to it the order is: pause, fence and restore
(`Handler.assign`), seek, resume; for every one that is taken away: drain, let go. Records and
timers are worked on one at a time, by the agent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from mode import Service

from streams import codec
from streams.metrics import Metrics, forget
from streams.processes import EXIT_FAILED, EXIT_REFUSED, Place
from streams.stage.fetching import Fetching, partition_fetch_bytes
from streams.stage.report import make_report, measure, worked
from streams.stage.state import partitions_of
from streams.stage.types import ANEW, Handler, Refused, Stage

SESSION_MS: Final = 6_000
METADATA_MS: Final = 30_000
"""How old the knowledge of topics may be: a source topic may grow."""

QUEUED_BATCHES: Final = 2
"""Pieces of work that wait for the agent; more of them would only have left the processor's cache
by then."""
RESTORE_S: Final = 300.0
"""A partition that takes longer to be restored ends the process."""

POSITION_S: Final = 0.1

POLLED_MS: Final = 2_000
"""Where the brokers have answered no fetch for so long, nobody knows where a partition ends."""

TELL_EVERY_S: Final = 1.0
TELL_WITHIN_S: Final = 1.0

_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)

TIMER: Final = Place("", -1, -1)
"""What the timer works on: nothing that could be blamed."""

log = structlog.get_logger(__name__)


@dataclass
class _Owned:
    """One assigned partition."""

    generation: int
    ready: bool = False
    paused: bool = False
    offset: int = -1
    """Offset after the last record handed to the agent."""
    position: int = -1
    """Where the next fetch begins: past the marks of transactions, which are no records."""
    at_ms: int = 0
    """When the last record that was worked on came into Kafka; 0 before the first."""
    polled: int | None = None
    """When the client had the last answer to a fetch, on a clock of its own."""
    polled_ms: int = 0
    """When that was noted, on the host's monotonic clock."""


@dataclass(frozen=True)
class _Work:
    """What travels through the channel: records of one partition, or a timer when there is none."""

    tp: TopicPartition | None = None
    generation: int = 0
    records: list[ConsumerRecord[Any, Any]] = field(default_factory=list)
    size: int = 0
    """Bytes of the records."""


class Lane(Protocol):
    """Where work for the agent is put: the channel."""

    async def put(self, value: Any) -> Any:
        """Give it to whoever listens."""


class Source(Service):
    """Owns the consumer of a stage and fills the channel."""

    logger = logging.getLogger("mode.source")

    def __init__(self, stage: Stage, handler: Handler, metrics: Metrics, **kwargs: Any) -> None:
        """Args: stage: names and limits; handler: what is done with the records."""
        super().__init__(**kwargs)
        self.stage = stage
        self._metrics = metrics
        self.handler = handler
        self.channel: Lane | None = None
        self.tell: Callable[[bytes], Awaitable[None]] | None = None
        """Puts a message on `stormfold.progress`; without one no report is told."""
        self.lock = asyncio.Lock()
        self.listening = asyncio.Event()
        self._nudge = asyncio.Event()
        self.owned: dict[TopicPartition, _Owned] = {}
        self.parked = set(stage.parked)
        """Topic and partition of what is owned, but not read."""
        self.consumer: AIOKafkaConsumer | None = None
        self._generation = 0
        self._preparing: dict[TopicPartition, asyncio.Task[None]] = {}
        self._timer_waits = False
        self._host = stage.host
        self.fetching = Fetching(self)
        self.configuration = stage.configuration
        """What the handler decides by, as its reports name it."""
        self.configured_ms = 0
        """Since when, on the host's clock."""

    # Service

    async def on_start(self) -> None:
        """Connect the handler, then join the group."""
        self.configured_ms = self._host.now_ms()
        await self.handler.start(self)
        stage = self.stage
        partitions = await partitions_of(stage, *stage.topics)
        make = self._host.reader if stage.reads_much else self._host.consumer
        self.consumer = make(
            bootstrap_servers=stage.bootstrap,
            group_id=stage.group,
            client_id=f"{stage.group}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=stage.isolation,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=1_000,
            rebalance_timeout_ms=30_000,
            metadata_max_age_ms=METADATA_MS,
            max_partition_fetch_bytes=partition_fetch_bytes(stage, sum(map(len, partitions))),
            fetch_max_bytes=stage.fetched_bytes,
            fetch_max_wait_ms=250,
        )
        self.consumer.subscribe(list(stage.topics), listener=_Listener(self))
        await self.consumer.start()
        log.info("stage started", stage=stage.name, topics=list(stage.topics))

    async def on_stop(self) -> None:
        """Drain and let go of every partition, then leave the group."""
        await self.release(list(self.owned))
        if self.consumer is not None:
            await self.consumer.stop()
        await self._tell()  # that it owns nothing any more
        await self.handler.stop()
        log.info("stage stopped", stage=self.stage.name)

    @Service.task
    async def _fetch(self) -> None:
        noted_ms = 0
        while not self.should_stop:
            readable = {tp: self.owned[tp].generation for tp in self.ready()}
            pieces = await self.fetching.pieces()
            for piece in pieces:
                await self._put(_Work(*piece))
            # While records come, only seldom: it is a question for each partition.
            now_ms = self._host.monotonic_ms()
            if pieces and now_ms - noted_ms < self.stage.poll_ms:
                continue
            noted_ms = now_ms
            for tp, generation in readable.items():
                owned = self.owned.get(tp)
                if owned is not None and owned.ready and owned.generation == generation:
                    await self._note_position(tp, owned)

    async def _note_position(self, tp: TopicPartition, owned: _Owned) -> None:
        """Note where the next fetch begins: only that tells the end of a topic of transactions."""
        assert self.consumer is not None
        # It was taken away, or its offset is looked up anew: the others do not wait for that.
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(POSITION_S):
                owned.position = await self.consumer.position(tp)

    @Service.task
    async def _timer(self) -> None:
        while not self.should_stop:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), self.stage.timer_ms / 1000)
            self._nudge.clear()
            if not self._timer_waits:
                self._timer_waits = True
                await self._put(_Work())

    @Service.task
    async def _report(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(TELL_EVERY_S)
            measure(self, self._metrics)
            await self._tell()

    async def _tell(self) -> None:
        """Tell how every partition is. That is news, not work: its failure ends nothing."""
        if self.tell is None:
            return
        try:
            async with asyncio.timeout(TELL_WITHIN_S):
                await self.tell(codec.encode(make_report(self)))
        except Exception as error:
            log.debug("report not told", stage=self.stage.name, error=type(error).__name__)

    def wake(self) -> None:
        """Have the handler's timer called soon. Never waits: who calls it may be waited for."""
        self._nudge.set()

    async def _put(self, work: _Work) -> None:
        channel = self.channel
        assert channel is not None
        # A channel gives to whoever listens, and drops what it is given before that.
        await self.listening.wait()
        await channel.put(work)

    # The agent's side

    async def work(self, work: _Work) -> None:
        """Do one piece of work; a failure ends the process."""
        try:
            async with self.lock:
                if work.tp is None:
                    self._timer_waits = False
                    self._host.working(TIMER)
                    await self.handler.timer(self._host.now_ms())
                else:
                    await self._records(work.tp, work)
                self._host.working(None)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Only what is wrong with the records may be blamed on their place: an outage of the
            # cluster, or a new owner, says nothing about them. Nor does its traceback. But what is
            # made of them and too large for Kafka will be as large the next time.
            blame = isinstance(error, _TOO_LARGE) or not isinstance(error, KafkaError | OSError)
            log.error(
                "stage failed",
                stage=self.stage.name,
                error=type(error).__name__,
                reason=None if blame else str(error),
                topic=work.tp.topic if work.tp else None,
                partition=work.tp.partition if work.tp else None,
                offset=work.records[0].offset if work.records else None,
                exc_info=blame,
            )
            self._fail(blame=blame)
        finally:
            self.fetching.room.give(work.size)

    async def _records(self, tp: TopicPartition, work: _Work) -> None:
        owned = self.owned.get(tp)
        if owned is None or owned.generation != work.generation or not owned.ready:
            return
        self._host.working(Place(tp.topic, tp.partition, work.records[0].offset))
        await self.handler.records(tp, work.records)
        owned.at_ms = worked(self, work.records, self._metrics)

    async def reconfigure(self, configuration: str, change: Callable[[], Awaitable[None]]) -> None:
        """Have the handler decide by another configuration, between two pieces of work.

        A failure ends the process: the next one begins with the new configuration.

        Args:
            configuration: its name.
            change: makes the handler go on with it; no partition is taken away meanwhile.
        """
        async with self.lock:
            self._host.working(TIMER)
            try:
                await change()
            except Exception as error:
                log.error(
                    "configuration not taken",
                    stage=self.stage.name,
                    error=type(error).__name__,
                    reason=str(error),
                )
                self._fail(blame=False)
            self._host.working(None)
            self.configuration, self.configured_ms = configuration, self._host.now_ms()

    def _fail(self, *, blame: bool) -> None:
        """End the process; the parent starts it again, and may blame what was worked on."""
        if not blame:
            self._host.working(None)
        self._host.end(EXIT_FAILED)

    # Assignment

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Pause new partitions and prepare each beside the consumer."""
        assert self.consumer is not None
        for tp in partitions:
            self.consumer.pause(tp)
            self._generation += 1
            self.owned[tp] = _Owned(self._generation)
            if (tp.topic, tp.partition) in self.parked:
                log.error(
                    "partition parked",
                    stage=self.stage.name,
                    topic=tp.topic,
                    partition=tp.partition,
                )
                continue
            self._preparing[tp] = asyncio.get_running_loop().create_task(
                self._prepare(tp, self._generation, self._preparing.get(tp))
            )

    async def park(self, topic: str, partition: int) -> None:
        """Read this partition no more: it ended another process of the stage again and again."""
        tp = TopicPartition(topic, partition)
        self.parked.add((topic, partition))
        async with self.lock:
            owned = self.owned.get(tp)
            if owned is None:
                return  # mostly: its owner has just died, and the next one knows before it reads
            assert self.consumer is not None
            self._generation += 1
            owned.generation = self._generation  # what is under way is dropped, also its restore
            if tp in self.consumer.assignment():
                self.consumer.pause(tp)
            if owned.ready:
                owned.ready = False
                await self._drain([tp], self.handler.revoke)

    async def _prepare(
        self, tp: TopicPartition, generation: int, former: asyncio.Task[None] | None
    ) -> None:
        consumer = self.consumer
        assert consumer is not None
        try:
            if former is not None:
                await asyncio.wait([former])  # it may have been cancelled: that is no end of ours
            async with asyncio.timeout(RESTORE_S):
                offset = await self.handler.assign(tp)
            owned = self.owned.get(tp)
            if owned is None or owned.generation != generation:
                async with self.lock:
                    await self.handler.revoke(tp)
                return
            consumer.seek(tp, offset)
            owned.offset = offset
            owned.ready = True
            if not owned.paused:
                consumer.resume(tp)
            log.info(
                "partition restored",
                stage=self.stage.name,
                topic=tp.topic,
                partition=tp.partition,
                offset=offset,
            )
        except asyncio.CancelledError:
            raise
        except Refused as error:
            log.error("refused", stage=self.stage.name, reason=str(error))
            self._host.end(EXIT_REFUSED)
        except Exception as error:
            log.error(
                "restore failed",
                stage=self.stage.name,
                partition=tp.partition,
                error=type(error).__name__,
                reason=str(error),
            )
            self._fail(blame=False)

    async def release(self, partitions: Iterable[TopicPartition]) -> None:
        """Drain and let go of these partitions."""
        gone = [tp for tp in partitions if tp in self.owned]
        self._generation += 1
        # Finished later, a preparation would fence the next owner.
        preparing = [self._preparing[tp] for tp in gone if tp in self._preparing]
        for task in preparing:
            task.cancel()
        await asyncio.gather(*preparing, return_exceptions=True)
        async with self.lock:
            await self._drain(gone, self._let_go)
        if gone:
            log.info("partitions released", stage=self.stage.name, partitions=len(gone))

    async def _drain(
        self,
        partitions: Iterable[TopicPartition],
        let_go: Callable[[TopicPartition], Awaitable[None]],
    ) -> None:
        """Let go of what is open of these partitions, under the lock."""
        self._host.working(TIMER)
        try:
            for tp in partitions:
                await let_go(tp)
        except Exception as error:
            # The consumer would log this and go on, with partitions that are another's now.
            log.error(
                "release failed",
                stage=self.stage.name,
                error=type(error).__name__,
                reason=str(error),
            )
            self._fail(blame=False)
        self._host.working(None)

    async def _let_go(self, tp: TopicPartition) -> None:
        owned = self.owned.pop(tp)
        if owned.ready:
            await self.handler.revoke(tp)
        place = self.partition_label(tp)
        forget(self._metrics.source_lag_records, stage=self.stage.name, partition=place)

    def partition_label(self, tp: TopicPartition) -> str:
        """Return the partition as a metric label; foreign topics have numbers of their own."""
        own = tp.topic == self.stage.topics[0]
        return str(tp.partition) if own else f"{tp.topic}-{tp.partition}"

    # What handlers ask

    async def place_of(self, tp: TopicPartition, offset: int, read_up_to: int) -> int:
        """Return where to read on, given where the state has come.

        Args:
            offset: the first that must be read again.
            read_up_to: the first that was never read.

        Raises:
            Refused: the partition ends before that: it is not the one that was read.
        """
        assert self.consumer is not None
        end = int((await self.consumer.end_offsets([tp]))[tp])
        if read_up_to > end:
            raise Refused(
                f"{tp.topic}-{tp.partition} ends at offset {end}, and was read up to {read_up_to}: "
                + ANEW
            )
        return await self.kept_from(tp, offset)

    def read_again(self, tp: TopicPartition, offset: int) -> None:
        """Go back to this offset of a partition that is held; what is under way is dropped."""
        assert self.consumer is not None
        owned = self.owned[tp]
        self._generation += 1
        owned.generation = self._generation
        owned.offset = offset
        owned.position = -1  # of before; until the client tells another, all from here is behind
        self.consumer.seek(tp, offset)

    async def kept_from(self, tp: TopicPartition, offset: int) -> int:
        """Return the offset, or the first one that is still kept; what is gone is counted."""
        assert self.consumer is not None
        first = int((await self.consumer.beginning_offsets([tp]))[tp])
        if offset < first:
            log.error(
                "records were deleted before they were read",
                stage=self.stage.name,
                topic=tp.topic,
                partition=tp.partition,
                records=first - offset,
            )
            self._metrics.deleted_unread.labels(stage=self.stage.name).inc(first - offset)
        return max(offset, first)

    def ready(self) -> list[TopicPartition]:
        """Return the partitions that are restored and read."""
        return [tp for tp, owned in self.owned.items() if owned.ready]

    def lag(self, tp: TopicPartition) -> int | None:
        """Return how many records can be read and were not handed out, None when not known yet."""
        owned = self.owned.get(tp)
        if self.consumer is None or owned is None or owned.offset < 0:
            return None
        with contextlib.suppress(Exception):
            committed = self.stage.isolation == "read_committed"
            consumer = self.consumer
            end = consumer.last_stable_offset(tp) if committed else consumer.highwater(tp)
            return None if end is None else max(0, end - max(owned.offset, owned.position))
        return None

    def at_end(self, tp: TopicPartition) -> bool:
        """Return whether everything that stands in a partition was handed out, as far as the
        brokers have told lately.

        `lag` keeps to the last end that it has heard of, also while the brokers are away.
        """
        owned = self.owned.get(tp)
        if self.consumer is None or owned is None or not owned.ready or self.lag(tp) != 0:
            return False
        now_ms = self._host.monotonic_ms()
        polled = self.consumer.last_poll_timestamp(tp)
        if polled != owned.polled:
            owned.polled, owned.polled_ms = polled, now_ms
        return now_ms - owned.polled_ms < POLLED_MS

    def paused(self, tp: TopicPartition) -> bool:
        """Return whether a partition that this process owns is not read for now."""
        owned = self.owned.get(tp)
        return owned is not None and owned.paused

    def pause(self, tp: TopicPartition, paused: bool) -> None:
        """Stop or go on reading a partition that this process owns."""
        owned = self.owned.get(tp)
        if owned is None or owned.paused == paused or self.consumer is None:
            return
        owned.paused = paused
        if owned.ready:
            (self.consumer.pause if paused else self.consumer.resume)(tp)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, source: Source) -> None:
        self._source = source

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._source.release(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._source.assigned(assigned)
