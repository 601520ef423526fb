"""One partition of DELIVER, and the transaction that writes what has changed in it.

What changes is the outbox's decision. Entries, receipts, dead letters, what is handed on and the
place on the input stand or fall together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from aiokafka import ConsumerRecord, TopicPartition

from correlators.entries import PROGRESS_KEY
from sinks.attempted import Attempted
from sinks.base import Answer, Attempt
from sinks.entries import Changes, DeadLetter, encode
from sinks.outbox import Outbox
from streams import codec
from streams.agents.deliver_counting import count_changes, shown, sink_of
from streams.agents.handing import hand_on
from streams.agents.stored import Position
from streams.letter_records import headers_of, send_mark
from streams.metrics import Metrics
from streams.stage.state import FencedWriter, Transaction

log = structlog.get_logger(__name__)


def _id_of(letter: DeadLetter) -> str:
    """Return the id of the incident or storm that a dead letter tells."""
    return codec.digest(letter.digest).id


class Held:
    """One partition of DELIVER in this process."""

    def __init__(self, outbox: Outbox, writer: FencedWriter, offset: int) -> None:
        self.outbox = outbox
        self.fresh = True
        """What taking it over has changed is not written yet."""
        self.writer = writer
        self.offset = offset
        self.written_offset = offset
        self.answers: list[tuple[Attempt, Answer]] = []
        self.attempted: list[Attempted] = []
        """Answers that are not written yet; never more than calls may run."""
        self.calls: set[asyncio.Task[None]] = set()
        self.quarantine: list[tuple[ConsumerRecord[Any, Any], str]] = []


class Writing:
    """Writes for every partition of one process."""

    def __init__(
        self,
        *,
        installation: str,
        state_topic: str,
        dead_topic: str,
        quarantine_topic: str,
        decisions_topic: str,
        deliveries_topic: str,
        partition_of: Callable[[str, int], int],
        metrics: Metrics,
    ) -> None:
        """Args: `partition_of` maps (destination, count); the rest: where to write."""
        self._installation = installation
        self._state_topic = state_topic
        self._dead_topic = dead_topic
        self._quarantine_topic = quarantine_topic
        self._decisions_topic = decisions_topic
        self._deliveries_topic = deliveries_topic
        self._partition_of = partition_of
        self._metrics = metrics

    def start(self, group: str, partitions: int) -> None:
        """Take in the consumer group, and how many partitions the outbox has."""
        self._group = group
        self._partitions = partitions

    async def write(self, tp: TopicPartition, held: Held, changes: Changes) -> None:
        """Write these changes with what stands in the partition so far: all of it or nothing."""
        count_changes(self._metrics, changes)
        moved = held.offset != held.written_offset
        said, held.attempted = [*held.attempted, *changes.told], []
        written = changes.entries or changes.dead or changes.handed or changes.taken
        if not (written or moved or held.quarantine or said):
            return
        transaction = held.writer.transaction()
        async with transaction:
            for key, entry in changes.entries.items():
                await transaction.send(
                    self._state_topic,
                    partition=tp.partition,
                    key=key.encode(),
                    value=encode(entry) if entry is not None else None,
                )
            await hand_on(
                transaction,
                changes.handed,
                self._deliveries_topic,
                lambda destination: self._partition_of(destination, self._partitions),
            )
            for letter in changes.dead:
                await self._send_dead(transaction, letter)
            for mark in changes.taken:
                await send_mark(transaction, self._dead_topic, mark)
            await self._send_quarantine(tp, held, transaction)
            for one in said:
                await transaction.send(
                    self._decisions_topic, key=one.subject.encode(), value=codec.encode(one)
                )
            position = Position(
                installation=self._installation,
                partitions=self._partitions,
                input_offset=held.offset,
            )
            await transaction.send(
                self._state_topic,
                partition=tp.partition,
                key=PROGRESS_KEY.encode(),
                value=msgspec.msgpack.encode(position),
            )
            await transaction.offsets({tp: held.offset}, self._group)
        held.written_offset = held.offset
        self._metrics.transactions.labels(stage="deliver", outcome="committed").inc()
        self._metrics.transaction_seconds.labels(stage="deliver").observe(transaction.seconds)

    async def _send_dead(self, transaction: Transaction, letter: DeadLetter) -> None:
        sink = sink_of(letter.destination)
        self._metrics.dead_letters.labels(sink=sink, reason=letter.reason.value).inc()
        log.warning(
            "delivery given up",
            destination=shown(letter.destination),
            id=_id_of(letter),
            reason=letter.reason.value,
            detail=letter.detail,
            step=letter.step.value if letter.step is not None else "",
            attempts=letter.attempts,
        )
        await transaction.send(
            self._dead_topic,
            key=letter.destination.encode(),
            value=letter.digest,
            headers=headers_of(letter),
        )

    async def _send_quarantine(
        self, tp: TopicPartition, held: Held, transaction: Transaction
    ) -> None:
        for record, reason in held.quarantine:
            headers = [
                ("reason", reason.encode()),
                ("topic", tp.topic.encode()),
                ("partition", str(tp.partition).encode()),
                ("offset", str(record.offset).encode()),
            ]
            await transaction.send(self._quarantine_topic, value=record.value, headers=headers)
        held.quarantine = []
