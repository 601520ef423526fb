"""What ticks and a restore of CORRELATE cost on a real Kafka: the stage's own transactions and its
own way to read a state back, without the rest of the stage.

Wall time, since it is waited for: the broker works on the same cores.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import TopicPartition

from benchmarks.correlate.measure import CHANGED, TICKS, changing, stored_world
from benchmarks.correlate.worlds import START, Rules, World, batch, config_of, first_progress
from benchmarks.storm.log import make_namespace, remove
from correlators.entries import PROGRESS_KEY, key_of
from correlators.partition import Partition
from correlators.ticks import Progress
from streams import codec
from streams.agents.stored import Installation, read_state
from streams.agents.written import Outgoing, Topics, outgoing
from streams.broker import Broker
from streams.settings import Settings
from streams.stage.host import Host
from streams.stage.state import FencedWriter, restore
from streams.topics import names

MOST_BYTES: Final = 16 * 1024 * 1024
PER_TRANSACTION: Final = 20_000
"""Entries, when the state is laid down."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The transaction of a tick, and that of a tick that changes nothing but its progress."""

    world: World
    kind: str
    incidents: int
    compute_ms: list[float]
    """Until all records are encoded; by round, the median tick."""
    transaction_ms: list[float]
    """From its begin to its commit; by round, the median tick."""
    single_ms: list[float]
    """The same with a single record."""
    records: int
    """Of the median tick."""
    written_bytes: int
    """Of keys and values, before they are compressed."""

    @property
    def ratios(self) -> list[float]:
        """How many times as long as a transaction of one record, by round."""
        pairs = zip(self.transaction_ms, self.single_ms, strict=True)
        return [tick / single for tick, single in pairs]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A state read back."""

    incidents: int
    entries: int
    read_ms: list[float]
    """Of all records from Kafka."""
    made_ms: list[float]
    """Until the partition can go on."""

    @property
    def median_ms(self) -> float:
        """Of both together."""
        pairs = zip(self.read_ms, self.made_ms, strict=True)
        return statistics.median(read + made for read, made in pairs)


class OnKafka(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured there."""

    written: list[Written]
    restored: list[Restored]


async def on_kafka(
    broker: Broker, folder: Path, incidents: int, rounds: int, worlds: Sequence[World]
) -> OnKafka:
    """Return what ticks over so many open incidents cost, world by world."""
    written: list[Written] = []
    back: list[Restored] = []
    for world in worlds:
        name = f"correlate{os.getpid()}{world.name.lower()}"
        _, settings = await make_namespace(folder, broker.bootstrap, name, 1)
        place = _Place(settings)
        try:
            stored = await asyncio.to_thread(stored_world, world, Rules.DEFAULT, incidents)
            await place.lay_down(stored)
            found, partition = await place.back(incidents, rounds)
            back.append(found)
            for kind in ("known", "new"):
                written.append(await place.ticks(partition, world, kind, incidents, rounds))
        finally:
            await remove([settings])
    return OnKafka(written=written, restored=back)


class _Place:
    """One state partition on Kafka."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        topics = names(settings.namespace)
        self._topics = Topics(
            topics.incidents, topics.deliveries, topics.quarantine, topics.decisions
        )
        self._tp = TopicPartition(topics.deltas, 0)
        self._group = f"{settings.namespace}.correlate"

    async def _writer(self) -> FencedWriter:
        writer = FencedWriter(
            Host(),
            bootstrap=self._settings.kafka.bootstrap,
            transactional_id=f"{self._group}.0",
            max_request_bytes=MOST_BYTES,
        )
        await writer.start()
        return writer

    async def lay_down(self, stored: Sequence[bytes]) -> None:
        """Write the entries of a world, and where it stands."""
        progress = msgspec.structs.replace(first_progress(), applied_tick=START - 1)
        records = [(key_of(codec.entry(one)), one) for one in stored]
        records.append((PROGRESS_KEY, codec.encode(progress)))
        writer = await self._writer()
        try:
            for at in range(0, len(records), PER_TRANSACTION):
                async with writer.transaction() as transaction:
                    for key, value in records[at : at + PER_TRANSACTION]:
                        await transaction.send(
                            self._topics.state, partition=0, key=key.encode(), value=value
                        )
        finally:
            await writer.stop()

    async def _read(self) -> tuple[Partition, int, float, float]:
        """Return the partition as a new owner has it, its entries, and how long both parts took, in
        milliseconds."""
        gc.collect()
        began = time.perf_counter()
        stored = await restore(self._settings.kafka.bootstrap, self._topics.state, 0)
        read = time.perf_counter()
        installation = Installation(first_progress().installation, 1)
        progress, entries = read_state(self._topics.state, stored, installation)
        assert isinstance(progress, Progress)
        partition = Partition(config_of(Rules.DEFAULT), progress, entries, explains=True)
        made = time.perf_counter()
        return partition, len(stored), (read - began) * 1e3, (made - read) * 1e3

    async def back(self, incidents: int, rounds: int) -> tuple[Restored, Partition]:
        """Return how long a state takes to be read back, and the partition as it is then."""
        found = [await self._read() for _ in range(rounds)]
        restored = Restored(
            incidents=incidents,
            entries=found[-1][1],
            read_ms=[read for _, _, read, _ in found],
            made_ms=[made for _, _, _, made in found],
        )
        return restored, found[-1][0]

    async def ticks(
        self, restored: Partition, world: World, kind: str, incidents: int, rounds: int
    ) -> Written:
        """Return what ticks of this kind cost.

        Every round begins in the same state, as it was read back: what is written to Kafka is not
        read again.
        """
        entries = [entry for _, entry in restored.state_entries]
        progress = restored.progress()
        compute: list[float] = []
        taken: list[float] = []
        single: list[float] = []
        records: list[int] = []
        sizes: list[int] = []
        writer = await self._writer()
        try:
            for _ in range(rounds):
                again = Partition(config_of(Rules.DEFAULT), progress, entries, explains=True)
                gc.collect()
                times: list[tuple[float, float, float]] = []
                for made_ms, step in self._steps(again, world, kind, incidents):
                    ms = await self._send(writer, step)
                    alone = [one for one in step if one.key == PROGRESS_KEY.encode()]
                    alone_ms = await self._send(writer, alone)
                    times.append((made_ms, ms, alone_ms))
                    records.append(len(step))
                    sizes.append(sum(len(one.key or b"") + len(one.value or b"") for one in step))
                compute.append(statistics.median(one[0] for one in times))
                taken.append(statistics.median(one[1] for one in times))
                single.append(statistics.median(one[2] for one in times))
        finally:
            await writer.stop()
        return Written(
            world=world,
            kind=kind,
            incidents=incidents,
            compute_ms=compute,
            transaction_ms=taken,
            single_ms=single,
            records=round(statistics.median(records)),
            written_bytes=round(statistics.median(sizes)),
        )

    def _steps(
        self, partition: Partition, world: World, kind: str, incidents: int
    ) -> Iterator[tuple[float, list[Outgoing]]]:
        """Yield the records of every tick, with the milliseconds until they were there."""
        deltas = changing(world, kind, incidents, CHANGED)
        for turn in range(TICKS):
            raw = codec.encode(batch(deltas(turn), START + turn))
            began = time.perf_counter()
            for one in codec.batches(raw):
                partition.receive(turn, one)
            step = partition.step(most_ticks=1)
            made = outgoing(step, self._tp, self._topics, lambda _: 0)
            yield (time.perf_counter() - began) * 1e3, made

    async def _send(self, writer: FencedWriter, records: Sequence[Outgoing]) -> float:
        """Return the milliseconds of a transaction of these records and the group's offset."""
        began = time.perf_counter()
        async with writer.transaction() as transaction:
            for one in records:
                await transaction.send(
                    one.topic,
                    partition=one.partition,
                    key=one.key,
                    value=one.value,
                    headers=one.headers,
                )
            await transaction.offsets({self._tp: 1}, self._group)
        return (time.perf_counter() - began) * 1e3
