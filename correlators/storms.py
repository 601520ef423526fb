"""Storms: the life of what linked incidents become.

All transitions of a storm live here and in `gathering`; which incidents belong together is judged
in `links`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import xxhash

from correlators import sets
from correlators.deltas import worse
from correlators.incidents import ticks
from correlators.rates import Rate, add_rate
from correlators.told import Told
from correlators.types import TICK_MS, Delta, Evidence, Level

MEMBERS_KEPT: Final = 256
"""Incidents that a storm lists; further ones belong to it and are counted."""

SERVICES_KEPT: Final = 48
SERVICES_BYTES: Final = 1_500
"""A storm lists at most so many services, and so many bytes of their names; further ones are part
of it and not told apart."""


class Linking(msgspec.Struct, frozen=True, kw_only=True):
    """What makes incidents one storm; lengths in milliseconds.

    Raises:
        ValueError: a length is below one tick, or a burst of fewer than two services.
    """

    link_within_ms: int = 60_000
    """Stretches that begin within this of each other may be linked."""
    storm_quiet_ms: int = 120_000
    """A storm ends when none of its incidents had an event for this long."""
    release_news_ms: int = 3_600_000
    """A release is news for this long after its first event."""
    burst_services: int = 3
    """Onsets in this many services within `link_within_ms` are a burst, when each is loud."""
    burst_onsets: int = 10
    """This many onsets and active members in that many services are a burst although single ones
    are quiet."""

    def __post_init__(self) -> None:
        for name in ("link_within_ms", "storm_quiet_ms", "release_news_ms"):
            if getattr(self, name) < TICK_MS:
                raise ValueError(f"{name} must be at least {TICK_MS}")
        if self.burst_services < 2 or self.burst_onsets < self.burst_services:
            raise ValueError("burst_services must be at least 2 and burst_onsets not below it")


class Storm(msgspec.Struct, frozen=True, kw_only=True, tag="storm"):
    """Incidents of one environment that are one outage, told as one."""

    id: str
    environment: str
    opened_tick: int
    """Onset of its first incident."""
    last_tick: int
    closed_tick: int = -1
    merged_into: str = ""
    """The storm that took this one over; then this one is over without having ended."""
    members: tuple[str, ...] = ()
    """Incident ids in the order of joining, at most `MEMBERS_KEPT`."""
    joined: int = 0
    """How many incidents joined in all."""
    services: tuple[str, ...] = ()
    """In the order of their onsets, within `SERVICES_KEPT` and `SERVICES_BYTES`."""
    evidence: tuple[Evidence, ...] = ()
    first_ms: int
    last_ms: int
    level: Level
    events: bytes = sets.EMPTY
    users: bytes = sets.EMPTY
    rate: Rate = ()
    changes: int = 1
    tell_tick: int = -1
    told: Told = Told()
    page_key: str = ""

    @property
    def open(self) -> bool:
        """Whether it still gathers incidents and events."""
        return self.closed_tick < 0


class Stretch(msgspec.Struct, frozen=True, kw_only=True, tag="stretch"):
    """What an incident's present stretch counts, kept while the incident may still be linked.

    An incident that reopens carries the sets of its whole life; a storm wants only what belongs to
    the outage.
    """

    incident_id: str
    first_ms: int
    events: bytes
    users: bytes


def storm_id(environment: str, incident_id: str, onset_tick: int) -> str:
    """Return the id of the storm that begins with this incident's stretch: `storm-` and 16 hex
    digits."""
    text = f"{environment}\0{incident_id}\0{onset_tick}"
    return "storm-" + xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))


def kept_members(members: Iterable[str]) -> tuple[str, ...]:
    """Return the different incident ids that a storm lists, in this order."""
    return tuple(dict.fromkeys(members))[:MEMBERS_KEPT]


def kept_services(services: Iterable[str]) -> tuple[str, ...]:
    """Return the different services that a storm lists, in this order."""
    kept: list[str] = []
    left = SERVICES_BYTES
    for service in dict.fromkeys(services):
        left -= len(service.encode("utf-8", "surrogatepass"))
        if left < 0 or len(kept) == SERVICES_KEPT:
            break
        kept.append(service)
    return tuple(kept)


def extended(storm: Storm, delta: Delta, *, tick: int, goes_on: bool, rate_ticks: int) -> Storm:
    """Return the open storm after a delta of one of its incidents.

    Args:
        storm: open.
        delta: of an incident that is part of it.
        tick: the tick being applied.
        goes_on: the delta extends its incident.
        rate_ticks: how far back `rate` must reach.
    """
    before = sets.count(storm.events).value
    events = sets.union(storm.events, delta.events)
    users = sets.union(storm.users, delta.users)
    news = (events, users) != (storm.events, storm.users)
    new = max(0, sets.count(events).value - before)
    return msgspec.structs.replace(
        storm,
        last_tick=max(storm.last_tick, tick) if goes_on else storm.last_tick,
        first_ms=min(storm.first_ms, delta.first_ms),
        last_ms=max(storm.last_ms, delta.last_ms),
        level=worse(storm.level, delta.level),
        events=events,
        users=users,
        rate=add_rate(storm.rate, new, tick, rate_ticks) if goes_on else storm.rate,
        changes=storm.changes + (1 if news else 0),
    )


def due_tick(storm: Storm, linking: Linking, *, max_life_ms: int, remember_ms: int) -> int:
    """Return the next tick in which something happens to the storm without a delta."""
    if not storm.open:
        forget = max(storm.closed_tick, storm.last_tick) + ticks(remember_ms)
        return forget if storm.tell_tick < 0 else min(forget, storm.tell_tick)
    ends = min(
        storm.last_tick + ticks(linking.storm_quiet_ms), storm.opened_tick + ticks(max_life_ms)
    )
    return ends if storm.tell_tick < 0 else min(ends, storm.tell_tick)
