"""What a delivery sends next, how urgent that is and how long to wait. No transition."""

from __future__ import annotations

from typing import Final

import msgspec
import xxhash

from correlators.types import NOTICES, Digest, DigestKind, PageAction
from sinks.base import Limit, Plan, Step
from sinks.entries import Delivery, Penalty, Status
from sinks.stamps import ACKNOWLEDGED, RESOLVED, Stamp

_RANKS: Final = {
    PageAction.NONE: 0,
    PageAction.TRIGGER: 0,
    PageAction.ACKNOWLEDGE: ACKNOWLEDGED,
    PageAction.UNACKNOWLEDGE: ACKNOWLEDGED,
    PageAction.RESOLVE: RESOLVED,
}

_OPENS: Final = (PageAction.TRIGGER, PageAction.UNACKNOWLEDGE)
"""What a page at a chat may begin with."""

GRACE_MS: Final = 1_000
"""How long after its deadline a call may still be carried out; only then it is looked up."""

SURE_MS: Final = 5_000
"""How long after that a look-up which finds nothing is believed: what a service lists may lag."""


def name_of(digest: Digest, plan: Plan) -> str:
    """Return what its delivery is kept under: a page outlives the digest that opened it.

    A notice is one delivery for its page, and for a page that did not get through also for each
    destination that it was for. Changes of one part of an issue are one delivery, whichever
    incident they were decided about: the newest wins.
    """
    if digest.issue_change is not None:
        if digest.kind is DigestKind.ISSUE_TROUBLE:
            return f"{digest.id}~sentry.{digest.issue_change.does}"
        return digest.issue_change.name
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


def elsewhere(digest: Digest) -> str:
    """Return where the page is that goes on for a resolved one, empty if at its own destination."""
    places = digest.page_after_to
    return "" if not places or digest.destination in places else places[0]


def is_page(digest: Digest, plan: Plan) -> bool:
    """Return whether it asks something of somebody who is paged, at a pager or at a chat."""
    return plan.pages or digest.page is not PageAction.NONE


def stamp_of(digest: Digest, plan: Plan) -> Stamp:
    """Return the place of a revision among those of its delivery.

    Under a page key digests of several ids follow one another, in time; an id has at most one
    revision in a tick, and of two ids in one tick the acknowledgement is a later word than the
    trigger, and the resolve the last. Of a part of an issue at most one change is asked for in a
    tick.
    """
    if digest.issue_change is not None:
        return Stamp(digest.at_ms, 0, digest.revision)
    if is_page(digest, plan):
        back = digest.page is PageAction.UNACKNOWLEDGE
        return Stamp(digest.at_ms, _RANKS[digest.page], digest.revision, back)
    return Stamp(0, 0, digest.revision)


def next_step(delivery: Delivery, plan: Plan) -> Step | None:
    """Return what has to be sent next, or None when the destination knows the newest revision.

    What a roll-up told has no message of its own. Its end is a reply in the roll-up's thread: who
    reads there sees what is left, and nobody needs a first message about something over. Other news
    of it is worth a first message, with a thread of its own: it goes on, and somebody may take it.
    """
    newest = delivery.newest
    if newest is None:
        return None
    if newest.kind in NOTICES:
        return Step.POST if delivery.told < delivery.accepted else None
    if is_page(newest, plan):
        there = delivery.root is not None or delivery.maybe
        if newest.page is PageAction.TRIGGER:
            return _first(plan) if delivery.root is None else None
        if delivery.root is None and _pages_anew(delivery, newest):
            return _first(plan)
        if not there:
            return None
        if plan.pages:
            return _page_step(delivery, newest, plan)
    news = delivery.told < delivery.accepted
    if delivery.root is None and delivery.thread is not None:
        if not news:
            return None
        return Step.REPLY if newest.resolved and Step.REPLY in plan.steps else Step.POST
    if delivery.root is None:
        return Step.POST
    if news:
        return Step.REPLY if Step.REPLY in plan.steps else Step.POST
    if Step.EDIT in plan.steps and delivery.shown < delivery.accepted:
        return Step.EDIT
    return None


def _first(plan: Plan) -> Step:
    return Step.TRIGGER if plan.pages else Step.POST


def _pages_anew(delivery: Delivery, newest: Digest) -> bool:
    """Return whether it is to page after all: its acknowledgement, for which it was not sent, or
    nobody knows whether it was, is taken back. Where somebody was paged instead it is tried on, as
    it was before."""
    back = newest.page is PageAction.UNACKNOWLEDGE
    return back and delivery.page is not None and not delivery.page.reached_ms


def as_sent(digest: Digest, step: Step | None) -> Digest:
    """Return the digest as this step tells it: what a page begins with is a page."""
    if digest.page is PageAction.UNACKNOWLEDGE and step in (Step.POST, Step.TRIGGER):
        return msgspec.structs.replace(digest, page=PageAction.TRIGGER)
    return digest


def _page_step(delivery: Delivery, newest: Digest, plan: Plan) -> Step | None:
    """Return what a pager that has the page, or may have it, is to hear of what came after.

    It is not told of an acknowledgement that it told of itself, nor of an end. But where a trigger
    may still arrive, that opens the page again after whatever was said of it.
    """
    if newest.page is PageAction.RESOLVE:
        return None if newest.page_heard and _surely_there(delivery) else Step.RESOLVE
    if newest.page is not PageAction.ACKNOWLEDGE:
        return None  # that it was taken back is nothing that a pager can be told
    news = delivery.told < delivery.accepted and not newest.page_heard
    return Step.ACKNOWLEDGE if news and Step.ACKNOWLEDGE in plan.steps else None


def _surely_there(delivery: Delivery) -> bool:
    sure = delivery.root is not None and not delivery.maybe
    return sure and delivery.late_step is not Step.TRIGGER


def free_ms(delivery: Delivery, plan: Plan) -> int:
    """Return when its next call may be made, as far as its own calls before decide it.

    A call of unknown outcome may be carried out until `late_ms`. Until then another step waits: a
    trigger that came after its resolve would page for what is over. Of edits it is the next one
    that waits: a late one would show an older state for good; replies are none the worse for it.
    """
    again = next_step(delivery, plan) is delivery.late_step
    waits = again if delivery.late_step is Step.EDIT else not again
    return max(delivery.not_before_ms, delivery.late_ms if waits else 0)


def ask_until_ms(delivery: Delivery, plan: Plan, *, failing_ms: int | None, started_ms: int) -> int:
    """Return when a step of unknown outcome is made again although nobody could tell.

    Args:
        delivery: of unknown outcome.
        plan: of its destination.
        failing_ms: when a look-up first failed here; None: none did so far. Then the queue of
            look-ups may be long, and it takes four times as long.
        started_ms: since when this owner can ask.
    """
    if not plan.find:
        return delivery.late_ms
    if failing_ms is not None:
        return failing_ms + plan.ask_ms
    return max(delivery.late_ms, started_ms) + 4 * plan.ask_ms


def urgency(delivery: Delivery, plan: Plan) -> int:
    """Return the rank in a bucket's queue: pages, first digests, resolves, updates, edits.

    A storm's update does not wait behind those of single incidents; what is in the background waits
    behind everything.
    """
    if plan.background:
        return 6
    unknown = delivery.status is Status.UNKNOWN
    step = delivery.step if unknown else next_step(delivery, plan)
    carried = delivery.carried if unknown else delivery.newest
    if step is Step.TRIGGER:
        return 0
    if step is Step.POST and carried is not None and carried.page in _OPENS:
        return 0
    if step is Step.POST and delivery.root is None:
        return 1
    if step is Step.EDIT:
        return 5
    if carried is None:
        return 4
    if carried.resolved or carried.page not in (PageAction.NONE, PageAction.TRIGGER):
        return 2
    return 3 if carried.storm else 4


def limits_of(entry: Delivery, plan: Plan) -> tuple[Limit, ...]:
    """Return the limits of the entry's running call, or else of its next one."""
    if entry.status is Status.UNKNOWN and plan.find:
        return plan.find
    running = entry.status in (Status.ATTEMPTING, Status.UNKNOWN)
    step = entry.step if running else next_step(entry, plan)
    assert step is not None, "a finished delivery has no call"
    return limits_for(plan, step, entry.carried if running else entry.newest)


def limits_for(plan: Plan, step: Step, digest: Digest | None) -> tuple[Limit, ...]:
    """Return the limits of a step that tells this digest."""
    woken = digest is not None and (digest.paged or digest.page in _OPENS) and not digest.resolved
    return plan.urgent if plan.urgent and woken and step is Step.POST else plan.steps[step]


def backoff_ms(delivery: Delivery, plan: Plan) -> int:
    """Return a wait of 1 ms up to base times two per failure, capped; a function of the attempt."""
    top = min(
        plan.retry_cap_ms, plan.retry_base_ms << min(max(delivery.failures, delivery.finds), 20)
    )
    return 1 + xxhash.xxh64_intdigest(f"{delivery.key}|{delivery.number}".encode()) % top


def penalised(
    penalties: tuple[Penalty, ...], heard: Penalty | None, now_ms: int
) -> tuple[Penalty, ...]:
    """Return the penalties that still stand, with one more that was heard; never shortened."""
    found = {(one.scope, one.method): one for one in penalties if one.until_ms > now_ms}
    if heard is not None and heard.until_ms > now_ms:
        known = found.get((heard.scope, heard.method))
        if known is None or known.until_ms < heard.until_ms:
            found[heard.scope, heard.method] = heard
    return tuple(found[name] for name in sorted(found))
