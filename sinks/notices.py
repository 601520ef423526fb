"""What DELIVER says of a page itself: that it did not get through, that it did late, that it waits.

A notice is a digest of its own, made of the page's trigger: so it names what the page was for. It
is told in the thread of another message (`steps.under_of`) and asks nothing of a pager. What it
says of a change that Sentry did not take is in `issue_notices`.
"""

from __future__ import annotations

import msgspec

from correlators.types import Digest, DigestKind, PageAction
from sinks.words import lasting


def handed_on(digest: Digest, to: str) -> Digest:
    """Return a page's trigger, acknowledgement or resolve for whoever is paged instead.

    It names no fallback: what that one cannot take either goes no further.
    """
    return msgspec.structs.replace(
        digest, destination=to, page_fallback="", handed_by=digest.destination, page_heard=False
    )


def not_through(trigger: Digest, why: str) -> list[Digest]:
    """Return what is told where the same thing is told: the page could not be delivered.

    Args:
        trigger: the page, at the destination that it was for.
        why: in a few words; no secret.
    """
    instead = trigger.page_fallback
    then = f"{instead} was paged instead" if instead else "nobody was paged instead"
    whom = _whom(trigger)
    return _told(trigger, 1, f"The page to {whom} could not be delivered ({why}); {then}")


def through_late(trigger: Digest, waited_ms: int, handed_to: str) -> list[Digest]:
    """Return what is told there once it got through after all."""
    instead = f"; {handed_to} had been paged instead" if handed_to else ""
    return _told(
        trigger,
        2,
        f"The page to {_whom(trigger)} got through after {lasting(waited_ms)}{instead}",
    )


def no_incident(trigger: Digest) -> list[Digest]:
    """Return what is told there where a pager took the page and no incident came of it."""
    says = f"The page to {_whom(trigger)} was taken, but no incident came of it: it may have woken"
    return _told(trigger, 3, f"{says} nobody")


def reminder(trigger: Digest, number: int, most: int, waits_ms: int, *, before: int = 0) -> Digest:
    """Return the reminder of a page at a chat: nobody has acknowledged it for so long.

    Args:
        trigger: the page.
        number: of the reminder, from 1 to `most`.
        most: after how many there are no more.
        waits_ms: for how long nobody has it.
        before: reminders of it before it was given back.
    """
    says = f"Acknowledged by nobody for {lasting(waits_ms)}: reminder {number} of {most}"
    made = _notice(trigger, trigger.destination, before + number, says)
    return msgspec.structs.replace(made, kind=DigestKind.REMINDER)


def _whom(trigger: Digest) -> str:
    """Return where the page was to go; what was handed on says for whom it came."""
    if not trigger.handed_by:
        return trigger.destination
    return f"{trigger.destination}, which {trigger.handed_by} could not take,"


def _told(trigger: Digest, revision: int, says: str) -> list[Digest]:
    return [_notice(trigger, one, revision, says) for one in trigger.page_told]


def _notice(trigger: Digest, to: str, revision: int, says: str) -> Digest:
    return msgspec.structs.replace(
        trigger,
        kind=DigestKind.PAGE_TROUBLE,
        destination=to,
        revision=revision,
        page=PageAction.NONE,
        page_fallback="",
        page_told=(),
        handed_by=trigger.destination,
        notice=says,
    )
