"""What a delivery comes to once its call is over: finished, or waiting for its next step. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from correlators.types import PageAction
from sinks.base import Plan, Step
from sinks.carried import carried
from sinks.entries import (
    DeadLetter,
    DeadReason,
    Delivery,
    Dropped,
    DropReason,
    Effect,
    Status,
    Turn,
    letter,
)
from sinks.steps import next_step, penalised, stamp_of

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


def settle(d: Delivery, plan: Plan, now_ms: int, effects: tuple[Effect, ...] = ()) -> Turn:
    """Return the delivery as waiting for its next step, or as finished when there is none."""
    if next_step(d, plan) is not None:
        return Turn(msgspec.structs.replace(d, status=Status.WAITING, changed_ms=now_ms), effects)
    status = Status.DELIVERED
    if d.newest is not None and d.told < d.accepted:
        status = Status.DROPPED
        effects = (*effects, Dropped(d.destination, _why_not(d, d.newest.page)))
    return Turn(rested(d, status, now_ms), effects)


def _why_not(d: Delivery, page: PageAction) -> DropReason:
    """Return why nothing is sent for the newest word of a page."""
    if page is PageAction.TRIGGER:
        return DropReason.ALREADY_PAGED
    if d.root is not None and d.newest is not None and d.newest.page_heard:
        return DropReason.SAID_THERE
    if page is PageAction.RESOLVE:
        return DropReason.RESOLVED_BEFORE_SENT
    there = d.root is not None or d.maybe
    return DropReason.NO_PAGE if there else DropReason.ACKNOWLEDGED_BEFORE_SENT


def rested(d: Delivery, status: Status, now_ms: int) -> Delivery:
    """Return the delivery as finished; a penalty that it heard of still stands."""
    late = d.late_ms > now_ms
    return msgspec.structs.replace(
        d,
        status=status,
        newest=None,
        since_ms=0,
        late_ms=d.late_ms if late else 0,
        late_step=d.late_step if late else None,
        penalties=penalised(d.penalties, None, now_ms),
        changed_ms=now_ms,
        **NO_CALL,
    )


def withdrawn(delivery: Delivery, now_ms: int) -> Turn:
    """Return the waiting delivery as one that is not worth telling any more."""
    dropped = Dropped(delivery.destination, DropReason.SUPERSEDED)
    return Turn(rested(delivery, Status.DROPPED, now_ms), (dropped,))


def waiting(d: Delivery, plan: Plan, now_ms: int, not_before_ms: int) -> Turn:
    """Return the delivery as waiting; what the failed call carried gives way to the newest."""
    effects: tuple[Effect, ...] = ()
    newest = d.newest
    if d.sending is not None and d.step is not Step.EDIT:
        effects = (Dropped(d.destination, DropReason.SUPERSEDED),)
        newest = carried(d.sending, newest) if newest is not None else None
    changed = msgspec.structs.replace(
        d, newest=newest, sending=None, finds=0, deadline_ms=0, not_before_ms=not_before_ms
    )
    return settle(changed, plan, now_ms, effects)


def again(
    d: Delivery,
    plan: Plan,
    now_ms: int,
    *,
    after_ms: int,
    works: bool,
    possible_repeat: bool = False,
    detail: str = "",
) -> Turn:
    """Return the delivery with the step to be made once more, as one that failed."""
    d = msgspec.structs.replace(d, possible_repeat=d.possible_repeat or possible_repeat)
    d = failed(d, plan, works)
    if spent(d, plan, now_ms, works):
        return given_up(d, DeadReason.RETRIES_EXHAUSTED, plan, now_ms, detail=detail)
    return waiting(d, plan, now_ms, now_ms + after_ms)


def failed(d: Delivery, plan: Plan, works: bool) -> Delivery:
    """Return the delivery with one failed call more; `works`: its destination takes other messages.

    Where the destination takes nothing at all it says nothing about this message: at most half of
    its tries are counted then.
    """
    failures = d.failures + 1
    if not works:
        failures = max(d.failures, min(failures, plan.tries // 2))
    return msgspec.structs.replace(d, failures=failures)


def spent(d: Delivery, plan: Plan, now_ms: int, works: bool) -> bool:
    """Return True where a failed delivery is to be given up."""
    return (works and d.failures >= plan.tries) or now_ms - d.started_ms >= plan.give_up_ms


def given_up(d: Delivery, reason: DeadReason, plan: Plan, now_ms: int, *, detail: str = "") -> Turn:
    """Return the delivery with what its call carried as a dead letter, and what is left of it."""
    digest = d.carried
    assert digest is not None, "nothing was being sent"
    attempts = d.failures + (reason is not DeadReason.RETRIES_EXHAUSTED)
    dead = letter(
        digest,
        reason,
        now_ms,
        detail=detail,
        step=d.step,
        attempts=attempts,
        possible_repeat=d.possible_repeat,
    )
    if d.step is Step.EDIT:
        d = msgspec.structs.replace(d, shown=stamp_of(digest, plan))
    elif d.sending is None:
        return Turn(rested(d, Status.DEAD, now_ms), (dead,))
    return settle(msgspec.structs.replace(d, **NO_CALL), plan, now_ms, (dead,))


def uncertain(d: Delivery, plan: Plan) -> Delivery:
    """Return the delivery knowing that a pager's alert may be open or not.

    Then a trigger is sent even if one was sent before, and so is a resolve: neither does harm.
    """
    return msgspec.structs.replace(d, root=None, maybe=True) if plan.pages else d


def orphaned(entry: Delivery, now_ms: int) -> tuple[Delivery, DeadLetter]:
    """Return the unfinished entry of a destination that is configured no longer, given up."""
    assert entry.newest is not None, "an unfinished delivery has something to send"
    dead = msgspec.structs.replace(entry, status=Status.DEAD, newest=None, sending=None)
    calling = entry.status in (Status.ATTEMPTING, Status.UNKNOWN) and entry.sending is None
    return dead, letter(
        entry.newest,
        DeadReason.UNKNOWN_DESTINATION,
        now_ms,
        step=entry.step if calling else None,
        possible_repeat=entry.possible_repeat or calling,
    )
