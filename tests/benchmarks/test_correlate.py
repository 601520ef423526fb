"""What a tick does hangs on what changes in it, not on what is open; counted, not timed."""

from __future__ import annotations

import sys
from types import FrameType

import msgspec
import pytest

from benchmarks.correlate.measure import apply, changing, measure, restored, stored_world, turns
from benchmarks.correlate.quiet import quiet
from benchmarks.correlate.rates import MESSAGES, opening, rates
from benchmarks.correlate.report import Report, tables
from benchmarks.correlate.worlds import START, Rules, World, batch, config_of
from correlators.partition import Partition
from streams import codec

FEW, MANY = 300, 1_200


def calls(world: World, rules: Rules, kind: str, incidents: int) -> int:
    """Return how many Python functions a tick calls over so many open incidents.

    What was restored is sorted by age in the ticks before.
    """
    partition = restored(stored_world(world, rules, incidents), config_of(rules))
    deltas = changing(world, kind, incidents, 20)
    young = deltas(0) if kind == "new" else changing(world, "new", incidents, 1)(0)
    apply(partition, 0, codec.encode(batch(young, START)))
    return counted(partition, codec.encode(batch(deltas(1), START + 1)))


def counted(partition: Partition, raw: bytes) -> int:
    """Return how many Python functions are called until a message is applied."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        apply(partition, 1, raw)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("world", list(World))
@pytest.mark.parametrize("kind", ["known", "new"])
def test_four_times_as_many_open_incidents_are_no_more_work(world: World, kind: str) -> None:
    few = calls(world, Rules.DEFAULT, kind, FEW)
    many = calls(world, Rules.DEFAULT, kind, MANY)
    assert many < 1.6 * few


def test_nor_are_they_with_rules_silences_and_inhibitions() -> None:
    few = calls(World.OLD, Rules.RULED, "known", FEW)
    many = calls(World.OLD, Rules.RULED, "known", MANY)
    assert many < 1.6 * few


def test_a_tick_in_which_nothing_happens_is_the_same_work_whatever_is_open() -> None:
    def still(incidents: int) -> int:
        stored = stored_world(World.OLD, Rules.DEFAULT, incidents)
        partition = restored(stored, config_of(Rules.DEFAULT))
        apply(partition, 0, codec.encode(batch((), START)))
        return counted(partition, codec.encode(batch((), START + 1)))

    assert still(MANY) == still(10)


@pytest.mark.parametrize("world", list(World))
def test_a_world_is_what_it_says(world: World) -> None:
    partition = restored(stored_world(world, Rules.DEFAULT, FEW), config_of(Rules.DEFAULT))
    incidents, storms = partition.open_counts
    assert incidents == FEW
    assert (storms > 0) == (world in (World.STORM, World.STORMS))


def test_every_figure_is_measured() -> None:
    stored = stored_world(World.OLD, Rules.DEFAULT, 100)
    deltas = changing(World.OLD, "new", 100, 5)
    found = list(turns(stored, config_of(Rules.DEFAULT), deltas, 1))
    assert all(ms >= 0 and written >= 5 for ms, written in found)
    many = rates(stored, 100, 5, 2)
    assert all(len(one.ratios) == 2 and min(one.ratios) > 1 for one in many)
    assert [one.deltas for one in many] == [60, 60 * MESSAGES, 60]
    nothing = quiet([10, 20], 2)
    assert all(len(one.tick_us) == len(one.day_ms) == 2 for one in nothing)
    report = Report(
        incidents=100,
        rounds=2,
        ticks=list(measure(World.OLD, Rules.DEFAULT, 100, 1, stored)),
        rates=many,
        opening=list(opening([20])),
        quiet=nothing,
        resident_mib=1.0,
        users=100,
        kafka=None,
        machine="here",
    )
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
    assert report.ratios.keys() >= {"old, default, known", "quiet, 20"}
    assert [len(one.rows) for one in tables(report)] == [2, 3, 2, 2]
