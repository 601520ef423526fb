"""What people wrote is told once, and what somebody said in a pager is not said back to it."""

from __future__ import annotations

from collections import Counter, defaultdict

from correlators.types import PageAction
from sinks.base import Step
from sinks.carried import COMMENT, comments
from tests.simulation.deliveries.journal import Journal, Name, name
from tests.simulation.deliveries.line import Call
from tests.simulation.deliveries.world import World


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    return [*_comments(world, journal), *_echoes(world, journal)]


def _comments(world: World, journal: Journal) -> list[str]:
    """Every comment is told once wherever its incident is told, also if a newer revision took its
    place, unless it was given up or only counted."""
    told: Counter[tuple[Name, str]] = Counter()
    unsure: set[Name] = set()
    for one in world.workspace.messages:
        of = name(one.digest)
        told.update((of, text) for text in comments(one.digest))
        if one.call.attempt.possible_repeat or one.digest.more_notes:
            unsure.add(of)
    given_up = {(destination, of) for destination, of, _ in journal.dead}
    wrong = []
    for digest in journal.digests:
        chat = digest.destination.startswith("slack:") and digest.page is PageAction.NONE
        if not chat or digest.act != COMMENT or digest.handed_by:
            continue
        of, text = name(digest), comments(digest)[-1]
        count = told[of, text]
        if count != 1 and of not in unsure and of not in given_up:
            wrong.append(f"told {count} times: {' '.join(of)} {text}")
    return wrong


def _echoes(world: World, journal: Journal) -> list[str]:
    """A pager that surely has a page is not told what it has said of it itself."""
    triggers: dict[tuple[str, str], list[Call]] = defaultdict(list)
    wrong = []
    for call in world.line.calls:
        digest = call.attempt.digest
        key = digest.destination, digest.page_key
        if call.attempt.step is Step.TRIGGER:
            triggers[key].append(call)
        elif call.attempt.step in (Step.ACKNOWLEDGE, Step.RESOLVE) and digest.page_heard:
            said = {journal.outcomes.get(one.key) for one in triggers[key]}
            if said == {"delivered"} and not journal.never_made(call):
                wrong.append(f"said back: {call.key} {call.attempt.step.value}")
    return wrong
