"""One delivery and every transition of it. Pure: no clock, no I/O, no chance.

A delivery is all that one destination is told of one digest (for a pager: under one page key). It
holds the newest revision that is not yet told in full and what the destination knows already; from
these two `next_step` follows. A status changes here and nowhere else:

    waiting    --begin-->   attempting          written down before the call is made
    attempting --answered-> delivered | waiting (next step, retry) | unknown | dead
    attempting --expired--> unknown             its answer never came; also after a crash
    unknown    --begin-->   unknown             a look-up; waiting, where a step may be repeated
    unknown    --answered-> delivered | waiting
    any        --accept-->  the same, or waiting: newest revision wins, a running call keeps its own

`delivered`, `dropped` and `dead` are finished; a newer revision makes them `waiting` again.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from correlators.types import Digest, PageAction
from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
    Delivered,
    Gone,
    NotFound,
    Plan,
    Receipt,
    Rejected,
    Retry,
    RetryReason,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.entries import (
    FINISHED,
    DeadReason,
    Delivery,
    Dropped,
    DropReason,
    Effect,
    Stamp,
    Status,
    Turn,
    letter,
)
from sinks.steps import (
    backoff_ms,
    is_page,
    name_of,
    next_step,
    penalty_after,
    stamp_of,
    standing,
    under_of,
)

GRACE_MS: Final = 1_000
"""How long after a call its unknown outcome is looked up: it may be carried out a moment late."""

NO_CALL: Final[dict[str, Any]] = {
    "sending": None,
    "step": None,
    "failures": 0,
    "finds": 0,
    "possible_repeat": False,
    "started_ms": 0,
    "not_before_ms": 0,
    "deadline_ms": 0,
}
"""A delivery whose last call is over and settled."""


def accept(known: Delivery | None, digest: Digest, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery after one more revision; the same or an older one changes nothing."""
    stamp = stamp_of(digest, plan)
    over = known is not None and known.ended and digest.page is PageAction.ACKNOWLEDGE
    if known is not None and (stamp <= known.accepted or over):
        return Turn(known, (Dropped(digest.destination, DropReason.REPEATED),))
    if known is None:
        known = Delivery(
            destination=digest.destination,
            name=name_of(digest, plan),
            status=Status.DELIVERED,
            accepted=stamp,
            under=under_of(digest),
        )
    effects: tuple[Effect, ...] = ()
    calling = known.status in (Status.ATTEMPTING, Status.UNKNOWN)
    sending = known.sending
    if calling and sending is None:
        sending = known.newest
    elif known.newest is not None and known.told < known.accepted:
        effects = (Dropped(digest.destination, DropReason.SUPERSEDED),)
    fresh = known.status in FINISHED
    after = digest.page_after if is_page(digest, plan) else ""
    changed = msgspec.structs.replace(
        known,
        accepted=stamp,
        newest=digest,
        sending=sending if calling else None,
        since_ms=now_ms if fresh else known.since_ms,
        failures=0 if fresh else known.failures,
        changed_ms=now_ms,
        after=after,
        after_ms=now_ms if after else 0,
    )
    if calling:
        return Turn(changed, effects)
    return _settle(changed, plan, now_ms, effects)


def begin(delivery: Delivery, plan: Plan, now_ms: int) -> tuple[Delivery, Attempt]:
    """Return the delivery with its next call written down, and that call.

    It is `waiting`, or `unknown` and to be looked up.
    """
    find = delivery.status is Status.UNKNOWN
    step = delivery.step if find else next_step(delivery, plan)
    digest = delivery.carried if find else delivery.newest
    assert step is not None, "nothing to send"
    assert digest is not None, "nothing to send"
    again = step is delivery.step
    changed = msgspec.structs.replace(
        delivery,
        status=Status.UNKNOWN if find else Status.ATTEMPTING,
        step=step,
        number=delivery.number + 1,
        failures=delivery.failures if again else 0,
        finds=delivery.finds + 1 if find else 0,
        started_ms=delivery.started_ms if again else now_ms,
        deadline_ms=now_ms + plan.attempt_ms,
        not_before_ms=now_ms + plan.attempt_ms + GRACE_MS if find else 0,
        penalty=standing(delivery.penalty, now_ms),
        changed_ms=now_ms,
    )
    attempt = Attempt(
        key=delivery.key,
        number=changed.number,
        destination=delivery.destination,
        step=step,
        find=find,
        digest=digest,
        root=delivery.root,
        started_ms=changed.started_ms,
        deadline_ms=changed.deadline_ms,
        possible_repeat=delivery.possible_repeat,
    )
    return changed, attempt


def expired(delivery: Delivery, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery whose call is past its deadline without an answer."""
    return _unknown(delivery, Unknown(UnknownReason.NO_ANSWER), plan, now_ms)


def unfindable(delivery: Delivery, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery whose outcome nobody can tell: the step is made again and says so.

    A page at a chat that is over meanwhile is not repeated, but its end is told: it may stand
    there.
    """
    carried = delivery.carried
    if carried is not None and carried.page is PageAction.TRIGGER:
        delivery = msgspec.structs.replace(delivery, maybe=True)
    return _again(delivery, plan, now_ms, after_ms=0, possible_repeat=True)


def answered(delivery: Delivery, answer: Answer, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery after the answer to its running call or look-up."""
    outcome = answer.outcome
    match outcome:
        case Delivered():
            return _delivered(delivery, outcome.receipt, plan, now_ms)
        case Retry() if delivery.status is Status.UNKNOWN:
            # A look-up that was not made proves nothing: the step must not be repeated for it.
            unsaid = CannotTell(outcome.reason, outcome.after_ms, outcome.scope)
            return _cannot_tell(delivery, unsaid, plan, now_ms)
        case Retry():
            return _refused(delivery, outcome, plan, now_ms)
        case Rejected():
            reason = DeadReason(outcome.reason.value)
            return _given_up(delivery, reason, plan, now_ms, detail=outcome.detail)
        case Gone():
            # The post that follows tells and shows all.
            alone = msgspec.structs.replace(delivery, root=None, under="")
            return _waiting(alone, plan, now_ms, now_ms)
        case Unknown():
            return _unknown(delivery, outcome, plan, now_ms)
        case NotFound():
            return _again(delivery, plan, now_ms, after_ms=0)
        case CannotTell():
            return _cannot_tell(delivery, outcome, plan, now_ms)


def _settle(d: Delivery, plan: Plan, now_ms: int, effects: tuple[Effect, ...] = ()) -> Turn:
    """Return the delivery as waiting for its next step, or as finished when there is none."""
    if next_step(d, plan) is not None:
        return Turn(msgspec.structs.replace(d, status=Status.WAITING, changed_ms=now_ms), effects)
    status = Status.DELIVERED
    if d.newest is not None and d.told < d.accepted:
        status = Status.DROPPED
        effects = (*effects, Dropped(d.destination, _why_not(d, d.newest.page)))
    return Turn(_rested(d, status, now_ms), effects)


def _why_not(d: Delivery, page: PageAction) -> DropReason:
    """Return why nothing is sent for the newest word of a page."""
    if page is PageAction.TRIGGER:
        return DropReason.ALREADY_PAGED
    if page is PageAction.RESOLVE:
        return DropReason.RESOLVED_BEFORE_SENT
    there = d.root is not None or d.maybe
    return DropReason.NO_PAGE if there else DropReason.ACKNOWLEDGED_BEFORE_SENT


def _rested(d: Delivery, status: Status, now_ms: int) -> Delivery:
    return msgspec.structs.replace(
        d,
        status=status,
        newest=None,
        since_ms=0,
        penalty=standing(d.penalty, now_ms),
        changed_ms=now_ms,
        **NO_CALL,
    )


def _delivered(d: Delivery, receipt: Receipt, plan: Plan, now_ms: int) -> Turn:
    digest = d.carried
    assert digest is not None, "an answer without a call"
    stamp = stamp_of(digest, plan)
    root, told, shown = d.root, d.told, d.shown
    match d.step:
        case Step.POST | Step.TRIGGER:
            root, told, shown = receipt, stamp, stamp
        case Step.REPLY:
            told = stamp
            if receipt.top:
                root, shown = receipt, Stamp()
        case Step.EDIT:
            shown = stamp
        case Step.ACKNOWLEDGE:
            root, told, shown = d.root or receipt, stamp, stamp
        case Step.RESOLVE:
            root, told, shown = None, stamp, stamp
    changed = msgspec.structs.replace(
        d,
        root=root,
        told=told,
        shown=shown,
        maybe=False,
        **NO_CALL,
    )
    return _settle(changed, plan, now_ms)


def _refused(d: Delivery, retry: Retry, plan: Plan, now_ms: int) -> Turn:
    if retry.reason is RetryReason.UNAVAILABLE:
        d = _uncertain(d, plan)
    failures = d.failures + (retry.scope is None)
    if failures >= plan.tries or now_ms - d.started_ms >= plan.give_up_ms:
        return _given_up(d, DeadReason.RETRIES_EXHAUSTED, plan, now_ms, detail=retry.reason)
    d = msgspec.structs.replace(d, failures=failures, penalty=penalty_after(d, plan, retry, now_ms))
    # A penalty holds the bucket, not the delivery: its next step may be one that is free.
    after_ms = 0 if retry.scope else max(retry.after_ms, backoff_ms(d, plan))
    return _waiting(d, plan, now_ms, now_ms + after_ms)


def _unknown(d: Delivery, outcome: Unknown, plan: Plan, now_ms: int) -> Turn:
    if d.step in plan.repeatable:
        return _again(
            _uncertain(d, plan), plan, now_ms, after_ms=backoff_ms(d, plan), detail=outcome.reason
        )
    changed = msgspec.structs.replace(
        d,
        status=Status.UNKNOWN,
        not_before_ms=max(now_ms, min(now_ms, d.deadline_ms) + GRACE_MS),
        changed_ms=now_ms,
    )
    return Turn(changed)


def _uncertain(d: Delivery, plan: Plan) -> Delivery:
    """Return the delivery knowing that a pager's alert may be open or not.

    Then a trigger is sent even if one was sent before, and so is a resolve: neither does harm.
    """
    return msgspec.structs.replace(d, root=None, maybe=True) if plan.pages else d


def _again(
    d: Delivery,
    plan: Plan,
    now_ms: int,
    *,
    after_ms: int,
    possible_repeat: bool = False,
    detail: str = "",
) -> Turn:
    """Return the delivery with the step to be made once more, as one that failed."""
    d = msgspec.structs.replace(d, possible_repeat=d.possible_repeat or possible_repeat)
    failures = d.failures + 1
    if failures >= plan.tries or now_ms - d.started_ms >= plan.give_up_ms:
        return _given_up(d, DeadReason.RETRIES_EXHAUSTED, plan, now_ms, detail=detail)
    changed = msgspec.structs.replace(d, failures=failures)
    return _waiting(changed, plan, now_ms, now_ms + after_ms)


def _cannot_tell(d: Delivery, outcome: CannotTell, plan: Plan, now_ms: int) -> Turn:
    after_ms = max(outcome.after_ms, backoff_ms(d, plan))
    changed = msgspec.structs.replace(
        d,
        not_before_ms=now_ms + after_ms,
        penalty=penalty_after(d, plan, outcome, now_ms),
        changed_ms=now_ms,
    )
    return Turn(changed)


def _waiting(d: Delivery, plan: Plan, now_ms: int, not_before_ms: int) -> Turn:
    """Return the delivery as waiting; what the failed call carried gives way to the newest."""
    effects: tuple[Effect, ...] = ()
    if d.sending is not None and d.step is not Step.EDIT:
        effects = (Dropped(d.destination, DropReason.SUPERSEDED),)
    changed = msgspec.structs.replace(
        d, sending=None, finds=0, deadline_ms=0, not_before_ms=not_before_ms
    )
    return _settle(changed, plan, now_ms, effects)


def _given_up(
    d: Delivery, reason: DeadReason, plan: Plan, now_ms: int, *, detail: str = ""
) -> Turn:
    digest = d.carried
    assert digest is not None, "nothing was being sent"
    dead = letter(
        digest,
        reason,
        now_ms,
        detail=detail,
        step=d.step,
        attempts=d.failures + 1,
        possible_repeat=d.possible_repeat,
    )
    if d.step is Step.EDIT:
        d = msgspec.structs.replace(d, shown=stamp_of(digest, plan))
    elif d.sending is None:
        return Turn(_rested(d, Status.DEAD, now_ms), (dead,))
    return _settle(msgspec.structs.replace(d, **NO_CALL), plan, now_ms, (dead,))
