"""A heartbeat goes the way of an error, is none, and is passed on once its tick is over."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.beats import BEATS_MOST, RESOURCE, Beat, Beats
from correlators.fingerprinter import Fingerprinter, Fingerprinting, RecordKind
from correlators.partition import Partition
from correlators.ticks import Progress
from correlators.types import DeltaBatch
from tests.correlators.score import PAGING

START = 1_800_000_000
SOURCES = (("events", 0), ("events", 1))


def body(number: int, kind: str = "Heartbeat") -> bytes:
    event = {
        "event_id": f"{number:032x}",
        "project": 0,
        "platform": "other",
        "level": "fatal",
        "exception": {"values": [{"type": kind, "value": "on its way"}]},
    }
    return json.dumps({"action": "created", "data": {"error": event}}).encode()


def partition() -> Partition:
    return Partition(PAGING, Progress(installation="t", partitions=1, sources=SOURCES))


def batch(source: int, second: int, *beats: str, at: int | None = None) -> DeltaBatch:
    tick = START + (second if at is None else at)
    return DeltaBatch(
        topic="events",
        partition=source,
        watermark_ms=(START + second) * 1000 + 999,
        beats=tuple(Beat(tick, one) for one in beats),
    )


def test_a_heartbeat_is_read_as_an_error_and_is_no_event() -> None:
    reader = Fingerprinter(Fingerprinting())
    found = reader.take(RESOURCE, body(7), START * 1000)
    assert (found.kind, found.beat, found.event) == (RecordKind.HEARTBEAT, f"{7:032x}", None)
    assert reader.fold.flush() == ([], [])
    assert reader.fold.heard.take() == ()  # else it would hide that Sentry is silent
    assert not reader.cache_results
    assert reader.fold.beats.take_all() == (Beat(START, f"{7:032x}"),)
    assert reader.fold.beats.take_all() == ()


@pytest.mark.parametrize("given", [b"", b"{", b'{"action": "resolved", "data": {"issue": {}}}'])
def test_what_is_no_error_is_no_heartbeat(given: bytes) -> None:
    reader = Fingerprinter(Fingerprinting())
    assert reader.take(RESOURCE, given, START * 1000).kind is RecordKind.UNREADABLE
    assert not len(reader.fold)
    assert not len(reader.fold.beats)


def test_it_is_passed_on_when_every_source_has_passed_its_tick() -> None:
    here = partition()
    here.receive(0, batch(0, 5, "b"))
    assert not here.ready()
    here.receive(1, batch(1, 5, "b"))
    assert not here.ready()  # the tick goes on
    here.receive(2, batch(0, 6))
    assert not here.ready()  # one of them may still have something in it
    here.receive(3, batch(1, 6))
    assert here.ready()
    step = here.step(most_ticks=8)
    assert step.beats == (Beat(START + 5, "b", 0), Beat(START + 5, "b", 1))
    assert set(step.entries) == {"@progress"}
    assert (step.digests, step.ticks, step.decisions) == ([], 0, [])
    assert not here.ready()
    assert here.step(most_ticks=8).beats == ()


def test_a_source_that_stands_still_keeps_it() -> None:
    here = partition()
    here.receive(0, batch(1, 1))
    for second in range(2, 40):
        here.receive(second, batch(0, second, f"b{second}"))
        assert not here.ready()


def test_one_that_comes_after_its_tick_is_passed_on_at_once() -> None:
    here = partition()
    here.receive(0, batch(0, 9))
    here.receive(1, batch(1, 9))
    here.ticks.pass_to(here.ticks.complete_tick())
    here.receive(2, batch(0, 9, "late", at=3))
    assert here.ready()
    assert [one.id for one in here.step(most_ticks=1).beats] == ["late"]


def test_the_state_and_what_is_told_are_the_same_without_it() -> None:
    def stored(*beats: str) -> tuple[bytes, list[object]]:
        here = partition()
        told: list[object] = []
        for offset, second in enumerate(range(1, 30)):
            for source in (0, 1):
                here.receive(2 * offset + source, batch(source, second, *beats))
            while here.ready():
                told += here.step(most_ticks=4).digests
        here.ticks.pass_to(here.ticks.complete_tick())
        return msgspec.msgpack.encode((here.progress(), here.state_entries)), told

    assert stored() == stored("a", "b")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=600))
def test_beats_are_bounded_kept_in_order_and_taken_once(given: list[tuple[int, int]]) -> None:
    beats = Beats()
    for tick, number in given:
        beats.hold([Beat(tick, str(number))])
        assert len(beats) <= BEATS_MOST
    taken = beats.take(25)
    assert list(taken) == sorted(set(taken))
    assert all(one.tick <= 25 for one in taken)
    assert not beats.due(25)
    rest = beats.take_all()
    assert {(one.tick, int(one.id)) for one in (*taken, *rest)} == set(given)
    assert len(beats) == 0


def test_of_too_many_the_first_are_dropped() -> None:
    beats = Beats()
    beats.hold(Beat(tick, "x") for tick in range(2 * BEATS_MOST))
    assert beats.take_all()[0].tick == BEATS_MOST
