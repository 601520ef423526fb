"""A digest as a mail: whatever it holds, the mail is one that servers take and readers read."""

from __future__ import annotations

import re
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from correlators.types import Digest, DigestKind, Level, PageAction
from sinks.base import Receipt
from sinks.mail import (
    BYTES_MOST,
    SUBJECT_CHARS,
    Envelope,
    Letter,
    critical,
    id_of,
    letter,
    words_of,
)
from tests.sinks.email_case import ADA, BOB, SENDER
from tests.sinks.hostile import any_digest
from tests.sinks.make import digest

NOW_MS = 1_790_000_000_000
ENVELOPE = Envelope(sender=SENDER, to=(ADA, BOB), name="payments", list_id="stormfold.shop.test")
ROOT = Receipt(place="[production] payment is down", id="<first@shop.test>")
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "List-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Stormfold-Incident",
    "MIME-Version",
    "Content-Type",
}
TAGS = {
    *("html", "head", "meta", "title", "body", "div", "table", "tr", "td", "th", "p", "h1"),
    *("span", "strong", "em", "code", "a", "br"),
}


def made(of: Digest, **how: Any) -> Letter:
    return letter(of, ENVELOPE, now_ms=NOW_MS, **how)


def read(one: Letter) -> EmailMessage:
    return BytesParser(_class=EmailMessage, policy=policy.SMTPUTF8).parsebytes(one.raw)


def text(one: Letter, kind: str = "plain") -> str:
    found = read(one).get_body((kind,))
    assert found is not None
    return str(found.get_content())


class Tags(HTMLParser):
    """What tags there are, where links lead, and what is said of the dark."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.open: list[str] = []
        self.classes: set[str] = set()
        self.styles: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.classes |= {value or "" for name, value in attrs if name == "class"}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles.append(data)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


STYLES = Tags(text(made(digest()), "html")).styles
"""Of every mail: nothing that a digest holds gets into it."""


# ---------------------------------------------------------------- whatever a digest holds


@given(any_digest(), st.booleans(), st.sampled_from([None, ROOT]))
def test_whatever_a_digest_holds_its_mail_is_one_that_every_server_takes(
    of: Digest, reply: bool, root: Receipt | None
) -> None:
    one = made(of, reply=reply, root=root, possible_repeat=reply)
    assert one.raw.isascii()
    assert b"\r\n" in one.raw
    assert b"\n" not in one.raw.replace(b"\r\n", b"")
    assert max(map(len, one.raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 80
    assert max(map(len, one.raw.split(b"\r\n"))) <= 998
    assert len(one.raw) <= BYTES_MOST
    found = read(one)
    more = {"In-Reply-To"} if root else set()
    more |= {"Importance", "X-Priority"} if critical(of) else set()
    assert sorted(found.keys()) == sorted(HEADERS | more)
    assert not found.defects
    assert str(found["Subject"]) == one.subject
    assert len(one.subject.removeprefix("Re: ")) <= SUBJECT_CHARS
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]


@given(any_digest(), st.booleans())
def test_whatever_a_digest_holds_nothing_of_it_is_markup(of: Digest, reply: bool) -> None:
    tags = Tags(text(made(of, reply=reply), "html"))
    assert tags.open == []
    assert tags.tags <= {*TAGS, "style"}
    assert tags.styles == STYLES
    assert tags.classes <= {"page", "card", "quiet", "tone", "loud", "go"}
    assert tags.attributes <= {
        *("style", "href", "role", "width", "cellpadding", "cellspacing", "align", "colspan"),
        *("lang", "charset", "name", "content", "class"),
    }
    assert [one for one in tags.links if not re.match(r"https?://[^\s<>]+$", one)] == []


@given(any_digest())
def test_the_same_digest_is_the_same_mail(of: Digest) -> None:
    assert made(of) == made(of)


def test_a_line_end_in_a_title_or_a_name_makes_no_header() -> None:
    evil = "x\r\nBcc: evil@x.test\r\n\r\nbody"
    of = msgspec.structs.replace(digest("email:payments", id=evil, title=evil), environment=evil)
    found = read(made(of))
    assert "Bcc" not in found
    assert "Bcc: evil@x.test" in str(found["Subject"])
    assert str(found["X-Stormfold-Incident"]).startswith("x Bcc: evil@x.test")


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")) | st.just(" ")))
@example("=?utf-8?q?not_a_word?=")
@example("plain · and not · plain " * 6)
def test_any_line_is_read_in_a_header_as_it_was_written(line: str) -> None:
    line = " ".join(line.split())
    made = EmailMessage(policy=policy.SMTP)
    made.set_raw("Subject", words_of(line))
    found = BytesParser(policy=policy.default).parsebytes(made.as_bytes())
    assert str(found["Subject"]) == line


def test_what_looks_like_markup_stands_there_as_it_is() -> None:
    title = '<script>alert("1")</script> \u202e& {{ 7*7 }}'
    html = text(made(digest("email:payments", title=title)), "html")
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp; {{ 7*7 }}" in html
    assert "<strong>payment</strong>" in html


# ---------------------------------------------------------------- threads


def test_all_mails_of_an_incident_are_one_thread_at_every_list() -> None:
    first = made(digest("email:payments"))
    other = letter(
        digest("email:ops"), msgspec.structs.replace(ENVELOPE, name="ops"), now_ms=NOW_MS
    )
    root = Receipt(place=first.subject, id=first.id)
    over = digest("email:payments", revision=2, resolved=True)
    reply = made(over, root=root, reply=True)
    threads = {str(read(one)["References"]).split()[0] for one in (first, other, reply)}
    assert len(threads) == 1
    assert str(read(reply)["References"]).split()[1] == first.id == str(read(reply)["In-Reply-To"])
    assert reply.subject == f"Re: {first.subject}"
    assert len({first.id, other.id, reply.id}) == 3
    assert str(read(made(digest("email:payments", id="inc-2")))["References"]) not in threads


@pytest.mark.parametrize(
    "domain", ["s.test", f"{'notifications.' * 4}europe.shop.test", "a" * 63 + ".test"]
)
def test_ids_and_names_of_lists_stand_there_as_they_are_however_long_the_domain(
    domain: str,
) -> None:
    """A header of ids is read by no rules but its own: what is encoded there is no id."""
    envelope = Envelope(
        sender=Address("Stormfold", "stormfold", domain),
        to=(ADA,),
        name="n" * 40,
        list_id=f"stormfold.{domain}",
    )
    of = digest("email:payments")
    root = Receipt(place="it", id=id_of(of, domain))
    one = letter(of, envelope, now_ms=NOW_MS, root=root, reply=True)
    headers = one.raw.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = headers.replace("\r\n ", " ").split("\r\n")
    written = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert written["Message-ID"] == root.id
    assert written["In-Reply-To"] == root.id
    thread, first = written["References"].split()
    assert first == root.id
    assert re.fullmatch(rf"<[0-9a-f]{{32}}@{re.escape(domain)}>", thread)
    assert written["List-ID"] == f"{'n' * 40} <{'n' * 40}.stormfold.{domain}>"
    assert written["From"] == f"Stormfold <stormfold@{domain}>"


def test_notices_of_one_page_are_mails_of_their_own() -> None:
    of = digest("email:payments", page=PageAction.TRIGGER)
    kinds = (DigestKind.OPENED, DigestKind.REMINDER, DigestKind.PAGE_TROUBLE)
    ids = {made(msgspec.structs.replace(of, kind=kind)).id for kind in kinds}
    ids |= {made(msgspec.structs.replace(of, handed_by=one)).id for one in ("slack:a", "slack:b")}
    assert len(ids) == 5


# ---------------------------------------------------------------- what stands in it


def test_a_mail_says_what_list_it_is_of_and_that_nobody_wrote_it() -> None:
    found = read(made(digest("email:payments")))
    assert str(found["List-ID"]) == "payments <payments.stormfold.shop.test>"
    assert str(found["Auto-Submitted"]) == "auto-generated"
    assert str(found["From"]) == "Stormfold <stormfold@shop.test>"
    assert str(found["To"]) == "ada@shop.test, bob@shop.test"
    assert str(found["Date"]) == "Mon, 21 Sep 2026 14:13:20 +0000"
    assert "Importance" not in found


@pytest.mark.parametrize(
    "how",
    [
        {"paged": True},
        {"page": PageAction.TRIGGER},
        {"level": Level.FATAL},
        {"kind": DigestKind.REMINDER},
    ],
)
def test_what_somebody_is_woken_for_is_told_in_the_critical_form(how: dict[str, Any]) -> None:
    one = made(msgspec.structs.replace(digest("email:payments"), **how))
    found = read(one)
    assert one.subject.startswith("CRITICAL [production] payment")
    assert (str(found["Importance"]), str(found["X-Priority"])) == ("high", "1")
    assert text(one).startswith("CRITICAL · ")
    assert ">CRITICAL</span>" in text(one, "html")


def test_what_is_over_is_not_critical_whatever_it_was() -> None:
    was = msgspec.structs.replace(
        digest("email:payments", resolved=True), paged=True, level=Level.FATAL
    )
    one = made(was)
    assert "CRITICAL" not in one.raw.decode()
    assert one.subject.startswith("[production] Resolved: ")


def test_both_parts_say_what_is_hurt_since_when_and_where_to_look() -> None:
    of = msgspec.structs.replace(digest("email:payments"), runbook="https://wiki.test/pay")
    one = made(of, possible_repeat=True)
    for part in ("plain", "html"):
        said = text(one, part)
        for words in (
            "412 events · 97 users",
            "2026-09-21 14:13 UTC",
            "payment@2.4.1",
            "PaymentUnavailable",
            "https://wiki.test/pay",
            "https://sentry.test/organizations/shop/issues/41/",
            "possible repeat",
            "the list payments",
        ):
            assert words in said.replace("<code>", "").replace("</code>", ""), (part, words)


def test_comments_that_nobody_was_told_stand_in_both_parts() -> None:
    of = msgspec.structs.replace(
        digest("email:payments"), notes=("Ada: <b>mine</b>",), more_notes=2
    )
    one = made(of)
    assert "💬 Ada: <b>mine</b>" in text(one)
    assert "💬 Ada: &lt;b&gt;mine&lt;/b&gt;" in text(one, "html")
    for part in ("plain", "html"):
        assert "and 2 more notes" in text(one, part)


def test_a_server_that_takes_little_gets_the_text_alone() -> None:
    one = made(digest("email:payments"), bare=True)
    assert read(one).get_content_type() == "text/plain"
    assert len(one.raw) < 2_500
