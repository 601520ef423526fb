"""A digest as a mail: its headers, its text and its HTML, and the thread it belongs to. Pure.

A mail cannot be edited, so each one shows the whole state, under what is new. All that is told of
one incident or storm is one thread, whichever lists it goes to: every mail names the same mail that
never was (as Alertmanager does), replies also the first one, and the subject stays that of the
first. Its id follows from what it says, so that a mail which is sent twice is the same mail.

Source: RFC 5322 (3.6.4: ids and references; 2.1.1: lines), RFC 2046 (5.1.4: the best part last),
RFC 2919 (List-ID), RFC 3834 (Auto-Submitted), RFC 2047 and 6532 (headers beyond ASCII).
Gmail makes a thread of mails of one subject that refer to one id.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from email.headerregistry import Address, Group
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

import msgspec
import xxhash
from markupsafe import Markup

from correlators.types import NOTICES, Digest, DigestKind, Level, PageAction
from sinks.base import Receipt
from sinks.bounds import bounded, shortened
from sinks.forms import Told
from sinks.lead import change, has_owner, lead, speaks_of_itself, state
from sinks.templating import LINK_CHARS, MAIL, PLAIN, said
from sinks.words import clean, short

SUBJECT_CHARS: Final = 140
BYTES_MOST: Final = 95_000
"""Gmail cuts a mail's HTML at 102 KB."""

PLAIN_CHARS: Final = 55
WORD_BYTES: Final = 30
"""Of a word of RFC 2047: after `X-Stormfold-Incident: ` it ends within 78 characters."""

LIST_ID_CHARS: Final = 65
"""Of name and id together that stand in one line of 78 characters."""
LINE_END: Final = "\r\n "
"""Within a header."""

RED: Final = "#c62828"
GREEN: Final = "#2e7d32"
AMBER: Final = "#b26a00"
GREY: Final = "#546e7a"


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail is sent as."""

    sender: Address
    to: tuple[str, ...]
    name: str
    """Of the list, as the configuration calls it."""
    list_id: str
    """The end of what lists are called by, such as `stormfold.example.com`; empty: it is no list,
    but one person."""


class Letter(msgspec.Struct, frozen=True):
    """A mail ready to be handed over."""

    id: str
    subject: str
    raw: bytes
    cuts: tuple[str, ...]
    """The limits that something was cut at."""


def critical(digest: Digest) -> bool:
    """Return whether it is told in the form that nobody overlooks: somebody is or was woken."""
    if digest.resolved or speaks_of_itself(digest):
        return False
    asks = digest.page in (PageAction.TRIGGER, PageAction.UNACKNOWLEDGE)
    reminds = digest.kind in (DigestKind.REMINDER, DigestKind.PAGE_TROUBLE)
    return asks or digest.paged or reminds or digest.level is Level.FATAL


def letter(
    digest: Digest,
    envelope: Envelope,
    *,
    now_ms: int,
    root: Receipt | None = None,
    reply: bool = False,
    possible_repeat: bool = False,
    utf8: bool = False,
    bare: bool = False,
    form: tuple[Told, Told] | None = None,
) -> Letter:
    """Return the mail of a digest.

    Args:
        digest: any revision.
        envelope: from whom and to whom.
        now_ms: when it is sent.
        root: the first mail of the thread, if there is one.
        reply: it tells what is new after that one.
        possible_repeat: say that it may have been said before.
        utf8: the server takes addresses that are no ASCII.
        bare: the text alone, where a server takes little.
        form: what a form says between the headline and the end: as HTML, and as text.
    """
    bound = bounded(digest)
    d, cuts = bound.digest, list(bound.cuts)
    if any(len(url) > LINK_CHARS for url in (d.url, d.runbook, d.dashboard, d.status_page)):
        cuts.append("link")
    is_critical = critical(d)
    subject = subject_of(d, root)
    sign, words = change(d) if reply else state(d)
    if speaks_of_itself(d):
        sign = words = ""
    values: dict[str, object] = {
        "possible_repeat": possible_repeat,
        "reply": reply,
        "critical": is_critical,
        "shortened": shortened(cuts),
        "list_name": envelope.name if envelope.list_id else "",
        "form": None,
    }
    drawn_form, plain_form = form or (None, None)
    if drawn_form is not None and plain_form is not None:
        cuts += drawn_form.cuts
        values["form"] = tuple(map(Markup, plain_form.lines))
    # `email` would fold, and so encode, what is longer than a line: an id that is encoded is none.
    made = EmailMessage(policy=(SMTPUTF8 if utf8 else SMTP).clone(refold_source="none"))
    domain = envelope.sender.domain
    id = id_of(digest, domain)
    thread = f"<{_hash(digest.id)}@{domain}>"
    made["From"] = envelope.sender
    made["To"] = [_address(one) for one in envelope.to] or Group(envelope.name)
    made.set_raw("Subject", words_of(subject))
    made["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1000, UTC))
    made.set_raw("Message-ID", id)
    if root is not None:
        made.set_raw("In-Reply-To", root.id)
    made.set_raw("References", f"{thread}{LINE_END}{root.id}" if root is not None else thread)
    if envelope.list_id:
        name = f"{envelope.name}.{envelope.list_id}"
        fits = len(envelope.name) + len(name) <= LIST_ID_CHARS
        made.set_raw("List-ID", f"{envelope.name}{' ' if fits else LINE_END}<{name}>")
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_raw("X-Stormfold-Incident", words_of(short(clean(d.id), 80)))
    if is_critical:
        made["Importance"] = "high"
        made["X-Priority"] = "1"
    made.set_content(said(PLAIN, "mail.txt.j2", d=d, **values) + "\n", cte="quoted-printable")
    if not bare:
        if drawn_form is not None:
            values["form"] = tuple(map(Markup, drawn_form.lines))
        drawn = said(
            MAIL,
            "mail.html.j2",
            d=d,
            subject=subject,
            sign=sign,
            words=words,
            tone=tone(d),
            **values,
        )
        made.add_alternative(drawn + "\n", subtype="html", cte="quoted-printable")
        # No line of a part can begin so: "=" is written "=3D" there.
        made.set_boundary(f"=_{_hash(id)}")
    return Letter(id, subject, made.as_bytes(), tuple(dict.fromkeys(cuts)))


def subject_of(digest: Digest, root: Receipt | None) -> str:
    """Return the subject: what it is and where, without its state; of a reply that of the first."""
    if root is not None and root.place:
        return f"Re: {root.place}"
    loud = "CRITICAL " if critical(digest) else ""
    where = f"[{digest.environment}] " if digest.environment else ""
    whose = f"{state(digest)[1]}: " if digest.personal is not None else ""
    over = "Resolved: " if digest.resolved and not speaks_of_itself(digest) else ""
    subject = clean(f"{loud}{where}{whose}{over}{lead(digest, bare=True)}")
    return short(subject, SUBJECT_CHARS)


def words_of(text: str) -> str:
    """Return a text as the value of a header, in lines that need no folding.

    It is read as it is written: what `email` itself folds may lose a space between words that are
    ASCII and others.

    Args:
        text: in one line.
    """
    if text.isascii() and len(text) <= PLAIN_CHARS and "=?" not in text:
        return text
    lines, room = [""], WORD_BYTES
    for one in text:
        room -= len(one.encode())
        if room < 0:
            lines.append("")
            room = WORD_BYTES - len(one.encode())
        lines[-1] += one
    encoded = (b64encode(line.encode()).decode("ascii") for line in lines)
    return "\r\n ".join(f"=?utf-8?b?{line}?=" for line in encoded)


def id_of(digest: Digest, domain: str) -> str:
    """Return the id of the mail that says this: the same digest at the same list has the same."""
    whose = (digest.destination, digest.id, digest.kind, digest.page_key, digest.handed_by)
    said = digest.notes if digest.personal is not None else ()
    what = _hash("\0".join((*whose, str(digest.at_ms), *said)))
    return f"<{what}.{digest.revision}@{domain}>"


def tone(digest: Digest) -> str:
    """Return the colour of the state that it shows."""
    if speaks_of_itself(digest) or digest.kind in (DigestKind.JOINED, DigestKind.PARTED):
        return GREY
    if digest.kind in NOTICES:
        return RED
    if digest.unconfirmed or digest.ignored or digest.silenced_until_ms > digest.at_ms:
        return GREY
    if digest.resolved or digest.page is PageAction.RESOLVE:
        return GREEN
    return AMBER if has_owner(digest) else RED


def _address(text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(username=local, domain=domain)


def _hash(text: str) -> str:
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "replace"))
