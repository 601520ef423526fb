"""When a release began, as far as a service tells, and whether that is news."""

from __future__ import annotations

from correlators.entries import Service


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
