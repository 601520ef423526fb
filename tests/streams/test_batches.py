"""Which message of a flush says what."""

from __future__ import annotations

from unittest.mock import patch

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import ChangeKind, Delta, DeltaBatch, StateChange
from streams import codec
from streams.agents import batches as module
from streams.agents.batches import CHANGE_BYTES, DELTA_BYTES, Part, batches, target_of
from tests.correlators.score import deltas_of, event

TARGETS = 4
NAMES = ["production", "staging", "qa", "dev", "edge", ""]


def deltas_in(environment: str, count: int) -> list[Delta]:
    made = deltas_of([event(at, "checkout", f"E{at}") for at in range(count)])
    return [
        msgspec.structs.replace(one, key=msgspec.structs.replace(one.key, environment=environment))
        for one in made
    ]


def test_a_flush_of_many_sources_is_one_message_for_each_target() -> None:
    parts = [Part(("events", one), deltas_in("qa", 3), (), 7_000 + one) for one in range(16)]
    found = batches(parts, targets=TARGETS)
    assert {target: len(messages) for target, messages in found.items()} == dict.fromkeys(
        range(TARGETS), 1
    )
    for target, (message,) in found.items():
        assert [(one.partition, one.watermark_ms) for one in message] == [
            (one, 7_000 + one) for one in range(16)
        ]
        assert {len(one.deltas) for one in message} == {3 if target == target_of("qa", 4) else 0}


def test_within_a_tick_only_those_who_own_something_hear_anything() -> None:
    found = batches([Part(("events", 0), deltas_in("qa", 3)), Part(("events", 1))], targets=TARGETS)
    assert list(found) == [target_of("qa", TARGETS)]
    assert batches([Part(("events", 0))], targets=TARGETS) == {}


def test_every_target_hears_the_time_and_what_was_heard_in_its_last_message() -> None:
    deltas = deltas_of([event(at, "a" * 200, f"E{at}") for at in range(1_000)])
    heard = ((28, 1), (29, 0))
    parts = [Part(("events", 3), deltas, (), 7, heard), Part(("events", 4), (), (), 8)]
    found = batches(parts, targets=TARGETS)
    assert sorted(found) == [0, 1, 2, 3]
    assert max(map(len, found.values())) > 1
    for messages in found.values():
        *before, last = messages
        assert {(one.partition, one.watermark_ms, one.heard) for one in last} == {
            (3, 7, heard),
            (4, 8, ()),
        }
        assert all((one.watermark_ms, one.heard) == (-1, ()) for of in before for one in of)


def change(number: int, environment: str) -> StateChange:
    return StateChange(
        kind=ChangeKind.ISSUE_RESOLVED,
        resource="issue",
        action="resolved",
        identity=f"{number}",
        environment=environment,
    )


@st.composite
def flushes(draw: st.DrawFn) -> list[Part]:
    made = []
    for source in range(draw(st.integers(0, 4))):
        deltas = [
            delta
            for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
            for delta in deltas_in(name, draw(st.integers(1, 60)))
        ]
        names = draw(st.lists(st.sampled_from(NAMES), max_size=50))
        changes = [change(number, name) for number, name in enumerate(names)]
        made.append(Part(("events", source), deltas, changes, draw(st.sampled_from([-1, 5_000]))))
    return made


@given(flushes(), st.integers(1, 8), st.sampled_from([2_000, 20_000, 1 << 20]))
def test_everything_reaches_its_owner_once_and_no_message_is_large(
    parts: list[Part], targets: int, most: int
) -> None:
    """And every source tells its time once in each last message, and nowhere else."""
    with patch.object(module, "BATCH_BYTES", most):
        found = batches(parts, targets=targets)
    for part in parts:
        own = [
            (target, one)
            for target, messages in found.items()
            for message in messages
            for one in message
            if (one.topic, one.partition) == part.source
        ]
        deltas = [(target, delta) for target, one in own for delta in one.deltas]
        wanted = [(target_of(one.key.environment, targets), one) for one in part.deltas]
        assert sorted(deltas, key=repr) == sorted(wanted, key=repr)
        for one in part.changes:
            owners = [target for target, batch in own if one in batch.changes]
            mine = [target_of(one.environment, targets)] if one.environment else [*range(targets)]
            assert owners == mine
        marked = [target for target, one in own if one.watermark_ms == part.watermark_ms >= 0]
        assert marked == ([*range(targets)] if part.watermark_ms >= 0 else [])
    for messages in found.values():
        for number, message in enumerate(messages):
            assert len({(one.topic, one.partition) for one in message}) == len(message)
            assert all(one.watermark_ms < 0 for one in message) or number == len(messages) - 1
            sizes = [DELTA_BYTES] * sum(len(one.deltas) for one in message)
            sizes += [CHANGE_BYTES] * sum(len(one.changes) for one in message)
            assert sum(sizes) <= most or len(sizes) == 1


def test_several_batches_travel_in_one_message_and_one_as_it_always_did() -> None:
    one, other = (DeltaBatch(topic="events", partition=number) for number in range(2))
    assert codec.encode_batches((one,)) == codec.encode(one)
    assert codec.message(codec.encode_batches((one,))) == (one,)
    assert codec.message(codec.encode_batches((one, other))) == (one, other)
    before = {
        "topic": "events",
        "partition": 1,
        "deltas": [],
        "changes": [],
        "watermark_ms": -1,
    }
    assert codec.message(msgspec.msgpack.encode(before)) == (other,)
