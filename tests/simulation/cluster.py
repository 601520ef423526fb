"""The simulated Kafka cluster: topics, offsets of groups, producers and their transactions.

What a client asks travels as a `call`: some time until it arrives, some until the answer is there,
and an error when the cluster is down at either end, also when the request was applied. The request
of a process that died meanwhile may still be applied. Semantics as measured on a real broker; where
a broker disagrees with this file, this file is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import (
    KafkaConnectionError,
    ProducerFenced,
)

from tests.simulation.groups import Group
from tests.simulation.logs import Log, Message
from tests.simulation.loop import SimLoop

EPOCH_MS: Final = 1_700_000_000_000
"""The wall clock when a run begins."""

NODES: Final = 3
LOST_SHARE: Final = 0.4
"""How many requests of a process that died before they arrived are lost with it."""


class Transactional:
    """What the transaction coordinator knows of one transactional id."""

    def __init__(self, producer_id: int) -> None:
        self.producer_id = producer_id
        self.epoch = -1
        self.timeout_s = 60.0
        self.partitions: set[TopicPartition] = set()
        self.offsets: dict[tuple[str, TopicPartition], tuple[int, str]] = {}
        self.began_s: float | None = None
        self.ending = False
        """Decided, but not every marker is written."""

    @property
    def producer(self) -> tuple[int, int]:
        return self.producer_id, self.epoch


class Busy(Exception):
    """The coordinator still ends the former transaction: ask again."""


class Cluster:
    """The whole of it."""

    def __init__(self, loop: SimLoop, random: Random, *, slow_network: bool = False) -> None:
        self.loop = loop
        self.random = random
        self.down = False
        self._outages = 0
        self._down_since: list[tuple[float, float]] = []
        self.logs: dict[TopicPartition, Log] = {}
        self.counts: dict[str, int] = {}
        self.groups: dict[str, Group] = {}
        self.offsets: dict[tuple[str, TopicPartition], tuple[int, str]] = {}
        self.transactional: dict[str, Transactional] = {}
        self.skew_ms = [0] * NODES
        self.unread: dict[TopicPartition, asyncio.Future[None]] = {}
        """Partitions that answer no fetch, and what happens once they do: without a leader."""
        self._next_producer = 1
        self._most_s = 0.08 if slow_network else 0.004
        self._up: asyncio.Future[None] | None = None
        self.calls = 0

    # Clocks and topics

    def now_ms(self, node: int = 0) -> int:
        return EPOCH_MS + self.loop.time_ms() + self.skew_ms[node]

    def create(self, topic: str, partitions: int, *, append_time: bool = True) -> None:
        for partition in range(self.counts.get(topic, 0), partitions):
            tp = TopicPartition(topic, partition)
            self.logs[tp] = Log(tp, append_time=append_time)
        self.counts[topic] = partitions

    def node_of(self, tp: TopicPartition) -> int:
        node: int = (len(tp.topic) + tp.partition) % NODES
        return node

    def of_topic(self, topic: str) -> list[Log]:
        return [self.logs[TopicPartition(topic, p)] for p in range(self.counts[topic])]

    def group(self, name: str) -> Group:
        if name not in self.groups:
            self.groups[name] = Group(self.loop, self.random)
        return self.groups[name]

    # The network

    def latency_s(self) -> float:
        return 0.0003 + self.random.random() * self.random.random() * self._most_s

    def call(self, apply: Callable[[], Any]) -> asyncio.Future[Any]:
        """Return the answer to a request, which is applied when it arrives.

        What `apply` raises is the answer; a future that it returns is waited for.
        """
        loop = self.loop
        answer: asyncio.Future[Any] = loop.create_future()
        caller = loop.current()
        if caller.dead or loop.ended:
            return answer
        self.calls += 1

        def arrive() -> None:
            if caller.dead and self.random.random() < LOST_SHARE:
                return
            if self.down:
                self._reply(answer, None, KafkaConnectionError("no connection"), loop.time())
                return
            arrived = loop.time()
            try:
                result = apply()
            except Exception as error:
                self._reply(answer, None, error, arrived)
                return
            if isinstance(result, asyncio.Future):
                result.add_done_callback(
                    lambda done: self._reply(
                        answer,
                        None if done.exception() else done.result(),
                        done.exception(),
                        arrived,
                    ),
                    context=loop.outside,
                )
            else:
                self._reply(answer, result, None, arrived)

        loop.call_later(self.latency_s(), arrive, context=loop.outside)
        return answer

    def _reply(
        self, answer: asyncio.Future[Any], result: Any, error: BaseException | None, arrived: float
    ) -> None:
        loop = self.loop

        def deliver() -> None:
            if answer.done():
                return
            if self.was_down(arrived):
                answer.set_exception(KafkaConnectionError("connection lost"))
            elif error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)

        loop.call_later(self.latency_s(), deliver, context=loop.outside)

    async def insist(self, apply: Callable[[], Any]) -> Any:
        """Ask again and again while the cluster is away, as clients do."""
        while True:
            try:
                return await self.call(apply)
            except KafkaConnectionError:
                await self.up_again()
            except Busy:
                await asyncio.sleep(0.02)

    async def up_again(self) -> None:
        """Wait until the cluster is there, and then for the client to find out."""
        await asyncio.sleep(0.1)
        while self.down:
            if self._up is None:
                self._up = self.loop.create_future()
            await asyncio.shield(self._up)
        await asyncio.sleep(self.random.random() * 0.5)

    # Outages

    def withhold(self, tp: TopicPartition) -> None:
        """Answer no fetch of this partition."""
        self.unread[tp] = self.loop.create_future()

    def give_again(self, tp: TopicPartition) -> None:
        self.unread.pop(tp).set_result(None)

    def go_down(self) -> None:
        self._outages += 1
        if not self.down:
            self.down = True
            self._down_since.append((self.loop.time(), float("inf")))

    def come_up(self) -> None:
        """End an outage; the cluster is there again when it was the last."""
        self._outages -= 1
        if self._outages:
            return
        self.down = False
        self._down_since[-1] = (self._down_since[-1][0], self.loop.time())
        forgets = self.random.random() < 0.5
        for group in self.groups.values():
            group.back(forgets=forgets)
        if self._up is not None:
            self._up.set_result(None)
            self._up = None

    def was_down(self, since: float) -> bool:
        return any(until >= since for _, until in self._down_since)

    # Producing; called when a request arrives

    def new_producer(self) -> tuple[int, int]:
        self._next_producer += 1
        return self._next_producer, 0

    def produce(
        self,
        batches: Iterable[tuple[TopicPartition, list[Message]]],
        producer: tuple[int, int],
        transactional_id: str | None,
    ) -> None:
        if transactional_id is not None:
            self._current(transactional_id, producer)
        for tp, messages in batches:
            log = self.logs[tp]
            now_ms = self.now_ms(self.node_of(tp))
            for message in messages:
                log.append(message, now_ms, producer, transactional=transactional_id is not None)

    def _current(self, transactional_id: str, producer: tuple[int, int]) -> Transactional:
        known = self.transactional[transactional_id]
        if known.producer != producer:
            raise ProducerFenced
        return known

    # Transactions; called when a request arrives

    def init_producer(self, transactional_id: str, timeout_s: float) -> tuple[int, int]:
        """Return id and epoch of the new owner; the former one's open transaction is aborted."""
        known = self.transactional.get(transactional_id)
        if known is None:
            known = Transactional(self.new_producer()[0])
            self.transactional[transactional_id] = known
        if known.ending:
            raise Busy
        if known.began_s is not None:
            known.epoch += 1  # nothing of the former owner may come between
            self._end(known, commit=False)
            raise Busy
        known.epoch += 1
        known.timeout_s = timeout_s
        return known.producer

    def add_partitions(
        self, transactional_id: str, producer: tuple[int, int], tps: set[TopicPartition]
    ) -> None:
        known = self._current(transactional_id, producer)
        if known.ending:
            raise Busy
        self._began(known)
        known.partitions |= tps

    def add_offsets(
        self,
        transactional_id: str,
        producer: tuple[int, int],
        group: str,
        offsets: dict[TopicPartition, tuple[int, str]],
    ) -> None:
        known = self._current(transactional_id, producer)
        if known.ending:
            raise Busy
        self._began(known)
        for tp, offset in offsets.items():
            known.offsets[group, tp] = offset

    def _began(self, known: Transactional) -> None:
        if known.began_s is None:
            known.began_s = began_s = self.loop.time()
            self._expire_later(known, known.epoch, began_s, known.timeout_s)

    def _expire_later(
        self, known: Transactional, epoch: int, began_s: float, after_s: float
    ) -> None:
        def look() -> None:
            if known.epoch != epoch or known.began_s != began_s or known.ending:
                return
            if self.down:
                self._expire_later(known, epoch, began_s, 1.0)
                return
            self.expire(known)

        # The broker looks for expired transactions once a second.
        after_s += self.random.random()
        self.loop.call_later(after_s, look, context=self.loop.outside)

    def expire(self, known: Transactional) -> None:
        """Abort an owner's open transaction, whose producer is fenced by that."""
        known.epoch += 1
        self._end(known, commit=False)

    def end_transaction(
        self, transactional_id: str, producer: tuple[int, int], *, commit: bool
    ) -> None:
        known = self._current(transactional_id, producer)
        if known.ending:
            return  # asked again: the answer was lost
        if known.began_s is not None:
            self._end(known, commit=commit)

    def settled(self) -> bool:
        """Return whether every transaction that was decided is seen in all its partitions."""
        return not any(one.ending for one in self.transactional.values())

    def _end(self, known: Transactional, *, commit: bool) -> None:
        """Decide; the markers follow, partition by partition."""
        known.ending = True
        producer = known.producer
        left = sorted(known.partitions)
        self.random.shuffle(left)

        def marker() -> None:
            if self.down:
                self.loop.call_later(0.2, marker, context=self.loop.outside)
                return
            if left:
                tp = left.pop()
                self.logs[tp].finish(producer, self.now_ms(self.node_of(tp)), commit=commit)
                self.loop.call_later(self.latency_s(), marker, context=self.loop.outside)
                return
            if commit:
                self.offsets.update(known.offsets)
            known.partitions = set()
            known.offsets = {}
            known.began_s = None
            known.ending = False

        self.loop.call_later(self.latency_s(), marker, context=self.loop.outside)
