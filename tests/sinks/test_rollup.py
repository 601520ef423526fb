"""What waits too long for a destination is told in one message, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from correlators.types import Digest, DigestKind, PageAction, Rollup
from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
    Delivered,
    Outcome,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Target,
    Unknown,
    UnknownReason,
)
from sinks.entries import DeadLetter, DeadReason, DropReason, Status, decode, encode
from sinks.outbox import Outbox
from sinks.rollup import LINES, add, digest_of, total
from tests.sinks.make import CHAT, PAGER, Service, digest
from tests.sinks.world import START_MS, World

CHANNELS = {f"slack:c{number:02}": Target(account="slack", plan=CHAT) for number in range(20)}
TARGETS = {**CHANNELS, "pagerduty:p": Target(account="pagerduty:p", plan=PAGER)}
HERE = "slack:c00"


def one(id: str, to: str = HERE, *, users: int = 1, events: int = 10, **more: object) -> Digest:
    """Return the digest of an incident that is no storm."""
    made = digest(to, id=id, revision=int(str(more.pop("revision", 1))))
    return msgspec.structs.replace(made, storm=False, users=users, events=events, **more)


class Desk:
    """An outbox whose calls are answered by hand, and a store that is compared with it."""

    def __init__(self, max_entries: int = 200_000) -> None:
        self.outbox = Outbox(TARGETS, started_ms=0, max_entries=max_entries)
        self.now_ms = 100_000
        self.stored: dict[str, bytes] = {}
        self.dropped: list[DropReason] = []
        self.dead: list[DeadLetter] = []

    def accept(self, *digests: Digest) -> None:
        for made in digests:
            self.outbox.accept(made, self.now_ms)

    def due(self, after_ms: int = 0, room: int = 64) -> list[Attempt]:
        self.now_ms += after_ms
        found = self.outbox.due(self.now_ms, room=room)
        self.write()
        return found

    def answer(self, call: Attempt, outcome: Outcome | CannotTell | None = None) -> None:
        told = Delivered(Receipt(place="C1", id=f"{call.digest.id}.{call.number}"))
        outcome = outcome if outcome is not None else told
        self.outbox.receive(Answer(key=call.key, number=call.number, outcome=outcome), self.now_ms)
        self.write()

    def write(self) -> None:
        changes = self.outbox.take_changes()
        self.dropped += [found.reason for found in changes.dropped]
        self.dead += changes.dead
        for key, entry in changes.entries.items():
            if entry is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = encode(entry)
        live = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert live == self.stored

    def restore(self) -> None:
        self.outbox = Outbox(TARGETS, started_ms=self.now_ms)
        self.outbox.load(decode(entry) for entry in self.stored.values())
        live = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert live == self.stored
        assert self.outbox.take_changes().entries == {}

    def rolled(self, *digests: Digest) -> Attempt:
        """Return the roll-up that tells these digests."""
        self.accept(*digests)
        (call,) = self.due()
        assert call.digest.kind is DigestKind.ROLLUP
        return call

    def drain(self, turns: int = 200) -> list[Attempt]:
        """Deliver everything; return the calls in order."""
        calls: list[Attempt] = []
        for _ in range(turns):
            for call in self.due(1_100):
                calls.append(call)
                self.answer(call)
        return calls


def many(number: int, **more: Any) -> list[Digest]:
    return [one(f"i{place:04}", users=place, **more) for place in range(number)]


def told_by(calls: Iterable[Attempt]) -> list[str]:
    return [f"{call.step.value} {call.digest.id}" for call in calls]


# ---------------------------------------------------------------- when


def test_what_takes_less_than_a_minute_is_told_one_by_one() -> None:
    desk = Desk()
    desk.accept(*many(50))
    calls = desk.drain(60)
    assert {call.digest.kind for call in calls} == {DigestKind.OPENED}
    assert len(calls) == 50


def test_what_takes_longer_is_told_in_one_message() -> None:
    desk = Desk()
    call = desk.rolled(*many(500))
    desk.answer(call)
    assert desk.drain() == []
    assert desk.dropped.count(DropReason.ROLLED_UP) == 500
    rollup = call.digest.rollup
    assert rollup is not None
    assert (rollup.opened, rollup.updated, rollup.resolved) == (500, 0, 0)
    assert (len(rollup.lines), rollup.more) == (LINES, 500 - LINES)
    assert [line.users for line in rollup.lines] == list(range(499, 499 - LINES, -1))
    assert call.digest.title == "500 incidents in one message: 500 new"


def test_a_share_of_the_limit_that_channels_have_in_common_counts() -> None:
    # 15 wait for each of 20 channels: 15 s by the channel's own limit, 75 s by the workspace's.
    desk = Desk()
    for to in CHANNELS:
        desk.accept(*(one(f"{to}-{place}", to) for place in range(15)))
    calls = desk.drain(100)
    kinds = [call.digest.kind for call in calls]
    # As soon as some channels have rolled up, the others' share is enough.
    assert 1 <= kinds.count(DigestKind.ROLLUP) <= 10
    assert len(calls) <= 250
    assert desk.outbox.waiting() == dict.fromkeys(TARGETS, 0)


def test_a_quiet_channel_does_not_wait_behind_loud_ones() -> None:
    desk = Desk()
    for to in sorted(CHANNELS)[:19]:
        desk.accept(*(digest(to, id=f"{to}-{place}") for place in range(50)))
    for _ in range(5):
        for call in desk.due(1_000):
            desk.answer(call)
    quiet = sorted(CHANNELS)[19]
    desk.accept(one("quiet", quiet))
    calls = [call for _ in range(2) for call in desk.due(1_000)]
    assert quiet in {call.destination for call in calls}


def test_updates_that_are_held_up_by_first_messages_for_a_minute_are_rolled_up() -> None:
    desk = Desk()
    desk.accept(*many(6))
    desk.drain(10)
    desk.accept(*many(6, revision=2))
    calls: list[Attempt] = []
    for second in range(90):
        desk.accept(one(f"new-{second}"))
        for call in desk.due(1_000):
            desk.answer(call)
            calls.append(call)
    (rollup,) = [call.digest.rollup for call in calls if call.digest.rollup]
    assert rollup.updated == 6


def test_a_page_a_storm_and_what_somebody_was_paged_for_are_told_by_themselves() -> None:
    desk = Desk()
    storm = msgspec.structs.replace(one("storm"), storm=True)
    desk.accept(*many(100), storm, one("paged", paged=True))
    desk.accept(digest("pagerduty:p", id="page", page=PageAction.TRIGGER))
    calls = desk.drain()
    assert told_by(calls)[0] == "trigger page"
    assert {"post storm", "post paged"} <= set(told_by(calls))
    (rollup,) = [call.digest.rollup for call in calls if call.digest.rollup]
    assert total(rollup) == 100


def test_what_machines_read_is_not_rolled_up() -> None:
    plan = msgspec.structs.replace(CHAT, rollup=False)
    outbox = Outbox({"file": Target(account="file", plan=plan)}, started_ms=0)
    for made in many(500, to="file"):
        outbox.accept(made, 100_000)
    (call,) = outbox.due(100_000, room=64)
    assert call.digest.rollup is None


# ---------------------------------------------------------------- what follows


def test_later_news_of_what_a_roll_up_told_gets_a_message_and_its_end_a_reply_in_the_thread() -> (
    None
):
    desk = Desk()
    call = desk.rolled(*many(100))
    desk.answer(call)
    over = one("i0002", revision=2, resolved=True, kind=DigestKind.RESOLVED)
    back = one("i0003", revision=2, kind=DigestKind.REOPENED)
    desk.accept(one("i0001", revision=2, kind=DigestKind.UPDATED), over, back)
    calls = desk.drain(10)
    assert sorted(told_by(calls)) == ["post i0001", "post i0003", "reply i0002"]
    reply = next(found for found in calls if found.step is Step.REPLY)
    assert reply.root is not None
    assert reply.root.id == f"{call.digest.id}.{call.number}"
    assert reply.of_rollup
    desk.accept(one("i0001", revision=3, resolved=True, kind=DigestKind.RESOLVED))
    assert told_by(desk.drain(10)) == ["reply i0001", "edit i0001"]


def test_updates_and_resolves_in_a_roll_up_keep_their_own_threads() -> None:
    desk = Desk()
    desk.accept(*many(50))
    desk.drain(60)
    ended = [one(f"i{n:04}", revision=2, resolved=True, kind=DigestKind.RESOLVED) for n in (1, 2)]
    rest = [one(f"i{n:04}", revision=2, kind=DigestKind.UPDATED) for n in range(3, 50)]
    call = desk.rolled(*ended, *rest, *(one(f"new-{n}") for n in range(20)))
    rollup = call.digest.rollup
    assert rollup is not None
    assert (rollup.opened, rollup.updated, rollup.resolved) == (20, 47, 2)
    assert call.digest.title == "69 incidents in one message: 20 new, 47 updated, 2 resolved"
    desk.answer(call)
    calls = desk.drain()
    assert {found.step for found in calls} == {Step.EDIT}
    assert len(calls) == 49
    desk.accept(one("i0003", revision=3, kind=DigestKind.UPDATED))
    assert told_by(desk.drain(10))[0] == "reply i0003"


def test_a_revision_that_comes_while_its_roll_up_is_on_the_way_is_told_after_it() -> None:
    for restored in (False, True):
        desk = Desk()
        call = desk.rolled(*many(100))
        desk.accept(one("i0007", revision=2, kind=DigestKind.UPDATED))
        desk.write()
        if restored:
            desk.restore()
            (find,) = desk.due(10_000)
            assert find.find
            assert find.digest == call.digest
            call = find
        desk.answer(call)
        assert told_by(desk.drain(10)) == ["post i0007"]


def test_what_pages_or_grows_while_its_roll_up_waits_gets_its_own_message_first() -> None:
    desk = Desk()
    call = desk.rolled(*many(100))
    desk.answer(call, Retry(RetryReason.RATE_LIMITED, 30_000, Scope.DESTINATION))
    desk.accept(one("i0009", revision=2, paged=True), one("i0008", revision=2, escalating=True))
    desk.accept(one("i0007", revision=2, users=5_000))
    assert desk.due(29_000) == []
    calls = desk.drain(40)
    assert sorted(told_by(calls)) == ["post i0008", "post i0009", f"post {call.digest.id}"]
    rollup = next(found.digest.rollup for found in calls if found.digest.rollup)
    assert (total(rollup), rollup.lines[0].id, rollup.lines[0].users) == (98, "i0007", 5_000)
    assert desk.dropped.count(DropReason.SUPERSEDED) == 3


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
    desk.accept(*(one(f"later-{n}") for n in range(3)))
    calls: list[Attempt] = []
    for _ in range(60):
        for found in desk.due(1_000):
            calls.append(found)
            desk.answer(found, CannotTell("missing_scope") if found.find else None)
    again = [found for found in calls if not found.find and found.digest.rollup]
    assert [found.possible_repeat for found in again] == [True]
    assert again[0].digest == call.digest
    assert {found.digest.id for found in calls} == {call.digest.id, "later-0", "later-1", "later-2"}
    assert desk.outbox.waiting()[HERE] == 0


def test_a_restored_outbox_goes_on_with_its_roll_up() -> None:
    for crashes in ([3], [4], [3, 4, 5, 6], [7, 8]):
        world = World(Service([1, 5, 0, 6, 2]), crashes, TARGETS)
        world.run([(START_MS, made) for made in many(300)])
        posts = [call for _, call in world.service.done if not call.find]
        assert {call.digest.kind for call in posts} == {DigestKind.ROLLUP}
        tellings = [total(call.digest.rollup) for call in posts if call.digest.rollup]
        assert sum(tellings) == 300


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
