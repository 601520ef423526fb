"""One partition whole: counts, bounds of entries, restore, and the index of what is due."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlators import incidents, sets, storm_times
from correlators.baseline import Baseline
from correlators.dependencies import Neighbours
from correlators.entries import KNOWN_FOR_TICKS, Entry, Episode, Heard, Membership, Service, key_of
from correlators.incidents import Incident, ticks
from correlators.partition import Partition
from correlators.rules import Pages
from correlators.state import Correlation, State
from correlators.storms import Storm, Stretch
from correlators.ticks import Progress
from correlators.types import DeltaBatch
from streams import codec
from tests.correlators.drawn import QUICK, scores
from tests.correlators.score import (
    PAGING,
    START,
    Push,
    batches,
    deltas_of,
    event,
    events,
    first_progress,
    hash_of,
    ms,
    run,
)

ENTRY_BYTES = 16 * 1024


# Counts


def test_late_deltas_are_counted_once_when_they_are_applied_also_over_a_restart() -> None:
    log = [
        DeltaBatch(topic="events", partition=0, watermark_ms=ms(50)),
        DeltaBatch(topic="events", partition=1, deltas=tuple(deltas_of(event(3)))),
        DeltaBatch(topic="events", partition=0, watermark_ms=ms(60)),
    ]
    partition = Partition(PAGING, first_progress(2))
    partition.receive(0, log[0])
    partition.ticks.exclude([source for source in partition.ticks.sources if source.partition == 1])
    stored = partition.step(most_ticks=9).progress
    partition.receive(1, log[1])
    assert partition.progress().late == 0
    stored = partition.step(most_ticks=9).progress
    partition = Partition(PAGING, stored)
    for offset in range(stored.input_offset, 3):
        partition.receive(offset, log[offset])
    step = partition.step(most_ticks=9)
    assert step.progress.late == 1
    assert [entry.delayed for entry in step.entries.values() if isinstance(entry, Incident)] == [
        True
    ]


def test_a_step_applies_at_most_as_many_ticks_as_asked_and_the_rest_later() -> None:
    partition = Partition(PAGING, first_progress())
    for offset, batch in enumerate(batches(events(range(5)), until=9, config=PAGING)):
        partition.receive(offset, batch)
    assert [partition.step(most_ticks=2).ticks for _ in range(4)] == [2, 2, 1, 0]


def test_a_step_takes_no_further_tick_once_enough_entries_changed_and_cuts_none() -> None:
    partition = Partition(PAGING, first_progress())
    log = [event(second, error=f"e{second}.{number}") for second in (1, 2) for number in range(5)]
    for offset, batch in enumerate(batches(log, until=3, config=PAGING)):
        partition.receive(offset, batch)
    steps = [partition.step(most_ticks=9, most_changes=1) for _ in range(3)]
    assert [step.ticks for step in steps] == [1, 1, 0]
    opened = [sum(isinstance(one, Incident) for one in step.entries.values()) for step in steps]
    assert opened == [5, 5, 0]


# Bounds


LONG = {"service": 100, "environment": 64, "release": 250}


def full_pushes(letter: str, service_letter: str) -> list[Push]:
    """Return events that fill every set and list of an incident and of the storm it is in."""
    found = []
    for n in range(1_500):
        push = event(n % 60, f"{n % 60:02}{service_letter * 98}", f"{letter * 2_000}{n % 150}")
        assert push.event is not None
        assert push.signature is not None
        long = msgspec.structs.replace(
            push.event,
            release=letter * 250 if n % 2 else letter * 249,
            environment="e" * 64,
            user_hash=hash_of(f"u{n}"),
            trace_hash=hash_of(f"t{n}") if n % 3 else hash_of("shared"),
            issue_id=f"{n % 40:032}",
            culprit=letter * 200,
            transaction=letter * 200,
            web_url="https://" + "w" * 2_000,
            issue_url="https://" + "w" * 2_000,
        )
        signature = msgspec.structs.replace(push.signature, parts=(letter * 900,) * 9)
        found.append(Push(push.at_ms, long, signature))
    # One incident with full sets of its own.
    loud = found[0]
    assert loud.event is not None
    for n in range(1_500):
        one = msgspec.structs.replace(
            loud.event,
            event_id=f"{n:064}",
            user_hash=hash_of(f"v{n}"),
            trace_hash=hash_of(f"w{n}"),
            issue_id=f"{n:032}",
        )
        found.append(Push(ms(30 + n % 10), one, loud.signature))
    return found


@pytest.mark.parametrize(("letter", "service"), [("x", "s"), ("誤", "s"), ("🔥", "店")])
def test_every_entry_takes_at_most_16_kib(letter: str, service: str) -> None:
    largest: dict[str, int] = {}

    def measure(partition: Partition) -> None:
        for _, entry in partition.state_entries:
            name = type(entry).__name__
            largest[name] = max(largest.get(name, 0), len(codec.encode(entry)))

    score = run(full_pushes(letter, service), config=PAGING, until=120, after_tick=measure)
    (storm,) = score.storms()
    assert sets.count(storm.events).about
    loud = max(score.incidents(), key=lambda one: len(one.events))
    assert len(loud.events) > 8 * sets.EXACT_UP_TO
    assert len(loud.traces) == 32
    assert largest["Incident"] > 9_000
    assert {name: size for name, size in largest.items() if size > ENTRY_BYTES} == {}


def test_a_rate_over_a_whole_day_keeps_few_slots() -> None:
    config = msgspec.structs.replace(PAGING, pages=Pages(within_ms=86_400_000, events=10_000))
    (incident,) = run(events(range(0, 80_000, 300)), config=config, until=80_000).incidents()
    assert len(incident.rate) <= 30
    assert sum(new for _, new in incident.rate) == len(range(0, 80_000, 300))


# Restore, and what is due


def test_an_entry_that_is_dropped_and_comes_again_is_due_again() -> None:
    state = State(Correlation())
    one = Episode(environment="e", service="s", fingerprint="f", first_tick=5, last_tick=5)
    state.put(one)
    assert state.next_due() == 5 + KNOWN_FOR_TICKS
    state.drop(key_of(one))
    assert state.next_due() is None
    state.put(msgspec.structs.replace(one, last_tick=9))
    assert state.next_due() == 9 + KNOWN_FOR_TICKS


def due_tick(entry: Entry, found: dict[str, Entry]) -> int:
    """Return when an entry is due, from the entries alone."""
    windows, linking = QUICK.windows, QUICK.linking
    match entry:
        case Incident():
            return incidents.due_tick(entry, windows=windows)
        case Storm():
            return storm_times.due_tick(
                entry,
                linking,
                max_life_ms=windows.max_life_ms,
                remember_ms=windows.remember_ms,
            )
        case Stretch():
            incident = found.get(f"incident:{entry.incident_id}")
            if not isinstance(incident, Incident):
                return 0
            young = incident.onset_tick + ticks(linking.link_within_ms)
            return max(young, incident.last_tick + ticks(windows.quiet_for_ms)) + 1
        case Membership():
            return entry.from_tick + ticks(windows.remember_ms) + ticks(windows.max_life_ms)
        case Episode() | Service() | Baseline() | Neighbours():
            return entry.last_tick + 90 * 86_400
        case Heard():
            return entry.last_tick + ticks(windows.remember_ms)
    raise AssertionError(entry)


@given(scores())
@settings(max_examples=25)
def test_what_is_due_next_is_the_minimum_over_all_entries_after_every_tick(
    score: list[Push],
) -> None:
    def check(partition: Partition) -> None:
        found = dict(partition.state_entries)
        expected = min((due_tick(entry, found) for entry in found.values()), default=None)
        assert partition._correlator.state.next_due() == expected
        assert expected is None or expected > partition.ticks.applied

    run(score, config=QUICK, after_tick=check, until=score[-1].at_ms / 1000 - START + 500)


@given(scores(), st.integers(0, 2**32))
@settings(max_examples=25)
def test_a_restored_state_goes_on_as_the_live_one(score: list[Push], seed: int) -> None:
    until = score[-1].at_ms / 1000 - START + 500
    messages = batches(score, until=until, config=QUICK)
    cut = Random(seed).randint(0, len(messages))
    live = Partition(QUICK, first_progress())
    for offset, batch in enumerate(messages[:cut]):
        live.receive(offset, batch)
    live.step(most_ticks=10_000)
    stored = [codec.encode(entry) for _, entry in live.state_entries]
    Random(seed).shuffle(stored)
    progress = codec.entry(codec.encode(live.progress()))
    assert isinstance(progress, Progress)
    restored = Partition(QUICK, progress, [codec.entry(raw) for raw in stored])
    for offset in range(progress.input_offset, cut):
        restored.receive(offset, messages[offset])
    assert restored.state_entries == live.state_entries
    for offset, batch in enumerate(messages[cut:], start=cut):
        live.receive(offset, batch)
        restored.receive(offset, batch)
        assert live.step(most_ticks=10_000) == restored.step(most_ticks=10_000)
    assert restored.state_entries == live.state_entries
