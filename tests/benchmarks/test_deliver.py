"""What waits in DELIVER is no work for a tick; counted, not timed."""

from __future__ import annotations

import sys
from types import FrameType

import msgspec

from benchmarks.deliver import CHANNELS, Report, held_back, report, turns


def calls(waiting: int) -> int:
    """Return how many Python functions some ticks call while so many deliveries wait."""
    outbox = held_back(waiting)
    counted = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        turns(outbox)
    finally:
        sys.setprofile(None)
    assert sum(outbox.waiting().values()) >= CHANNELS
    return counted


def test_a_hundred_times_as_many_that_wait_are_no_more_work() -> None:
    assert calls(1_000) < 1.2 * calls(10)


def test_every_figure_is_measured() -> None:
    found = report([10, 20], 2, 30)
    assert all(len(one.tick_us) == len(one.ratios) == 2 for one in found.ticks)
    assert found.ratios["10_waiting"] == 1.0
    assert all(one > 0 for one in found.per_s)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Report) == found
