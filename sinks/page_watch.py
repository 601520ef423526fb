"""A page always reaches somebody: what is handed on, said and repeated while a page waits.

A page is watched from its acceptance until it got through. Refused, or not through after `WAIT_MS`,
it is handed to its fallback, once; while its own delivery may still succeed it goes on, and what
comes after (acknowledgement, resolve) is handed there too. At a chat, which has no escalation of
its own, a page that stands unacknowledged is followed by reminders; where an acknowledgement is
taken back, from the beginning again. Whatever is handed on has no fallback, so nothing goes round
in circles.

All of it follows from entries, the moment and one length, so a restored outbox goes on where the
one before stopped. Pure. Not here: what a delivery sends (`delivery`), and the words (`notices`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.types import Digest, PageAction
from sinks.base import Plan
from sinks.entries import (
    DeadLetter,
    DeadReason,
    Delivery,
    Dropped,
    DropReason,
    Status,
    Turn,
)
from sinks.notices import handed_on, not_through, reminder, through_late
from sinks.steps import name_of, stamp_of
from sinks.watched import PageOutcome, PageSeen, Watched

WAIT_MS: Final = 60_000
"""How long a page may take before its fallback is paged."""

REMINDERS_MOST: Final = 48

REMIND_EVERY_MS: Final = 300_000


class Said(msgspec.Struct, frozen=True):
    """What a turn of a page means for others."""

    handed: tuple[Digest, ...] = ()
    pages: tuple[PageSeen, ...] = ()


NOTHING: Final = Said()

UNSERVED: Final = Plan(steps={})
"""The plan of a destination that nobody serves."""


def observed(
    before: Delivery | None,
    turn: Turn,
    plan: Plan | None,
    now_ms: int,
    *,
    heard: Digest | None = None,
) -> tuple[Turn, Said]:
    """Return the turn with what the page is watched for, and what it means for others.

    Args:
        before: the entry before the turn.
        turn: of a delivery; one that is no page stays as it is.
        plan: of its destination, None where nobody serves that.
        now_ms: the moment of the turn.
        heard: the digest that was accepted in it, if one was.
    """
    entry = turn.delivery
    new = before is None or before.accepted != entry.accepted
    if heard is not None and new and heard.page is PageAction.TRIGGER:
        entry = _watching(entry, heard, now_ms, anew=before is None or before.ended)
    page = entry.page
    if page is None:
        return turn, NOTHING
    said = NOTHING
    if heard is not None and new and entry.accepted.rank:
        page, said = _over(page, heard, now_ms)
    elif not page.reached_ms and entry.root is not None:
        page, said = _reached(entry, page, now_ms)
        if plan is not None and plan.pages:
            page = msgspec.structs.replace(page, trigger=None)  # a pager repeats by itself
    elif _stuck(entry, page) and entry.status is Status.DEAD:
        letters = [one for one in turn.effects if isinstance(one, DeadLetter)]
        page, said = _handed(entry, page, refused(letters[-1]) if letters else "refused", now_ms)
    if page is not entry.page:
        entry = msgspec.structs.replace(entry, page=page)
    return msgspec.structs.replace(turn, delivery=entry), said


def unserved(known: Delivery | None, digest: Digest, dead: DeadLetter, now_ms: int) -> Turn:
    """Return the page at a destination that nobody serves after one more word: it is dead."""
    stamp = stamp_of(digest, UNSERVED)
    if known is not None and stamp <= known.accepted:
        return Turn(known, (Dropped(digest.destination, DropReason.REPEATED),))
    if known is None:
        known = Delivery(
            destination=digest.destination,
            name=name_of(digest, UNSERVED),
            status=Status.DEAD,
            accepted=stamp,
        )
    # The alert may be open there: served again, its end can be told (`sinks.redrive`).
    changed = msgspec.structs.replace(
        known,
        status=Status.DEAD,
        accepted=stamp,
        root=None,
        maybe=known.maybe or known.root is not None,
        changed_ms=now_ms,
    )
    return Turn(changed, (dead,))


def without_place(digest: Digest) -> Said:
    """Return what a page means for others that has no place in a full outbox.

    Nothing of it is kept, so its end is handed to whoever the configuration names, as it is.
    """
    if digest.page is PageAction.NONE:
        return NOTHING
    to = digest.page_fallback
    handed = [handed_on(digest, to)] if to else []
    if digest.page is not PageAction.TRIGGER:
        return Said(tuple(handed))
    outcome = PageOutcome.FALLBACK if to else PageOutcome.GIVEN_UP
    told = not_through(digest, f"refused: {DeadReason.OUTBOX_FULL}")
    return Said((*handed, *told), (PageSeen(digest.destination, outcome, id=digest.id),))


def refused(dead: DeadLetter) -> str:
    """Return in a few words why it was refused."""
    if dead.reason is DeadReason.RETRIES_EXHAUSTED:
        return f"given up after {dead.attempts} attempts"
    return f"refused: {dead.reason}"


def next_ms(entry: Delivery, plan: Plan, remind_every_ms: int) -> int | None:
    """Return when the page is to be looked at by the clock, None for never."""
    page = entry.page
    if page is None:
        return None
    if _stuck(entry, page):
        # Without a fallback it is only tried on, until it gets through or is given up.
        instead = page.trigger is not None and page.trigger.page_fallback
        return page.since_ms + WAIT_MS if instead else None
    standing = page.reached_ms and page.trigger is not None and entry.stands
    if standing and not plan.pages and page.reminders < REMINDERS_MOST:
        return page.repeats_from_ms + (page.reminders + 1) * remind_every_ms
    return None


def looked_at(
    entry: Delivery, plan: Plan, now_ms: int, remind_every_ms: int
) -> tuple[Delivery, Said]:
    """Return the entry once `next_ms` has come, and what that means for others."""
    page = entry.page
    assert page is not None, "it is no page"
    if _stuck(entry, page):
        page, said = _handed(entry, page, f"not within {WAIT_MS // 1000} s", now_ms)
        return msgspec.structs.replace(entry, page=page, changed_ms=now_ms), said
    assert page.trigger is not None, "only a page that stands is repeated"
    # What fell due while nobody was there is one reminder, not one for each time.
    number = min(REMINDERS_MOST, max(1, (now_ms - page.repeats_from_ms) // remind_every_ms))
    number = max(number, page.reminders + 1)
    waits_ms, before = now_ms - page.waits_from_ms, page.reminders_before
    made = reminder(page.trigger, number, REMINDERS_MOST, waits_ms, before=before)
    page = msgspec.structs.replace(page, reminders=number)
    return msgspec.structs.replace(entry, page=page, changed_ms=now_ms), Said((made,))


def _stuck(entry: Delivery, page: Watched) -> bool:
    """Return whether somebody is still to be paged by it, here or elsewhere."""
    return entry.stands and not (page.reached_ms or page.handed_ms)


def _watching(entry: Delivery, trigger: Digest, now_ms: int, *, anew: bool) -> Delivery:
    """Return the entry with its page watched, from the first trigger on."""
    page = entry.page
    if entry.root is not None:
        return entry  # it is there: the same page again wakes nobody
    if page is None or anew:
        page = Watched(since_ms=now_ms)
    return msgspec.structs.replace(entry, page=msgspec.structs.replace(page, trigger=trigger))


def _reached(entry: Delivery, page: Watched, now_ms: int) -> tuple[Watched, Said]:
    waited_ms = max(0, now_ms - page.since_ms)
    late = bool(page.handed_ms) or waited_ms > WAIT_MS
    outcome = PageOutcome.LATE if late else PageOutcome.DELIVERED
    told: list[Digest] = []
    if late and page.trigger is not None:  # else it was resolved meanwhile, which is told anyway
        told = through_late(page.trigger, waited_ms, page.handed_to)
    about = page.trigger or entry.newest
    seen = PageSeen(entry.destination, outcome, waited_ms, about.id if about is not None else "")
    page = msgspec.structs.replace(page, reached_ms=now_ms)
    return page, Said(tuple(told), (seen,))


def _handed(entry: Delivery, page: Watched, why: str, now_ms: int) -> tuple[Watched, Said]:
    """Return the page as one that its fallback takes, or that nobody takes where it has none."""
    trigger = page.trigger
    assert trigger is not None, "what is not there yet is kept"
    to = trigger.page_fallback
    waited_ms = max(0, now_ms - page.since_ms)
    outcome = PageOutcome.FALLBACK if to else PageOutcome.GIVEN_UP
    handed = [handed_on(trigger, to)] if to else []
    handed += not_through(trigger, why)
    page = msgspec.structs.replace(page, handed_to=to, handed_ms=now_ms)
    seen = PageSeen(entry.destination, outcome, waited_ms, trigger.id)
    return page, Said(tuple(handed), (seen,))


def _over(page: Watched, heard: Digest, now_ms: int) -> tuple[Watched, Said]:
    """Return the page after somebody has taken it on, or given it back, or it is resolved; and who
    hears of it."""
    handed = (handed_on(heard, page.handed_to),) if page.handed_to else ()
    if heard.page is PageAction.RESOLVE:
        page = msgspec.structs.replace(page, trigger=None)
    elif heard.page is PageAction.UNACKNOWLEDGE:
        page = msgspec.structs.replace(
            page,
            since_ms=page.since_ms if page.reached_ms else now_ms,  # it has its minute anew
            given_back_ms=now_ms,
            reminders=0,
            reminders_before=page.reminders_before + page.reminders,
        )
    return page, Said(handed)
