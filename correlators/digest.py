"""Digests: what a message says of an incident or a storm. No markup here; that is the sinks'
part."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from correlators import evidence, sets
from correlators.deltas import tick_end_ms, worse
from correlators.incidents import Incident
from correlators.service_lines import of_services, releases_of, url_of
from correlators.storms import Storm
from correlators.types import (
    SERVICES_TOLD,
    Digest,
    DigestKind,
    Level,
    PageAction,
    PageReason,
    Sample,
    ServiceLine,
)

TITLE_CHARS = 300


class Page(msgspec.Struct, frozen=True):
    """What one telling asks of the pagers."""

    action: PageAction = PageAction.NONE
    key: str = ""
    reason: PageReason | None = None
    after: str = ""
    """For a resolve: the page that must be there before."""
    after_to: tuple[str, ...] = ()
    """Who has that one."""
    replaces: str = ""
    """For a trigger: the page that it takes the place of."""
    why: str = ""
    """For such a trigger: what the acknowledgement does not cover, in words."""
    to: tuple[str, ...] = ()
    """Who is paged, or was."""
    fallback: tuple[str, ...] = ()
    """For each of them, who is paged when that one cannot be."""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same in the digest of an incident and of a storm."""

    kind: DigestKind
    revision: int
    tick: int
    resolved: bool
    new_release: tuple[str, int] | None = None
    """The release that is news and its first tick."""
    deployed: bool = False
    """That is when it was deployed, not when it was first seen."""
    storm_id: str = ""
    storm_title: str = ""
    page: Page = Page()
    rule: str = ""
    flapping: bool = False
    ignored: bool = False


def of_incident(incident: Incident, also: Sequence[Incident], telling: Telling) -> Digest:
    """Return the digest of an incident, for no destination yet.

    Args:
        incident: the one that tells.
        also: open incidents of its episode under other releases, which it tells too.
        telling: kind, revision and tick.
    """
    told = [incident, *also]
    events = incident.events
    users = incident.users
    level = incident.level
    for other in also:
        events = sets.union(events, other.events)
        users = sets.union(users, other.users)
        level = worse(level, other.level)
    sample = incident.sample
    line = ServiceLine(
        service=incident.key.service,
        title=sample.title,
        events=sets.count(events).value,
        incidents=len(told),
        releases=releases_of(told),
        url=url_of(sample),
    )
    made = _digest(
        telling,
        id=incident.id,
        storm=False,
        environment=incident.key.environment,
        title=sample.title[:TITLE_CHARS],
        incidents=len(told),
        members=(events, users),
        level=level,
        first_ms=min(one.first_ms for one in told),
        last_ms=max(one.last_ms for one in told),
        services=(line,),
        releases=releases_of(told),
        delayed=incident.delayed,
        past=all(one.past for one in told),
        at_least=any(one.sampled for one in told),
        sample=sample,
    )
    return _with_sentrys_counts(
        msgspec.structs.replace(
            made,
            regressed=any(one.regressed for one in told),
            escalating=any(one.escalated for one in told),
            escalated_now=incident.escalated_mark > incident.told.mark,
            assignee=incident.assignee,
            unconfirmed=incident.doubt if all(one.doubt for one in told) else None,
            page_stays=incident.page_left,
        ),
        told,
    )


def _with_sentrys_counts(digest: Digest, told: Sequence[Incident]) -> Digest:
    """Return the digest with Sentry's own counts where the feed tells only some events, and it
    tells more."""
    if not digest.at_least:
        return digest
    events = max(one.sentry_events for one in told)
    users = max(one.sentry_users for one in told)
    more: dict[str, int | bool] = {}
    if events > digest.events:
        more |= {"events": events, "about": False}
    if users > digest.users:
        more |= {"users": users, "about_users": False}
    return msgspec.structs.replace(digest, **more)


def of_storm(storm: Storm, members: Sequence[Incident], telling: Telling) -> Digest:
    """Return the digest of a storm, for no destination yet.

    Args:
        storm: the one that tells.
        members: its incidents that are remembered, in the order of joining; not empty.
        telling: kind, revision and tick.
    """
    lines = of_services(storm, members)
    origin = _origin(storm, members)
    digest = _digest(
        telling,
        id=storm.id,
        storm=True,
        environment=storm.environment,
        title=title_of(storm, members),
        incidents=storm.joined,
        members=(storm.events, storm.users),
        level=storm.level,
        first_ms=storm.first_ms,
        last_ms=storm.last_ms,
        services=lines[:SERVICES_TOLD],
        # Which release broke is asked of the origin first.
        releases=releases_of((origin, *members)),
        delayed=all(one.delayed for one in members),
        past=False,
        at_least=any(one.sampled for one in members),
        sample=origin.sample,
    )
    return msgspec.structs.replace(
        digest,
        evidence=evidence.kinds(storm.evidence),
        because=evidence.told(storm.evidence),
        origin=origin.key.service,
        origin_reason=storm.origin.reason,
        joined_incidents=max(0, len(storm.members) - storm.told.members),
        joined_services=storm.services[storm.told.services :][:SERVICES_TOLD],
        more_services=len(storm.services) - len(digest.services),
        left=storm.left,
        assignee=storm.assignee,
        unconfirmed=storm.doubt,
        page_stays=storm.page_left,
        back=storm.back,
    )


def title_of(storm: Storm, members: Sequence[Incident]) -> str:
    """Return what a storm is called; `members` are those of its incidents that are remembered."""
    origin = _origin(storm, members)
    services = len(storm.services)
    where = f"{services} services" if services > 1 else origin.key.service
    word = "likely from" if storm.origin.reason else "first in"
    first = f", {word} {origin.key.service}" if services > 1 else ""
    return f"Outage in {where}{first}: {origin.sample.title}"[:TITLE_CHARS]


def _origin(storm: Storm, members: Sequence[Incident]) -> Incident:
    return next((one for one in members if one.id == storm.origin.incident_id), members[0])


def _digest(
    telling: Telling,
    *,
    id: str,
    storm: bool,
    environment: str,
    title: str,
    incidents: int,
    members: tuple[bytes, bytes],
    level: Level,
    first_ms: int,
    last_ms: int,
    services: tuple[ServiceLine, ...],
    releases: tuple[str, ...],
    delayed: bool,
    past: bool,
    at_least: bool,
    sample: Sample,
) -> Digest:
    events, users = sets.count(members[0]), sets.count(members[1])
    release, release_tick = telling.new_release or ("", 0)
    return Digest(
        id=id,
        revision=telling.revision,
        kind=telling.kind,
        at_ms=tick_end_ms(telling.tick),
        destination="",
        storm=storm,
        resolved=telling.resolved,
        environment=environment,
        title=title,
        incidents=incidents,
        events=events.value,
        users=users.value,
        about=events.about,
        about_users=users.about,
        at_least=at_least,
        level=level,
        first_ms=first_ms,
        last_ms=last_ms,
        services=services,
        releases=releases,
        new_release=release,
        new_release_ms=release_tick * 1000,
        deployed=bool(release) and telling.deployed,
        storm_id=telling.storm_id,
        storm_title=telling.storm_title,
        delayed=delayed,
        past=past,
        page=telling.page.action,
        page_reason=telling.page.reason,
        page_key=telling.page.key,
        page_after=telling.page.after,
        page_after_to=telling.page.after_to,
        page_replaces=telling.page.replaces,
        page_why=telling.page.why,
        rule=telling.rule,
        flapping=telling.flapping,
        ignored=telling.ignored,
        culprit=sample.culprit,
        transaction=sample.transaction,
        request=sample.request,
        url=url_of(sample),
    )
