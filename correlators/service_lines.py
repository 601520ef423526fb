"""The lines of a storm's digest, one for each service.

Lives here: what a line says. Not here: how many events each service brought (`shares`), and the
rest of the digest (`digest`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Final

from correlators import sets, shares
from correlators.incidents import Incident
from correlators.storms import Storm
from correlators.types import Sample, ServiceLine

RELEASES_TOLD: Final = 5


def _told_by_storm(one: Incident) -> int:
    """Return about how many of a member's events its storm counts: none of those after it came back
    by itself.

    Good enough to say which member is the loudest; no line adds it up where `shares` knows better.
    """
    if one.storm_id:
        return one.events_since(one.storm_base)
    return max(0, one.onset_events - one.storm_base)


def of_services(storm: Storm, members: Sequence[Incident]) -> tuple[ServiceLine, ...]:
    """Return one line per service, the most hurt first: users, then events."""
    by_service: dict[str, list[Incident]] = {service: [] for service in storm.services}
    for member in members:
        by_service.setdefault(member.key.service, []).append(member)
    new = set(storm.services[storm.told.services :])
    counted = shares.by_service(storm)
    lines = []
    for service, found in by_service.items():
        if not found:
            continue
        loudest = max(found, key=lambda one: (_told_by_storm(one), one.id))
        events = counted.get(service)
        if events is None:
            events = sum(_told_by_storm(one) for one in found)
        users = reduce(sets.union, (one.users for one in found), sets.EMPTY)
        lines.append(
            ServiceLine(
                service=service,
                title=loudest.sample.title,
                events=events,
                incidents=len(found),
                releases=releases_of(found),
                url=url_of(loudest.sample),
                # An incident that came back has users of before; each of them had an event.
                users=min(sets.count(users).value, events),
                joined=bool(storm.told.revision) and service in new,
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.users, -line.events, line.service)))


def releases_of(incidents: Iterable[Incident]) -> tuple[str, ...]:
    """Return the releases that are told of these incidents, in their order."""
    found = dict.fromkeys(one.key.release for one in incidents if one.key.release)
    return tuple(found)[:RELEASES_TOLD]


def url_of(sample: Sample) -> str:
    """Return where Sentry shows the sample; empty where that is not known."""
    return sample.web_url or sample.issue_url
