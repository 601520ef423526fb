"""Who of a list gets a mail: each is answered for by itself, nobody told twice unmarked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from sinks.base import (
    Answer,
    Delivered,
    Outcome,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Unknown,
    UnknownReason,
)
from sinks.circuits import Circuits
from sinks.peers.email import EmailPeer
from sinks.peers.faults import Fault
from tests.sinks.email_case import ADA, BOB, boxes, made, of, post, send
from tests.sinks.make import digest
from tests.sinks.played import Clock, Played

TO = "email:payments"


@pytest.fixture
async def peer(clock: Clock) -> AsyncIterator[EmailPeer]:
    async with EmailPeer(clock=clock) as found:
        yield found


async def test_who_is_refused_for_good_is_noted_and_the_others_have_the_mail(
    peer: EmailPeer,
) -> None:
    peer.remove_boxes(BOB)
    sink = made(peer, timeout_ms=10_000)
    with capture_logs() as logs:
        outcome = await sink.send(post())
    assert isinstance(outcome, Delivered)
    assert boxes(peer) == (1, 0)
    (log,) = logs
    assert log["error"] == "address 2 of 2: 550 5.1.1: put the address right in sinks.email.lists"
    assert sink.notes.take()[1] == {"550": 1}
    assert BOB not in repr(logs)


async def test_who_is_refused_for_now_gets_it_alone_later_and_nobody_twice(
    peer: EmailPeer, clock: Clock
) -> None:
    peer.answer(BOB, "450 4.2.0 greylisted for 300 seconds", times=4)
    played = Played(clock, [made(peer, timeout_ms=10_000)])
    await played.run(digest(TO))
    assert boxes(peer) == (1, 1)
    assert played.dead == []
    assert "possible repeat" not in peer.inbox(BOB)[0].part("plain")
    assert peer.inbox(BOB)[0].header("To") == BOB
    told = "address 2 of 2: 450 4.2.0"
    assert played.outcomes[0] == Unknown(UnknownReason.IN_PART, told)
    assert peer.inbox(BOB)[0].at - peer.inbox(ADA)[0].at >= 180


async def test_who_is_never_taken_is_noted_after_ten_minutes_and_delays_nobody_by_then(
    peer: EmailPeer, clock: Clock
) -> None:
    peer.answer(BOB, "451 4.3.0 try later")
    played = Played(clock, [made(peer, timeout_ms=10_000)])
    begun_ms = clock.now_ms
    with capture_logs() as logs:
        await played.run(digest(TO))
        assert 600_000 <= clock.now_ms - begun_ms < 700_000
        calls = len(played.outcomes)
        await played.run(*[digest(TO, id=f"inc-{number}") for number in range(2, 22)])
    assert len(played.outcomes) - calls == 20
    assert boxes(peer) == (21, 0)
    assert played.dead == []
    assert {log["error"] for log in logs} == {"address 2 of 2: 451 4.3.0"}
    assert BOB not in repr(played.outcomes)


async def test_a_newer_revision_is_told_to_those_who_have_the_old_one_within_a_minute(
    peer: EmailPeer, clock: Clock
) -> None:
    peer.answer(BOB, "451 4.3.0 try later")
    played = Played(clock, [made(peer, timeout_ms=10_000)])
    await played.play(digest(TO), for_s=200)
    before = clock()
    await played.play(digest(TO, revision=2, resolved=True), for_s=120)
    assert peer.inbox(ADA)[1].at - before <= 60


async def test_who_is_taken_again_is_waited_for_again(peer: EmailPeer, clock: Clock) -> None:
    peer.answer(BOB, "451 4.3.0 try later")
    played = Played(clock, [made(peer, timeout_ms=10_000)])
    await played.run(digest(TO))
    peer.answer_as_usual(BOB)
    await played.run(digest(TO, id="inc-2"))
    peer.answer(BOB, "451 4.3.0 try later", times=1)
    await played.run(digest(TO, id="inc-3"))
    assert [len(of(peer, f"inc-{number}")) for number in (1, 2, 3)] == [1, 1, 2]
    assert boxes(peer) == (3, 2)


async def test_one_who_is_refused_makes_no_list_a_dead_one(peer: EmailPeer, clock: Clock) -> None:
    peer.answer(BOB, "451 4.3.0 try later")
    played = Played(clock, [made(peer, timeout_ms=10_000)])
    begun = clock()
    await played.run(*[digest(TO, id=f"inc-{number}") for number in range(9)])
    first = {one.header("Message-ID"): one.at for one in reversed(peer.inbox(ADA))}
    assert len(first) == 9
    assert max(first.values()) - begun <= 2 * (9 + 9)  # each is tried once more for the other


async def test_a_server_that_goes_down_at_a_recipient_has_taken_nothing(peer: EmailPeer) -> None:
    peer.answer(BOB, "421 4.3.2 going down")
    outcome = await send(peer)
    assert outcome == Retry(RetryReason.UNAVAILABLE, detail="421 4.3.2")
    assert peer.mails == []


async def test_a_full_mailbox_delays_nobody(peer: EmailPeer) -> None:
    peer.answer(BOB, "452 4.2.2 mailbox full")
    assert isinstance(await send(peer), Delivered)
    assert boxes(peer) == (1, 0)


async def test_an_owner_who_does_not_know_who_has_it_sends_it_to_all_marked_and_under_one_id(
    peer: EmailPeer,
) -> None:
    peer.answer(BOB, "450 4.2.0 greylisted", times=1)
    assert await send(peer) == Unknown(UnknownReason.IN_PART, "address 2 of 2: 450 4.2.0")
    assert isinstance(await send(peer, post(possible_repeat=True)), Delivered)
    assert boxes(peer) == (2, 1)
    first, again = peer.inbox(ADA)
    assert first.header("Message-ID") == again.header("Message-ID")
    assert "possible repeat" not in first.part("plain")
    assert "possible repeat" in again.part("plain")


async def test_whoever_may_have_it_by_a_lost_answer_gets_it_marked_also_after_a_part(
    peer: EmailPeer,
) -> None:
    sink = made(peer, timeout_ms=10_000)
    peer.fail_next("data", Fault.DROP_AFTER)
    assert isinstance(await sink.send(post()), Unknown)
    peer.answer(BOB, "450 4.2.0 greylisted", times=1)
    outcome = await sink.send(post(possible_repeat=True))
    assert isinstance(outcome, Retry)
    assert outcome.reason is RetryReason.IN_PART
    assert isinstance(await sink.send(post(possible_repeat=True)), Delivered)
    marks = ["possible repeat" in one.part("plain") for one in peer.inbox(BOB)]
    assert marks == [False, True]
    assert len(peer.inbox(ADA)) == 2


async def test_all_refused_for_good_is_a_dead_letter_for_now_is_another_try(
    peer: EmailPeer,
) -> None:
    peer.remove_boxes(ADA, BOB)
    said = "address 1 of 2: 550 5.1.1: put the address right in sinks.email.lists"
    assert await send(peer) == Rejected(RejectReason.NO_SUCH_PLACE, said)
    peer.answer(BOB, "450 4.7.1 greylisted, come back in 5 minutes")
    outcome = await send(peer)
    assert outcome == Retry(RetryReason.UNAVAILABLE, 300_000, detail="address 2 of 2: 450 4.7.1")
    peer.answer(ADA, "554 5.7.1 relay access denied")
    peer.answer(BOB, "554 5.7.1 relay access denied")
    outcome = await send(peer)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.NOT_ALLOWED


@pytest.mark.parametrize(
    "outcome", [Unknown(UnknownReason.IN_PART), Retry(RetryReason.IN_PART, 60_000)]
)
def test_an_answer_in_part_shows_that_a_list_is_there(outcome: Outcome, clock: Clock) -> None:
    circuits = Circuits()
    for number in range(1, 9):
        answer = Answer(key=TO, number=number, outcome=outcome)
        circuits.note(answer, TO, "email", clock.now_ms)
    assert circuits.ready_ms(TO, "email") == 0
