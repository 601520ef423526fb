"""What must hold at the end of every run of DELIVER, each by its name."""

from __future__ import annotations

from collections import Counter

from streams.processes import EXIT_REFUSED
from tests.simulation.deliveries import (
    chat_checks,
    chat_pages,
    news_checks,
    pace_checks,
    pager_checks,
    people_checks,
)
from tests.simulation.deliveries.journal import Journal, named
from tests.simulation.deliveries.world import World
from tests.simulation.stages import TOPICS


def check(world: World) -> list[str]:
    """Return what is wrong, one line each."""
    journal = Journal(world)
    return [
        *world.problems,
        *(f"refused: {child.name}" for child in world.children if EXIT_REFUSED in child.deaths),
        *(f"parked: {child.name}" for child in world.children if child.parking.parked),
        *_quarantine(journal),
        *_written_first(world, journal),
        *_deadlines(world),
        *_journal(world, journal),
        *_together(world, journal),
        *_epochs(world),
        *_sent_again(world, journal),
        *chat_checks.check(world, journal),
        *chat_pages.check(world, journal),
        *news_checks.check(world, journal),
        *pager_checks.check(world, journal),
        *people_checks.check(world, journal),
        *pace_checks.check(world, journal),
    ]


def _quarantine(journal: Journal) -> list[str]:
    """Every unreadable record is put aside, once."""
    same = Counter(journal.unreadable) == Counter(journal.quarantined)
    return [] if same else ["the quarantine does not hold what cannot be read, once"]


def _epochs(world: World) -> list[str]:
    """Only the newest owner of a partition writes its state."""
    wrong = []
    for log in world.cluster.of_topic(TOPICS.outbox):
        epochs = [entry.producer[1] for entry in log.committed()]
        if epochs != sorted(epochs):
            wrong.append(f"a former owner wrote to {log.tp}")
    return wrong


def _written_first(world: World, journal: Journal) -> list[str]:
    """A call is written down before it is made, and made at most once."""
    wrong = []
    for calls in journal.calls.values():
        first = calls[0]
        at_s = journal.written_s.get((first.attempt.key, first.attempt.number))
        if at_s is None or at_s > first.begun_s:
            wrong.append(f"made before it was written down: {first.key}")
        if len(calls) > 1:
            wrong.append(f"one attempt, made {len(calls)} times: {first.key}")
    return wrong


def _deadlines(world: World) -> list[str]:
    """Nothing is sent after its deadline, also by a process that slept."""
    skew_ms = world.scenario.skew_ms
    return [
        f"sent {over_ms} ms after its deadline: {call.key} by {call.process}"
        for call in world.line.calls
        if call.left_s >= 0
        and (over_ms := world.wall_ms(call.left_s) - call.attempt.deadline_ms) > skew_ms
    ]


def _journal(world: World, journal: Journal) -> list[str]:
    """What is told of calls is what happened: each at most once, and all that was heard by a
    process that lived to write it."""
    wrong = []
    told = Counter(named(one) for _, one in journal.attempted)
    wrong += [f"told {count} times of {key}" for key, count in told.items() if count > 1]
    for _, one in journal.attempted:
        key = named(one)
        calls = journal.calls.get(key, [])
        if not calls:
            if one.reason not in ("expired", "spared"):
                wrong.append(f"told of a call that was not made: {key} {one.outcome}")
            continue
        call = calls[0]
        delivered = one.outcome == "delivered"
        heard = type(call.answer).__name__ == "Delivered"
        if delivered != heard and one.reason != "timed_out":
            wrong.append(f"told that {key} is {one.outcome}, heard {call.answer}")
    for key, calls in journal.calls.items():
        if key not in told and calls[0].answer is not None and calls[0].process in world.lived:
            wrong.append(f"nothing told of {key}: {calls[0].answer}")
    return wrong


def _together(world: World, journal: Journal) -> list[str]:
    """What a roll-up tells is told of each once, with the message that says it."""
    rollups = {one.id for one in world.messages if one.digest.rollup is not None}
    told = Counter(map(named, journal.together))
    twice = [f"told {count} times together: {key}" for key, count in told.items() if count > 1]
    return [
        *twice,
        *(
            f"told by no roll-up: {one.destination} {one.subject} r{one.revision}"
            for one in journal.together
            if one.receipt is None or one.receipt.id not in rollups
        ),
    ]


def _sent_again(world: World, journal: Journal) -> list[str]:
    """Of every dead letter that was sent again is said once what became of it."""
    said = Counter(one.letter for one in journal.taken)
    if said == Counter(world.operator.letters):
        return []
    return [f"sent again: {sorted(world.operator.letters)}, but taken: {sorted(said.elements())}"]
