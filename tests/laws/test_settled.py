"""The laws of what people end while the events are behind: it opens again for nothing that happened
before they said so, nothing of that is lost, and it follows from the log alone."""

from __future__ import annotations

import json
from random import Random
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from correlators import sets
from correlators.acts import Act, FalseAlarm, Resolve
from correlators.decisions import Kind
from correlators.incidents import Incident
from correlators.partition import Partition
from correlators.telling import Config
from streams import codec
from tests.examples import examples
from tests.laws.logs import CONFIG, MINUTE_MS, START_MS, Rec, first_progress, split_messages
from tests.laws.test_acts import Message, apply
from tests.laws.test_people_told import WAKING

GAPS_MS: Final = (0, 300, 1_000, 4_000, 11_000, 61_000, 241_000)
AHEAD_MS: Final = (0, 999, 1_000, 30_000, 5 * MINUTE_MS, 60 * MINUTE_MS)


@st.composite
def busy(draw: st.DrawFn) -> list[Rec]:
    """Draw a log in which the same two errors come again and again."""
    at_ms, found = START_MS, []
    for number in range(draw(st.integers(4, 20))):
        at_ms += draw(st.sampled_from(GAPS_MS))
        event = {
            "event_id": f"{number:032x}",
            "project": draw(st.sampled_from(["checkout", "payment"])),
            "environment": "production",
            "release": draw(st.sampled_from(["1.0", "1.0", "1.0", "1.1"])),
            "level": draw(st.sampled_from(["error", "fatal"])),
            "exception": {"values": [{"type": "TimeoutError", "value": "x"}]},
            "timestamp": (at_ms - draw(st.sampled_from([0, 0, 0, 5 * MINUTE_MS]))) / 1000,
        }
        found.append(Rec(at_ms, "event", json.dumps(event).encode()))
    return found


def peopled(records: list[Rec], config: Config, random: Random) -> list[Message]:
    """Return the log with people who end what is open then."""
    log: list[Message] = []
    partition = Partition(config, first_progress(1))

    def take(message: Message) -> None:
        if isinstance(message, Resolve | FalseAlarm):
            assert partition.receive_act(len(log), message)
        else:
            assert not isinstance(message, Act)
            partition.receive(len(log), message)
        log.append(message)
        while partition.ready():
            partition.step(most_ticks=1_000)
        partition.ticks.pass_to(partition.ticks.complete_tick())

    for message in split_messages(records, 1, random):
        entries = [one for _, one in partition.state_entries if isinstance(one, Incident)]
        going = [one.id for one in entries if one.open]
        if going and random.random() < 0.5:
            kind = random.choice((Resolve, Resolve, FalseAlarm))
            at_ms = partition.ticks.applied * 1_000 + random.choice(AHEAD_MS)
            take(kind(actor="ada", source="cli", at_ms=at_ms, subject=random.choice(going)))
        take(message)
    return log


@given(busy(), st.sampled_from([CONFIG, WAKING]), st.integers(0, 2**32 - 1))
@examples(40)
def test_what_was_ended_is_opened_by_nothing_of_before_and_no_event_is_lost(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = peopled(records, config, random)
    partition = Partition(config, first_progress(1), explains=True)
    until: dict[str, int] = {}
    counted: dict[str, int] = {}
    for offset, message in enumerate(log):
        if isinstance(message, Act):
            assert partition.receive_act(offset, message)
        else:
            partition.receive(offset, message)
        while partition.ready():
            step = partition.step(most_ticks=1)
            for one in step.decisions:
                if one.kind is Kind.REOPENED:
                    assert one.tick >= until.get(one.subject, -1)
            for entry in step.entries.values():
                if isinstance(entry, Incident):
                    counted[entry.id] = sets.count(entry.events).value
                if isinstance(entry, Incident) and not entry.open:
                    assert entry.settled_tick >= until.get(entry.id, -1)
                    until[entry.id] = entry.settled_tick
        partition.ticks.pass_to(partition.ticks.complete_tick())
    assert sum(counted.values()) == len(records)


@given(busy(), st.sampled_from([CONFIG, WAKING]), st.integers(0, 2**32 - 1))
@examples(50)
def test_restarts_and_reading_ahead_change_nothing_of_it(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = peopled(records, config, random)
    plain = apply(log, partitions=1, config=config, random=random)
    crashed = apply(log, partitions=1, config=config, random=random, eager=0.6, crash=0.2)
    assert crashed == plain


@given(busy(), st.integers(0, 2**32 - 1))
@examples(50)
def test_a_restored_state_is_the_live_one(records: list[Rec], seed: int) -> None:
    log = peopled(records, WAKING, Random(seed))
    live = Partition(WAKING, first_progress(1))
    outcome = apply(log, partitions=1, config=WAKING, random=Random(seed), crash=0.5)
    for offset, message in enumerate(log):
        if isinstance(message, Act):
            assert live.receive_act(offset, message)
        else:
            live.receive(offset, message)
        while live.ready():
            live.step(most_ticks=1)
        live.ticks.pass_to(live.ticks.complete_tick())
    assert {key: codec.encode(one) for key, one in live.state_entries} == outcome.state
