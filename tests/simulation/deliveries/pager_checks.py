"""What a pager must have been told in the end: every page, once, and its end after it."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from correlators.types import Digest, PageAction
from sinks.base import Step
from tests.simulation.deliveries.journal import Journal, name
from tests.simulation.deliveries.services import Event
from tests.simulation.deliveries.world import World

Alert = tuple[str, str]
"""Destination and page key."""

Place = tuple[int, int, int]
"""Where a word on a page stands among the others: time, how final it is, revision."""

PAGE_S: Final = 66.0
"""A page has a minute and a call before somebody else has it."""
TAKES_OVER_S: Final = 14.0
"""What a death, a sleep or an outage may add: nobody owns the partition meanwhile."""
NEVER_S: Final = 1e9


def place(digest: Digest) -> Place:
    """Return where it stands."""
    return digest.at_ms, _RANKS.get(digest.page, 1), digest.revision


_RANKS: Final = {PageAction.TRIGGER: 0, PageAction.RESOLVE: 2}
"""Of words of one time; the others have 1."""


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    events: dict[Alert, list[Event]] = defaultdict(list)
    for one in world.pager.events:
        digest = one.call.attempt.digest
        events[digest.destination, digest.page_key].append(one)
    newest: dict[Alert, Digest] = {}
    for digest in journal.digests:
        pager = digest.destination.startswith("pagerduty:")
        if pager and digest.page is not PageAction.NONE:
            key = digest.destination, digest.page_key
            if key not in newest or place(newest[key]) < place(digest):
                newest[key] = digest
    wrong = [f"paged for what nobody decided: {key}" for key in events.keys() - newest.keys()]
    for key, digest in newest.items():
        wrong += _in_the_end(world, journal, digest)
        wrong += _in_order(events[key], world.pager.ended_s[key])
    return [*wrong, *_in_time(world, journal)]


def _in_time(world: World, journal: Journal) -> list[str]:
    """Every page gets through, is over, or is handed to its fallback within a minute and a call."""
    patience_s = PAGE_S + TAKES_OVER_S * (world.deaths + len(world.scenario.faults))
    through: dict[tuple[str, str, int], float] = {}
    for one in world.pager.events:
        digest = one.call.attempt.digest
        key = digest.destination, digest.id, digest.revision
        through[key] = min(through.get(key, one.call.carried_s), one.call.carried_s)
    for message in world.messages:
        digest = message.digest
        if digest.page is PageAction.TRIGGER:
            key = digest.destination, digest.id, digest.revision
            through[key] = min(through.get(key, message.call.carried_s), message.call.carried_s)
    handed: dict[tuple[str, str], float] = {}
    over: dict[Alert, float] = {}
    for at_s, digest in journal.digests_at:
        if digest.handed_by:
            handed.setdefault((digest.handed_by, digest.id), at_s)
        # A notice, such as that it got through late, is no word on whether the page stands.
        if digest.page not in (PageAction.NONE, PageAction.TRIGGER):
            over[digest.destination, digest.page_key] = at_s
    wrong = []
    for at_s, digest in journal.digests_at:
        if digest.page is not PageAction.TRIGGER or not digest.page_fallback:
            continue
        ends = (
            through.get((digest.destination, digest.id, digest.revision)),
            handed.get((digest.destination, digest.id)),
            over.get((digest.destination, digest.page_key)),
        )
        waited_s = min((one for one in ends if one is not None), default=NEVER_S) - at_s
        if waited_s > patience_s:
            wrong.append(f"a page waited {waited_s:.0f} s: {_named(digest)}")
    return wrong


def _in_the_end(world: World, journal: Journal, newest: Digest) -> list[str]:
    """An alert is open exactly while its page is."""
    is_open = world.pager.open.get((newest.destination, newest.page_key), False)
    if journal.gave_up(newest):
        return []
    given_up = {(destination, name) for destination, name, _ in journal.dead}
    if newest.page is PageAction.ACKNOWLEDGE:
        return []  # what was not sent by then need not be
    if newest.page in (PageAction.TRIGGER, PageAction.UNACKNOWLEDGE):
        sent = is_open or name(newest) in given_up
        return [] if sent else [f"not paged: {_named(newest)}"]
    if not is_open:
        return []
    if newest.page_after and (newest.destination, newest.page_after) in given_up:
        return []  # the page that was to go on for it never came: it is the only one
    return [f"not resolved: {_named(newest)}"]


def _in_order(events: list[Event], by_hand_s: list[float]) -> list[str]:
    """No end comes before what it ends, and nobody is paged twice by one digest, unless somebody
    ended it in the pager while it was not known whether the call had arrived."""
    wrong = []
    ended: Place = (-1, 0, 0)
    opened: dict[tuple[str, int], float] = {}
    for one in events:
        digest = one.call.attempt.digest
        if one.call.attempt.step is Step.RESOLVE:
            ended = max(ended, place(digest))
        elif one.did == "opened":
            if place(digest) < ended:
                wrong.append(f"paged after its end: {_named(digest)} at {one.call.carried_s:.3f}")
            before_s = opened.get((digest.id, digest.revision), one.call.carried_s)
            ended_s = any(before_s < at_s < one.call.carried_s for at_s in by_hand_s)
            if before_s < one.call.carried_s and not ended_s:
                wrong.append(f"paged twice: {_named(digest)} at {one.call.carried_s:.3f}")
            opened[digest.id, digest.revision] = one.call.carried_s
    return wrong


def _named(digest: Digest) -> str:
    return f"{digest.destination} {digest.page_key} {digest.id} r{digest.revision}"
