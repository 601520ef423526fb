"""What a chat's channels must have been told in the end: all of it, once, in order."""

from __future__ import annotations

from collections import defaultdict

from correlators.types import Digest
from sinks.base import Delivered, NotFound, Step
from tests.simulation.deliveries.journal import Journal
from tests.simulation.deliveries.line import Call
from tests.simulation.deliveries.services import Message
from tests.simulation.deliveries.world import World

Told = tuple[str, str]
"""Destination and id."""


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    told: dict[Told, list[Message]] = defaultdict(list)
    for one in world.workspace.messages:
        told[one.digest.destination, one.digest.id].append(one)
    newest: dict[Told, Digest] = {}
    for digest in journal.digests:
        if digest.destination.startswith("slack:"):
            key = digest.destination, digest.id
            if key not in newest or newest[key].revision < digest.revision:
                newest[key] = digest
    wrong = [f"told of what nobody decided: {key}" for key in told.keys() - newest.keys()]
    for key, digest in newest.items():
        wrong += _in_the_end(journal, digest, told[key])
        wrong += _once(told[key])
    for one in world.workspace.messages:
        if one.call.attempt.possible_repeat and not _justified(world, journal, one.call):
            wrong.append(f"marked a possible repeat without need: {_shown(one)}")
    return wrong


def _in_the_end(journal: Journal, newest: Digest, told: list[Message]) -> list[str]:
    """The newest revision is told, and shown where the first message can be edited."""
    name = f"{newest.destination} {newest.id} r{newest.revision}"
    if (newest.destination, newest.id, newest.revision) in journal.dead:
        return []
    if all(one.digest.revision != newest.revision for one in told):
        return [f"not told: {name} of {[one.digest.revision for one in told]}"]
    tops = [one for one in told if not one.thread and one.deleted_s < 0]
    if tops and tops[-1].shown.revision != newest.revision:
        return [f"not shown: {name}, but r{tops[-1].shown.revision}"]
    return []


def _once(told: list[Message]) -> list[str]:
    """There is one first message while it stands, and of every revision one; they only go up."""
    wrong = []
    first: Message | None = None
    highest = 0
    for one in told:
        again = one.call.attempt.possible_repeat
        if one.step is Step.POST:
            stood = first is not None and not 0 <= first.deleted_s < one.call.carried_s
            if stood and not again:
                wrong.append(f"a second first message: {_shown(one)}")
            first = one
        elif one.digest.revision <= highest and not again:
            wrong.append(f"told after r{highest}: {_shown(one)}")
        highest = max(highest, one.digest.revision)
    return wrong


def _justified(world: World, journal: Journal, call: Call) -> bool:
    """Return whether a call before it may have arrived, and could not be looked up."""
    wanted = call.attempt.key, call.attempt.step
    before = [
        one
        for one in world.line.calls[: call.number]
        if (one.attempt.key, one.attempt.step) == wanted
    ]
    doubtful = [one.number for one in before if not one.attempt.find and journal.doubtful(one)]
    finds = [one for one in before if one.attempt.find and doubtful and one.number > doubtful[0]]
    return any(not isinstance(one.answer, Delivered | NotFound) for one in finds)


def _shown(one: Message) -> str:
    digest = one.digest
    return (
        f"{digest.destination} {digest.id} r{digest.revision} {one.step.value} "
        f"at {one.call.carried_s:.3f} by {one.call.process}"
    )
