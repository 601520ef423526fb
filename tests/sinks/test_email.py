"""Mail over real sockets: who gets it, who is tried again, what a person is told to put right."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from correlators.types import Digest, PageAction
from sinks.base import (
    Answer,
    Attempt,
    Delivered,
    Outcome,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.circuits import Circuits
from sinks.email import EmailSink
from sinks.peers.email import EmailPeer
from sinks.peers.faults import Fault
from sinks.smtp_words import Tls
from sinks.steps import limits_for
from tests.sinks.email_case import ADA, BOB, PASSWORD, USER, made, of
from tests.sinks.make import attempt, digest
from tests.sinks.played import Clock, Played

CERTIFICATE = Path(__file__).parents[1] / "fixtures" / "mail" / "localhost.pem"
TO = "email:payments"


@pytest.fixture
async def peer(clock: Clock) -> AsyncIterator[EmailPeer]:
    async with EmailPeer(clock=clock) as found:
        yield found


def post(one: Digest | None = None, **how: Any) -> Attempt:
    return attempt(Step.POST, one or digest(TO), **how)


async def send(peer: EmailPeer, attempt: Attempt | None = None, **how: Any) -> Outcome:
    sink = made(peer, **{"timeout_ms": 10_000, **how})
    return await sink.send(attempt or post())


def boxes(peer: EmailPeer) -> tuple[int, int]:
    return len(peer.inbox(ADA)), len(peer.inbox(BOB))


# ---------------------------------------------------------------- each recipient by itself


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
    assert played.outcomes[0] == Unknown(UnknownReason.IN_PART)
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
    assert await send(peer) == Unknown(UnknownReason.IN_PART)
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


# ---------------------------------------------------------------- what can be told, and what not


@pytest.mark.parametrize("point", ["connect", "mail", "rcpt"])
@pytest.mark.parametrize(
    "fault",
    [Fault.DROP_BEFORE, Fault.GARBAGE_BEFORE, Fault.HALF, Fault.SLOW_AFTER, Fault.ERROR_503],
)
async def test_before_the_mail_is_on_its_way_it_is_certainly_not_taken(
    peer: EmailPeer, point: str, fault: Fault
) -> None:
    peer.fail_next(point, fault)
    timeout_ms = 300 if fault is Fault.SLOW_AFTER else 10_000
    outcome = await send(peer, post(digest("email:ops")), timeout_ms=timeout_ms)
    assert isinstance(outcome, Retry)
    assert peer.mails == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.DROP_AFTER, UnknownReason.CONNECTION_LOST),
        (Fault.HALF, UnknownReason.CONNECTION_LOST),
        (Fault.SLOW_AFTER, UnknownReason.TIMED_OUT),
        (Fault.GARBAGE, UnknownReason.UNREADABLE),
        (Fault.ERROR_AFTER, UnknownReason.SERVER_ERROR),
    ],
)
async def test_after_that_nobody_can_tell(
    peer: EmailPeer, fault: Fault, reason: UnknownReason
) -> None:
    peer.fail_next("data", fault)
    timeout_ms = 1_000 if fault is Fault.SLOW_AFTER else 10_000
    assert await send(peer, timeout_ms=timeout_ms) == Unknown(reason)
    assert len(peer.mails) == 1


async def test_a_reply_is_below_the_first_mail_and_one_of_a_roll_up_below_that(
    peer: EmailPeer,
) -> None:
    sink = made(peer, timeout_ms=10_000)
    first = await sink.send(post())
    assert isinstance(first, Delivered)
    over = digest(TO, revision=2, resolved=True)
    await sink.send(attempt(Step.REPLY, over, root=first.receipt))
    top, reply = of(peer, "inc-1")
    assert reply.header("In-Reply-To") == top.header("Message-ID") == first.receipt.id
    assert reply.header("Subject") == f"Re: {top.header('Subject')}"
    assert "✅ Resolved" in reply.part("html")


# ---------------------------------------------------------------- what a person puts right


async def test_a_wrong_password_holds_all_and_says_what_to_do(clock: Clock) -> None:
    async with EmailPeer(users={USER: "another"}, clock=clock) as peer:
        outcome = await send(peer)
        assert isinstance(outcome, Retry)
        assert (outcome.reason, outcome.scope) == (RetryReason.NEEDS_SOMEBODY, Scope.ACCOUNT)
        assert outcome.detail.startswith("535 5.7.8: give the user and the password")
        peer.set_password(USER, PASSWORD)
        assert isinstance(await send(peer), Delivered)


async def test_a_sender_that_is_not_theirs_needs_somebody(peer: EmailPeer) -> None:
    peer.fail(Fault.REFUSED, method="mail", calls=1, word="553 5.7.1 not owned by user")
    outcome = await send(peer)
    assert isinstance(outcome, Retry)
    assert outcome.reason is RetryReason.NEEDS_SOMEBODY
    assert "sinks.email.from" in outcome.detail


def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def believing() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.TLS])
async def test_a_mail_goes_over_tls_and_a_certificate_that_is_not_believed_sends_nothing(
    tls: Tls,
) -> None:
    users, at_once = {USER: PASSWORD}, tls is Tls.TLS
    async with EmailPeer(users=users, tls=certified(), at_once=at_once, tls_first=True) as peer:
        assert isinstance(await send(peer, tls=tls, context=believing()), Delivered)
        outcome = await send(peer, tls=tls)
        assert isinstance(outcome, Retry)
        assert outcome.reason is RetryReason.NEEDS_SOMEBODY
        assert outcome.detail == "tls: its certificate is not believed (self-signed certificate)"
        assert len(peer.mails) == 1


async def test_a_server_without_starttls_gets_nothing_where_it_was_asked_for() -> None:
    async with EmailPeer(users={USER: PASSWORD}) as peer:
        outcome = await send(peer, tls=Tls.STARTTLS, context=believing())
        assert isinstance(outcome, Retry)
        assert outcome.reason is RetryReason.NEEDS_SOMEBODY
        assert "STARTTLS" in outcome.detail
        assert peer.calls == []


# ---------------------------------------------------------------- sizes and other scripts


async def test_a_server_that_takes_little_gets_the_text_alone_or_a_dead_letter() -> None:
    async with EmailPeer(size_bytes=4_000) as peer:
        sink = made(peer, timeout_ms=10_000)
        assert isinstance(await sink.send(post()), Delivered)
        assert peer.mails[0].part("html") == ""
        assert peer.mails[0].part("plain")
        assert sink.notes.take()[0] == {"size": 1}
    async with EmailPeer(size_bytes=800) as peer:
        assert await send(peer) == Rejected(
            RejectReason.TOO_LARGE, "the server takes no mail of this size"
        )
        assert peer.calls == []


async def test_an_address_of_another_script_is_written_where_the_server_can() -> None:
    zoe = "zoë@shop.test"
    lists = {"payments": (ADA, zoe)}
    async with EmailPeer() as peer:
        assert isinstance(await send(peer, lists=lists), Delivered)
        assert peer.mails[0].recipients == (ADA, zoe)
        assert peer.mails[0].utf8
        assert peer.mails[0].header("To") == f"{ADA}, {zoe}"
    async with EmailPeer(utf8=False) as peer:
        assert isinstance(await send(peer, lists=lists), Delivered)
        assert peer.mails[0].recipients == (ADA,)
        outcome = await send(peer, lists={"payments": (zoe,)})
        assert isinstance(outcome, Rejected)
        assert "SMTPUTF8" in outcome.detail


def test_neither_passwords_nor_addresses_are_in_a_repr() -> None:
    sink: EmailSink = made(EmailPeer(users={USER: PASSWORD}))
    said = repr([sink, vars(sink)["_smtp"], vars(vars(sink)["_smtp"])["_server"]])
    assert PASSWORD not in said
    assert ADA not in said


async def test_what_was_cut_is_counted(peer: EmailPeer) -> None:
    sink = made(peer, timeout_ms=10_000)
    long = msgspec.structs.replace(digest(TO), title="x" * 5_000)
    assert isinstance(await sink.send(post(long)), Delivered)
    assert sink.notes.take()[0] == {"title": 1}


# ---------------------------------------------------------------- how fast


async def test_what_somebody_is_woken_for_waits_behind_nothing_else(
    peer: EmailPeer, clock: Clock
) -> None:
    played = Played(clock, [made(peer, timeout_ms=10_000)])
    begun = clock()
    others = [digest(TO, id=f"inc-{number}") for number in range(25)]
    await played.play(*others, for_s=6)
    before = clock()
    woken = msgspec.structs.replace(digest(TO, id="woken"), paged=True)
    page = digest(TO, id="page", page=PageAction.TRIGGER)
    await played.run(woken, page)
    for id in ("woken", "page"):
        (mail,) = of(peer, id)
        assert mail.at - before <= 1
        assert mail.header("Importance") == "high"
    usual = sorted(one.at for one in peer.mails if not one.header("Importance"))
    assert len(usual) == 25
    assert usual[-1] - begun >= 2 * (25 - 5)


def test_what_is_over_waits_its_turn(clock: Clock) -> None:
    plan = made(EmailPeer()).plan(TO)
    over = msgspec.structs.replace(digest(TO, resolved=True), paged=True)
    for step, one, name in (
        (Step.POST, over, "mail"),
        (Step.POST, msgspec.structs.replace(over, resolved=False), "urgent"),
        (Step.REPLY, msgspec.structs.replace(over, resolved=False), "mail"),
        (Step.POST, digest(TO), "mail"),
    ):
        assert limits_for(plan, step, one)[0].name == name


async def test_a_server_that_wants_to_be_left_alone_is_spared_urgent_mails_too(
    peer: EmailPeer, clock: Clock
) -> None:
    played = Played(clock, [made(peer, timeout_ms=10_000)])
    peer.fail(Fault.RATE_LIMITED, method="mail", calls=1, retry_after_s=17)
    woken = msgspec.structs.replace(digest(TO, id="woken"), paged=True)
    await played.run(digest(TO), woken, digest("email:ops", id="inc-2"))
    assert peer.violations == []
    assert min(one.at for one in peer.mails) - peer.troubled[0][0] >= 17


@pytest.mark.parametrize(
    "outcome", [Unknown(UnknownReason.IN_PART), Retry(RetryReason.IN_PART, 60_000)]
)
def test_an_answer_in_part_shows_that_a_list_is_there(outcome: Outcome, clock: Clock) -> None:
    circuits = Circuits()
    for number in range(1, 9):
        answer = Answer(key=TO, number=number, outcome=outcome)
        circuits.note(answer, TO, "email", clock.now_ms)
    assert circuits.ready_ms(TO, "email") == 0
