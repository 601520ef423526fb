"""The simulated producer: one request in flight per node, in order, also in transactions.

Follows aiokafka 0.14: an idempotent producer retries until the cluster is there again; one that was
fenced fails everything that waits, and can only be closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, ProducerFenced

from tests.simulation.cluster import EPOCH_MS, NODES, Cluster
from tests.simulation.logs import Message
from tests.simulation.loop import Process

MOST_AT_ONCE = 40
"""Records of one request."""

Pending = tuple[TopicPartition, Message, "asyncio.Future[None]"]


class SimProducer:
    """A producer of a simulated process."""

    def __init__(self, cluster: Cluster, process: Process, settings: dict[str, Any]) -> None:
        self._cluster = cluster
        self._loop = cluster.loop
        self._random = cluster.random
        self._transactional_id: str | None = settings.get("transactional_id")
        self._timeout_s = settings.get("transaction_timeout_ms", 60_000) / 1000
        self._linger_s = settings.get("linger_ms", 0) / 1000
        self._identity = (-1, -1)
        self._queues: list[deque[Pending]] = [deque() for _ in range(NODES)]
        self._sending: list[asyncio.Task[None] | None] = [None] * NODES
        self._added: set[TopicPartition] = set()
        self._adding = asyncio.Lock()
        self._open = False
        self._fatal: KafkaError | None = None
        self._closed = False

    # Life

    async def start(self) -> None:
        cluster, name, timeout_s = self._cluster, self._transactional_id, self._timeout_s
        await cluster.call(lambda: None)
        if name is None:
            self._identity = await cluster.insist(cluster.new_producer)
        else:
            self._identity = await cluster.insist(lambda: cluster.init_producer(name, timeout_s))

    async def stop(self) -> None:
        if self._closed:
            return
        self._closed = True
        running = [task for task in self._sending if task is not None and not task.done()]
        if running and self._fatal is None:
            await asyncio.wait(running)

    async def partitions_for(self, topic: str) -> set[int]:
        count: int = await self._cluster.insist(lambda: self._cluster.counts[topic])
        return set(range(count))

    # Sending

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Any = None,
    ) -> asyncio.Future[None]:
        assert value is not None or key is not None
        if self._transactional_id is not None and not self._open:
            raise RuntimeError("Can't send messages while not in transaction")
        count = self._cluster.counts[topic]
        where = self._random.randrange(count) if partition is None else partition
        assert 0 <= where < count, "Unrecognized partition"
        tp = TopicPartition(topic, where)
        at_ms = timestamp_ms if timestamp_ms is not None else self._now_ms()
        message = Message(key, value, tuple(headers or ()), at_ms)
        sent: asyncio.Future[None] = self._loop.create_future()
        if self._fatal is not None:
            sent.set_exception(self._fatal)
            return sent
        node = self._cluster.node_of(tp)
        self._queues[node].append((tp, message, sent))
        task = self._sending[node]
        if task is None or task.done():
            self._sending[node] = self._loop.create_task(self._send(node))
        return sent

    async def send_and_wait(self, topic: str, value: bytes | None = None, **more: Any) -> None:
        await (await self.send(topic, value, **more))

    def _now_ms(self) -> int:
        return EPOCH_MS + int(self._loop.time() * 1000)

    async def _send(self, node: int) -> None:
        """Send what is queued for one node, one request after the other."""
        queue = self._queues[node]
        if self._linger_s:
            await asyncio.sleep(self._random.random() * self._linger_s)
        while queue:
            batch = [queue.popleft() for _ in range(min(len(queue), MOST_AT_ONCE))]
            try:
                await self._request(batch)
            except KafkaError as error:
                for _, _, sent in batch:
                    if not sent.done():
                        sent.set_exception(error)
                self._fail(error)
                return
            for _, _, sent in batch:
                if not sent.done():
                    sent.set_result(None)

    async def _request(self, batch: list[Pending]) -> None:
        cluster, name, identity = self._cluster, self._transactional_id, self._identity
        of_partition: dict[TopicPartition, list[Message]] = {}
        for tp, message, _ in batch:
            of_partition.setdefault(tp, []).append(message)
        if name is not None:
            await self._add(name, set(of_partition))
        applied = False

        def apply() -> None:
            nonlocal applied
            if not applied:  # sent again since its answer was lost: the sequence number tells
                cluster.produce(of_partition.items(), identity, name)
                applied = True

        await cluster.insist(apply)

    async def _add(self, name: str, tps: set[TopicPartition]) -> None:
        cluster, identity = self._cluster, self._identity
        async with self._adding:
            new = tps - self._added
            if new:
                await cluster.insist(lambda: cluster.add_partitions(name, identity, new))
                self._added |= new

    def _fail(self, error: KafkaError) -> None:
        self._fatal = error
        for queue in self._queues:
            while queue:
                sent = queue.popleft()[2]
                if not sent.done():
                    sent.set_exception(error)

    # Transactions

    def transaction(self) -> _Context:
        return _Context(self)

    async def begin_transaction(self) -> None:
        assert not self._open, "Invalid state transition"
        assert self._fatal is None, "Invalid state transition"
        self._open = True
        self._added = set()

    async def send_offsets_to_transaction(
        self, offsets: dict[TopicPartition, int], group: str
    ) -> None:
        assert self._open
        cluster, name, identity = self._cluster, self._transactional_id, self._identity
        assert name is not None
        told = {tp: (offset, "") for tp, offset in offsets.items()}
        await self._ask(lambda: cluster.add_offsets(name, identity, group, told))

    async def end(self, *, commit: bool) -> None:
        """Commit or abort, once everything sent is acknowledged."""
        running = [task for task in self._sending if task is not None and not task.done()]
        if running:
            await asyncio.wait(running)
        cluster, name, identity = self._cluster, self._transactional_id, self._identity
        assert name is not None
        if self._fatal is not None:
            raise self._fatal
        await self._ask(lambda: cluster.end_transaction(name, identity, commit=commit))
        self._open = False

    async def _ask(self, apply: Any) -> None:
        try:
            await self._cluster.insist(apply)
        except ProducerFenced as error:
            self._fail(error)
            raise

    @property
    def fatal(self) -> bool:
        return self._fatal is not None


class _Context:
    def __init__(self, producer: SimProducer) -> None:
        self._producer = producer

    async def __aenter__(self) -> _Context:
        await self._producer.begin_transaction()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and self._producer.fatal:
            return
        await self._producer.end(commit=kind is None)


async def start_at_last(producer: SimProducer, cluster: Cluster) -> None:
    """Start a producer of somebody who does not give up while the cluster is away."""
    while True:
        try:
            return await producer.start()
        except KafkaConnectionError:
            await cluster.up_again()
