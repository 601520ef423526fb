"""What cannot be applied is set aside, and changes nothing else."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlators.entries import key_of
from correlators.incidents import Incident
from correlators.partition import Partition, Step
from correlators.types import Delta, DeltaBatch
from streams import codec
from tests.correlators.drawn import QUICK, scores
from tests.correlators.score import (
    DAY,
    PAGING,
    START,
    Push,
    batches,
    deltas_of,
    event,
    first_progress,
    ms,
    resolve,
    sign,
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


def prints(*errors: str) -> set[str]:
    """Return the fingerprints of these errors."""
    return {sign(one).fingerprint for one in errors}


def broken(*names: str) -> tuple[Partition, Partition]:
    """Return a partition of three open incidents in which these are broken, and a sound one.

    A broken one raises when it is told; nothing but a defect of ours makes such an entry.
    """
    partition, _ = fed(deltas_of(event(1, error="a"), event(1, error="b"), event(1, error="c")))
    progress = partition.progress()
    entries = [entry for _, entry in partition.state_entries]
    spoilt = [
        msgspec.structs.replace(entry, events=GARBAGE)
        if isinstance(entry, Incident) and entry.key.fingerprint in prints(*names)
        else entry
        for entry in entries
    ]
    assert len(names) == sum(one not in entries for one in spoilt)
    return Partition(PAGING, progress, spoilt), Partition(PAGING, progress, entries)


def passed_to(partition: Partition, second: float, *, offset: int = 1) -> Step:
    """Return the step when time has passed with nothing to apply."""
    batch = DeltaBatch(topic="events", partition=0, watermark_ms=ms(second))
    partition.receive(offset, batch)
    return partition.step(most_ticks=100)


def told(step: Step, partition: Partition) -> set[str]:
    """Return the fingerprints of the incidents that the step tells."""
    found = {entry.id: entry for _, entry in partition.state_entries if isinstance(entry, Incident)}
    return {found[one.id].key.fingerprint for one in step.digests}


@pytest.mark.parametrize("names", [("b",), ("a", "c"), ("a", "b", "c")])
def test_an_entry_that_raises_when_it_is_due_is_frozen_and_the_others_go_on(
    names: tuple[str, ...],
) -> None:
    partition, sound = broken(*names)
    step = passed_to(partition, 60)
    assert told(passed_to(sound, 60), sound) == prints("a", "b", "c")
    assert told(step, partition) == prints("a", "b", "c") - prints(*names)
    assert {one.reason for one in step.frozen} == {"ValueError"}
    assert len(step.frozen) == len(names)
    for one in step.frozen:
        assert step.entries[key_of(one)] == one
        assert step.entries[key_of(one.entry)] is None


def test_events_of_a_frozen_incident_open_a_new_one() -> None:
    partition, _ = broken("b")
    passed_to(partition, 60)
    again = DeltaBatch(
        topic="events",
        partition=0,
        deltas=tuple(deltas_of(event(61, error="b"))),
        watermark_ms=ms(100),
    )
    partition.receive(2, again)
    step = partition.step(most_ticks=100)
    assert told(step, partition) == prints("b")
    assert not step.frozen


def test_what_is_frozen_comes_back_from_the_store_and_is_forgotten_in_the_end() -> None:
    partition, _ = broken("b")
    step = passed_to(partition, 60)
    entries = [codec.entry(codec.encode(entry)) for _, entry in partition.state_entries]
    restored = Partition(PAGING, step.progress, entries)
    assert restored.state_entries == partition.state_entries
    later = passed_to(restored, 60 + 8 * DAY)
    assert [later.entries[key_of(one)] for one in step.frozen] == [None]


def test_poison_is_found_among_many_and_frozen_entries_beside_it() -> None:
    partition, _ = broken("b")
    good = deltas_of(*(event(30, error=f"g{number}") for number in range(20)))
    (bad,) = deltas_of(event(30, error="h"))
    bad = msgspec.structs.replace(bad, users=GARBAGE)
    batch = DeltaBatch(
        topic="events", partition=0, deltas=(*good[:7], bad, *good[7:]), watermark_ms=ms(60)
    )
    partition.receive(1, batch)
    step = partition.step(most_ticks=100)
    assert [one.what for one in step.poison] == [bad]
    assert len(step.frozen) == 1
    assert told(step, partition) == prints("a", "c", *(f"g{number}" for number in range(20)))


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
