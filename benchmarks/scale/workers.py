"""`stormfold run --stages fingerprint --workers N` over a log, watched from outside.

Workers join one after the other, and the first would read while the last still starts. So they are
held back as production holds them: they are told on `stormfold.progress` that CORRELATE has come to
no tick yet, and pause. Once every worker has told that all of its partitions are paused, and all
that was read is committed, they are told that CORRELATE is far ahead: the clock begins. It ends
when the committed offsets cover the log: an offset is committed after Kafka has the deltas of
everything before it. What was read before the clock began does not count.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.storm.log import Log
from benchmarks.storm.stage import (
    LOOK_S,
    SELDOM_S,
    StageFailed,
    covered,
    cpu_s,
    own_environment,
    to_the_beginning,
)
from streams import codec
from streams.codec import CodecError, Told
from streams.processes import STOP_S, StageName
from streams.reports import PartitionState, Report
from streams.topics import names

LOG_FILE: Final = "workers.log"
SHUT: Final = -(10**9)
"""A tick so long ago that every source partition is far ahead of it."""
OPEN: Final = 10**11
TELL_S: Final = 1.0
"""Between what they are told, as CORRELATE tells it: what waits to be heard when the clock begins
would be measured too."""
HEAR_S: Final = 0.1
READ_MOST: Final = 0.5
"""Of the log, before the clock begins; with more it would be a measure of nothing."""


class Scaled(NamedTuple):
    """What the workers did while the clock ran."""

    events: int
    seconds: float
    cpu_seconds: float | None
    broker_cpu_seconds: float | None


class Door:
    """Tells the workers whether they may read, and hears how they are."""

    def __init__(self, log: Log, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        """Args: log: which is read; the clients are started, and the consumer reads progress."""
        self._log = log
        self._producer = producer
        self._consumer = consumer
        self._newest: dict[str, Report] = {}

    async def tell(self, tick: int) -> None:
        """Tell that every partition of CORRELATE has applied this tick."""
        topic = names(self._log.settings.namespace).progress
        for partition in self._log.ends:
            told = Told(
                partition=partition,
                applied_tick=tick,
                open_incidents=0,
                open_storms=0,
                suppressed=0,
                late=0,
            )
            await self._producer.send(topic, value=codec.encode(told))
        await self._producer.flush()

    async def hear(self) -> None:
        """Take what workers have told of themselves."""
        fetched = await self._consumer.getmany(timeout_ms=round(HEAR_S * 1000), max_records=5_000)
        for records in fetched.values():
            for record in records:
                try:
                    heard = codec.told(record.value or b"")
                except CodecError:
                    continue
                if isinstance(heard, Report) and heard.stage == StageName.FINGERPRINT:
                    self._newest[heard.worker] = heard

    def waiting_at(self, workers: int) -> int | None:
        """Return how many events they have read, once all of them wait; None before that."""
        reports = list(self._newest.values())
        told = [one for report in reports for one in report.partitions]
        spread = len(reports) == workers and all(report.partitions for report in reports)
        paused = all(one.state is PartitionState.PAUSED for one in told)
        if not spread or not paused or {one.partition for one in told} != set(self._log.ends):
            return None
        return sum(min(max(one.offset, 0), self._log.ends[one.partition]) for one in told)


async def run_workers(
    log: Log, folder: Path, workers: int, *, broker: int | None, within_s: float
) -> Scaled:
    """Return what so many workers did with the log.

    Args:
        log: what they read.
        folder: for their log file.
        workers: processes under one parent.
        broker: the process id of the broker, None where it is not known.
        within_s: how long it may take.

    Raises:
        StageFailed: they ended by themselves or took too long.
    """
    await to_the_beginning(log)
    bootstrap = log.settings.kafka.bootstrap
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with _door(log) as door, running_workers(log, folder, workers) as process:
            deadline_s = time.monotonic() + within_s
            return await _watch(process, door, admin, log, workers, broker, deadline_s)
    except StageFailed as error:
        said = (folder / LOG_FILE).read_text(errors="replace")[-2_000:]
        raise StageFailed(f"{error}\n{said}".rstrip()) from None
    finally:
        await admin.close()


@asynccontextmanager
async def _door(log: Log) -> AsyncIterator[Door]:
    bootstrap = log.settings.kafka.bootstrap
    topic = names(log.settings.namespace).progress
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    async with producer, consumer:
        partitions = [TopicPartition(topic, one) for one in await producer.partitions_for(topic)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        yield Door(log, producer, consumer)


@asynccontextmanager
async def running_workers(
    log: Log, folder: Path, workers: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give `stormfold run` with so many processes of FINGERPRINT, which end with the context."""
    with (folder / LOG_FILE).open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", "run", "--config", str(log.config)),
            *("--stages", StageName.FINGERPRINT.value, "--workers", str(workers)),
            env=own_environment(),
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 2 * STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _watch(
    process: asyncio.subprocess.Process,
    door: Door,
    admin: AIOKafkaAdminClient,
    log: Log,
    workers: int,
    broker: int | None,
    deadline_s: float,
) -> Scaled:
    def check() -> None:
        if process.returncode is not None:
            raise StageFailed(f"the workers ended with status {process.returncode}")
        if time.monotonic() > deadline_s:
            raise StageFailed("the workers did not come to the end of the log in time")

    read: int | None = None
    told_s = -TELL_S
    while read is None or await covered(admin, log) != read:
        check()
        if time.monotonic() - told_s >= TELL_S:
            told_s = time.monotonic()
            await door.tell(SHUT)
        await door.hear()
        read = door.waiting_at(workers)
    if read > READ_MOST * log.events:
        raise StageFailed(f"{read} events of {log.events} were read before all workers were there")
    pids = _children(process.pid)
    brokers = [broker] if broker else []
    began_s, began_cpu_s, broker_began_s = time.monotonic(), _cpu_s(pids), _cpu_s(brokers)
    await door.tell(OPEN)
    while left := log.events - await covered(admin, log):
        check()
        # Looking takes processor time too: seldom while much is left, often near the end.
        rate = (log.events - read - left) / (time.monotonic() - began_s)
        await asyncio.sleep(min(SELDOM_S, max(LOOK_S, left / rate / 4 if rate > 0 else LOOK_S)))
    ended_s, ended_cpu_s, broker_ended_s = time.monotonic(), _cpu_s(pids), _cpu_s(brokers)
    return Scaled(
        events=log.events - read,
        seconds=ended_s - began_s,
        cpu_seconds=(
            ended_cpu_s - began_cpu_s
            if ended_cpu_s is not None and began_cpu_s is not None
            else None
        ),
        broker_cpu_seconds=(
            broker_ended_s - broker_began_s
            if broker_ended_s is not None and broker_began_s is not None
            else None
        ),
    )


def _children(pid: int) -> list[int]:
    """Return the children of a process; none where /proc is not.

    Source: proc_tid_children(5).
    """
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _cpu_s(pids: list[int]) -> float | None:
    used = [cpu_s(pid) for pid in pids]
    known = [one for one in used if one is not None]
    return sum(known) if known and len(known) == len(used) else None
