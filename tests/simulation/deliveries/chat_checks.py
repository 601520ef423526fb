"""What a chat's channels must have been told in the end: all of it, once, in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Final

import msgspec

from correlators.types import NOTICES, Digest, DigestKind, PageAction
from sinks.base import Step
from tests.simulation.deliveries.journal import Journal, Name, name
from tests.simulation.deliveries.line import Call
from tests.simulation.deliveries.services import CHAT, Message, plan_of
from tests.simulation.deliveries.world import World

SURE_S: Final = 12.0
"""Since a call began: a look-up after that proves that it did not arrive."""


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    told: dict[Name, list[Message]] = defaultdict(list)
    for one in world.messages:
        told[name(one.digest)].append(one)
    newest: dict[Name, Digest] = {}
    for digest in journal.digests:
        if not plan_of(digest.destination).pages:
            key = name(digest)
            if key not in newest or newest[key].revision < digest.revision:
                newest[key] = digest
    together = rolled_up(world)
    wrong = [
        f"told of what nobody decided: {key}"
        for key, messages in told.items()
        if key not in newest and messages[0].digest.kind is not DigestKind.ROLLUP
    ]
    untold: Counter[str] = Counter()
    for key, digest in newest.items():
        if _told_of(journal, digest, [*told[key], *together[key]]):
            wrong += _shown_in_the_end(journal, digest, told[key])
        else:
            untold[digest.destination] += 1
            wrong.append(f"not told: {_of(digest)} of {[one.digest.revision for one in told[key]]}")
        replies = Step.REPLY in plan_of(digest.destination).steps
        wrong += _once(
            sorted([*told[key], *together[key]], key=lambda one: one.call.carried_s), replies
        )
    for one in world.messages:
        if one.call.attempt.possible_repeat and not _justified(world, journal, one.call):
            wrong.append(f"marked a possible repeat without need: {_shown(one)}")
    return [one for one in wrong if not _unnamed(one, untold, world)]


def rolled_up(world: World) -> dict[Name, list[Message]]:
    """Return the roll-ups that name each digest, as messages of its own in the revision that they
    tell."""
    found: dict[Name, list[Message]] = defaultdict(list)
    for one in world.messages:
        for line in one.digest.rollup.lines if one.digest.rollup is not None else ():
            digest = msgspec.structs.replace(one.digest, id=line.id, revision=line.events)
            found[digest.destination, digest.id].append(replace(one, digest=digest))
    return found


def _unnamed(problem: str, untold: Counter[str], world: World) -> bool:
    """Return whether what seems untold may be among those that a roll-up only counts."""
    if not problem.startswith("not told: "):
        return False
    destination = problem.split()[2]
    counted = sum(
        one.digest.rollup.more
        for one in world.messages
        if one.digest.rollup is not None and one.digest.destination == destination
    )
    return untold[destination] <= counted


def _told_of(journal: Journal, newest: Digest, told: list[Message]) -> bool:
    """Return whether the newest revision is told, was given up, or is nothing to tell any more."""
    if journal.gave_up(newest) or _moot(newest, told):
        return True
    return any(one.digest.revision == newest.revision for one in told)


def _moot(newest: Digest, told: list[Message]) -> bool:
    """Return whether nobody need hear it: a reminder, which is withdrawn where somebody takes the
    page on, and what is said of a page that is not there, because it was over or taken on before it
    was sent, or is deleted."""
    if newest.kind is DigestKind.REMINDER:
        return True
    if newest.page in (PageAction.NONE, PageAction.TRIGGER):
        return False
    standing = [one for one in told if one.deleted_s < 0]
    if newest.page is PageAction.UNACKNOWLEDGE:
        return len(standing) < len(told)
    return not told or len(standing) < len(told)


def _shown_in_the_end(journal: Journal, newest: Digest, told: list[Message]) -> list[str]:
    """The first message shows the newest revision, where it stands and can be edited; a reminder is
    never edited, and one that was withdrawn shows nowhere."""
    if journal.gave_up(newest) or newest.kind is DigestKind.REMINDER:
        return []
    if Step.EDIT not in plan_of(newest.destination).steps:
        return []
    tops = [one for one in told if (one.step is Step.POST or not one.thread) and one.deleted_s < 0]
    if tops and tops[-1].shown.revision != newest.revision:
        return [f"not shown: {_of(newest)}, but r{tops[-1].shown.revision}"]
    return []


def _once(told: list[Message], replies: bool) -> list[str]:
    """There is one first message while it stands, and of every revision one; they only go up. Where
    nothing is replied to, every message is a first one."""
    wrong = []
    first: Message | None = None
    highest = 0
    for one in told:
        notice = one.digest.kind in NOTICES
        again = one.call.attempt.possible_repeat
        alone = one.shown.kind is not DigestKind.ROLLUP or one.digest.id == one.shown.id
        if one.step is Step.POST and alone and not notice and replies:
            stood = first is not None and not 0 <= first.deleted_s < one.call.carried_s
            if stood and not again:
                wrong.append(f"a second first message: {_shown(one)}")
            first = one
        elif one.digest.revision <= highest and not again:
            wrong.append(f"told after r{highest}: {_shown(one)}")
        highest = max(highest, one.digest.revision)
    return wrong


def _justified(world: World, journal: Journal, call: Call) -> bool:
    """Return whether a call before it may have arrived, and could not be looked up in time."""
    wanted = call.attempt.key, call.attempt.step
    before = [
        one
        for one in world.line.calls[: call.number]
        if (one.attempt.key, one.attempt.step) == wanted
    ]
    # The mark stays until the step is done: what is asked is why it came.
    while before and before[-1].attempt.possible_repeat:
        call = before.pop()
    plan = plan_of(call.attempt.destination)
    if not plan.find:
        return bool(journal.never_made(call)) or any(map(journal.doubtful, before))
    if any(call.begun_s - at_s >= CHAT.ask_ms / 1000 for at_s in journal.never_made(call)):
        return True
    doubtful = [one for one in before if not one.attempt.find and journal.doubtful(one)]
    return any(
        call.begun_s - one.begun_s >= CHAT.ask_ms / 1000
        and not any(_settles(journal, look, one) for look in before)
        for one in doubtful
    )


def _settles(journal: Journal, look: Call, doubtful: Call) -> bool:
    """Return whether a look-up has told what became of a call."""
    if not look.attempt.find or look.number < doubtful.number:
        return False
    if look.attempt.digest.revision != doubtful.attempt.digest.revision:
        return False
    said = journal.outcomes.get(look.key)
    sure = look.heard_s > doubtful.begun_s + SURE_S
    return said == "delivered" or (said == "not_found" and sure)


def _of(digest: Digest) -> str:
    return f"{' '.join(name(digest))} r{digest.revision}"


def _shown(one: Message) -> str:
    digest = one.digest
    return (
        f"{digest.destination} {digest.id} r{digest.revision} {one.step.value} "
        f"at {one.call.carried_s:.3f} by {one.call.process}"
    )
