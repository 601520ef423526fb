"""Writes to `deliveries` what CORRELATE would: in transactions, some of which are aborted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from sinks.base import Step
from sinks.marks import MARK_HEADER, REDRIVE_HEADER, Redrive, encode
from streams import codec
from streams.accounts import partition_of_account
from tests.simulation.cluster import Cluster
from tests.simulation.deliveries.stories import Record
from tests.simulation.producer import SimProducer, start_at_last
from tests.simulation.stages import TOPICS


class Aborted(Exception):
    """Ends a transaction without effect."""


class Writer:
    """Writes every record at its moment, those of one moment in one transaction."""

    def __init__(self, cluster: Cluster, records: Sequence[Record], partitions: int) -> None:
        self._cluster = cluster
        self._loop = cluster.loop
        self._records = records
        self._partitions = partitions
        self.done = False

    def start(self) -> None:
        """Begin, as a process of its own that nothing happens to."""
        context = self._loop.enter(self._loop.process("writer"))
        context.run(lambda: self._loop.create_task(self._write(), context=context))

    async def _write(self) -> None:
        settings = {"transactional_id": "correlate.0", "transaction_timeout_ms": 120_000}
        producer = SimProducer(self._cluster, self._loop.current(), settings)
        await producer.start()
        ordered = sorted(self._records, key=lambda one: one.at_s)
        moments = groupby(ordered, key=lambda one: (one.at_s, one.aborted))
        for (at_s, aborted), records in moments:
            await self._until(at_s)
            try:
                async with producer.transaction():
                    for record in records:
                        await self._send(producer, record)
                    if aborted:
                        raise Aborted
            except Aborted:
                pass
        self.done = True

    async def _until(self, at_s: float) -> None:
        wait = self._loop.create_future()
        self._loop.call_at(max(at_s, self._loop.time()), wait.set_result, None)
        await wait

    async def _send(self, producer: SimProducer, record: Record) -> None:
        partition = partition_of_account(record.destination, self._partitions)
        sent = await producer.send(TOPICS.deliveries, value=record.value, partition=partition)
        await sent


class Operator:
    """Has dead letters sent again, as `stormfold dead-letters redrive` does."""

    def __init__(self, cluster: Cluster, partitions: int) -> None:
        self._cluster = cluster
        self._loop = cluster.loop
        self._partitions = partitions
        self.letters: list[str] = []
        """The ids of those that were sent again."""

    def send_again(self, number: int) -> None:
        """Send one of the dead letters of now again, if there is any, as a process of its own."""
        (log,) = self._cluster.of_topic(TOPICS.dead)
        found = [
            (entry.offset, entry.message.value, dict(entry.message.headers))
            for entry in log.committed()
            if entry.message is not None and not _is_mark(entry.message.headers)
        ]
        if not found:
            return
        offset, value, said = found[number % len(found)]
        letter = f"{offset}"
        if value is None or letter in self.letters:
            return
        self.letters.append(letter)
        context = self._loop.enter(self._loop.process(f"operator{len(self.letters)}"))
        step = said.get("step", b"").decode()
        redrive = Redrive(
            letter=letter,
            step=Step(step) if step else None,
            possible_repeat="possible_repeat" in said,
        )
        context.run(lambda: self._loop.create_task(self._send(redrive, value), context=context))

    async def _send(self, redrive: Redrive, value: bytes) -> None:
        settings = {
            "transactional_id": f"operator.{redrive.letter}",
            "transaction_timeout_ms": 120_000,
        }
        producer = SimProducer(self._cluster, self._loop.current(), settings)
        await start_at_last(producer, self._cluster)
        partition = partition_of_account(codec.digest(value).destination, self._partitions)
        headers = [(REDRIVE_HEADER, encode(redrive))]
        async with producer.transaction():
            sent = await producer.send(
                TOPICS.deliveries, value=value, partition=partition, headers=headers
            )
            await sent


def _is_mark(headers: Iterable[tuple[str, bytes]]) -> bool:
    return any(name == MARK_HEADER for name, _ in headers)
