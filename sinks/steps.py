"""What a delivery sends next, how urgent that is and how long to wait. No transition."""

from __future__ import annotations

from typing import Final

import xxhash

from correlators.types import NOTICES, Digest, DigestKind, PageAction
from sinks.base import CannotTell, Limit, Plan, Retry, Step
from sinks.entries import ACKNOWLEDGED, RESOLVED, Delivery, Penalty, Stamp, Status

_RANKS: Final = {
    PageAction.NONE: 0,
    PageAction.TRIGGER: 0,
    PageAction.ACKNOWLEDGE: ACKNOWLEDGED,
    PageAction.RESOLVE: RESOLVED,
}


def name_of(digest: Digest, plan: Plan) -> str:
    """Return what its delivery is kept under: a page outlives the digest that opened it.

    A notice is one delivery for its page, and for a page that did not get through also for each
    destination that it was for.
    """
    if digest.kind is DigestKind.REMINDER:
        return f"{digest.page_key}~reminder"
    if digest.kind is DigestKind.PAGE_TROUBLE:
        return f"{digest.page_key}~trouble.{digest.handed_by}"
    return (digest.page_key or digest.id) if is_page(digest, plan) else digest.id


def under_of(digest: Digest) -> str:
    """Return the key of the entry in whose thread a notice is told; empty for anything else."""
    if digest.kind is DigestKind.REMINDER:
        return f"{digest.destination}|{digest.page_key}"
    return f"{digest.destination}|{digest.id}" if digest.kind in NOTICES else ""


def is_page(digest: Digest, plan: Plan) -> bool:
    """Return whether it asks something of somebody who is paged, at a pager or at a chat."""
    return plan.pages or digest.page is not PageAction.NONE


def stamp_of(digest: Digest, plan: Plan) -> Stamp:
    """Return the place of a revision among those of its delivery.

    Under a page key digests of several ids follow one another, in time; an id has at most one
    revision in a tick, and of two ids in one tick the acknowledgement is a later word than the
    trigger, and the resolve the last.
    """
    if is_page(digest, plan):
        return Stamp(digest.at_ms, _RANKS[digest.page], digest.revision)
    return Stamp(0, 0, digest.revision)


def next_step(delivery: Delivery, plan: Plan) -> Step | None:
    """Return what has to be sent next, or None when the destination knows the newest revision."""
    newest = delivery.newest
    if newest is None:
        return None
    if newest.kind in NOTICES:
        return Step.POST if delivery.told < delivery.accepted else None
    if is_page(newest, plan):
        there = delivery.root is not None or delivery.maybe
        if newest.page is PageAction.TRIGGER:
            return _first(plan) if delivery.root is None else None
        if not there:
            return None
        if plan.pages:
            return _page_step(delivery, newest.page, plan)
    if delivery.root is None:
        return Step.POST
    if delivery.told < delivery.accepted:
        return Step.REPLY if Step.REPLY in plan.steps else Step.POST
    if Step.EDIT in plan.steps and delivery.shown < delivery.accepted:
        return Step.EDIT
    return None


def _first(plan: Plan) -> Step:
    return Step.TRIGGER if plan.pages else Step.POST


def _page_step(delivery: Delivery, page: PageAction, plan: Plan) -> Step | None:
    """Return what a pager that has the page, or may have it, is to hear of what came after."""
    if page is PageAction.RESOLVE:
        return Step.RESOLVE
    if Step.ACKNOWLEDGE in plan.steps and delivery.told < delivery.accepted:
        return Step.ACKNOWLEDGE
    return None


def urgency(delivery: Delivery, plan: Plan) -> int:
    """Return the rank in a bucket's queue: pages, first digests, resolves, updates, edits.

    A storm's update does not wait behind those of single incidents.
    """
    unknown = delivery.status is Status.UNKNOWN
    step = delivery.step if unknown else next_step(delivery, plan)
    carried = delivery.carried if unknown else delivery.newest
    if step is Step.TRIGGER:
        return 0
    if step is Step.POST and carried is not None and carried.page is PageAction.TRIGGER:
        return 0
    if step is Step.POST and delivery.root is None:
        return 1
    if step is Step.EDIT:
        return 5
    if carried is None:
        return 4
    if carried.resolved or carried.page in (PageAction.RESOLVE, PageAction.ACKNOWLEDGE):
        return 2
    return 3 if carried.storm else 4


def limits_of(entry: Delivery, plan: Plan) -> tuple[Limit, ...]:
    """Return the limits of the entry's running call, or else of its next one."""
    if entry.status is Status.UNKNOWN and plan.find:
        return plan.find
    running = entry.status in (Status.ATTEMPTING, Status.UNKNOWN)
    step = entry.step if running else next_step(entry, plan)
    assert step is not None, "a finished delivery has no call"
    return plan.steps[step]


def backoff_ms(delivery: Delivery, plan: Plan) -> int:
    """Return a wait of 1 ms up to base times two per failure, capped; a function of the attempt."""
    top = min(
        plan.retry_cap_ms, plan.retry_base_ms << min(max(delivery.failures, delivery.finds), 20)
    )
    return 1 + xxhash.xxh64_intdigest(f"{delivery.key}|{delivery.number}".encode()) % top


def penalty_after(
    delivery: Delivery, plan: Plan, outcome: Retry | CannotTell, now_ms: int
) -> Penalty | None:
    """Return what must stay silent after this answer."""
    if outcome.scope is None:
        return standing(delivery.penalty, now_ms)
    method = limits_of(delivery, plan)[0].name
    return Penalty(outcome.scope, method, now_ms + outcome.after_ms)


def standing(penalty: Penalty | None, now_ms: int) -> Penalty | None:
    """Return the penalty while it lasts."""
    return penalty if penalty is not None and penalty.until_ms > now_ms else None
