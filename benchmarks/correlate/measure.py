"""What ticks take: processor time of this process, from the bytes of a message to the bytes of all
records that a transaction would send.

Waiting for Kafka is not part of it, nor is a neighbour on the same cores.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import TopicPartition

from benchmarks.correlate.worlds import (
    START,
    Rules,
    World,
    batch,
    config_of,
    delta,
    first_progress,
    made,
    silences,
    spread,
    trace_of,
)
from correlators.partition import Partition
from correlators.telling import Config
from correlators.types import Delta
from streams import codec
from streams.agents.written import Topics, outgoing

CHANGED: Final = 100
"""Incidents that change in a tick."""
TICKS: Final = 12
"""Measured from one restored state; so many, and everything young stays young."""
FEW: Final = 100
"""Open incidents of the tick that is compared with."""
USERS: Final = 1_000_000

TOPICS: Final = Topics("incidents", "deliveries", "quarantine", "decisions")
PARTITION: Final = TopicPartition("incident.deltas", 0)


class TickTimes(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of tick over one world."""

    world: World
    rules: Rules
    kind: str
    """`known`: open incidents get a delta; `new`: new ones open."""
    incidents: int
    median_ms: float
    p99_ms: float
    few_median_ms: float
    """The same over `FEW` open incidents, in the same rounds."""
    ratios: list[float]
    """How much longer than over few, by round."""
    written: int
    """Records per tick, on average."""
    restore_ms: list[float]
    """From the stored bytes, by round."""

    @property
    def ratio(self) -> float:
        """How much longer than over few, in the median round."""
        return statistics.median(self.ratios)


def restored(stored: Sequence[bytes], config: Config) -> Partition:
    """Return the partition as a new owner has it: it says in words what it decides, as in
    production."""
    entries = [codec.entry(one) for one in stored]
    partition = Partition(config, first_progress(), entries, explains=True)
    if partition.ticks.applied < START - 1:
        partition.ticks.pass_to(START - 1)
    return partition


def stored_world(world: World, rules: Rules, incidents: int) -> list[bytes]:
    """Return the entries of a world, as they are stored."""
    entries = made(world, config_of(rules), incidents) + silences(rules)
    return [codec.encode(entry) for entry in entries]


def apply(partition: Partition, offset: int, raw: bytes) -> int:
    """Take one message and apply what it completes; return how many records that writes."""
    for one in codec.batches(raw):
        partition.receive(offset, one)
    written = 0
    while partition.ready():
        step = partition.step(most_ticks=1)
        written += len(outgoing(step, PARTITION, TOPICS, lambda _: 0))
    return written


def changing(world: World, kind: str, incidents: int, changed: int) -> Callable[[int], list[Delta]]:
    """Return the deltas of the n-th measured tick."""

    def of(turn: int) -> list[Delta]:
        tick = START + turn
        numbers = range(turn * changed, (turn + 1) * changed)
        if kind == "known":
            known = [number * 7_919 % incidents for number in numbers]
            return [delta(one, tick, trace=trace_of(world, one)) for one in known]
        # Every second one can be followed; the others look like an outage that unfolds.
        new = [incidents + number for number in numbers]
        return [delta(one, tick, trace=spread(one) if one % 2 else 0) for one in new]

    return of


def turns(
    stored: Sequence[bytes], config: Config, deltas: Callable[[int], list[Delta]], rounds: int
) -> Iterator[tuple[float, int]]:
    """Yield (milliseconds, records) of every measured tick, round by round."""
    messages = [codec.encode(batch(deltas(turn), START + turn)) for turn in range(TICKS)]
    for _ in range(rounds):
        partition = restored(stored, config)
        gc.collect()  # what the rounds before left is not this one's
        for turn, raw in enumerate(messages):
            began = time.process_time()
            written = apply(partition, turn, raw)
            yield (time.process_time() - began) * 1e3, written


def measure(
    world: World, rules: Rules, incidents: int, rounds: int, stored: Sequence[bytes]
) -> Iterator[TickTimes]:
    """Yield both kinds of ticks over a world."""
    config = config_of(rules)
    restore_ms: list[float] = []
    little = stored_world(world, rules, FEW)
    for kind in ("known", "new"):
        small: list[list[float]] = []
        found: list[list[float]] = []
        written = 0
        for _ in range(rounds):  # in turn: what else the machine does then meets both
            began = time.process_time()
            restored(stored, config)
            restore_ms.append((time.process_time() - began) * 1e3)
            few = turns(little, config, changing(world, kind, FEW, CHANGED), 1)
            small.append([ms for ms, _ in few])
            many = list(turns(stored, config, changing(world, kind, incidents, CHANGED), 1))
            found.append([ms for ms, _ in many])
            written += sum(records for _, records in many)
        times = sorted(ms for one in found for ms in one)
        yield TickTimes(
            world=world,
            rules=rules,
            kind=kind,
            incidents=incidents,
            median_ms=statistics.median(times),
            p99_ms=times[min(len(times) - 1, len(times) * 99 // 100)],
            few_median_ms=statistics.median(ms for one in small for ms in one),
            ratios=[
                statistics.median(many) / statistics.median(few)
                for few, many in zip(small, found, strict=True)
            ],
            written=written // len(times),
            restore_ms=list(restore_ms),
        )


def memory(incidents: int, users: int) -> float:
    """Return the most MiB that a process of its own has resident with so many incidents open, each
    with its share of different users and as many events."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_resident, (incidents, users))


def _resident(incidents: int, users: int) -> float:
    each = users // incidents

    def of(number: int) -> list[int]:
        return [spread((1 << 60) + number * each + one) for one in range(each)]

    entries = made(World.OLD, config_of(Rules.DEFAULT), incidents, of, events=each)
    restored([codec.encode(entry) for entry in entries], config_of(Rules.DEFAULT))
    return _most_mib()


def _most_mib() -> float:
    """Return the most MiB that this process has had resident.

    Where the system tells it by process: what `getrusage` tells begins at its parent's most.

    Source: proc_pid_status(5), getrusage(2).
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
