"""One delivery and every transition of it. Pure: no clock, no I/O, no chance.

A delivery is all that one destination is told of one digest (for a pager: under one page key). It
holds the newest revision that is not yet told in full and what the destination knows already; from
these two `next_step` follows. A status changes here and nowhere else:

    waiting    --begin-->   attempting          written down before the call is made
    attempting --answered-> delivered | waiting (next step, retry) | unknown | dead
    attempting --expired--> unknown             its answer never came; also after a crash
    unknown    --begin-->   unknown             a look-up; waiting, where a step may be repeated
    unknown    --answered-> delivered | waiting
    unknown    --unfindable-> waiting           nobody could tell in time: made again, and marked
    any        --accept-->  the same, or waiting: newest revision wins, a running call keeps its own

A waiting delivery may also be told by a roll-up: `sinks.covered`.

`delivered`, `dropped` and `dead` are finished; a newer revision makes them `waiting` again. Dead at
once is what a service refuses for good. What it cannot take now waits; it is given up only where
the destination takes other messages and this one failed `tries` times, or after `give_up_ms`.
"""

from __future__ import annotations

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
from sinks.carried import carried
from sinks.entries import (
    FINISHED,
    DeadReason,
    Delivery,
    Dropped,
    DropReason,
    Effect,
    Penalty,
    Status,
    Turn,
)
from sinks.settle import (
    NO_CALL,
    again,
    failed,
    given_up,
    settle,
    spent,
    uncertain,
    waiting,
)
from sinks.stamps import ACKNOWLEDGED, Stamp
from sinks.steps import (
    GRACE_MS,
    SURE_MS,
    as_sent,
    backoff_ms,
    elsewhere,
    is_page,
    name_of,
    next_step,
    penalised,
    stamp_of,
    under_of,
)


def accept(known: Delivery | None, digest: Digest, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery after one more revision; the same or an older one changes nothing."""
    stamp = stamp_of(digest, plan)
    over = known is not None and known.ended and stamp.rank == ACKNOWLEDGED
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
    covered = known.status is Status.COVERED
    sending = known.sending
    if calling and sending is None:
        sending = known.newest
    elif covered and known.covered == known.accepted:
        pass  # its roll-up tells that one
    elif known.newest is not None and known.told < known.accepted:
        effects = (Dropped(digest.destination, DropReason.SUPERSEDED),)
        digest = carried(known.newest, digest)
    fresh = known.status in FINISHED
    after = digest.page_after if is_page(digest, plan) else ""
    changed = msgspec.structs.replace(
        known,
        accepted=stamp,
        newest=digest,
        sending=sending if calling else None,
        since_ms=known.since_ms if known.told < known.accepted and not fresh else now_ms,
        failures=0 if fresh else known.failures,
        changed_ms=now_ms,
        after=after,
        after_ms=now_ms if after else 0,
        after_at=elsewhere(digest),
        asked="",
    )
    if calling or covered:
        return Turn(changed, effects)
    return settle(changed, plan, now_ms, effects)


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
        penalties=penalised(delivery.penalties, None, now_ms),
        changed_ms=now_ms,
    )
    of_rollup = step is Step.REPLY and delivery.root is None
    attempt = Attempt(
        key=delivery.key,
        number=changed.number,
        destination=delivery.destination,
        step=step,
        find=find,
        digest=as_sent(digest, step),
        root=delivery.thread if of_rollup else delivery.root,
        started_ms=changed.started_ms,
        deadline_ms=changed.deadline_ms,
        possible_repeat=delivery.possible_repeat,
        of_rollup=of_rollup,
    )
    return changed, attempt


def expired(delivery: Delivery, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery whose call is past its deadline without an answer."""
    return _unknown(delivery, Unknown(UnknownReason.NO_ANSWER), plan, now_ms, works=False)


def unfindable(delivery: Delivery, plan: Plan, now_ms: int) -> Turn:
    """Return the delivery whose outcome nobody can tell: the step is made again and says so.

    A page at a chat that is over meanwhile is not repeated, but its end is told: it may stand
    there.
    """
    carried = delivery.carried
    if carried is not None and as_sent(carried, delivery.step).page is PageAction.TRIGGER:
        delivery = msgspec.structs.replace(delivery, maybe=True)
    return again(delivery, plan, now_ms, after_ms=0, works=False, possible_repeat=True)


def answered(
    delivery: Delivery,
    answer: Answer,
    plan: Plan,
    now_ms: int,
    *,
    heard: Penalty | None = None,
    works: bool = True,
) -> Turn:
    """Return the delivery after the answer to its running call or look-up.

    Args:
        delivery: attempting, or unknown.
        answer: to its last call.
        plan: of its destination.
        now_ms: when it came.
        heard: the penalty that the answer brought; it outlives the delivery's end.
        works: the destination takes other messages.
    """
    penalties = penalised(delivery.penalties, heard, now_ms)
    d = msgspec.structs.replace(delivery, penalties=penalties)
    outcome = answer.outcome
    match outcome:
        case Delivered():
            return _delivered(d, outcome.receipt, plan, now_ms)
        case Retry() if d.status is Status.UNKNOWN:
            # A look-up that was not made proves nothing: the step must not be repeated for it.
            return _cannot_tell(d, outcome.after_ms, plan, now_ms)
        case Retry():
            return _refused(d, outcome, plan, now_ms, works=works)
        case Rejected():
            reason = DeadReason(outcome.reason.value)
            return given_up(d, reason, plan, now_ms, detail=outcome.detail)
        case Gone():
            # The post that follows tells and shows all.
            alone = msgspec.structs.replace(d, root=None, thread=None, under="")
            return waiting(alone, plan, now_ms, now_ms)
        case Unknown():
            return _unknown(d, outcome, plan, now_ms, works=works)
        case NotFound() if _too_early(d, answer, now_ms):
            sure_ms = max(now_ms, d.late_ms + SURE_MS)
            return Turn(
                msgspec.structs.replace(d, not_before_ms=sure_ms, deadline_ms=0, changed_ms=now_ms)
            )
        case NotFound():
            return again(d, plan, now_ms, after_ms=0, works=works)
        case CannotTell():
            return _cannot_tell(d, outcome.after_ms, plan, now_ms)


def _too_early(d: Delivery, answer: Answer, now_ms: int) -> bool:
    """Return whether what a look-up did not find may be there all the same: it was made too soon,
    or so soon that only waiting for its answer to be taken in made it late."""
    sure_ms = d.late_ms + SURE_MS
    return now_ms < sure_ms or (now_ms > d.deadline_ms and answer.began_ms < sure_ms)


def _delivered(d: Delivery, receipt: Receipt, plan: Plan, now_ms: int) -> Turn:
    digest = d.carried
    assert digest is not None, "an answer without a call"
    stamp = stamp_of(digest, plan)
    root, told, shown, thread = d.root, d.told, d.shown, d.thread
    match d.step:
        case Step.POST | Step.TRIGGER:
            root, told, shown, thread = receipt, stamp, stamp, None
        case Step.REPLY:
            told = stamp
            if receipt.top:
                root, shown, thread = receipt, Stamp(), None
        case Step.EDIT:
            shown = stamp
        case Step.ACKNOWLEDGE:
            told = shown = stamp  # it says nothing of whether there was an alert
        case Step.RESOLVE:
            root, told, shown = None, stamp, stamp
    changed = msgspec.structs.replace(
        d,
        root=root,
        told=told,
        shown=shown,
        thread=thread,
        since_ms=d.since_ms if d.sending is None else now_ms,
        alone=False,
        maybe=d.maybe and d.step is Step.ACKNOWLEDGE,
        **NO_CALL,
    )
    return settle(changed, plan, now_ms)


def _refused(d: Delivery, retry: Retry, plan: Plan, now_ms: int, *, works: bool) -> Turn:
    if retry.reason is RetryReason.UNAVAILABLE:
        d = uncertain(d, plan)
    if retry.scope is None and retry.reason is not RetryReason.EXPIRED:
        d = failed(d, plan, works)
    if spent(d, plan, now_ms, works):
        why = retry.detail or retry.reason
        return given_up(d, DeadReason.RETRIES_EXHAUSTED, plan, now_ms, detail=why)
    # A penalty holds the bucket, not the delivery: its next step may be one that is free.
    after_ms = 0 if retry.scope else max(retry.after_ms, backoff_ms(d, plan))
    return waiting(d, plan, now_ms, now_ms + after_ms)


def _unknown(d: Delivery, outcome: Unknown, plan: Plan, now_ms: int, *, works: bool) -> Turn:
    d = msgspec.structs.replace(d, late_ms=d.deadline_ms + GRACE_MS, late_step=d.step)
    if d.step in plan.repeatable:
        after_ms = backoff_ms(d, plan)
        d = uncertain(d, plan)
        return again(d, plan, now_ms, after_ms=after_ms, works=works, detail=outcome.reason)
    changed = msgspec.structs.replace(
        d, status=Status.UNKNOWN, not_before_ms=max(now_ms, d.late_ms), changed_ms=now_ms
    )
    return Turn(changed)


def _cannot_tell(d: Delivery, after_ms: int, plan: Plan, now_ms: int) -> Turn:
    next_ms = now_ms + max(after_ms, backoff_ms(d, plan))
    return Turn(msgspec.structs.replace(d, not_before_ms=next_ms, deadline_ms=0, changed_ms=now_ms))
