"""What must not be lost of a revision that a newer one takes the place of before it was told. Pure.

The newest revision shows how things stand, so most of an older one is lost without harm. Not what
its readers would have been called for: that it is back, spreads or escalates, or that what somebody
was paged for was over meanwhile. That is said with the newer one, which is as loud, unless people
said meanwhile that they want to hear no more of it. Nor what people wrote and did: the newest
shows no comment, and not who assigned it to whom, paged, or ended a part of a storm.

Laws: what takes the place of a loud revision is loud; nothing grows beyond its bound however many
revisions are passed over.
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.types import NOTICES, SERVICES_TOLD, Digest, DigestKind, PageAction
from sinks.broadcast import Heard, heard
from sinks.words import by_whom


def carried(untold: Digest, newer: Digest) -> Digest:
    """Return the newer revision with what would be lost with the one that was not told.

    Args:
        untold: an older revision of the same delivery.
        newer: goes out in its place. Of a page, or a notice about one, it says all by itself.
    """
    if newer.page is not PageAction.NONE or newer.kind in NOTICES or untold.kind in NOTICES:
        return newer
    kinds = list(untold.untold)
    if heard(msgspec.structs.replace(untold, untold=())) is Heard.CHANNEL:
        opened = untold.kind is DigestKind.OPENED  # loud for a storm that is back
        kinds.append(DigestKind.REOPENED if opened else untold.kind)
    kinds += newer.untold
    notes = (*notes_of(untold), *newer.notes)
    services = _union(untold.joined_services, newer.joined_services)
    joined = frozenset(services)
    return msgspec.structs.replace(
        newer,
        untold=tuple(dict.fromkeys(one for one in kinds if one in _LOUD)),
        escalated_now=untold.escalated_now or newer.escalated_now,
        joined_incidents=untold.joined_incidents + newer.joined_incidents,
        joined_services=services,
        services=tuple(
            msgspec.structs.replace(one, joined=True)
            if one.service in joined and not one.joined
            else one
            for one in newer.services
        ),
        left=_union(untold.left, newer.left),
        notes=notes[:NOTES_CARRIED],
        more_notes=untold.more_notes + newer.more_notes + max(0, len(notes) - NOTES_CARRIED),
    )


NOTES_CARRIED: Final = 4
"""Notes that wait for one message; further ones are counted."""


def notes_of(digest: Digest) -> tuple[str, ...]:
    """Return the notes that this revision tells: those that it carries, and its own."""
    own = _own(digest)
    return (*digest.notes, own) if own else digest.notes


def first_told(digest: Digest) -> Digest:
    """Return the digest as a first message tells it: that shows no act, so a note of its own is
    told like one that it carries."""
    if digest.kind is not DigestKind.NOTED or not _own(digest):
        return digest
    return msgspec.structs.replace(digest, notes=notes_of(digest), act="", act_text="")


def _own(digest: Digest) -> str:
    """Return what a person did that only this revision says, in words; empty for what shows in the
    newest, or is no act."""
    said, by = digest.act_text, by_whom(digest.act_by, digest.act_in)
    match digest.act:
        case "comment":
            return f"{digest.act_by}: {said}"
        case "assign":
            return f"Assigned to {said or 'nobody'} {by}"
        case "page_now":
            return f"Paged {by}"
        case "resolve" if digest.kind is DigestKind.NOTED:
            return f"{said}: over {by}"
        case "false_alarm" if digest.kind is DigestKind.NOTED:
            return f"{said}: a false alarm, says {digest.act_by}"
        case _:
            return ""


_LOUD = (DigestKind.REOPENED, DigestKind.RESOLVED, DigestKind.UPDATED)
"""Kinds that may be loud by what they say, each at most once in `untold`."""


def _union(older: tuple[str, ...], newer: tuple[str, ...]) -> tuple[str, ...]:
    """Return both without repetition, the older first, so many as a digest lists."""
    return tuple(dict.fromkeys((*older, *newer)))[:SERVICES_TOLD]
