"""State on compacted topics: read a partition to its end, and the transaction that writes it.

One transactional producer per input partition is what fences a former owner: starting it aborts the
other's open transaction and makes its next one fail. Source: KIP-98; measured with kill -9 and
SIGSTOP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from types import TracebackType
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from streams.stage.host import Host
from streams.stage.types import Stage

TRANSACTION_TIMEOUT_MS: Final = 5_000

MANY_RECORDS: Final = 10_000
"""A transaction of so many that outlasts its timeout is itself to blame, not the cluster."""

SENDS_AT_ONCE: Final = 500
"""Then the event loop has its turn: the client takes records as fast as they are given to it."""

log = structlog.get_logger(__name__)

Headers = list[tuple[str, bytes]]


class TransactionTooSlow(Exception):
    """What has to be written at once takes longer than the brokers keep a transaction open.

    It would again the next time.
    """


class FencedWriter:
    """Writes to Kafka in transactions, as the only owner of one input partition."""

    def __init__(
        self, host: Host, *, bootstrap: str, transactional_id: str, max_request_bytes: int
    ) -> None:
        """Args: transactional_id: one per input partition and stage, the same for every owner."""
        self._host = host
        self._producer = host.producer(
            bootstrap_servers=bootstrap,
            acks="all",
            compression_type="lz4",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=256 * 1024,
            max_request_size=max_request_bytes,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Fence the former owner; its open transaction is aborted."""
        await self._producer.start()

    async def stop(self) -> None:
        """Let go. Nothing may be in flight."""
        await self._producer.stop()

    def transaction(self) -> Transaction:
        """Return a transaction to be used with `async with`; it commits on leaving."""
        return Transaction(self._host, self._producer)


class Transaction:
    """One Kafka transaction: all of it or nothing.

    Raises on leaving: ProducerFenced when another owner took over, KafkaError when the cluster
    fails, TransactionTooSlow when it was too large.
    """

    def __init__(self, host: Host, producer: Any) -> None:
        self._host = host
        self._producer = producer
        self._context = producer.transaction()
        self._sent: list[Awaitable[Any]] = []
        self.seconds = 0.0

    async def __aenter__(self) -> Transaction:
        self._began_ms = self._host.monotonic_ms()
        await self._context.__aenter__()
        return self

    async def send(
        self,
        topic: str,
        *,
        partition: int | None = None,
        key: bytes | None = None,
        value: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        """Add a record to the transaction."""
        with self._named():
            sent = await self._producer.send(
                topic, value=value, key=key, partition=partition, headers=headers or []
            )
        self._sent.append(sent)
        if len(self._sent) % SENDS_AT_ONCE == 0:
            await asyncio.sleep(0)

    async def offsets(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        """Commit the group's offsets with the transaction; they serve lag tools, not restarts."""
        with self._named():
            await self._producer.send_offsets_to_transaction(dict(offsets), group)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failed = error
        if kind is None:
            failed = await self._first_failure()
        with self._named():
            await self._context.__aexit__(
                type(failed) if failed is not None else None, failed, trace
            )
            if failed is not None:
                # Nobody else asks what became of the records; asked, asyncio does not complain.
                await self._first_failure()
                raise failed
        self.seconds = (self._host.monotonic_ms() - self._began_ms) / 1000

    async def _first_failure(self) -> BaseException | None:
        """Wait for every record, one after the other: there may be a hundred thousand."""
        first: BaseException | None = None
        for one in self._sent:
            try:
                await one
            except Exception as error:
                first = first or error
        return first

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Call a failure by what it comes from."""
        try:
            yield
        except KafkaError as error:
            open_ms = self._host.monotonic_ms() - self._began_ms
            if len(self._sent) < MANY_RECORDS or open_ms < TRANSACTION_TIMEOUT_MS:
                raise
            raise TransactionTooSlow(
                f"{len(self._sent)} records after {open_ms} ms, and a transaction has "
                f"{TRANSACTION_TIMEOUT_MS} ms"
            ) from error


async def committed(
    bootstrap: str, topic: str, partition: int, host: Host | None = None
) -> AsyncGenerator[Sequence[ConsumerRecord[Any, Any]]]:
    """Yield the committed records of a partition in order, up to its end as it stood when called.

    Raises:
        KafkaError: the cluster cannot be read.
    """
    tp = TopicPartition(topic, partition)
    consumer = (host or Host()).consumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_bytes=64 * 1024 * 1024,
    )
    await consumer.start()
    try:
        end = (await consumer.end_offsets([tp]))[tp]
        begin = (await consumer.beginning_offsets([tp]))[tp]
        # At once after one another: else a fetch at the end begins, and waits there for half a
        # second before the one that is wanted.
        consumer.assign([tp])
        consumer.seek(tp, begin)
        while await consumer.position(tp) < end:
            fetched = await consumer.getmany(tp, timeout_ms=200, max_records=10_000)
            yield fetched.get(tp, ())
    finally:
        await consumer.stop()


async def restore(
    bootstrap: str, topic: str, partition: int, host: Host | None = None
) -> dict[str, bytes]:
    """Return the newest value of every key of a state partition; removed keys are left out.

    Reads committed records only, up to the end as it stood when called.

    Raises:
        KafkaError: the cluster cannot be read.
    """
    began = time.monotonic()
    entries: dict[str, bytes] = {}
    read = 0
    async with aclosing(committed(bootstrap, topic, partition, host)) as fetches:
        async for records in fetches:
            read += len(records)
            for record in records:
                key = (record.key or b"").decode()
                if record.value is None:
                    entries.pop(key, None)
                else:
                    entries[key] = record.value
    log.info(
        "state read",
        topic=topic,
        partition=partition,
        records=read,
        entries=len(entries),
        seconds=round(time.monotonic() - began, 3),
    )
    return entries


async def take_over(
    stage: Stage, partition: int, state_topic: str, max_request_bytes: int
) -> tuple[FencedWriter, dict[str, bytes]]:
    """Return the writer of a partition and its state, in the one safe order: fence, then read.

    Read first, and a former owner could still write what is never seen here.

    Raises:
        KafkaError: the cluster cannot be read or written.
    """
    writer = FencedWriter(
        stage.host,
        bootstrap=stage.bootstrap,
        transactional_id=f"{stage.group}.{partition}",
        max_request_bytes=max_request_bytes,
    )
    try:
        await writer.start()
        return writer, await restore(stage.bootstrap, state_topic, partition, stage.host)
    except BaseException:  # also when it is taken away meanwhile
        await writer.stop()
        raise


async def partitions_of(stage: Stage, *topics: str) -> list[list[int]]:
    """Return the partitions of each topic, in order. Raises: KafkaError."""
    probe = stage.host.producer(bootstrap_servers=stage.bootstrap)
    await probe.start()
    try:
        return [sorted(await probe.partitions_for(topic)) for topic in topics]
    finally:
        await probe.stop()
