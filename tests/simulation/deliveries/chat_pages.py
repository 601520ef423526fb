"""What must hold of pages at chats: who is reminded, and of what."""

from __future__ import annotations

from typing import Final

from correlators.types import Digest, DigestKind, PageAction
from sinks.steps import under_of
from tests.simulation.deliveries.journal import Journal, name
from tests.simulation.deliveries.letters import LETTERS
from tests.simulation.deliveries.services import Message, plan_of
from tests.simulation.deliveries.world import REMINDERS, World

LATE_S: Final = 75.0
"""A reminder on its way may be looked up for so long before it is told."""
TAKES_OVER_S: Final = 14.0

_TAKEN: Final = (PageAction.ACKNOWLEDGE, PageAction.RESOLVE)


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    words: dict[str, list[tuple[float, Digest]]] = {}
    for at_s, digest in journal.digests_at:
        if digest.page is not PageAction.NONE and not plan_of(digest.destination).pages:
            words.setdefault("|".join(name(digest)), []).append((at_s, digest))
    reminders: dict[str, list[Message]] = {}
    for one in world.messages:
        if one.digest.kind is DigestKind.REMINDER:
            reminders.setdefault(under_of(one.digest), []).append(one)
    wrong = []
    for key, told in reminders.items():
        wrong += _wanted(world, key, words.get(key, []), told)
    for key, said in words.items():
        wrong += _to_the_end(world, journal, key, said, reminders.get(key, []))
    return wrong


def _wanted(
    world: World, key: str, words: list[tuple[float, Digest]], told: list[Message]
) -> list[str]:
    """Nobody is reminded of what somebody has taken on, nor before it was posted."""
    patience_s = LATE_S + TAKES_OVER_S * (world.deaths + len(world.scenario.faults))
    posted = [
        one.call.carried_s
        for one in world.messages
        if one.call.attempt.key == key and one.digest.page is PageAction.TRIGGER
    ]
    wrong = []
    for one in told:
        at_s = one.call.carried_s
        before = [digest for said_s, digest in words if said_s < at_s - patience_s]
        lately = [digest for said_s, digest in words if at_s - patience_s <= said_s]
        stands = [digest for digest in (*before[-1:], *lately) if digest.page not in _TAKEN]
        if not stands or not posted or at_s < min(posted):
            wrong.append(f"reminded of what somebody has: {key} at {at_s:.3f}")
    return wrong


def _to_the_end(
    world: World,
    journal: Journal,
    key: str,
    words: list[tuple[float, Digest]],
    told: list[Message],
) -> list[str]:
    """Of a page that stands and that nobody has, all reminders are told."""
    newest = max((digest for _, digest in words), key=lambda one: one.revision)
    posts = [one for one in world.messages if one.call.attempt.key == key]
    lost = not posts or any(one.deleted_s >= 0 for one in posts)
    served = newest.destination in (*world.channels, *LETTERS)
    given_up = any(of.startswith(key.partition("|")[2]) for _, of, _ in journal.dead)
    if newest.page in _TAKEN or lost or not served or given_up:
        return []
    last = f"reminder {REMINDERS} of {REMINDERS}"
    heard = [one.digest.notice for one in told]
    return [] if heard and heard[-1].endswith(last) else [f"not reminded to the end: {key}"]
