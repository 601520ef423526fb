"""What cannot be applied is set aside, and changes nothing else."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlators.partition import Partition, Step
from correlators.types import Delta, DeltaBatch
from tests.correlators.drawn import QUICK, scores
from tests.correlators.score import (
    PAGING,
    START,
    Push,
    batches,
    deltas_of,
    event,
    first_progress,
    ms,
    resolve,
)

GARBAGE = b"\x07" * 30


def fed(deltas: list[Delta], *, until: float = 5) -> tuple[Partition, Step]:
    """Return a partition, and its step, that got these deltas in one message."""
    partition = Partition(PAGING, first_progress())
    batch = DeltaBatch(topic="events", partition=0, deltas=tuple(deltas), watermark_ms=ms(until))
    partition.receive(0, batch)
    return partition, partition.step(most_ticks=100)


@pytest.mark.parametrize("part", ["events", "users"])
def test_a_delta_that_raises_is_set_aside_and_its_tick_goes_on(part: str) -> None:
    good = deltas_of(event(1, "a", user="anna"), event(1, "c", user="ben"))
    (bad,) = deltas_of(event(1, "b"))
    bad = msgspec.structs.replace(bad, **{part: GARBAGE})
    partition, step = fed([good[0], bad, good[1]])
    assert [(one.what, one.reason) for one in step.poison] == [(bad, "ValueError")]
    clean, clean_step = fed(good)
    assert partition.state_entries == clean.state_entries
    assert step.entries == clean_step.entries
    assert step.digests == clean_step.digests


@pytest.mark.parametrize("part", ["events", "users"])
def test_poison_for_an_open_incident_leaves_it_as_it_was(part: str) -> None:
    good = deltas_of(event(1, "a"), event(3, "a"))
    bad = msgspec.structs.replace(good[1], **{part: GARBAGE})
    partition, step = fed([good[0], bad, good[1]], until=60)
    assert len(step.poison) == 1
    clean, clean_step = fed(good, until=60)
    assert partition.state_entries == clean.state_entries
    assert step.digests == clean_step.digests != []


def test_several_poisoned_deltas_of_one_place_are_each_set_aside() -> None:
    good = deltas_of(event(1, "a"))
    bad = msgspec.structs.replace(good[0], events=GARBAGE)
    worse = msgspec.structs.replace(good[0], users=GARBAGE)
    partition, step = fed([bad, good[0], worse])
    assert {one.what for one in step.poison} == {bad, worse}
    assert partition.state_entries == fed(good)[0].state_entries


def test_poison_does_not_stop_state_changes_of_its_tick() -> None:
    partition = Partition(PAGING, first_progress())
    open_one, closing = batches([event(0, issue="71"), resolve(5, "71")], until=20, config=PAGING)
    (bad,) = deltas_of(event(5, "b"))
    bad = msgspec.structs.replace(bad, events=GARBAGE)
    partition.receive(0, open_one)
    partition.receive(1, msgspec.structs.replace(closing, deltas=(bad,)))
    step = partition.step(most_ticks=100)
    assert len(step.poison) == 1
    assert partition.open_counts == (0, 0)


def test_the_same_poison_is_set_aside_again_when_the_input_is_read_again() -> None:
    good = deltas_of(event(1, "a"))
    bad = msgspec.structs.replace(deltas_of(event(1, "b"))[0], events=GARBAGE)
    assert fed([*good, bad])[1] == fed([*good, bad])[1]


@given(scores(), st.integers(0, 2**32))
@settings(max_examples=25)
def test_poison_anywhere_changes_nothing_but_what_is_set_aside(
    score: list[Push], seed: int
) -> None:
    random = Random(seed)
    until = score[-1].at_ms / 1000 - START + 500
    messages = batches(score, until=until, config=QUICK)
    clean, poisoned = Partition(QUICK, first_progress()), Partition(QUICK, first_progress())
    put = 0
    for offset, batch in enumerate(messages):
        deltas = list(batch.deltas)
        if deltas and random.random() < 0.5:
            part = random.choice(["events", "users"])
            bad = msgspec.structs.replace(random.choice(deltas), **{part: GARBAGE})
            deltas.insert(random.randint(0, len(deltas)), bad)
            put += 1
        clean.receive(offset, batch)
        poisoned.receive(offset, msgspec.structs.replace(batch, deltas=tuple(deltas)))
        expected, found = clean.step(most_ticks=10_000), poisoned.step(most_ticks=10_000)
        put -= len(found.poison)
        assert msgspec.structs.replace(found, poison=[]) == expected
    assert put == 0
    assert poisoned.state_entries == clean.state_entries
