"""Which messages are heard: a reply that the channel sees and that calls its owner, or silence.

Pure. What is edited later calls nobody, so that no edit repeats a call: only replies do, and a page
at a chat, whose edits name nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from correlators.types import Digest, DigestKind, PageAction

MENTIONS: Final = 3
"""The most owners that one message calls."""


class Heard(StrEnum):
    """How much of a noise the reply that tells a revision makes."""

    SILENT = "silent"
    """It stands in its thread."""
    CHANNEL = "channel"
    """The channel shows it too, and the owner is mentioned."""


def heard(digest: Digest) -> Heard:
    """Return how the reply that tells this revision is heard.

    Loud: what is back again, also as a new storm, what escalates, what reached one more service,
    the end of what somebody was paged for, a page in trouble, and one that nobody acknowledges;
    also where that was said by an earlier revision which this one took the place of
    (`sinks.carried`).
    """
    match digest.kind:
        case DigestKind.REOPENED | DigestKind.PAGE_TROUBLE | DigestKind.REMINDER:
            loud = True
        case DigestKind.OPENED:
            loud = digest.back is not None
        case DigestKind.RESOLVED:
            # Where its page was left, the end was told before: only the page is over now.
            loud = digest.paged and digest.page_over is None
        case DigestKind.UPDATED:
            news = bool(digest.joined_services) or digest.escalated_now
            loud = news and not _unwanted(digest)
        case _:
            loud = False
    if digest.untold and not _muted(digest):
        loud = True
    return Heard.CHANNEL if loud else Heard.SILENT


def called(digest: Digest, mentions: Mapping[str, str]) -> tuple[str, ...]:
    """Return whom its message mentions: the owner, and the owners of services that joined.

    Args:
        digest: of a reply, or a page at a chat.
        mentions: user or group by team, as configured; a team without one is not called.
    """
    if heard(digest) is Heard.SILENT and digest.page is not PageAction.TRIGGER:
        return ()
    joined = [one.owner for one in digest.services if one.joined]
    owners = [*digest.owners[:1], *joined]
    found = dict.fromkeys(mentions[one] for one in owners if one in mentions)
    return tuple(found)[:MENTIONS]


def _unwanted(digest: Digest) -> bool:
    """Return True where people said that they want to hear no more of it, or it is over."""
    return _muted(digest) or digest.resolved


def _muted(digest: Digest) -> bool:
    return digest.ignored or digest.silenced_until_ms > 0 or digest.past
