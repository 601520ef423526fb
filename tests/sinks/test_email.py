"""Mail over real sockets: what can be told of it, what a person puts right, TLS, sizes, pace."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from correlators.types import PageAction
from sinks.base import (
    Delivered,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.email import EmailSink
from sinks.peers.email import EmailPeer
from sinks.peers.faults import Fault
from sinks.smtp import Server
from sinks.smtp_words import WHOLE_NAME, Tls
from sinks.steps import limits_for
from tests.sinks.email_case import ADA, LISTS, PASSWORD, SENDER, USER, made, of, post, send
from tests.sinks.make import attempt, digest
from tests.sinks.played import Clock, Played

CERTIFICATE = Path(__file__).parents[1] / "fixtures" / "mail" / "localhost.pem"
TO = "email:payments"


@pytest.fixture
async def peer(clock: Clock) -> AsyncIterator[EmailPeer]:
    async with EmailPeer(clock=clock) as found:
        yield found


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


async def test_whoever_has_no_whole_name_greets_by_address(peer: EmailPeer) -> None:
    """Servers that refuse a name of one word take nothing by it; ours here does the same."""
    for name in ("", "web-1.shop.test"):
        server = Server(host="127.0.0.1", port=peer.smtp_port, tls=Tls.NONE, name=name)
        sink = EmailSink(server=server, sender=SENDER, lists=LISTS, timeout_ms=10_000)
        assert isinstance(await sink.send(post()), Delivered)
    bare = Server(host="127.0.0.1", port=peer.smtp_port, tls=Tls.NONE, name="web-1")
    outcome = await EmailSink(server=bare, sender=SENDER, lists=LISTS).send(post())
    assert isinstance(outcome, Retry)
    assert outcome.detail.startswith("504 5.5.2")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("web-1.shop.example.com", True),
        ("ip-10-0-0-1.ec2.internal", True),
        ("web-1", False),
        ("8f14e45fceea", False),
        ("10.0.0.1", False),
        ("web_1.shop.test", False),
        ("-a.test", False),
        ("a." * 130 + "test", False),
    ],
)
def test_a_whole_name_has_a_domain(name: str, whole: bool) -> None:
    assert bool(WHOLE_NAME.fullmatch(name)) == whole


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
