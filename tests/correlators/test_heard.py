"""What FINGERPRINT tells of what it hears, and when CORRELATE counts it."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.hearing import error_hash
from correlators.open_deltas import Fold
from correlators.presence import SLOT_TICKS, slot_of
from correlators.ticks import Ticks
from correlators.types import DeltaBatch
from tests.correlators.score import START, event, first_progress, ms
from tests.correlators.ticking import Log

SLOT = slot_of(START) + 1
BEGIN = SLOT * SLOT_TICKS - START
"""The second of the score with which that slot begins."""


def told(source: int, mark: float, *heard: tuple[int, int]) -> DeltaBatch:
    return DeltaBatch(topic="events", partition=source, watermark_ms=ms(mark), heard=heard)


def test_one_error_in_a_minute_is_told_by_its_hash_and_anything_more_as_several() -> None:
    fold = Fold(belated_after_ms=120_000)

    def push(at: float, error: str) -> None:
        one = event(BEGIN + at, "checkout", error)
        assert one.event is not None
        assert one.signature is not None
        fold.add(one.event, one.signature, one.at_ms)

    push(0, "Boom")
    boom = event(0, "checkout", "Boom").signature
    assert boom is not None
    what = error_hash("production", "checkout", boom.fingerprint)
    assert fold.heard.take() == ((SLOT, what),)
    push(1, "Boom")
    assert fold.heard.take() == ()
    push(2, "Bang")
    assert fold.heard.take() == ((SLOT, 0),)
    push(3, "Boom")
    assert fold.heard.take() == ()
    push(61, "Boom")
    push(121, "Bang")
    push(122, "Boom")
    assert fold.heard.take() == ((SLOT + 1, what), (SLOT + 2, 0))


def test_what_cannot_be_read_was_heard_too() -> None:
    reader = Fingerprinter(Fingerprinting())
    reader.add("event_alert", b"{", ms(BEGIN))
    assert reader.fold.heard.take() == ((SLOT, 0),)


def test_it_counts_when_the_minute_is_over_in_every_source() -> None:
    log = Log()
    log.write(told(0, BEGIN + 30, (SLOT, 5)))
    log.write(told(0, BEGIN + 90, (SLOT + 1, 5)))
    log.write(told(1, BEGIN + 59))
    assert log.ticks.next_tick() == START + BEGIN + 60
    assert log.ticks.complete_tick() < START + BEGIN + 60
    log.write(told(1, BEGIN + 70, (SLOT, 6)))
    tick = log.ticks.next_tick()
    assert tick == START + BEGIN + 60
    assert tick <= log.ticks.complete_tick()
    work = log.ticks.take(tick)
    assert (work.heard, work.blind, work.deltas) == (((SLOT, 0),), False, [])


def test_what_is_not_over_yet_is_stored_and_holds_no_offset() -> None:
    log = Log(sources=1)
    log.write(told(0, BEGIN + 30, (SLOT, 5)))
    log.ticks.pass_to(log.ticks.complete_tick())
    progress = log.ticks.progress()
    assert (progress.heard, progress.input_offset) == (((SLOT, 5),), 1)
    again = log.restarted()
    again.write(told(0, BEGIN + 70))
    assert again.ticks.take(START + BEGIN + 60).heard == ((SLOT, 5),)
    assert again.ticks.progress().heard == ()


def test_work_is_blind_while_a_source_is_left_out() -> None:
    log = Log()
    log.write(told(0, BEGIN + 70, (SLOT, 5)))
    log.ticks.exclude(log.ticks.sources)
    log.write(told(0, BEGIN + 80))
    assert log.ticks.take(START + BEGIN + 60).blind


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 600), st.integers(0, 2)), max_size=30),
    st.lists(st.booleans(), min_size=30, max_size=30),
    st.integers(0, 30),
)
def test_neither_flushes_nor_repetitions_nor_a_restart_change_what_counts(
    signs: list[tuple[int, int, int]], again: list[bool], restart: int
) -> None:
    signs = sorted(signs, key=lambda one: one[1])
    expected: dict[int, set[int]] = {}
    for _, at, what in signs:
        expected.setdefault(slot_of(START + BEGIN + at), set()).add(what)
    ticks = Ticks(first_progress(2))
    found: dict[int, int] = {}
    messages = [
        told(source, BEGIN + at, (slot_of(START + BEGIN + at), what)) for source, at, what in signs
    ]
    log = [one for one, twice in zip(messages, again, strict=False) for _ in range(1 + twice)]
    log += [told(0, BEGIN + 900), told(1, BEGIN + 900)]
    for offset, message in enumerate(log):
        ticks.receive(offset, message)
        while (tick := ticks.next_tick()) is not None and tick <= ticks.complete_tick():
            found |= dict(ticks.take(tick).heard)
        ticks.pass_to(ticks.complete_tick())
        if offset == restart:
            progress = ticks.progress()
            ticks = Ticks(
                msgspec.msgpack.decode(msgspec.msgpack.encode(progress), type=type(progress))
            )
            for behind in range(progress.input_offset, offset + 1):
                ticks.receive(behind, log[behind])
    assert found == {slot: what.pop() if len(what) == 1 else 0 for slot, what in expected.items()}
