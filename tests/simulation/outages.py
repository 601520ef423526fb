"""Drawn outages with known truth, run through the real CORRELATE: one seed is two outages.

Each runs alone in an environment of its own; then both run interleaved in one partition that goes
on from its stored bytes again and again. What must hold of both ways is checked in `check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import xxhash

from benchmarks.drawn import KINDS, release_of
from benchmarks.synthetic import Placed
from correlators.deltas import incident_key
from correlators.entries import PROGRESS_KEY
from correlators.partition import Partition, Step
from correlators.types import DeltaBatch, Digest, IncidentKey, Suppression
from streams import codec
from streams.assignments import Lives
from streams.local import final_mark_ms
from tests.correlators.score import PAGING, START, Push, batches, event, first_progress

BESIDE: Final = ("bad release", "cascade, half the services traced", "slow leak, traced")
BUSY: Final = (0.05, 0.1, 0.2)
BEAT: Final = "beat"
HEARD_S: Final = 9_000
"""A third environment is heard all the time, so that quiet never means that nothing comes in."""
RESTORES: Final = 3
"""How often the interleaved run goes on from what is stored."""


@dataclass(frozen=True)
class Row:
    """One event, with what it truly belongs to."""

    push: Push
    label: str

    @property
    def key(self) -> IncidentKey:
        """The key of the incident that it belongs to."""
        assert self.push.event is not None
        assert self.push.signature is not None
        return incident_key(self.push.event, self.push.signature)


@dataclass(frozen=True)
class Drawn:
    """One outage in an environment of its own."""

    kind: str
    environment: str
    rows: list[Row]


@dataclass
class Ran:
    """What became of some outages."""

    digests: list[Digest] = field(default_factory=list)
    state: dict[str, bytes] = field(default_factory=dict)
    """Stored entries by key, without `@progress`."""
    suppressed: Counter[Suppression] = field(default_factory=Counter)
    lives: Lives = field(default_factory=lambda: Lives(PAGING))

    def take(self, step: Step) -> None:
        """Store what a step decided."""
        assert not step.poison
        assert not step.frozen
        self.digests += step.digests
        for held, count in step.suppressed.items():
            self.suppressed[held.why] += count
        self.lives.learn(step.entries.values())
        for key, entry in step.entries.items():
            if entry is None:
                self.state.pop(key, None)
            elif key != PROGRESS_KEY:
                self.state[key] = codec.encode(entry)


def draw(seed: int) -> tuple[Drawn, Drawn]:
    """Return the outages of this seed: over seeds every kind comes equally often, beside one that
    is quickly run."""
    names = list(KINDS)
    beside = Random(f"beside {seed}").choice(BESIDE)
    return _drawn(names[seed % len(names)], f"one-{seed}"), _drawn(beside, f"two-{seed}")


def _drawn(kind: str, environment: str) -> Drawn:
    random = Random(f"{kind} {environment}")
    busy = random.choice(BUSY)
    rows = []
    for number, one in enumerate(KINDS[kind](random, busy)):
        push = event(
            one.at,
            one.service,
            one.error,
            release=release_of(one),
            environment=environment,
            trace=one.trace,
            event_id=xxhash.xxh3_128_hexdigest(f"{environment} {number}".encode()),
        )
        rows.append(Row(push, f"{kind}#{environment}|{one.label}"))
    return Drawn(kind, environment, rows)


def end_of(outages: Sequence[Drawn]) -> float:
    """Return the second of the score from which on nothing of these outages is open."""
    times = [row.push.at_ms for outage in outages for row in outage.rows]
    lasted_ms = max(times) - min(times)
    return final_mark_ms(max(times), PAGING, lasted_ms=lasted_ms) / 1000 - START


def run(outages: Sequence[Drawn], until: float, restores: Random | None = None) -> Ran:
    """Return what is decided of these outages together.

    Args:
        outages: each in an environment of its own.
        until: the second to which time runs on.
        restores: when the partition goes on from what is stored; None for never.
    """
    pushes = [row.push for outage in outages for row in outage.rows]
    pushes += [
        event(at, "beat", "Beat", environment=BEAT, event_id=f"{at:032x}")
        for at in range(0, HEARD_S, 20)
    ]
    log = batches(pushes, until=until, config=PAGING)
    at = set() if restores is None else {restores.randrange(len(log)) for _ in range(RESTORES)}
    ran = Ran()
    partition = Partition(PAGING, first_progress())
    for offset, batch in enumerate(log):
        partition.receive(offset, batch)
        step = partition.step(most_ticks=1_000_000)
        ran.take(step)
        if offset in at and restores is not None:
            partition = _restored(ran, step, log, restores)
    return ran


def _restored(ran: Ran, step: Step, log: Sequence[DeltaBatch], random: Random) -> Partition:
    """Return a new owner's partition: the stored entries in any order, the input read again."""
    entries = [codec.entry(raw) for raw in ran.state.values()]
    random.shuffle(entries)
    partition = Partition(PAGING, step.progress, entries)
    for offset in range(step.progress.input_offset, step.progress.read_up_to):
        partition.receive(offset, log[offset])
    return partition


def placed(outage: Drawn, ran: Ran) -> list[Placed]:
    """Return where every event of the outage was put."""
    found = []
    for row in outage.rows:
        tick = row.push.at_ms // 1000
        incident = ran.lives.incident([row.key], tick, -1) or ""
        storm = ran.lives.storm(incident, tick) if incident else None
        found.append(Placed(row.label, incident, storm or ""))
    return found
