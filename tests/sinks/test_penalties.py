"""What a delivery waits for: penalties of every scope, calls that may still arrive, look-ups."""

from __future__ import annotations

import msgspec

from correlators.types import PageAction
from sinks.base import (
    Answer,
    CannotTell,
    Delivered,
    Receipt,
    Retry,
    RetryReason,
    Scope,
    Step,
    Target,
    Unknown,
    UnknownReason,
)
from sinks.entries import Status
from sinks.outbox import Outbox
from tests.sinks.make import CHAT, POST, POSTS, TARGETS, digest


def test_a_penalty_outlives_the_delivery_that_heard_of_it_its_owner_and_the_next_answer() -> None:
    method = Retry(RetryReason.RATE_LIMITED, 90_000, Scope.METHOD)
    account = Retry(RetryReason.RATE_LIMITED, 60_000, Scope.ACCOUNT)
    page = digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1)
    for outcome, until_ms in ((account, 70_000), (method, 100_000)):
        outbox = Outbox(TARGETS, started_ms=0)
        outbox.accept(page, 10_000)
        (one,) = outbox.due(10_000, room=4)
        outbox.receive(Answer(key=one.key, number=one.number, outcome=outcome), 10_000)
        over = digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2)
        outbox.accept(over, 11_000)
        assert {entry.status for entry in outbox.entries().values()} == {Status.DROPPED}
        after = Outbox(TARGETS, started_ms=12_000)
        after.load(outbox.entries().values())
        for place in (outbox, after):
            place.accept(digest("pagerduty:p", id="new", page=PageAction.TRIGGER), 20_000)
            assert place.next_due_ms(20_000) == until_ms
            assert place.due(until_ms - 1, room=4) == []
            assert [call.step for call in place.due(until_ms, room=4)] == [Step.TRIGGER]


def test_a_penalty_of_one_method_is_not_forgotten_for_that_of_another() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (post,) = outbox.due(10_000, room=4)
    outbox.receive(_delivered(post.key, post.number), 10_000)
    outbox.accept(digest(revision=2), 20_000)
    (reply,) = outbox.due(20_000, room=4)
    outbox.receive(_delivered(reply.key, reply.number), 20_000)
    (edit,) = outbox.due(20_000, room=4)
    slow = Retry(RetryReason.RATE_LIMITED, 600_000, Scope.METHOD)
    outbox.receive(Answer(key=edit.key, number=edit.number, outcome=slow), 20_000)
    outbox.accept(digest(revision=3), 30_000)
    (reply,) = outbox.due(30_000, room=4)
    here = Retry(RetryReason.RATE_LIMITED, 5_000, Scope.DESTINATION)
    outbox.receive(Answer(key=reply.key, number=reply.number, outcome=here), 30_000)
    after = Outbox(TARGETS, started_ms=40_000)
    after.load(outbox.entries().values())
    (reply,) = after.due(50_000, room=4)
    after.receive(_delivered(reply.key, reply.number), 50_000)
    assert after.due(619_999, room=4) == []
    assert [one.step for one in after.due(620_000, room=4)] == [Step.EDIT]


def test_a_penalty_that_a_look_up_or_another_channel_brought_holds_for_the_account() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (post,) = outbox.due(10_000, room=4)
    unknown = Unknown(UnknownReason.CONNECTION_LOST)
    outbox.receive(Answer(key=post.key, number=post.number, outcome=unknown), 10_000)
    (find,) = outbox.due(16_000, room=4)
    cannot = CannotTell("ratelimited", 30_000, Scope.ACCOUNT)
    outbox.receive(Answer(key=find.key, number=find.number, outcome=cannot), 16_000)
    outbox.accept(digest("slack:b"), 16_000)
    assert outbox.due(45_999, room=4) == []
    assert {one.destination for one in outbox.due(46_000, room=4)} == {"slack:a", "slack:b"}


def test_an_entry_that_a_penalty_hangs_on_is_not_forgotten_early() -> None:
    outbox = Outbox(TARGETS, started_ms=0, max_entries=1)
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1), 10_000)
    (one,) = outbox.due(10_000, room=4)
    slow = Retry(RetryReason.RATE_LIMITED, 60_000, Scope.DESTINATION)
    outbox.receive(Answer(key=one.key, number=one.number, outcome=slow), 10_000)
    outbox.accept(digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2), 11_000)
    outbox.accept(digest(id="other"), 12_000)
    assert list(outbox.entries()) == ["pagerduty:p|inc-1"]
    outbox.accept(digest(id="other", revision=2), 80_000)
    assert list(outbox.entries()) == ["slack:a|other"]


def test_an_open_page_is_not_forgotten_early_its_resolve_would_find_nothing() -> None:
    outbox = Outbox(TARGETS, started_ms=0, max_entries=2)
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1), 10_000)
    (one,) = outbox.due(10_000, room=4)
    outbox.receive(_delivered(one.key, one.number), 10_100)
    for number in range(4):
        outbox.accept(digest(id=f"i{number}"), 20_000 + 2_000 * number)
        for call in outbox.due(20_000 + 2_000 * number, room=4):
            outbox.receive(_delivered(call.key, call.number), 20_000 + 2_000 * number)
    assert len(outbox.entries()) == 2
    outbox.accept(digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2), 40_000)
    assert [call.step for call in outbox.due(40_000, room=4)] == [Step.RESOLVE]


def test_the_next_call_follows_from_when_the_last_was_made_not_from_when_it_was_handed_out() -> (
    None
):
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(id="one"), 10_000)
    outbox.accept(digest(id="two"), 10_000)
    (one,) = outbox.due(10_000, room=4)
    delivered = msgspec.structs.replace(_delivered(one.key, one.number), began_ms=10_900)
    outbox.receive(delivered, 10_950)
    assert outbox.due(11_899, room=4) == []
    assert len(outbox.due(11_900, room=4)) == 1


def test_a_new_owner_asks_before_it_repeats_however_long_the_last_was_dead() -> None:
    before = Outbox(TARGETS, started_ms=0)
    before.accept(digest(), 10_000)
    (one,) = before.due(10_000, room=4)
    unknown = Unknown(UnknownReason.TIMED_OUT)
    before.receive(Answer(key=one.key, number=one.number, outcome=unknown), 14_000)
    (find,) = before.due(15_000, room=4)
    cannot = CannotTell("unavailable")
    before.receive(Answer(key=find.key, number=find.number, outcome=cannot), 15_100)
    after = Outbox(TARGETS, started_ms=900_000)
    after.load(before.entries().values())
    (again,) = after.due(903_000, room=4)
    assert again.find


def test_a_resolve_waits_until_no_earlier_trigger_can_arrive_any_more() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1), 10_000)
    (first,) = outbox.due(10_000, room=4)
    unknown = Unknown(UnknownReason.CONNECTION_LOST)
    outbox.receive(Answer(key=first.key, number=first.number, outcome=unknown), 10_100)
    (again,) = outbox.due(12_500, room=4)
    assert again.step is Step.TRIGGER
    outbox.receive(_delivered(again.key, again.number), 12_500)
    outbox.accept(digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2), 12_600)
    assert outbox.due(first.deadline_ms, room=4) == []
    assert [one.step for one in outbox.due(first.deadline_ms + 1_000, room=4)] == [Step.RESOLVE]


def test_a_trigger_of_unknown_outcome_is_not_repeated_once_its_resolve_is_heard() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1), 10_000)
    (first,) = outbox.due(10_000, room=4)
    outbox.accept(digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2), 10_050)
    unknown = Unknown(UnknownReason.CONNECTION_LOST)
    outbox.receive(Answer(key=first.key, number=first.number, outcome=unknown), 10_100)
    assert outbox.due(first.deadline_ms, room=4) == []
    assert [one.step for one in outbox.due(first.deadline_ms + 5_000, room=4)] == [Step.RESOLVE]


def test_an_edit_is_repeated_only_once_the_one_before_cannot_arrive_any_more() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (post,) = outbox.due(10_000, room=4)
    outbox.receive(_delivered(post.key, post.number), 10_000)
    outbox.accept(digest(revision=2), 20_000)
    (reply,) = outbox.due(20_000, room=4)
    outbox.receive(_delivered(reply.key, reply.number), 20_000)
    (edit,) = outbox.due(20_000, room=4)
    lost = Unknown(UnknownReason.CONNECTION_LOST)
    outbox.receive(Answer(key=edit.key, number=edit.number, outcome=lost), 20_100)
    # Carried out late, revision 2 would stand where revision 3 has been shown.
    outbox.accept(digest(revision=3), 20_200)
    (reply,) = outbox.due(22_200, room=4)
    assert (reply.step, reply.digest.revision) == (Step.REPLY, 3)
    outbox.receive(_delivered(reply.key, reply.number), 22_300)
    assert outbox.due(edit.deadline_ms, room=4) == []
    (again,) = outbox.due(edit.deadline_ms + 1_000, room=4)
    assert (again.step, again.digest.revision) == (Step.EDIT, 3)


def test_what_cannot_be_looked_up_at_all_is_sent_again_and_marked() -> None:
    plan = msgspec.structs.replace(CHAT, find=())
    outbox = Outbox({"teams:a": Target(account="teams", plan=plan)}, started_ms=0)
    outbox.accept(digest("teams:a"), 10_000)
    (first,) = outbox.due(10_000, room=4)
    unknown = Unknown(UnknownReason.TIMED_OUT)
    outbox.receive(Answer(key=first.key, number=first.number, outcome=unknown), 10_100)
    assert outbox.due(first.deadline_ms, room=4) == []
    (again,) = outbox.due(first.deadline_ms + 1_000, room=4)
    assert (again.step, again.find, again.possible_repeat) == (Step.POST, False, True)


def test_calls_that_hang_leave_room_for_a_page() -> None:
    many = {f"slack:{n}": TARGETS["slack:a"] for n in range(20)}
    free = msgspec.structs.replace(POSTS, every_ms=1, burst=20, in_flight=20)
    plan = msgspec.structs.replace(CHAT, steps={Step.POST: (POST, free)})
    chats = {name: Target(account="slack", plan=plan) for name in many}
    outbox = Outbox({**chats, "pagerduty:p": TARGETS["pagerduty:p"]}, started_ms=0)
    for name in chats:
        outbox.accept(digest(name), 10_000)
    hanging = outbox.due(10_000, room=8, kept=2)
    assert len(hanging) == 6
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER), 10_500)
    assert [one.step for one in outbox.due(10_500, room=2, kept=2)] == [Step.TRIGGER]


def _delivered(key: str, number: int) -> Answer:
    return Answer(key=key, number=number, outcome=Delivered(Receipt(place="C1", id="1")))
