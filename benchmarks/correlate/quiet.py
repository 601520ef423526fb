"""What ticks cost in which nothing happens, by how much is open, and an empty day caught up.

A tick in which nothing changes and nothing is due is passed over: its cost must not hang on how
much is open. So is an empty day, but for what ends in it.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from benchmarks.correlate.measure import apply, restored, stored_world
from benchmarks.correlate.worlds import START, Rules, World, batch, config_of
from correlators.telling import Config
from streams import codec

OPEN: Final = (100, 1_000, 10_000)
QUIET_TICKS: Final = 20
"""So many, and nothing of an old world is due yet."""
DAY_TICKS: Final = 86_400


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """Ticks without a delta over so many open incidents."""

    incidents: int
    tick_us: list[float]
    """Median of a tick, by round, in microseconds of processor time."""
    day_ms: list[float]
    """A day without a delta, caught up in one go: all that is open ends in it."""

    @property
    def median_us(self) -> float:
        """Of a quiet tick."""
        return statistics.median(self.tick_us)

    @property
    def median_day_ms(self) -> float:
        """Of an empty day."""
        return statistics.median(self.day_ms)


def quiet(counts: Sequence[int], rounds: int) -> list[Quiet]:
    """Return what quiet ticks cost over so many open incidents, round by round in turn."""
    config = config_of(Rules.DEFAULT)
    worlds = {count: stored_world(World.OLD, Rules.DEFAULT, count) for count in counts}
    ticks: dict[int, list[float]] = {count: [] for count in counts}
    days: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(rounds):
        for count, stored in worlds.items():
            ticks[count].append(statistics.median(_ticks(stored, config)) * 1e6)
            days[count].append(_day(stored, config) * 1e3)
    return [Quiet(incidents=count, tick_us=ticks[count], day_ms=days[count]) for count in counts]


def _ticks(stored: Sequence[bytes], config: Config) -> Iterator[float]:
    """Yield the seconds of every quiet tick."""
    partition = restored(stored, config)
    gc.collect()
    for turn in range(QUIET_TICKS):
        raw = codec.encode(batch((), START + turn))
        began = time.process_time()
        apply(partition, turn, raw)
        partition.ticks.pass_to(partition.ticks.complete_tick())
        yield time.process_time() - began


def _day(stored: Sequence[bytes], config: Config) -> float:
    """Return the seconds in which a day without a delta is caught up."""
    partition = restored(stored, config)
    gc.collect()
    raw = codec.encode(batch((), START + DAY_TICKS))
    began = time.process_time()
    apply(partition, 0, raw)
    return time.process_time() - began
