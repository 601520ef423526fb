"""A delivery that a roll-up tells for it: how it goes in, and how it comes out. Pure.

waiting --cover-->   covered               the roll-up that tells it is to be sent
covered --told-->    delivered | waiting   waiting: a newer revision came meanwhile, or an edit
covered --release--> waiting               its roll-up was given up, or it became too urgent
covered --accept-->  covered               `sinks.delivery`: newest revision wins
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.personal import Deed
from correlators.types import Digest, DigestKind, PageAction
from sinks.base import Plan, Receipt, Step
from sinks.entries import Delivery, Dropped, DropReason, Effect, Status, Turn
from sinks.settle import NO_CALL, settle
from sinks.stamps import Stamp
from sinks.steps import next_step

KINDS: Final = frozenset(
    {
        DigestKind.OPENED,
        DigestKind.UPDATED,
        DigestKind.JOINED,
        DigestKind.RESOLVED,
        DigestKind.REOPENED,
        DigestKind.PARTED,
    }
)
"""What a roll-up may tell: the life of an incident. What people do or have asked for is told."""


def coverable(entry: Delivery, plan: Plan) -> bool:
    """Return True where a roll-up may tell what this delivery waits to tell.

    Never a page, nor a storm, nor what somebody was paged for. Nothing of which a call may have
    arrived already. Nothing that a roll-up told and that is back or grows: that gets a message.
    """
    newest = entry.newest
    if not plan.rollup or plan.pages or newest is None or entry.is_rollup or entry.alone:
        return False
    if entry.status is not Status.WAITING or entry.possible_repeat or not foldable(newest):
        return False
    if entry.thread is not None and entry.root is None and _louder(newest):
        return False
    return next_step(entry, plan) in (Step.POST, Step.REPLY) and entry.told < entry.accepted


def foldable(digest: Digest) -> bool:
    """Return True for a digest that may be told among others; of what one person is told that
    is what they are assigned to."""
    if digest.personal is not None:
        return digest.personal.deed is Deed.ASSIGNED
    return not (
        digest.storm
        or digest.paged
        or digest.page is not PageAction.NONE
        or digest.kind not in KINDS
        or digest.notes
    )


def cover(entry: Delivery, rollup: str, now_ms: int) -> Turn:
    """Return the delivery as told by this roll-up, in its newest revision, once that is sent."""
    effects: tuple[Effect, ...] = ()
    if entry.status is Status.COVERED and entry.covered < entry.accepted:
        effects = (Dropped(entry.destination, DropReason.SUPERSEDED),)
    elif entry.status is Status.COVERED and entry.rollup == rollup:
        return Turn(entry)
    changed = msgspec.structs.replace(
        entry,
        **{**NO_CALL, "failures": entry.failures},
        status=Status.COVERED,
        rollup=rollup,
        covered=entry.accepted,
        changed_ms=now_ms,
    )
    return Turn(changed, effects)


def told(entry: Delivery, receipt: Receipt, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery after its roll-up was sent, with what is left to tell."""
    changed = msgspec.structs.replace(
        entry,
        **NO_CALL,
        told=entry.covered,
        covered=Stamp(),
        thread=receipt if entry.root is None else None,
        # What came in later waits since now: what it says is told once already.
        since_ms=now_ms,
    )
    return settle(changed, plan, now_ms, (Dropped(entry.destination, DropReason.ROLLED_UP),))


def release(entry: Delivery, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery as waiting for a message of its own, and for no roll-up any more."""
    effects: tuple[Effect, ...] = ()
    if entry.covered < entry.accepted:
        effects = (Dropped(entry.destination, DropReason.SUPERSEDED),)
    changed = msgspec.structs.replace(
        entry, **NO_CALL, rollup="", covered=Stamp(), alone=True, status=Status.WAITING
    )
    return settle(changed, plan, now_ms, effects)


def too_urgent(entry: Delivery) -> bool:
    """Return True for a covered delivery that should not wait for its roll-up any more."""
    newest = entry.newest
    assert newest is not None, "what is covered has something to tell"
    return entry.covered < entry.accepted and (not foldable(newest) or _louder(newest))


def _louder(digest: Digest) -> bool:
    return digest.escalating or digest.kind is DigestKind.REOPENED
