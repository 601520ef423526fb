"""What waits too long for a destination is told in one message, and nothing of it is lost."""

from __future__ import annotations

import msgspec

from correlators.types import DigestKind, PageAction
from sinks.base import (
    Attempt,
    Retry,
    RetryReason,
    Scope,
    Step,
    Target,
)
from sinks.entries import DropReason
from sinks.outbox import Outbox
from sinks.rollup import LINES, total
from tests.sinks.desk import CHANNELS, TARGETS, Desk, many, one, told_by
from tests.sinks.make import CHAT, digest

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
    assert {(found.subject, found.revision, found.reason) for found in desk.told} == {
        (f"i{place:04}", 1, f"in roll-up {call.digest.id}") for place in range(500)
    }
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
