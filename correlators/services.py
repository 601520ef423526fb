"""What the configuration says of a service: its owner, and where help is when it fails.

Lives here: how a digest comes to carry it. Not here: which lines of ownership hold (`owners`), how
it is shown (the sinks' part).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from correlators.incidents import Incident
from correlators.owners import Owner, owners_of
from correlators.types import Digest, ServiceLine

OWNERS_TOLD: Final = 5
LINE_URL_CHARS: Final = 120
"""A runbook whose address is no longer stands in the line of its service; a storm has many."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one service, empty where nothing is."""

    owner: str = ""
    """The team that owns it, whatever `owners` says of services."""
    runbook: str = ""
    dashboard: str = ""
    status_page: str = ""
    image: str = ""
    """A picture that a page shows."""
    page: tuple[str, ...] = ()
    """Who is paged for it."""


_NOTHING: Final = About()


def declared_owners(services: Mapping[str, About]) -> dict[str, str]:
    """Return the owner of every service that has one of its own."""
    return {name: about.owner for name, about in services.items() if about.owner}


def pagers_of(services: Mapping[str, About], service: str) -> tuple[str, ...]:
    """Return who is paged for a service of its own; nobody where nothing is said of that."""
    return services.get(service, _NOTHING).page


def described(
    digest: Digest,
    incidents: Sequence[Incident],
    services: Mapping[str, About],
    owners: Sequence[Owner],
) -> Digest:
    """Return the digest with its owners and with where help is.

    Both are those of the incident's service, or of the service in which a storm likely began; of
    the others of a storm, each line has what is short.

    Args:
        digest: of an incident or a storm.
        incidents: those that it tells, as far as they are remembered.
        services: what is known, by service.
        owners: the lines of ownership.
    """
    if not services and not owners:
        return digest
    declared = declared_owners(services)
    service = digest.origin or digest.services[0].service
    about = services.get(service, _NOTHING)

    def owned(name: str) -> tuple[str, ...]:
        marks = {mark for one in incidents if one.key.service == name for mark in one.marks}
        return owners_of(owners, [name], marks, declared)

    def line(one: ServiceLine) -> ServiceLine:
        runbook = services.get(one.service, _NOTHING).runbook
        return msgspec.structs.replace(
            one,
            owner=next(iter(owned(one.service)), ""),
            runbook=runbook if len(runbook) <= LINE_URL_CHARS else "",
        )

    return msgspec.structs.replace(
        digest,
        owners=owned(service)[:OWNERS_TOLD],
        runbook=about.runbook,
        dashboard=about.dashboard,
        status_page=about.status_page,
        image=about.image,
        services=tuple(map(line, digest.services)) if digest.storm else digest.services,
    )
