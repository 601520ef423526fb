"""What a delivery makes of a dead letter that is sent again. Pure, like `sinks.delivery`.

A letter is an old word, and the outbox refuses what it has heard. So here it is said when it is
heard anew:

    the entry knows                         the letter is
    nothing, or only older revisions        taken, as any digest
    this revision, given up                 taken: in the thread, where there is one
    this revision, told or on its way       repeated
    a newer revision, told or given up      superseded
    for a page: that it is over             over

So a revision is never told after a newer one, nor twice; and nobody is woken for what has ended.
"""

from __future__ import annotations

import msgspec

from correlators.types import Digest, PageAction
from sinks import delivery as transitions
from sinks.base import Plan, Step
from sinks.entries import FINISHED, Delivery, Status, Turn
from sinks.marks import Redrive, RedriveOutcome, Taken
from sinks.settle import NO_CALL
from sinks.stamps import Stamp
from sinks.steps import name_of, stamp_of


def redriven(
    known: Delivery | None, digest: Digest, redrive: Redrive, plan: Plan, now_ms: int
) -> Turn:
    """Return the delivery after a dead letter was sent again; the effects say what became of it.

    Handed in twice, the second changes nothing.

    Args:
        known: the entry of this digest at this destination, if there is one.
        digest: the letter's, with the destination that it is sent to now.
        redrive: which letter it is.
        plan: of that destination.
        now_ms: now.
    """
    if known is not None:
        refused = _refused(known, digest, redrive, plan)
        if refused is not None:
            return Turn(known, (taken(digest, redrive, refused, now_ms),))
    rested = known is None or known.status in FINISHED
    turn = transitions.accept(_anew(known, digest, redrive, plan), digest, plan, now_ms)
    changed = turn.delivery
    outcome = RedriveOutcome.TAKEN
    if changed.status in FINISHED:
        # Nothing is to be sent: a page that is open already, or the end of one that is not.
        triggers = digest.page is PageAction.TRIGGER
        outcome = RedriveOutcome.REPEATED if triggers else RedriveOutcome.OVER
    changed = msgspec.structs.replace(
        changed,
        redriven=redrive.letter,
        possible_repeat=redrive.possible_repeat
        if rested and changed.status is Status.WAITING
        else changed.possible_repeat,
    )
    return Turn(changed, (*turn.effects, taken(digest, redrive, outcome, now_ms)))


def taken(digest: Digest, redrive: Redrive, outcome: RedriveOutcome, now_ms: int) -> Taken:
    """Return what became of a letter, to be noted behind it."""
    return Taken(
        letter=redrive.letter,
        partition=redrive.partition,
        destination=digest.destination,
        outcome=outcome,
        at_ms=now_ms,
    )


def _refused(
    known: Delivery, digest: Digest, redrive: Redrive, plan: Plan
) -> RedriveOutcome | None:
    """Return why the letter is not sent; None where it is."""
    stamp = stamp_of(digest, plan)
    if known.redriven == redrive.letter:
        return RedriveOutcome.REPEATED
    if known.accepted > stamp:
        over = known.ended and digest.page is PageAction.TRIGGER
        return RedriveOutcome.OVER if over else RedriveOutcome.SUPERSEDED
    if known.accepted < stamp or known.status is Status.DEAD:
        return None
    if known.status in FINISHED and redrive.step is Step.EDIT and known.root is not None:
        return None
    return RedriveOutcome.REPEATED


def _anew(known: Delivery | None, digest: Digest, redrive: Redrive, plan: Plan) -> Delivery | None:
    """Return the entry as if this revision had not been heard of."""
    if known is None:
        if plan.pages and digest.page is PageAction.RESOLVE:
            # Forgotten by now: the alert may be open, and to end it once more does no harm.
            return Delivery(
                destination=digest.destination,
                name=name_of(digest, plan),
                status=Status.DELIVERED,
                accepted=Stamp(),
                maybe=True,
            )
        return None
    if known.status not in FINISHED:
        return known
    return msgspec.structs.replace(
        known,
        accepted=Stamp(),
        shown=Stamp() if redrive.step is Step.EDIT else known.shown,
        **NO_CALL,
    )
