"""Shares: how many of a storm's events each of its services brought.

Counted when the storm counts them, never worked out afterwards from its incidents: those go on,
come back and join other storms, and it may be told after that. What each change adds to the storm's
count is added to one service, so the shares of all its services add up to an exact count, and to an
estimate but for what a merge and a parting are off.

A storm that was stored before there were shares has none: `Storm.shares` stays empty until it ends.
"""

from __future__ import annotations

from collections.abc import Iterable

from correlators import sets
from correlators.incidents import Incident
from correlators.storms import Storm

Shares = tuple[int, ...]


def by_service(storm: Storm) -> dict[str, int]:
    """Return the events of each service that the storm lists; empty where they are not known."""
    return dict(zip(storm.services, storm.shares, strict=True)) if storm.shares else {}


def known(storm: Storm) -> bool:
    """Return whether the storm's events were counted by service from its beginning."""
    return len(storm.shares) == len(storm.services)


def more(storm: Storm, events: bytes) -> int:
    """Return by how many events the storm grows when `events` are all that it counts."""
    if events == storm.events:
        return 0
    return max(0, sets.count(events).value - sets.count(storm.events).value)


def gained(storm: Storm, services: tuple[str, ...], service: str, new: int) -> Shares:
    """Return the shares of these services once one of them has brought new events.

    Args:
        storm: as it was before.
        services: its own, and perhaps more.
        service: what brought them; one that is not listed has no share.
        new: by how many events the storm grows, >= 0.
    """
    if not known(storm):
        return ()
    if services == storm.services and not new:
        return storm.shares
    found = by_service(storm)
    return tuple(found.get(one, 0) + (new if one == service else 0) for one in services)


def together(services: tuple[str, ...], one: Storm, two: Storm) -> Shares:
    """Return the shares of these services in both storms; no event is in both."""
    if not (known(one) and known(two)):
        return ()
    left, right = by_service(one), by_service(two)
    return tuple(left.get(name, 0) + right.get(name, 0) for name in services)


def without(
    storm: Storm, services: tuple[str, ...], gone: Iterable[Incident]
) -> tuple[bytes, Shares]:
    """Return the events of a storm without those of some of its incidents, and the shares of these
    services in them; `services` are some of the storm's own."""
    events, found = storm.events, by_service(storm)
    for one in gone:
        left = sets.without(events, one.events)
        lost = sets.count(events).value - sets.count(left).value
        found[one.key.service] = max(0, found.get(one.key.service, 0) - lost)
        events = left
    return events, tuple(found[name] for name in services) if storm.shares else ()
