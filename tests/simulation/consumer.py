"""The simulated consumer: what aiokafka's does with groups, positions, prefetched records.

Follows aiokafka 0.14 where it matters: partitions are fetched ahead, what was fetched is dropped
when the partition is paused, sought or reassigned meanwhile; `getmany` waits while the group
rebalances; errors of a listener are swallowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaConnectionError
from aiokafka.structs import OffsetAndMetadata

from tests.simulation.cluster import Cluster
from tests.simulation.loop import Process
from tests.simulation.membership import Membership

FETCH_WAIT_S = 0.25

Record: TypeAlias = "ConsumerRecord[Any, Any]"


class Ordered(set[TopicPartition]):
    """A set that is walked in order: no result may hang on the interpreter's hash seed."""

    def __iter__(self) -> Iterator[TopicPartition]:
        return iter(sorted(super().__iter__()))


class Position:
    """One assigned partition, as the client knows it."""

    def __init__(self) -> None:
        self.offset: int | None = None
        self.paused = False
        self.highwater: int | None = None
        self.polled_ms: int | None = None
        self.fetching = 0
        """Number of the fetch under way, 0 for none."""
        self.fetched: tuple[list[Record], int] | None = None
        """Records, and the position after them."""


class Assignment:
    """What is assigned between two rebalances."""

    def __init__(self, tps: Iterable[TopicPartition]) -> None:
        self.positions = {tp: Position() for tp in sorted(tps)}
        self.active = True


class SimConsumer:
    """A consumer of a simulated process."""

    def __init__(self, cluster: Cluster, process: Process, settings: dict[str, Any]) -> None:
        self._cluster = cluster
        self._random = cluster.random
        self._loop = cluster.loop
        self._committed = settings.get("isolation_level") == "read_committed"
        self._latest = settings.get("auto_offset_reset", "latest") == "latest"
        self.group_id: str | None = settings.get("group_id")
        self.settings = settings
        self.assignment_now: Assignment | None = None
        self.reassigning = False
        self._assigned: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.membership: Membership | None = None
        self.closed = False
        self._fetches = 0

    # Life

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self.reassigning = True
        self.membership = Membership(self, self._cluster, topics, listener)

    async def start(self) -> None:
        await self._cluster.call(lambda: None)
        if self.membership is not None:
            self.membership.start()

    async def stop(self) -> None:
        if self.closed:
            return
        self.closed = True
        if self.membership is not None:
            await self.membership.close()
        self._notify()

    # Assignment

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self.set_assignment(partitions)

    def set_assignment(self, partitions: Iterable[TopicPartition]) -> None:
        if self.assignment_now is not None:
            self.assignment_now.active = False
        self.assignment_now = assignment = Assignment(partitions)
        self.reassigning = False
        if self._assigned is not None and not self._assigned.done():
            self._assigned.set_result(None)
        for tp in assignment.positions:
            self._loop.create_task(self._find_position(assignment, tp))

    def assignment(self) -> set[TopicPartition]:
        return Ordered(self.assignment_now.positions) if self.assignment_now else Ordered()

    def _of(self, tp: TopicPartition) -> Position:
        if self.assignment_now is None or tp not in self.assignment_now.positions:
            raise IllegalStateError(f"No current assignment for partition {tp}")
        return self.assignment_now.positions[tp]

    async def _find_position(self, assignment: Assignment, tp: TopicPartition) -> None:
        position = assignment.positions[tp]
        group, cluster = self.group_id, self._cluster
        found: int | None = None
        if group is not None:
            known = await cluster.insist(lambda: cluster.offsets.get((group, tp)))
            found = known[0] if known is not None else None
        if found is None:
            log = cluster.logs[tp]
            latest = self._latest
            found = await cluster.insist(lambda: log.end if latest else 0)
        if position.offset is None and assignment.active:
            position.offset = found
            self._fetch(assignment, tp)

    # Fetching

    def _fetch(self, assignment: Assignment, tp: TopicPartition) -> None:
        position = assignment.positions[tp]
        idle = not position.fetching and position.fetched is None and not position.paused
        if not (idle and position.offset is not None and assignment.active) or self.closed:
            return
        self._fetches += 1
        position.fetching = number = self._fetches
        offset = position.offset
        answer = self._cluster.call(lambda: self._serve(tp, offset, position.highwater))
        answer.add_done_callback(lambda done: self._fetched(assignment, tp, number, offset, done))

    def _serve(self, tp: TopicPartition, offset: int, highwater: int | None) -> Any:
        """At the broker: answer at once if there is something to read, else wait for it."""
        log = self._cluster.logs[tp]
        answer: asyncio.Future[int] = self._loop.create_future()
        if tp in self._cluster.unread:

            def give(_: object) -> None:
                if not answer.done():
                    answer.set_result(log.end)

            self._cluster.unread[tp].add_done_callback(give, context=self._loop.outside)
            return answer
        if log.readable_end(committed=self._committed) > offset:
            return log.end

        def look() -> None:
            if answer.done() or self.closed:
                return
            if log.readable_end(committed=self._committed) > offset or log.end != highwater:
                answer.set_result(log.end)
            else:
                log.waiting.append(look)

        def timed_out() -> None:
            if not answer.done():
                answer.set_result(log.end)

        log.waiting.append(look)
        if highwater != log.end:
            self._loop.call_later(FETCH_WAIT_S, timed_out, context=self._loop.outside)
        return answer

    def _fetched(
        self,
        assignment: Assignment,
        tp: TopicPartition,
        number: int,
        offset: int,
        done: asyncio.Future[int],
    ) -> None:
        position = assignment.positions[tp]
        if done.cancelled() or done.exception() is None:
            pass  # looked at below; an error that nobody looks at is complained of
        if position.fetching != number:
            return
        position.fetching = 0
        if done.cancelled() or not assignment.active or self.closed:
            return
        if isinstance(done.exception(), KafkaConnectionError):
            self._loop.create_task(self._fetch_again(assignment, tp))
            return
        if position.offset == offset:
            position.highwater = done.result()
            position.polled_ms = int(self._loop.time() * 1000)
            log = self._cluster.logs[tp]
            end = log.readable_end(committed=self._committed)
            most = self._random.choice((1, 7, 50, 500))
            records, after = self._read(tp, offset, min(end, offset + most))
            if after > offset:
                position.fetched = records, after
                self._notify()
        self._fetch(assignment, tp)

    async def _fetch_again(self, assignment: Assignment, tp: TopicPartition) -> None:
        await self._cluster.up_again()
        self._fetch(assignment, tp)

    def _read(self, tp: TopicPartition, offset: int, end: int) -> tuple[list[Record], int]:
        log = self._cluster.logs[tp]
        records = []
        for entry in log.entries[offset:end]:
            message = entry.message
            if message is None or not log.given(entry, committed=self._committed):
                continue
            records.append(
                ConsumerRecord(
                    topic=tp.topic,
                    partition=tp.partition,
                    offset=entry.offset,
                    timestamp=entry.timestamp_ms,
                    timestamp_type=1 if log.append_time else 0,
                    key=message.key,
                    value=message.value,
                    checksum=None,
                    serialized_key_size=len(message.key or b""),
                    serialized_value_size=len(message.value or b""),
                    headers=message.headers,
                )
            )
        return records, end

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        if self.membership is not None:
            self.membership.check_errors()
        deadline = self._loop.time() + timeout_ms / 1000
        while True:
            if self.reassigning:
                if self._assigned is None or self._assigned.done():
                    self._assigned = self._loop.create_future()
                await asyncio.shield(self._assigned)
            drained = self._drain(partitions, max_records or 500)
            left_s = deadline - self._loop.time()
            if drained or left_s <= 0 or self.closed:
                return drained
            self._waiter = waiter = self._loop.create_future()
            timer = self._loop.call_later(left_s, self._notify)
            try:
                await waiter
            finally:
                timer.cancel()

    def _drain(
        self, partitions: tuple[TopicPartition, ...], most: int
    ) -> dict[TopicPartition, list[Record]]:
        drained: dict[TopicPartition, list[Record]] = {}
        assignment = self.assignment_now
        if assignment is None:
            return drained
        for tp, position in assignment.positions.items():
            if position.fetched is None or (partitions and tp not in partitions) or most <= 0:
                continue
            records, after = position.fetched
            if position.paused:
                position.fetched = None
                continue
            given = records[:most]
            most -= len(given)
            if len(given) < len(records):
                position.fetched = records[len(given) :], after
                position.offset = given[-1].offset + 1
            else:
                position.fetched = None
                position.offset = after
            if given:
                drained[tp] = given
            self._fetch(assignment, tp)
        return drained

    # What is asked of it

    def seek(self, tp: TopicPartition, offset: int) -> None:
        assert offset >= 0
        position = self._of(tp)
        position.offset = offset
        position.fetched = None
        assert self.assignment_now is not None
        if position.fetching:
            # Nothing is asked before the broker answers what was asked for the former place.
            position.fetching = 0
            wait_s = self._random.random() * FETCH_WAIT_S
            self._loop.call_later(wait_s, self._fetch, self.assignment_now, tp)
        else:
            self._fetch(self.assignment_now, tp)

    def pause(self, *tps: TopicPartition) -> None:
        for tp in tps:
            self._of(tp).paused = True

    def resume(self, *tps: TopicPartition) -> None:
        for tp in tps:
            self._of(tp).paused = False
            assert self.assignment_now is not None
            self._fetch(self.assignment_now, tp)

    def highwater(self, tp: TopicPartition) -> int | None:
        return self._of(tp).highwater

    def last_poll_timestamp(self, tp: TopicPartition) -> int | None:
        position = self._of(tp)
        if position.polled_ms is not None and position.fetching and not self._cluster.down:
            # A broker that has nothing to give says so four times a second; here it waits.
            position.polled_ms = int(self._loop.time() * 1000)
        return position.polled_ms

    async def position(self, tp: TopicPartition) -> int:
        while True:
            offset = self._of(tp).offset
            if offset is not None:
                return offset
            await asyncio.sleep(0.01)

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = await self._cluster.insist(lambda: dict.fromkeys(tps, 0))
        return found

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        logs, committed = self._cluster.logs, self._committed
        found: dict[TopicPartition, int] = await self._cluster.insist(
            lambda: {tp: logs[tp].readable_end(committed=committed) for tp in tps}
        )
        return found

    async def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        for tp in offsets:
            if self.assignment_now is None or tp not in self.assignment_now.positions:
                raise IllegalStateError(f"Partition {tp} is not assigned")
        assert self.membership is not None
        await self.membership.commit({tp: (o.offset, o.metadata) for tp, o in offsets.items()})
