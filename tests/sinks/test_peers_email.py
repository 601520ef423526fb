"""The local mail server: whom it takes, what it refuses in which words, what faults do."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from email.policy import SMTPUTF8

import aiosmtplib
import pytest

from sinks.peers.control import add_control
from sinks.peers.email import EmailPeer
from sinks.peers.faults import ERRORS, LIMITS, Fault
from tests.sinks.test_peers_by_hand import by_hand, get, tell

ADA, BOB = "ada@shop.test", "bob@shop.test"
FROM = "stormfold@shop.test"


def mail(subject: str = "hello", *, to: str = ADA) -> EmailMessage:
    made = EmailMessage(policy=SMTPUTF8)
    made["From"], made["To"], made["Subject"] = FROM, to, subject
    made.set_content("it is down\n.\nreally\n")
    made.add_alternative("<p>it is <b>down</b></p>", subtype="html")
    return made


def client(peer: EmailPeer) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname="127.0.0.1",
        port=peer.smtp_port,
        start_tls=False,
        timeout=5,
        local_hostname="web.shop.test",
    )


async def send(peer: EmailPeer, *to: str, message: EmailMessage | None = None) -> dict[str, int]:
    """Send a mail and return the codes with which recipients were refused."""
    async with client(peer) as smtp:
        if peer.users:
            await smtp.login(*next(iter(peer.users.items())))
        refused, _ = await smtp.send_message(
            message or mail(), sender=FROM, recipients=list(to or (ADA,))
        )
        return {one: said.code for one, said in refused.items()}


async def test_a_mail_is_there_as_it_was_sent_with_both_parts() -> None:
    async with EmailPeer() as peer:
        assert await send(peer, ADA, BOB) == {}
        (one,) = peer.mails
        assert (one.sender, one.recipients) == (FROM, (ADA, BOB))
        assert one.header("Subject") == "hello"
        assert one.part("plain").splitlines() == ["it is down", ".", "really"]
        assert "<b>down</b>" in one.part("html")
        assert peer.inbox(BOB) == [one]
        assert [(call.method, call.outcome) for call in peer.calls] == [("data", "ok")]


async def test_each_recipient_is_answered_as_scripted_and_the_others_get_the_mail() -> None:
    async with EmailPeer() as peer:
        peer.answer(BOB, "450 4.2.0 greylisted", times=1)
        assert await send(peer, ADA, BOB) == {BOB: 450}
        assert [one.recipients for one in peer.mails] == [(ADA,)]
        assert await send(peer, BOB) == {}
        peer.remove_boxes(BOB)
        assert await send(peer, ADA, BOB) == {BOB: 550}
        peer.add_boxes(BOB)
        assert await send(peer, ADA, BOB) == {}
        with pytest.raises(ValueError, match="a refusal is a code"):
            peer.answer(BOB, "250 OK")


async def test_a_mail_has_at_most_a_hundred_recipients() -> None:
    async with EmailPeer() as peer:
        refused = await send(peer, *[f"p{number}@shop.test" for number in range(102)])
        assert set(refused.values()) == {452}
        assert len(peer.mails[0].recipients) == 100


async def test_whoever_has_to_log_in_is_refused_until_they_do() -> None:
    async with EmailPeer(users={"storm": "right"}) as peer:
        async with client(peer) as smtp:
            with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
                await smtp.send_message(mail(), sender=FROM, recipients=[ADA])
            assert refused.value.code == 530
            with pytest.raises(aiosmtplib.SMTPAuthenticationError) as wrong:
                await smtp.login("storm", "wrong")
            assert wrong.value.code == 535
        peer.set_password("storm", "other")
        assert await send(peer) == {}
        assert "right" not in repr(peer.calls)
        assert "other" not in repr(peer.calls)


async def test_what_is_too_large_is_refused_and_the_size_is_told() -> None:
    async with EmailPeer(size_bytes=2_000) as peer, client(peer) as smtp:
        await smtp.ehlo()
        assert smtp.esmtp_extensions["size"] == "2000"
        await smtp.mail(FROM)
        await smtp.rcpt(ADA)
        with pytest.raises(aiosmtplib.SMTPDataError) as large:
            await smtp.data(b"x\r\n" * 1_000)
        assert large.value.code == 552
        assert peer.mails == []


async def test_without_smtputf8_no_other_address_than_of_ascii_is_taken() -> None:
    async with EmailPeer(utf8=False) as peer, client(peer) as smtp:
        await smtp.ehlo()
        assert not smtp.supports_extension("smtputf8")
    async with EmailPeer() as peer, client(peer) as smtp:
        await smtp.ehlo()
        await smtp.mail(FROM, options=["SMTPUTF8"])
        await smtp.rcpt("zoë@shop.test", encoding="utf-8")
        await smtp.data("Subject: grüße\r\n\r\nx\r\n".encode())
        assert peer.mails[0].utf8
        assert peer.mails[0].header("Subject") == "grüße"


@pytest.mark.parametrize("point", ["connect", "mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", sorted(LIMITS | set(ERRORS) - {Fault.ERROR_AFTER}))
async def test_a_fault_at_any_point_is_a_refusal_that_passes_and_takes_nothing(
    fault: Fault, point: str
) -> None:
    now = [1_000.0]
    async with EmailPeer(clock=lambda: now[0]) as peer:
        peer.fail(fault, method=point, calls=1, retry_after_s=7)
        with pytest.raises((aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused)):
            await send(peer)
        assert peer.mails == []
        silent = fault is Fault.RATE_LIMITED and point in ("connect", "mail")
        if silent:
            with pytest.raises(aiosmtplib.SMTPConnectResponseError):
                await send(peer)
        assert [one.violation for one in peer.violations] == ["inside_penalty"] * silent
        now[0] += 7
        await send(peer)
        assert len(peer.mails) == 1


@pytest.mark.parametrize(
    ("fault", "there"),
    [
        (Fault.DROP_BEFORE, False),
        (Fault.GARBAGE_BEFORE, False),
        (Fault.DROP_AFTER, True),
        (Fault.GARBAGE, True),
        (Fault.HALF, True),
        (Fault.ERROR_AFTER, True),
    ],
)
async def test_under_a_fault_the_mail_is_there_or_not_and_its_sender_cannot_tell(
    fault: Fault, there: bool
) -> None:
    async with EmailPeer() as peer:
        peer.fail_next("data", fault)
        with pytest.raises((aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPResponseException)):
            await send(peer)
        assert len(peer.mails) == there


async def test_a_mail_that_is_held_is_carried_out_late_even_if_its_sender_is_gone() -> None:
    async with EmailPeer() as peer:
        peer.fail_next("data", Fault.SLOW_BEFORE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await send(peer)
        assert peer.mails == []
        peer.release()
        await peer.until(lambda: len(peer.mails) == 1)


async def test_a_server_that_stops_to_listen_comes_back_with_its_mails() -> None:
    async with EmailPeer() as peer:
        await send(peer)
        port = peer.smtp_port
        await peer.stop_listening()
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await send(peer)
        await peer.listen()
        await send(peer)
        assert (peer.smtp_port, len(peer.mails)) == (port, 2)


async def test_its_page_shows_the_mails_and_its_switches_switch() -> None:
    peer = EmailPeer()
    add_control(peer)
    async with peer:
        await send(peer, message=mail("<script>alert(1)</script>"))
        page = await get(peer.origin)
        assert "&lt;script&gt;" in page
        assert "<iframe sandbox" in page
        given = {"do": "answer", "address": ADA, "reply": "550 5.1.1 nobody"}
        assert await tell(f"{peer.origin}/_peer/switch", **given) == (200, {"ok": True})
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await send(peer)


async def test_a_mail_server_by_hand_takes_what_it_says_it_takes() -> None:
    async with by_hand("email") as (_, lines):
        said = dict(one.split("=") for one in lines[1].split()[1:])
        smtp = aiosmtplib.SMTP(
            hostname=said["SMTP_HOST"],
            port=int(said["SMTP_PORT"]),
            start_tls=False,
            timeout=5,
            local_hostname="[127.0.0.1]",
        )
        async with smtp:
            await smtp.login("stormfold", said["SMTP_PASSWORD"])
            await smtp.send_message(mail("by hand"))
        assert "by hand" in await get(lines[0].split()[-1])
