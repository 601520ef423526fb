"""When a release began, as far as a service tells, and whether that is news."""

from __future__ import annotations

from correlators.entries import Service
from correlators.incidents import Incident, ticks
from correlators.storms import Linking


def first_tick(service: Service | None, release: str) -> int | None:
    """Return since when the release counts as out, None where that tells nothing.

    The first release ever seen of a service tells nothing: it may be months old. Unless its deploy
    was told: then it counts from that.
    """
    if not release or service is None:
        return None
    first = dict(service.deploys).get(release)
    if first is None:
        first = dict(service.releases).get(release)
        if first is None or min(tick for _, tick in service.releases) >= first:
            return None
    return first


def release_news(
    service: Service | None, incident: Incident, linking: Linking
) -> tuple[str, int] | None:
    """Return the incident's release and its first tick where the release counts as out since
    shortly before the onset.

    Args:
        service: the incident's, None where the state knows none.
        incident: what came with the release, or not.
        linking: how long a release is news.
    """
    release = incident.key.release
    first = first_tick(service, release)
    if first is None:
        return None
    news = incident.onset_tick - first <= ticks(linking.release_news_ms)
    return (release, first) if news else None


def is_deployed(service: Service | None, release: str) -> bool:
    """Return whether the deploy of the release was told."""
    return service is not None and release in dict(service.deploys)
