"""The life of a storm: every transition of one, as functions from one `Storm` to the next.

Opened, joined, extended, merged, parted, acknowledged, paged, ended. When one happens is decided in
`gathering` and `acting`, what is told of it in `telling`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from correlators import evidence, rates, sets, shares
from correlators.coverage import both_covered
from correlators.deltas import worse
from correlators.incidents import Closed, Incident
from correlators.rates import add_rate
from correlators.storms import (
    LEFT_CHARS,
    LEFT_KEPT,
    Ack,
    Storm,
    Stretch,
    by_service,
    earliest,
    kept_apart,
    kept_members,
    kept_services,
    name_hash,
)
from correlators.types import Delta, Level
from correlators.waves import gained_one

UNFOLDS_TICKS: Final = 600
"""What a storm gains after this counts as usual, so that a steady trickle is learnt."""


def opened(id: str, environment: str, first: Incident, *, tick: int, settle_ticks: int) -> Storm:
    """Return the storm that begins with this incident's stretch; nothing has joined it yet."""
    return Storm(
        id=id,
        environment=environment,
        opened_tick=first.onset_tick,
        last_tick=tick,
        first_ms=first.last_ms,
        last_ms=first.last_ms,
        level=first.level,
        tell_tick=max(tick, first.onset_tick + settle_ticks),
    )


def joined(
    storm: Storm, incident: Incident, stretch: Stretch, *, tick: int, rate_ticks: int
) -> Storm:
    """Return the open storm with one more incident, counted from the onset of its stretch.

    Args:
        storm: open.
        incident: not part of an open storm.
        stretch: what its present stretch counts.
        tick: the tick being applied.
        rate_ticks: how far back `rate` must reach.
    """
    assert storm.open
    rate = rates.rate_since(incident.rate, incident.onset_tick, rate_ticks)
    services = storm.services
    if incident.key.service not in services:
        services = kept_services((*services, incident.key.service))
    events = sets.union(storm.events, stretch.events)
    return msgspec.structs.replace(
        storm,
        last_tick=max(storm.last_tick, incident.last_tick),
        members=kept_members((*storm.members, incident.id)),
        joined=storm.joined + (incident.id not in storm.members),
        services=services,
        onsets=earliest(services, by_service(storm), {incident.key.service: incident.onset_tick}),
        first_ms=min(storm.first_ms, stretch.first_ms),
        last_ms=max(storm.last_ms, incident.last_ms),
        level=worse(storm.level, incident.level),
        events=events,
        shares=shares.gained(storm, services, incident.key.service, shares.more(storm, events)),
        users=sets.union(storm.users, stretch.users),
        rate=rates.merge(storm.rate, rate, tick, rate_ticks),
        gains=gained_one(storm, tick),
        changes=storm.changes + 1,
        doubt=None,
        check_tick=-1,
    )


def extended(
    storm: Storm, delta: Delta, *, tick: int, goes_on: bool, came_back: bool, rate_ticks: int
) -> Storm:
    """Return the open storm after a delta of one of its incidents.

    Args:
        storm: open.
        delta: of an incident that is part of it.
        tick: the tick being applied.
        goes_on: the delta extends its incident.
        came_back: the incident had been silent for a while.
        rate_ticks: how far back `rate` must reach.
    """
    events = sets.union(storm.events, delta.events)
    users = sets.union(storm.users, delta.users)
    news = (events, users) != (storm.events, storm.users)
    new = shares.more(storm, events)
    return msgspec.structs.replace(
        storm,
        last_tick=max(storm.last_tick, tick) if goes_on else storm.last_tick,
        first_ms=min(storm.first_ms, delta.first_ms),
        last_ms=max(storm.last_ms, delta.last_ms),
        level=worse(storm.level, delta.level),
        events=events,
        shares=shares.gained(storm, storm.services, delta.key.service, new),
        users=users,
        rate=add_rate(storm.rate, new, tick, rate_ticks) if goes_on else storm.rate,
        gains=gained_one(storm, tick) if came_back else storm.gains,
        changes=storm.changes + (1 if news else 0),
        doubt=None if goes_on else storm.doubt,
        check_tick=-1 if goes_on else storm.check_tick,
    )


def merged(into: Storm, other: Storm, *, tick: int, rate_ticks: int) -> tuple[Storm, Storm]:
    """Return the storm that goes on with all of both, and the other, over without having ended.

    The page of the one that goes on stays; where it has none it takes over the other's, together
    with its acknowledgement. What was acknowledged on both sides stays so, for what was in each
    then; without any page so does what was acknowledged on one. A page of the other that nobody had
    acknowledged makes an acknowledged storm page anew.
    """
    takes = not into.page_key and bool(other.page_key)
    unheard = bool(other.page_key) and other.ack is None and not takes
    over = msgspec.structs.replace(
        other,
        closed_tick=tick,
        merged_into=into.id,
        tell_tick=tick,
        page_key="" if takes else other.page_key,
        page_to=() if takes else other.page_to,
    )
    both = len({*into.members} & {*other.members})
    services = kept_services((*into.services, *other.services))
    changed = msgspec.structs.replace(
        into,
        opened_tick=min(into.opened_tick, other.opened_tick),
        last_tick=max(into.last_tick, other.last_tick),
        members=kept_members((*into.members, *other.members)),
        joined=into.joined + other.joined - both,
        services=services,
        onsets=earliest(services, by_service(into), by_service(other)),
        evidence=evidence.kept((*into.evidence, *other.evidence)),
        apart=kept_apart((*into.apart, *other.apart)),
        first_ms=min(into.first_ms, other.first_ms),
        last_ms=max(into.last_ms, other.last_ms),
        level=worse(into.level, other.level),
        events=sets.union(into.events, other.events),
        shares=shares.together(services, into, other),
        users=sets.union(into.users, other.users),
        rate=rates.merge(into.rate, other.rate, tick, rate_ticks),
        changes=into.changes + 1,
        doubt=None,
        check_tick=-1,
        page_key=other.page_key if takes else into.page_key,
        page_to=other.page_to if takes else into.page_to,
        ack=both_covered(into, other, takes=takes),
        overtaken=into.overtaken or (unheard and into.ack is not None),
        had_tick=max(into.had_tick, other.had_tick),
    )
    return changed, over


def parted(storm: Storm, incident: Incident, episode: str, left: Iterable[Incident]) -> Storm:
    """Return the open storm without an incident that a person says is not part of it.

    The error stays out for the storm's life.

    Args:
        storm: open.
        incident: one of its members.
        episode: entry key of the incident's episode.
        left: the other members that are remembered, in the order of joining.
    """
    parted = without(storm, [incident], left)
    error = f"{incident.sample.title[:LEFT_CHARS]} in {evidence.shown(incident.key.service)}"
    return msgspec.structs.replace(
        parted,
        left=(*storm.left, error)[-LEFT_KEPT:],
        apart=kept_apart((*storm.apart, episode)),
    )


def without(storm: Storm, gone: Sequence[Incident], left: Iterable[Incident]) -> Storm:
    """Return the open storm without some of its incidents.

    Their events leave the count, for no two incidents have one in common; of users and times stays
    what the others account for.

    Args:
        storm: open.
        gone: members whose whole present stretch leaves it.
        left: the other members that are remembered, in the order of joining.
    """
    rest = list(left)
    onsets: dict[str, int] = {}
    for one in rest:
        known = onsets.get(one.key.service, one.onset_tick)
        onsets[one.key.service] = min(known, one.onset_tick)
    services = kept_services(one for one in storm.services if one in onsets)
    users, level = sets.EMPTY, Level.DEBUG
    for one in rest:
        users = sets.union(users, one.users)
        level = worse(level, one.level)
    events, rest_shares = shares.without(storm, services, gone)
    lost = {evidence.shown(one.key.service) for one in gone if one.key.service not in services}
    pieces = (one for one in storm.evidence if not lost.intersection(one.services))
    ids = {one.id for one in gone}
    told = msgspec.structs.replace(
        storm.told,
        members=sum(one not in ids for one in storm.members[: storm.told.members]),
        services=len({*services} & {*storm.services[: storm.told.services]}),
    )
    return msgspec.structs.replace(
        storm,
        told=told,
        members=tuple(one for one in storm.members if one not in ids),
        joined=max(0, storm.joined - len(gone)),
        services=services,
        onsets=earliest(services, by_service(storm), {}),
        evidence=evidence.kept(pieces),
        level=level if rest else storm.level,
        events=events,
        shares=rest_shares,
        users=users if rest else storm.users,
        changes=storm.changes + 1,
    )


def acknowledged(storm: Storm, *, actor: str, source: str, tick: int, for_ticks: int = 0) -> Storm:
    """Return the open storm with the word that somebody has it as it stands now, for so long."""
    assert storm.open
    ack = Ack(
        actor=actor,
        source=source,
        tick=tick,
        services=tuple(map(name_hash, storm.services)),
        level=storm.level,
        origin=storm.origin.service,
        until_tick=tick + for_ticks if for_ticks else -1,
        for_ticks=for_ticks,
    )
    return msgspec.structs.replace(storm, ack=ack, overtaken=False, had_tick=tick)


def said_now(storm: Storm, *, tick: int) -> Storm:
    """Return the open storm that is told in this tick, if it was told before, and whose
    acknowledgement holds for the origin that is left."""
    ack = storm.ack
    if ack is not None and storm.origin.service in storm.services:
        ack = msgspec.structs.replace(ack, origin=storm.origin.service)
    tell_tick = tick if storm.told.revision else storm.tell_tick
    return msgspec.structs.replace(storm, ack=ack, tell_tick=tell_tick)


def paged(storm: Storm, page_key: str, to: tuple[str, ...]) -> Storm:
    """Return the storm with a page opened for it; nobody has acknowledged that one yet.

    Args:
        storm: open.
        page_key: of the page.
        to: who is paged.
    """
    return msgspec.structs.replace(
        storm,
        page_key=page_key,
        page_to=to,
        generation=storm.generation + 1,
        ack=None,
        overtaken=False,
    )


def ended(storm: Storm, *, tick: int, why: Closed = Closed.QUIET) -> Storm:
    """Return the open storm, over in this tick."""
    assert storm.open
    return msgspec.structs.replace(
        storm, closed_tick=tick, closed=why, tell_tick=tick, changes=storm.changes + 1
    )


def dissolved(storm: Storm, *, tick: int, tell_tick: int) -> Storm:
    """Return the open storm, over in this tick while what was in it goes on elsewhere.

    Args:
        storm: open.
        tick: the tick being applied.
        tell_tick: by when that has been told, so that its page is there.
    """
    return msgspec.structs.replace(ended(storm, tick=tick), dissolved=True, tell_tick=tell_tick)
