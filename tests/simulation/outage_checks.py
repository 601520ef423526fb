"""What must hold of every drawn outage, each by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.synthetic import Placed
from correlators.entries import Episode, Membership, heard_key
from correlators.incidents import Incident
from correlators.quiet import INTAKE
from correlators.storms import Storm, storm_id
from correlators.types import Digest, DigestKind, Suppression
from streams import codec
from tests.correlators.law_4 import keeps_law_4
from tests.correlators.score import CHAT
from tests.simulation.outages import Drawn, Ran, draw, end_of, placed, run

ABOUT: Final = 0.15
"""So far an estimate may be off."""
FLIPS: Final = 4
"""What began and ended so often may have been held for flapping."""


@dataclass(frozen=True)
class Checked:
    """What one seed gave."""

    seed: int
    kind: str
    problems: tuple[str, ...]
    rows: list[Placed]
    """Of the first of its outages, the one that is scored."""
    outages: int = 2


def simulate(seed: int) -> Checked:
    """Run both outages of a seed alone, then together, and check both ways."""
    outages = draw(seed)
    until = end_of(outages)
    alone = [run([one], until) for one in outages]
    together = run(outages, until, Random(f"restores {seed}"))
    problems = [
        *(line for one, ran in zip(outages, alone, strict=True) for line in check(one, ran)),
        *_differ(outages, alone, together),
    ]
    rows = placed(outages[0], alone[0])
    return Checked(seed, outages[0].kind, tuple(problems), rows)


def check(outage: Drawn, ran: Ran) -> list[str]:
    """Return what is wrong with one outage, one line each."""
    keeps_law_4(ran.digests)
    entries = [codec.entry(raw) for raw in ran.state.values()]
    storms = {one.id: one for one in entries if isinstance(one, Storm)}
    incidents = {one.id: one for one in entries if isinstance(one, Incident)}
    members = [one for one in entries if isinstance(one, Membership)]
    return [
        *_walls(storms, incidents),
        *_derived(storms, members, outage.environment),
        *_told_once(outage, ran),
    ]


def _walls(storms: dict[str, Storm], incidents: dict[str, Incident]) -> list[str]:
    """Nothing is linked across environments."""
    return [
        f"{storm.id} of {storm.environment} holds {one} of {incidents[one].key.environment}"
        for storm in storms.values()
        for one in storm.members
        if incidents[one].key.environment != storm.environment
    ]


def _derived(
    storms: dict[str, Storm], members: Sequence[Membership], environment: str
) -> list[str]:
    """A storm's id is the hash of the stretch that it began with."""
    ids = {storm_id(environment, one.incident_id, one.from_tick) for one in members}
    return [f"{one}: of none of its stretches" for one in storms if one not in ids]


def _told_once(outage: Drawn, ran: Ran) -> list[str]:
    """Every event is told by the storm that holds it, else by its incident, and by no other."""
    in_storms: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    lost = 0
    for row in placed(outage, ran):
        if row.storm:
            in_storms[row.storm] += 1
        elif row.incident:
            alone[row.incident] += 1
        else:
            lost += 1
    told: dict[str, Digest] = {}
    joined: set[str] = set()
    for digest in ran.digests:
        if digest.destination == CHAT and digest.kind is DigestKind.JOINED:
            joined.add(digest.id)
        elif digest.destination == CHAT:
            told[digest.id] = digest
    wrong = [f"{lost} events are in no incident"] if lost else []
    for name, events in sorted(in_storms.items()):
        wrong += _of_storm(told.get(name), name, events)
    flapped = _flapped(ran)
    for name, events in sorted(alone.items()):
        if name not in flapped:
            wrong += _of_incident(told.get(name), name, events, name in joined)
    storms = {name for name, digest in told.items() if digest.storm}
    empty = sorted(storms - in_storms.keys() - joined)
    return [*wrong, *(f"{one}: tells of what it does not hold" for one in empty)]


def _flapped(ran: Ran) -> set[str]:
    """Return the incidents of which something was held, by name, because they flap."""
    if not ran.suppressed[Suppression.FLAPPING]:
        return set()
    entries = [codec.entry(raw) for raw in ran.state.values()]
    often = {
        (one.service, one.fingerprint)
        for one in entries
        if isinstance(one, Episode) and len(one.flips) >= FLIPS
    }
    return {
        one.id
        for one in entries
        if isinstance(one, Incident) and (one.key.service, one.key.fingerprint) in often
    }


def _of_incident(digest: Digest | None, name: str, events: int, joined: bool) -> list[str]:
    if digest is None:
        return [f"{name}: {events} events that nobody tells"]
    if digest.events < events * (1 - ABOUT if digest.about else 1):
        return [f"{name}: tells {digest.events} of {events} events"]
    return [] if digest.resolved or joined else [f"{name}: its end is not told"]


def _of_storm(digest: Digest | None, name: str, events: int) -> list[str]:
    if digest is None:
        return [f"{name}: {events} events that nobody tells"]
    wrong = []
    if not digest.resolved:
        wrong.append(f"{name}: its end is not told")
    off = abs(digest.events - events)
    if off > (ABOUT * events if digest.about else 0):
        wrong.append(f"{name}: tells {digest.events} events and holds {events}")
    lines = sum(line.events for line in digest.services)
    off = abs(lines - digest.events)
    if not digest.more_services and off > (ABOUT * digest.events if digest.about else 0):
        wrong.append(f"{name}: its lines tell {lines} of {digest.events} events")
    return wrong


def _differ(outages: Sequence[Drawn], alone: Sequence[Ran], together: Ran) -> list[str]:
    """Both in one partition, restored now and then, are decided as each by itself."""
    wrong = []
    state: dict[str, bytes] = {}
    for one, ran in zip(outages, alone, strict=True):
        state |= ran.state
        mine, own = (
            [digest for digest in found.digests if digest.environment == one.environment]
            for found in (together, ran)
        )
        if mine != own:
            wrong.append(f"{one.environment}: other digests beside another environment")
    if together.state != state:
        keys = {*state, *together.state} - {heard_key(*INTAKE)}  # it hears all environments
        other = sorted(key for key in keys if state.get(key) != together.state.get(key))
        if other:
            wrong.append(f"state differs in {len(other)} entries: {other[:5]}")
    return wrong
