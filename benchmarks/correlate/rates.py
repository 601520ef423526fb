"""How many deltas of one environment CORRELATE takes in a second of processor time.

The floor beside it is the same messages decoded and the same records encoded, and nothing decided.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from benchmarks.correlate.measure import (
    CHANGED,
    PARTITION,
    TICKS,
    TOPICS,
    apply,
    changing,
    restored,
)
from benchmarks.correlate.worlds import START, Rules, World, batch, config_of, delta
from correlators.partition import Partition, Step
from correlators.types import Delta, DeltaBatch
from streams import codec
from streams.agents.written import outgoing

MESSAGES: Final = 4
"""A storm is spread over the partitions of its source: each of them tells of it in a tick."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Ticks with many deltas, round by round."""

    what: str
    deltas: int
    """In one round."""
    ms: list[float]
    """Of a round."""
    bare_ms: list[float]
    """What the same messages and records take to be decoded and encoded."""

    @property
    def per_s(self) -> float:
        """Deltas per second in the median round."""
        return self.deltas / statistics.median(self.ms) * 1e3

    @property
    def ratios(self) -> list[float]:
        """How many times as long as the floor, by round."""
        return [ms / bare for ms, bare in zip(self.ms, self.bare_ms, strict=True)]


def rates(stored: Sequence[bytes], incidents: int, changed: int, rounds: int) -> list[Rate]:
    """Return how fast many deltas are applied to a world of old incidents, kind by kind in turn."""
    config = config_of(Rules.DEFAULT)
    known = changing(World.OLD, "known", incidents, changed)
    new = changing(World.OLD, "new", incidents, changed)
    kinds = {
        f"known, {changed:,} a tick": [[(known(turn), True)] for turn in range(TICKS)],
        f"known, {changed:,} a tick in {MESSAGES} messages": [
            [(_part(known(turn), part), part == MESSAGES - 1) for part in range(MESSAGES)]
            for turn in range(TICKS)
        ],
        f"new, {changed:,} a tick": [[(new(turn), True)] for turn in range(TICKS)],
    }
    messages = {
        what: [
            [codec.encode(_message(deltas, START + turn, last)) for deltas, last in parts]
            for turn, parts in enumerate(turns)
        ]
        for what, turns in kinds.items()
    }
    found: dict[str, list[tuple[float, float]]] = {what: [] for what in messages}
    for _ in range(rounds):
        for what, turns in messages.items():
            found[what].append(_round(restored(stored, config), turns))
    return [
        Rate(
            what=what,
            deltas=sum(len(deltas) for parts in kinds[what] for deltas, _ in parts),
            ms=[ms for ms, _ in times],
            bare_ms=[bare for _, bare in times],
        )
        for what, times in found.items()
    ]


def _part(deltas: Sequence[Delta], part: int) -> list[Delta]:
    """Return deltas of the same incidents and tick with other events, as another partition of the
    source has them."""
    return [
        msgspec.structs.replace(delta(_number(one), one.tick, events=2 + part), traces=one.traces)
        for one in deltas
    ]


def _number(one: Delta) -> int:
    return int(one.issues[0]) - 1_000_000


def _message(deltas: Sequence[Delta], tick: int, last: bool) -> DeltaBatch:
    found = batch(deltas, tick)
    return found if last else msgspec.structs.replace(found, watermark_ms=tick * 1000)


def _round(partition: Partition, turns: Sequence[Sequence[bytes]]) -> tuple[float, float]:
    """Return the milliseconds in which all is applied, and those of the floor."""
    gc.collect()
    taken = bare = 0.0
    offset = 0
    for messages in turns:
        began = time.process_time()
        steps: list[Step] = []
        for raw in messages:
            for one in codec.batches(raw):
                partition.receive(offset, one)
            offset += 1
        while partition.ready():
            steps.append(partition.step(most_ticks=1))
            outgoing(steps[-1], PARTITION, TOPICS, lambda _: 0)
        taken += time.process_time() - began
        began = time.process_time()
        for raw in messages:
            codec.batches(raw)
        for step in steps:
            outgoing(step, PARTITION, TOPICS, lambda _: 0)
        bare += time.process_time() - began
    return taken * 1e3, bare * 1e3


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """One tick of an empty environment, or the one after it."""

    what: str
    deltas: int
    ms: float

    @property
    def per_s(self) -> float:
        """Deltas per second."""
        return self.deltas / self.ms * 1e3


def opening(counts: Sequence[int]) -> Iterator[Opening]:
    """Yield what one tick takes in which so many incidents open in an empty environment, and the
    next one, in which a hundred more do."""
    config = config_of(Rules.DEFAULT)
    for count in counts:
        partition = restored([], config)
        for turn, many in enumerate((count, CHANGED)):
            numbers = range(turn * count, turn * count + many)
            raw = codec.encode(batch([delta(one, START + turn) for one in numbers], START + turn))
            gc.collect()
            began = time.process_time()
            apply(partition, turn, raw)
            ms = (time.process_time() - began) * 1e3
            what = f"{count:,} new" if not turn else f"{many} new, a tick after {count:,} new"
            yield Opening(what=what, deltas=many, ms=ms)
