"""A consumer whose records are fetched and decompressed beside the event loop, by librdkafka.

The group, its partitions, offsets and everything that is asked of Kafka are aiokafka's, as in every
stage. But what it would fetch is never fetched: all its partitions stay paused, and a client of
librdkafka, which joins no group and commits nothing, reads those that are to be read. Its threads
hold no lock of Python's, so that a storm is decompressed while the events before it are folded.

What it has fetched and nobody took is forgotten when a partition is paused, sought or taken away;
it is fetched again from where the last record that was handed out ends. Where that place is gone,
as of a topic that was made anew, reading goes on with the first record that is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from confluent_kafka import Consumer, KafkaException, Message
from confluent_kafka import KafkaError as ReadError
from confluent_kafka import TopicPartition as Place

from streams.stage.reader_settings import librdkafka_settings

ALIVE_S: Final = 1.0
"""How often aiokafka is told that records are still taken, else it leaves the group."""
FIND_S: Final = 1.0
"""How long Kafka may take to say where a partition begins and ends; then it is asked again."""
CLOSE_S: Final = 5.0
KNOW_S: Final = 0.1
"""How long a broker may take to say who leads a topic whose partitions are to be read. librdkafka
itself asks once a second, and reads nothing until it knows."""
TURN_S: Final = 0.02
"""How long the client is asked for a first record at once. It does one thing at a time, whichever
thread asks: who resumes a partition meanwhile, which is the event loop, waits for its turn."""

_PASSING: Final = frozenset(
    {
        ReadError.UNKNOWN_TOPIC_OR_PART,
        ReadError._UNKNOWN_TOPIC,
        ReadError._UNKNOWN_PARTITION,
        ReadError._TRANSPORT,
        ReadError._ALL_BROKERS_DOWN,
        ReadError._TIMED_OUT,
        ReadError._RESOLVE,
        ReadError.REQUEST_TIMED_OUT,
        ReadError.UNKNOWN,
    }
)
"""What librdkafka tells and mends itself, once it can."""

_log = logging.getLogger("aiokafka.reader")


class NotRead(KafkaError):  # type: ignore[misc]  # aiokafka tells no types
    """A partition cannot be read on; the text says why."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record: of aiokafka's what stages look at, in a fraction of the time."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since the epoch, as the topic has it."""
    timestamp_type: int
    """0 when it was made, 1 when Kafka got it."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Reader(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka tells no types
    """As aiokafka's consumer, for `read_uncommitted`; `getmany` gives `Record`s."""

    def __init__(self, **settings: Any) -> None:
        """Args: as of aiokafka's; of the bounds of a fetch, the smaller of those and our own."""
        assert settings["isolation_level"] == "read_uncommitted"
        assert settings["auto_offset_reset"] == "earliest"
        self._settings = librdkafka_settings(settings)
        super().__init__(**settings)
        self._librdkafka: Consumer | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._waits: asyncio.Future[list[Message]] | None = None
        """For a first record; who asked may be cancelled, the record is not lost."""
        self._places: dict[TopicPartition, int] = {}
        """The offset behind the last record that was handed out, or the one that was sought."""
        self._reached: dict[TopicPartition, int] = {}
        """The end of what is read, where the client came to it: behind the marks of transactions.
        It only tells a lag: nothing is read from here."""
        self._ends: dict[TopicPartition, int] = {}
        self._to_read: set[TopicPartition] = set()
        """What was resumed."""
        self._reading: set[TopicPartition] = set()
        """What the client reads."""
        self._changed: set[TopicPartition] = set()
        """What was paused or sought since a first record is waited for."""
        self._wanted = False
        """Whether the client is wanted for something else than a first record."""
        self._lost: set[TopicPartition] = set()
        """What does not have, or no more, the offset that it is read from."""
        self._alive_s = 0.0

    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener) -> None:
        """Join for these topics; of what is taken away nothing is read any more."""
        super().subscribe(topics, listener=_Leaving(self, listener))

    async def start(self) -> None:
        """Join the group; nothing is read before a partition is sought and resumed."""
        self._librdkafka = Consumer(self._settings, logger=_log)
        await super().start()

    async def stop(self) -> None:
        """Leave the group, and end the threads of the client."""
        await super().stop()
        client, self._librdkafka = self._librdkafka, None
        if client is not None:
            loop = asyncio.get_running_loop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await loop.run_in_executor(self._thread, client.close)
        self._thread.shutdown(wait=False)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Have the partition read from this offset on."""
        super().seek(tp, offset)
        self._places[tp] = offset
        self._changed.add(tp)
        if tp in self._reading:
            self._leave([tp])
            self._enter([tp])

    def pause(self, *partitions: TopicPartition) -> None:
        """Read these no more until they are resumed."""
        super().pause(*partitions)
        self.leave(partitions)

    def leave(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these no more, whoever has them now."""
        self._changed.update(partitions)
        self._to_read.difference_update(partitions)
        self._leave(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        """Read these, which were sought, from where they stand; for aiokafka they stay paused."""
        self._to_read.update(partitions)
        self._enter(partitions)

    async def position(self, tp: TopicPartition) -> int:
        """Return where the next record of the partition may stand."""
        if tp in self._places:
            return max(self._places[tp], self._reached.get(tp, 0))
        return int(await super().position(tp))

    def highwater(self, tp: TopicPartition) -> int | None:
        """Return where the partition ended at the last fetch; None before the first."""
        # While a first record is waited for, the client answers nothing else; its thread notes it.
        if self._librdkafka is not None and (self._waits is None or self._waits.done()):
            self._note_ends(self._librdkafka, [tp] if tp in self._reading else [])
        return self._ends.get(tp)

    def _note_ends(self, client: Consumer, partitions: Iterable[TopicPartition]) -> None:
        for tp in partitions:
            with contextlib.suppress(KafkaException):  # just let go of
                place = Place(tp.topic, tp.partition)
                _, end = client.get_watermark_offsets(place, cached=True)
                if end >= 0:
                    self._ends[tp] = end

    async def getmany(
        self, *, timeout_ms: int = 0, max_records: int = 1
    ) -> dict[TopicPartition, list[Record]]:
        """Return what was fetched; waits for a first record at most so long. Nothing once stopped.

        Raises:
            NotRead: a partition cannot be read on.
        """
        await self._keep_alive()
        if self._lost:
            await self._find()
        if (client := self._librdkafka) is None:
            return {}
        found: list[Message] = []
        if self._waits is None:
            found = client.consume(max_records, 0)
        if not found and timeout_ms:
            found = await self._first(client, timeout_ms)
            if self._librdkafka is None:
                return {}
            if len(found) < max_records:
                found += client.consume(max_records - len(found), 0)
        return self._taken(found)

    async def _first(self, client: Consumer, timeout_ms: int) -> list[Message]:
        """Return a first record, or none in this time."""
        if self._waits is None:
            self._changed.clear()
            self._wanted = False
            loop = asyncio.get_running_loop()
            self._waits = loop.run_in_executor(
                self._thread, self._ask_for_one, client, timeout_ms / 1000
            )
        found = await asyncio.shield(self._waits)
        self._waits = None
        # Of what was paused or sought meanwhile it may be one of before: that is read anew.
        stale = [tp for one in found if (tp := _place(one)) in self._changed]
        again = [tp for tp in stale if tp in self._reading]
        self._leave(again)
        self._enter(again)
        return [] if stale else found

    def _ask_for_one(self, client: Consumer, timeout_s: float) -> list[Message]:
        """Return a first record, or none in this time; in a thread of its own."""
        until_s = time.monotonic() + timeout_s
        while not (found := client.consume(1, TURN_S)):
            self._note_ends(client, tuple(self._reading))
            if self._wanted or time.monotonic() >= until_s:
                break
        return found

    def _taken(self, found: Iterable[Any]) -> dict[TopicPartition, list[Record]]:
        records: dict[TopicPartition, list[Record]] = {}
        for one in found:  # every record passes here: typed, each of its parts would be asked
            error = one.error()
            if error is not None:
                self._hear(one, error)
                continue
            topic, partition, offset = one.topic(), one.partition(), one.offset()
            tp = TopicPartition(topic, partition)
            if tp not in self._reading or offset < self._places[tp]:
                continue
            self._places[tp] = offset + 1
            kind, at_ms = one.timestamp()
            key, value, headers = one.key(), one.value(), one.headers() or ()
            record = Record(topic, partition, offset, at_ms, kind - 1, key, value, headers)
            records.setdefault(tp, []).append(record)
        return records

    def _hear(self, one: Message, error: ReadError) -> None:
        code = error.code()
        tp = _place(one)
        if code == ReadError._PARTITION_EOF:
            if tp in self._reading:
                self._reached[tp] = one.offset() or 0
        elif code == ReadError._AUTO_OFFSET_RESET:
            self._lost.add(tp)
        elif code in _PASSING:
            _log.warning("not read for now: %s", error.name())
        else:
            raise NotRead(f"{tp.topic}-{tp.partition}: {error.name()}")

    async def _find(self) -> None:
        """Read on where that is possible, of what does not have the offset that it is read from.

        The first record that is kept may be one of a lower offset. librdkafka would go there on its
        own, also where some of the end is lost and the offset stands: all would be read again.
        """
        for tp in list(self._lost):
            # Before anything is taken: this may be cancelled, and fail while the brokers are away.
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(FIND_S):
                    first = int((await self.beginning_offsets([tp]))[tp])
                    end = int((await self.end_offsets([tp]))[tp])
                self._lost.discard(tp)
                if tp in self._reading:
                    place = self._places[tp]
                    there = place if first <= place <= end else first
                    _log.warning("%s-%d: no offset %d, read from %d", *tp, place, there)
                    self.seek(tp, there)

    async def know(self, partitions: Iterable[TopicPartition]) -> None:
        """Have the client learn who leads these, so that they are read as soon as they may be.

        Waits at most `KNOW_S` for each topic; without an answer they are read up to a second later.
        """
        loop = asyncio.get_running_loop()
        self._wanted = True
        for topic in sorted({tp.topic for tp in partitions}):
            if (client := self._librdkafka) is None:
                return
            with contextlib.suppress(KafkaException):  # it goes on asking
                await loop.run_in_executor(
                    self._thread, partial(client.list_topics, topic, timeout=KNOW_S)
                )

    async def _keep_alive(self) -> None:
        """Have aiokafka know that records are taken, and raise what it met."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._alive_s >= ALIVE_S:
            self._alive_s = now_s
            # Between an assignment and its pause it may have fetched: that is read again.
            with contextlib.suppress(ConsumerStoppedError):
                await super().getmany(timeout_ms=0)

    def _enter(self, partitions: Iterable[TopicPartition]) -> None:
        new = [tp for tp in partitions if tp in self._to_read and tp not in self._reading]
        if new and self._librdkafka is not None:
            self._wanted = True
            self._librdkafka.incremental_assign(
                [Place(tp.topic, tp.partition, self._places[tp]) for tp in new]
            )
            self._reading.update(new)

    def _leave(self, partitions: Iterable[TopicPartition]) -> None:
        gone = [tp for tp in partitions if tp in self._reading]
        if gone and self._librdkafka is not None:
            self._wanted = True
            self._librdkafka.incremental_unassign([Place(tp.topic, tp.partition) for tp in gone])
            self._reading.difference_update(gone)
            for tp in gone:
                self._reached.pop(tp, None)


class _Leaving(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka tells no types
    """Ends the reading of what is taken away before anybody else hears of it, and has the client
    know what comes."""

    def __init__(self, reader: Reader, listener: ConsumerRebalanceListener) -> None:
        self._reader = reader
        self._listener = listener

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._reader.leave(revoked)
        await self._listener.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._listener.on_partitions_assigned(assigned)
        await self._reader.know(assigned)


def _place(one: Message) -> TopicPartition:
    """Return whose it is; of an error of a whole broker, nobody's."""
    return TopicPartition(one.topic() or "", -1 if one.partition() is None else one.partition())
