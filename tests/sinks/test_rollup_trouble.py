"""A roll-up that fails, the outbox at its bound, and what a roll-up says of many."""

from __future__ import annotations

import msgspec
import pytest

from correlators.types import Digest, DigestKind, PageAction, Rollup
from sinks.base import (
    Attempt,
    CannotTell,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Unknown,
    UnknownReason,
)
from sinks.entries import DeadReason, Status, decode
from sinks.outbox import Outbox
from sinks.rollup import add, digest_of, total
from tests.sinks.desk import HERE, TARGETS, Desk, many, one, told_by
from tests.sinks.make import Service, digest
from tests.sinks.world import START_MS, World

# ---------------------------------------------------------------- when it goes wrong


def test_a_roll_up_that_is_refused_for_good_loses_nothing() -> None:
    desk = Desk()
    call = desk.rolled(*many(100))
    desk.answer(call, Rejected(RejectReason.INVALID, "invalid_blocks"))
    assert desk.dead == []
    calls = desk.drain(120)
    assert len({found.digest.id for found in calls}) == 100
    assert {found.digest.kind for found in calls} == {DigestKind.OPENED}


def test_a_roll_up_of_unknown_outcome_is_looked_up_and_marked_where_nobody_can_tell() -> None:
    desk = Desk()
    call = desk.rolled(*many(100))
    desk.answer(call, Unknown(UnknownReason.TIMED_OUT))
    desk.accept(*(one(f"later-{n}") for n in range(3)), one("i0001", revision=2))
    calls: list[Attempt] = []
    for _ in range(60):
        for found in desk.due(1_000):
            calls.append(found)
            desk.answer(found, CannotTell("missing_scope") if found.find else None)
    again = [found for found in calls if not found.find and found.digest.rollup]
    assert [found.possible_repeat for found in again] == [True]
    assert again[0].digest == call.digest
    # What came in meanwhile is told by itself: the repeat says exactly what it said before.
    others = {"later-0", "later-1", "later-2", "i0001"}
    assert {found.digest.id for found in calls} == {call.digest.id, *others}
    assert desk.outbox.waiting()[HERE] == 0


def test_a_restored_outbox_goes_on_with_its_roll_up() -> None:
    for crashes in ([3], [4], [3, 4, 5, 6], [7, 8]):
        world = World(Service([1, 5, 0, 6, 2]), crashes, TARGETS)
        world.run([(START_MS, made) for made in many(300)])
        posts = [call for _, call in world.service.done if not call.find]
        assert {call.digest.kind for call in posts} == {DigestKind.ROLLUP}
        tellings = [total(call.digest.rollup) for call in posts if call.digest.rollup]
        assert sum(tellings) == 300


def test_what_is_more_than_a_roll_up_takes_in_goes_into_the_next_one() -> None:
    desk = Desk()
    call = desk.rolled(*many(2_500))
    # A full one that has to wait itself is no end of the queue.
    desk.answer(call, Retry(RetryReason.UNAVAILABLE, after_ms=30_000))
    (second,) = desk.due(2_000)
    desk.answer(second)
    calls = [call, second, *desk.drain(60)]
    told = {found.digest.id: found.digest.rollup for found in calls}
    assert sorted(total(found) for found in told.values() if found) == [500, 1_000, 1_000]
    assert desk.outbox.waiting()[HERE] == 0
    assert desk.dead == []


def test_what_waits_for_a_destination_that_is_no_more_is_a_letter_each() -> None:
    desk = Desk()
    call = desk.rolled(*many(100))
    desk.answer(call, Retry(RetryReason.NOT_CONNECTED))
    without = Outbox({}, started_ms=desk.now_ms)
    without.load(decode(entry) for entry in desk.stored.values())
    letters = without.take_changes().dead
    titles = {msgspec.msgpack.decode(letter.digest, type=Digest).id for letter in letters}
    assert (len(letters), len(titles)) == (100, 100)


# ---------------------------------------------------------------- at the bound


def test_at_the_cap_what_comes_is_counted_in_the_roll_up() -> None:
    desk = Desk(max_entries=10)
    desk.accept(*many(300))
    assert len(desk.outbox.entries()) <= 10 + 1
    assert desk.outbox.take_changes().dead == ()
    desk = Desk(max_entries=10)
    calls = []
    for made in many(300):
        desk.accept(made)
    calls = desk.drain(30)
    rolled = sum(total(call.digest.rollup) for call in calls if call.digest.rollup)
    alone = sum(call.digest.rollup is None for call in calls)
    assert rolled + alone == 300
    assert rolled >= 290
    assert desk.dead == []


def test_at_the_cap_a_page_and_a_storm_get_the_place_of_a_message_that_waits() -> None:
    desk = Desk(max_entries=10)
    desk.accept(*many(30))
    desk.accept(digest("pagerduty:p", id="page", page=PageAction.TRIGGER), digest(HERE, id="storm"))
    entries = desk.outbox.entries()
    assert {"pagerduty:p|page", f"{HERE}|storm"} <= set(entries)
    calls = desk.drain(40)
    assert "trigger page" in told_by(calls)
    told = sum(total(call.digest.rollup) if call.digest.rollup else 1 for call in calls)
    assert told == 32
    assert desk.dead == []


def test_a_roll_up_that_is_refused_at_the_cap_leaves_a_letter_of_what_has_no_entry() -> None:
    desk = Desk(max_entries=10)
    desk.accept(*many(30))
    calls: list[Attempt] = []
    for _ in range(40):
        for call in desk.due(1_100):
            calls.append(call)
            desk.answer(call, Rejected(RejectReason.INVALID) if call.digest.rollup else None)
    (letter,) = desk.dead
    assert letter.reason is DeadReason.INVALID
    lost = msgspec.msgpack.decode(letter.digest, type=Digest).rollup
    assert lost is not None
    assert total(lost) == 20
    assert len([call for call in calls if call.digest.rollup is None]) == 10


def test_a_full_outbox_of_what_nothing_can_be_told_together_of_refuses_by_name() -> None:
    desk = Desk(max_entries=2)
    desk.accept(*(digest(HERE, id=f"storm-{n}") for n in range(3)))
    desk.write()
    assert [letter.reason for letter in desk.dead] == [DeadReason.OUTBOX_FULL]


# ---------------------------------------------------------------- what it says


def test_the_most_hurt_come_first_whatever_the_order_and_what_is_over_last() -> None:
    said = [
        (one("a", users=5, events=7), False),
        (one("b", users=5, events=70), False),
        (one("c", users=50), True),
        (one("d", users=900, resolved=True), True),
    ]
    for order in (said, said[::-1], [said[2], said[0], said[3], said[1]]):
        rollup = add(Rollup(), order)
        assert [line.id for line in rollup.lines] == ["c", "b", "a", "d"]
        assert add(add(Rollup(), order[:2]), order[2:]) == rollup


@pytest.mark.parametrize("text", ["x" * 9_000, "<!channel> `*` \u202e&"])
def test_a_line_is_bounded(text: str) -> None:
    hostile = one("a", title=text, environment=text, url="https://x.test/" + text, owners=(text,))
    rollup = add(Rollup(), [(hostile, False)] * 50)
    made = digest_of(rollup, id="rollup-1", revision=1, destination=HERE, now_ms=1)
    assert len(msgspec.msgpack.encode(made)) <= 16 * 1024


def test_what_is_covered_has_no_call_of_its_own() -> None:
    desk = Desk()
    desk.rolled(*many(100))
    entries = desk.outbox.entries().values()
    assert sum(entry.status is Status.COVERED for entry in entries) == 100
    assert {entry.rollup for entry in entries if not entry.is_rollup} == {
        entry.name for entry in entries if entry.is_rollup
    }
