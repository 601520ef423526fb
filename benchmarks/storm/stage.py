"""FINGERPRINT as it runs in production, watched from outside.

`python -m streams.app fingerprint` is started as its parent starts it, with a configuration file,
a metrics folder and a lifeline, in a group whose offsets stand at the beginning. Nobody times
anything inside it. The clock begins at the last look at its log before it told that a partition is
restored, which comes right before the first fetch. (Its counter of events moves later: by then
thousands may be fetched and wait in its channel.) It ends when its group's committed offsets cover
the whole log: an offset is committed after Kafka has the deltas of everything before it. Both looks
err against it, by some 10 ms each. CORRELATE does not run: FINGERPRINT waits for it only when it is
told that it is 30 s of stream time behind.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError
from aiokafka.structs import OffsetAndMetadata

from benchmarks.storm.log import Log
from benchmarks.storm.work import Done
from streams.metrics import Metrics
from streams.metrics_http import Aggregate
from streams.processes import LIFELINE_VARIABLE, STOP_S, StageName

LOG_FILE: Final = "fingerprint.log"
LOOK_S: Final = 0.01
"""Pause between two looks at the process, where it matters."""
SELDOM_S: Final = 0.25
"""The same, where it does not."""

MAY_READ: Final = b"partition restored"
"""What it logs once a partition may be read."""

GROUP_WITHIN_S: Final = 15.0
"""How long a group may take to be empty after its last member left."""

_SAMPLE: Final = re.compile(r'^stormfold_(\w+)_total\{\w+="(\w+)"\} (\S+)$', re.MULTILINE)


class StageFailed(Exception):
    """The process ended, or did not come to the end in time; the text is what it logged."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What FINGERPRINT did, and when, on the system's monotonic clock, in seconds."""

    done: Done
    began_s: float
    ended_s: float


async def run_stage(log: Log, folder: Path, *, within_s: float, samples: Path | None) -> Watched:
    """Return what FINGERPRINT did with the log from its beginning to its end.

    Args:
        log: what it reads.
        folder: for its log file.
        within_s: how long it may take.
        samples: where to write what it did when (`profiled`), None to run it as it is.

    Raises:
        StageFailed: it ended by itself or took too long.
    """
    await to_the_beginning(log)
    aggregate = Aggregate(Metrics())
    try:
        async with _process(log, folder, aggregate, samples) as process:
            return await _watch(process, log, folder, aggregate, time.monotonic() + within_s)
    except StageFailed as error:
        said = (folder / LOG_FILE).read_text(errors="replace")[-2_000:]
        raise StageFailed(f"{error}\n{said}".rstrip()) from None
    finally:
        aggregate.close()


def own_environment() -> dict[str, str]:
    """Return the environment without what would overrule the configuration."""
    return {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"}


@asynccontextmanager
async def _process(
    log: Log, folder: Path, aggregate: Aggregate, samples: Path | None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the stage; end it as its parent does."""
    program = ["streams.app"] if samples is None else ["benchmarks.storm.profiled", str(samples)]
    command = [sys.executable, "-m", *program, StageName.FINGERPRINT.value]
    lifeline, lifeline_end = os.pipe()
    environment = own_environment() | {
        **aggregate.child_environment(),
        LIFELINE_VARIABLE: str(lifeline),
    }
    with (folder / LOG_FILE).open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            *("--config", str(log.config), "--log-level", "info"),
            env=environment,
            pass_fds=(lifeline,),
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        os.close(lifeline)
        os.close(lifeline_end)


async def _watch(
    process: asyncio.subprocess.Process,
    log: Log,
    folder: Path,
    aggregate: Aggregate,
    deadline_s: float,
) -> Watched:
    def check() -> None:
        if process.returncode is not None:
            raise StageFailed(f"FINGERPRINT ended with status {process.returncode}")
        if time.monotonic() > deadline_s:
            raise StageFailed("FINGERPRINT did not come to the end of the log in time")

    admin = AIOKafkaAdminClient(bootstrap_servers=log.settings.kafka.bootstrap)
    await admin.start()
    try:
        began_s, began_cpu_s = time.monotonic(), cpu_s(process.pid)
        while MAY_READ not in (folder / LOG_FILE).read_bytes():
            check()
            await asyncio.sleep(LOOK_S)
            began_s, began_cpu_s = time.monotonic(), cpu_s(process.pid)
        while left := log.events - await covered(admin, log):
            check()
            # Looking takes processor time too: seldom while much is left, often near the end.
            rate = (log.events - left) / (time.monotonic() - began_s)
            await asyncio.sleep(min(SELDOM_S, max(LOOK_S, left / rate / 4 if rate else SELDOM_S)))
        ended_s, ended_cpu_s = time.monotonic(), cpu_s(process.pid)
    finally:
        await admin.close()
    told = _told(aggregate)
    hits, misses = (told.get(("signature_cache", one), 0.0) for one in ("hit", "miss"))
    done = Done(
        events=int(told["events", "event"]),
        seconds=ended_s - began_s,
        cpu_seconds=(
            ended_cpu_s - began_cpu_s
            if ended_cpu_s is not None and began_cpu_s is not None
            else None
        ),
        cache_hit_share=hits / (hits + misses) if hits + misses else None,
    )
    return Watched(done=done, began_s=began_s, ended_s=ended_s)


def _told(aggregate: Aggregate) -> dict[tuple[str, str], float]:
    """Return the counters with one label, by name and value of the label."""
    text = aggregate.exposition().decode()
    return {(name, label): float(value) for name, label, value in _SAMPLE.findall(text)}


async def covered(admin: AIOKafkaAdminClient, log: Log) -> int:
    """Return how many events of the log lie below the committed offsets."""
    stored = await admin.list_consumer_group_offsets(_group(log))
    at = {tp.partition: known.offset for tp, known in stored.items()}
    return sum(min(max(at.get(partition, 0), 0), end) for partition, end in log.ends.items())


async def to_the_beginning(log: Log) -> None:
    """Commit the beginning for the group, as soon as nobody is in it any more."""
    at = {TopicPartition(log.topic, one): OffsetAndMetadata(0, "") for one in log.ends}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=log.settings.kafka.bootstrap,
        group_id=_group(log),
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        consumer.assign(list(at))
        deadline_s = time.monotonic() + GROUP_WITHIN_S
        while True:
            try:
                return await _commit(consumer, at)
            except CommitFailedError:  # a member that has left a moment ago
                if time.monotonic() > deadline_s:
                    raise
                await asyncio.sleep(0.1)
    finally:
        await consumer.stop()


async def _commit(consumer: AIOKafkaConsumer, at: dict[TopicPartition, OffsetAndMetadata]) -> None:
    await consumer.commit(at)


def _group(log: Log) -> str:
    return f"{log.settings.namespace}.{StageName.FINGERPRINT.value}"


def cpu_s(pid: int) -> float | None:
    """Return the processor time that a process has used, in seconds; None where /proc is not.

    Source: proc_pid_stat(5): the fields 14 and 15, user and system time in clock ticks.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
