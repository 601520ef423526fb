"""The laws hold with people in the log: acts of any kind, at any place, told once or twice."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import (
    Acknowledge,
    Act,
    ActDone,
    AddSilence,
    Assign,
    Comment,
    ExpireSilence,
    FalseAlarm,
    MergeInto,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
    silence_id,
)
from correlators.conditions import When
from correlators.incidents import Incident
from correlators.link_acts import AddLink, RemoveLink
from correlators.partition import Partition
from correlators.storms import Storm
from correlators.telling import Config
from correlators.ticks import Progress
from correlators.types import DeltaBatch, Level, PageAction
from streams import codec
from tests.examples import examples
from tests.laws.logs import (
    MINUTE_MS,
    START_MS,
    Outcome,
    Rec,
    first_progress,
    logs,
    run,
    split_messages,
)
from tests.laws.test_ruled import PAGERS, configs

Message = DeltaBatch | Act

WHENS = (
    When(service=("pay*",)),
    When(service=("*",)),
    When(level=(Level.ERROR,)),
    When(error_type=("Timeout*",)),
    When(text=("*key*",), service=("c*",)),
)

LINKED = ("slack:C0LINKED", "slack:incidents")
LINK_WHENS = (
    When(service=("pay*",)),
    When(service=("*",), environment=("production",)),
    When(owner=("*",)),
)


def subjects(messages: list[DeltaBatch], partitions: int, config: Config) -> list[str]:
    """Return the ids of what there would be without acts."""
    state = run(messages, partitions=partitions, config=config).state
    entries = [codec.entry(raw) for raw in state.values()]
    found = [one.id for one in entries if isinstance(one, Incident | Storm)]
    return sorted(found) or ["inc-0"]


def drawn(random: Random, ids: list[str], before: list[Act]) -> Act:
    """Return any act; now and then one that was told before."""
    who: dict[str, Any] = {"actor": "anna", "source": "cli", "at_ms": START_MS}
    subject = random.choice(ids)
    to_ms = START_MS + random.choice([1, 2, 5, 30]) * MINUTE_MS + random.choice([0, 1, 700])
    silences = [one for one in before if isinstance(one, AddSilence)]
    match random.randrange(19):
        case 0:
            for_ms = random.choice([0, 1_000, MINUTE_MS, 5 * MINUTE_MS])
            return Acknowledge(**who, subject=subject, for_ms=for_ms)
        case 1:
            return Unacknowledge(**who, subject=subject)
        case 2:
            return Separate(**who, subject=subject)
        case 3:
            return MergeInto(**who, subject=subject, into=random.choice(ids))
        case 4 | 5:
            return AddSilence(**who, subject=subject, to_ms=to_ms)
        case 6:
            when = random.choice(WHENS)
            return AddSilence(**who, environment="production", when=when, to_ms=to_ms)
        case 7 if silences:
            return ExpireSilence(**who, subject=silence_id(random.choice(silences)))
        case 8 | 9 | 10 as kind:
            # Said at any time of the log: what happened before it stays over.
            who["at_ms"] += random.choice([0, 1, 5, 20]) * MINUTE_MS
            return (FalseAlarm if kind == 10 else Resolve)(**who, subject=subject)
        case 11:
            return Assign(**who, subject=subject, assignee=random.choice(["", "pay", "ben"]))
        case 12 | 13:
            return PageNow(**who, subject=subject)
        case 14:
            return Comment(**who, subject=subject, text=random.choice(["the pool is full", "?"]))
        case 15:
            page = f"{subject}.{random.randrange(1, 4)}"
            at_ms = START_MS + random.randrange(1_000)
            told: dict[str, Any] = {"actor": "ben", "source": "pagerduty", "at_ms": at_ms}
            match random.randrange(6):
                case 0 | 1:
                    return Acknowledge(**told, subject=page)
                case 2 | 3:
                    return Unacknowledge(**told, subject=page)
                case 4:
                    return Comment(**told, subject=page, text="the disk")
            return Resolve(**told, subject=page)
        case 16:
            to = random.choice(LINKED)
            return AddLink(**who, subject=to, when=random.choice(LINK_WHENS))
        case 17:
            ends = random.choice([None, *LINK_WHENS])
            return RemoveLink(**who, subject=random.choice(LINKED), when=ends)
        case _:
            return random.choice(before) if before else Separate(**who, subject=subject)


def peopled(
    messages: list[DeltaBatch], partitions: int, config: Config, random: Random
) -> list[Message]:
    """Return the log with acts at random places."""
    ids = subjects(messages, partitions, config)
    acts: list[Act] = []
    found: list[Message] = []
    for message in messages:
        while random.random() < 0.4:
            acts.append(drawn(random, ids, acts))
            found.append(acts[-1])
        found.append(message)
    return found


def settle(partition: Partition, outcome: Outcome, *, at_once: int) -> Progress | None:
    """Apply all that is complete, as a reader does before it takes an act."""
    progress = None
    while partition.ready():
        step = partition.step(most_ticks=at_once)
        outcome.take(step)
        progress = step.progress
    partition.ticks.pass_to(partition.ticks.complete_tick())
    return progress


def apply(
    log: list[Message],
    *,
    partitions: int,
    config: Config,
    random: Random,
    crash: float = 0.0,
    eager: float = 0.0,
) -> Outcome:
    """Run a log; read ahead or not, and now and then go on from what is stored."""
    outcome = Outcome()
    progress = first_progress(partitions)
    partition = Partition(config, progress)
    offset = crashes = 0
    while offset < len(log):
        message = log[offset]
        if isinstance(message, DeltaBatch):
            partition.receive(offset, message)
        else:
            partition.ticks.reach(offset)
            progress = settle(partition, outcome, at_once=random.choice([1, 3, 99])) or progress
            assert partition.receive_act(offset, message)
        offset += 1
        if random.random() < eager:
            step = partition.step(most_ticks=random.choice([1, 2, 1_000]))
            outcome.take(step)
            progress = step.progress
        if crashes < 20 and random.random() < crash:
            crashes += 1
            entries = [codec.entry(raw) for raw in outcome.state.values()]
            random.shuffle(entries)
            partition = Partition(config, progress, entries)
            offset = progress.input_offset
    settle(partition, outcome, at_once=1_000)
    return outcome


@given(logs(min_size=2, max_size=16), configs(), st.integers(1, 3), st.integers(0, 2**32 - 1))
@examples(60)
def test_law_5_with_acts_reading_ahead_restarts_and_redelivery_change_nothing(
    records: list[Rec], config: Config, partitions: int, seed: int
) -> None:
    random = Random(seed)
    log = peopled(split_messages(records, partitions, random), partitions, config, random)
    plain = apply(log, partitions=partitions, config=config, random=random)
    eager = apply(log, partitions=partitions, config=config, random=random, eager=0.6)
    assert eager == plain
    crashed = apply(log, partitions=partitions, config=config, random=random, eager=0.6, crash=0.2)
    assert crashed == plain


@given(logs(min_size=2, max_size=16), configs(), st.integers(0, 2**32 - 1))
@examples(40)
def test_law_6_with_acts_a_restored_state_equals_the_live_one(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = peopled(split_messages(records, 1, random), 1, config, random)
    partition, outcome = Partition(config, first_progress(1)), Outcome()
    for offset, message in enumerate(log):
        if isinstance(message, DeltaBatch):
            partition.receive(offset, message)
        else:
            assert partition.receive_act(offset, message)
        settle(partition, outcome, at_once=1)
        live = {key: codec.encode(entry) for key, entry in partition.state_entries}
        assert live == outcome.state


@given(logs(min_size=2, max_size=16), configs(), st.integers(0, 2**32 - 1))
@examples(40)
def test_law_1_with_acts_every_act_is_accounted_for_and_every_page_is_resolved_once(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = peopled(split_messages(records, 1, random), 1, config, random)
    outcome = apply(log, partitions=1, config=config, random=random)
    pages = [one for one in outcome.digests if one.destination in PAGERS]
    opened = [(o.page_key, o.destination) for o in pages if o.page is PageAction.TRIGGER]
    resolved = [(o.page_key, o.destination) for o in pages if o.page is PageAction.RESOLVE]
    assert sorted(opened) == sorted(resolved)
    assert len(set(opened)) == len(opened)
    places = [(one.id, one.revision, one.destination) for one in outcome.digests]
    assert len(places) == len(set(places))
    done = [one for raw in outcome.state.values() if isinstance(one := codec.entry(raw), ActDone)]
    assert len(done) <= len([one for one in log if not isinstance(one, DeltaBatch)])
