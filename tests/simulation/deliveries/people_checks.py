"""What people wrote and did is told once, and what somebody said in a pager is not said back to
it."""

from __future__ import annotations

from collections import Counter, defaultdict

from correlators.types import DigestKind, PageAction
from sinks.base import Step
from sinks.carried import notes_of
from tests.simulation.deliveries.journal import Journal, Name, name
from tests.simulation.deliveries.line import Call
from tests.simulation.deliveries.services import plan_of
from tests.simulation.deliveries.world import World


def check(world: World, journal: Journal) -> list[str]:
    """Return what is wrong, one line each."""
    return [*_notes(world, journal), *_echoes(world, journal)]


def _notes(world: World, journal: Journal) -> list[str]:
    """Every note is told once wherever its incident is told, also if a newer revision took its
    place, unless it was given up or only counted."""
    told: Counter[tuple[Name, str]] = Counter()
    unsure: set[Name] = set()
    for one in world.messages:
        of = name(one.digest)
        told.update((of, text) for text in notes_of(one.digest))
        if one.call.attempt.possible_repeat or one.digest.more_notes:
            unsure.add(of)
    given_up = {(destination, of) for destination, of, _ in journal.dead}
    said: set[tuple[Name, str, int]] = set()
    for digest in journal.digests:
        chat = not plan_of(digest.destination).pages and digest.page is PageAction.NONE
        if digest.personal is not None:
            continue
        if chat and digest.kind is DigestKind.NOTED and not digest.handed_by:
            said.add((name(digest), notes_of(digest)[-1], digest.revision))
    # Whoever assigns it to the same person twice says the same twice.
    due = Counter((of, text) for of, text, _ in said)
    wrong = []
    for (of, text), times in sorted(due.items()):
        count = told[of, text]
        if count != times and of not in unsure and of not in given_up:
            wrong.append(f"told {count} times, not {times}: {' '.join(of)} {text}")
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
