"""Forms in mails, through a local mail server: both parts, in place of the ordinary rows alone."""

from __future__ import annotations

import msgspec

from correlators.types import Digest
from sinks.base import Delivered
from sinks.form_names import CRITICAL, Form, Templates
from sinks.forms import Forms
from sinks.peers.email import EmailPeer
from tests.sinks.email_case import made, post
from tests.sinks.make import digest

BAD = Form("bad.j2", "{{ d.services[99].service }}")
FORMS = Templates(forms={"bad": BAD}, by_rule={"loud": CRITICAL, "bad": "bad"})


def of(rule: str, **changed: object) -> Digest:
    values = {"rule": rule, "runbook": "https://wiki.test/pay", **changed}
    return msgspec.structs.replace(digest("email:ops"), **values)


async def test_a_mail_has_the_words_of_its_form_in_both_parts_and_what_people_wrote() -> None:
    async with EmailPeer() as peer:
        sink = made(peer, forms=Forms(FORMS))
        what = of("loud", notes=("Ada: on it",), title="<b>x</b>")
        assert isinstance(await sink.send(post(what)), Delivered)
        (mail,) = peer.mails
        text, drawn = mail.part("plain"), mail.part("html")
        assert "ERROR in production" in text
        assert "Impact: 2 services · 412 events · 97 users" in text
        assert "Runbook: https://wiki.test/pay · Open in Sentry: https://sentry.test/" in text
        assert "<strong>Impact:</strong> 2 services" in drawn
        assert "Who is hurt" not in drawn
        assert "<b>x</b>" not in drawn
        for part in (text, drawn):
            assert "Ada: on it" in part
            assert "@channel" not in part
            assert "inc-1" in part
        await sink.close()


async def test_a_form_that_fails_leaves_the_mail_as_it_would_be_without_it() -> None:
    async with EmailPeer() as peer:
        sink = made(peer, forms=Forms(FORMS))
        for rule in ("bad", "other"):
            assert isinstance(await sink.send(post(of(rule))), Delivered)
        failed, plain = peer.mails
        assert failed.part("plain") == plain.part("plain")
        assert failed.part("html") == plain.part("html")
        assert sink.notes.take_forms() == {"bad": 1}
        await sink.close()
