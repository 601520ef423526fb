"""From the bytes of one record to an `Event`, a `StateChange`, or the reason why it is neither.

What a field means, and which of several places wins, is decided here and nowhere else. Pure: the
same resource and the same bytes always give the same value. Who met an error leaves only as a hash.
Changes of state have their own module, `changes`, and so has a self-hosted Sentry's own topic,
`event_stream`; the shapes on the wire are in `wire`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
import xxhash

from correlators.changes import change_of
from correlators.deploys import DEPLOY, NotADeploy, read_deploy
from correlators.event_parts import (
    exceptions_of,
    formatted_of,
    level_of,
    link,
    message_of,
    name,
    names,
    occurred_ms,
    request_of,
    tags_of,
    thread_frames,
    trace_hash,
    user_hash,
)
from correlators.event_stream import read_stream
from correlators.known_people import NOBODY, Known
from correlators.types import ChangeKind, Event, StateChange, Unreadable
from correlators.wire import WireBody, WireEvent, WireProject
from correlators.wire_read import NotReadable, Reason, read_body, read_change

SERVICE_CHARS: Final = 100
ENVIRONMENT_CHARS: Final = 64
RELEASE_CHARS: Final = 250
NAME_CHARS: Final = 200
EVENT_ID_CHARS: Final = 64
ISSUE_ID_CHARS: Final = 32
FINGERPRINTS_KEPT: Final = 32
HASHES_KEPT: Final = 16
NO_SERVICE: Final = "unknown"
"""The service of an event that names no project at all."""

LEGACY: Final = "legacy"
"""The resource of what the legacy plugin "WebHooks" sends: a flat body around the stored event."""

EVENT_STREAM: Final = "events"
"""The resource of what stands on a self-hosted Sentry's own topic; no webhook has it."""

NOT_SENTRYS: Final = frozenset({DEPLOY})
"""Resources that Sentry does not have: what comes under these is told by others."""

EVENT_RESOURCES: Final = frozenset({"error", "event_alert", "issue_alert", "event", LEGACY})
CHANGE_RESOURCES: Final = frozenset(
    {
        "activity_alert",
        "comment",
        "installation",
        "issue",
        "metric_alert",
        "preprod_artifact",
        "seer",
        "size_analysis",
    }
)
KNOWN_RESOURCES: Final = EVENT_RESOURCES | CHANGE_RESOURCES | NOT_SENTRYS
"""What is known to come in. Anything else is kept too, as a change of kind `other`."""

_NO_PROJECTS: Final[Mapping[str, str]] = {}
ALERTS: Final = frozenset({"event_alert", "issue_alert", LEGACY})
"""Resources that tell only some of the events."""

_NO_OCCURRENCE: Final = frozenset({"transaction", "profile", "replay_event"})
_SLUG_IN_URL: Final = re.compile(r"/projects/[^/?#]+/([^/?#]+)")
_ISSUE_IN_URL: Final = re.compile(r"/(?:issues|groups?)/([0-9]+)(?:[/?#]|$)")
_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def decode(
    resource: str,
    body: bytes,
    *,
    default_environment: str,
    projects: Mapping[str, str] = _NO_PROJECTS,
    people: Known = NOBODY,
) -> Event | StateChange | Unreadable:
    """Return what the record says: one event, one change of state, or why it cannot be read.

    Never raises, whatever the bytes are; a reason never holds any of them.

    Args:
        resource: the `Sentry-Hook-Resource` header; `event` for a bare Sentry event, `EVENT_STREAM`
            for a message of a self-hosted Sentry's topic, `LEGACY` for the legacy plugin's body.
        body: exactly as received.
        default_environment: for an event that names none; not empty.
        projects: service by project number, for an event that tells no slug.
        people: names of those whom an assignment or a comment may name.

    Source: Sentry's integration platform, webhooks: resources and their payloads.
    """
    try:
        found = _decode(resource.strip().lower(), body, default_environment, people)
    except NotADeploy:
        return Unreadable(reason=Reason.NO_DEPLOY)
    except NotReadable as error:
        return Unreadable(reason=error.reason if body.strip() else Reason.EMPTY)
    except Exception:
        # One record that nobody foresaw must go to the quarantine, not stop its partition.
        return Unreadable(reason=Reason.DECODER_FAILED)
    if isinstance(found, StateChange):
        return _placed(found, default_environment)
    if projects and isinstance(found, Event) and found.service == found.project in projects:
        return msgspec.structs.replace(found, service=projects[found.project])
    return found


def _placed(change: StateChange, default_environment: str) -> StateChange:
    """Return the change; a metric alert over all environments stands in the default one."""
    if change.kind is ChangeKind.METRIC_ALERT and not change.environment:
        return msgspec.structs.replace(change, environment=default_environment)
    return change


def _decode(
    resource: str, body: bytes, default_environment: str, people: Known
) -> Event | StateChange | Unreadable:
    if resource in CHANGE_RESOURCES:
        return change_of(resource, read_change(body), body, people)
    if resource == DEPLOY:
        return read_deploy(body)
    if resource == EVENT_STREAM:
        told = read_stream(body)
        if isinstance(told, str):
            return _other(resource, told, body)
        wire, inner = WireBody(), told
    else:
        wire = read_body(body)
        found = _event_in(resource, wire)
        if found is None:
            if resource in EVENT_RESOURCES:
                return Unreadable(reason=Reason.NO_EVENT)
            return change_of(resource, read_change(body), body, people)
        inner = found
    if (inner is wire or resource == EVENT_STREAM) and inner.type in _NO_OCCURRENCE:
        return _other(resource, inner.type or "", body)
    return _event(resource, wire, inner, body, default_environment)


def _other(resource: str, action: str, body: bytes) -> StateChange:
    """Return what is known, and neither an event nor a change that means anything here."""
    return StateChange(
        kind=ChangeKind.OTHER,
        resource=resource,
        action=action,
        identity=xxhash.xxh3_128_hexdigest(body),
    )


def _event_in(resource: str, wire: WireBody) -> WireEvent | None:
    if wire.data is not None and (resource in EVENT_RESOURCES or not resource):
        inner = wire.data.error or wire.data.event
        if inner is not None:
            return inner
    if wire.event is not None and wire.data is None:
        return wire.event
    if wire.event_id or (resource in EVENT_RESOURCES and _says_something(wire)):
        return wire
    return None


def _says_something(wire: WireEvent) -> bool:
    return any(
        part is not None
        for part in (
            wire.exception,
            wire.logentry,
            wire.message,
            wire.threads,
            wire.stacktrace,
            wire.title,
            wire.old_exception,
            wire.old_message,
            wire.old_stacktrace,
        )
    )


def _event(
    resource: str, outer: WireBody, inner: WireEvent, body: bytes, default_environment: str
) -> Event:
    tags = tags_of(inner.tags)
    exceptions = exceptions_of(
        inner.exception if inner.exception is not None else inner.old_exception
    )
    with_stack = any(exception.frames for exception in exceptions)
    service = _service(outer, inner)
    user = inner.user or inner.old_user
    flat = outer.event is inner
    return Event(
        project=_project(outer, inner) or service,
        event_id=_event_id(inner, body),
        service=service,
        environment=name(inner.environment, ENVIRONMENT_CHARS)
        or name(tags.get("environment"), ENVIRONMENT_CHARS)
        or default_environment,
        release=name(inner.release, RELEASE_CHARS)
        or name(tags.get("release") or tags.get("sentry:release"), RELEASE_CHARS),
        level=level_of(inner.level, tags.get("level"), outer.level),
        platform=name(inner.platform, NAME_CHARS),
        logger=name(inner.logger or tags.get("logger"), NAME_CHARS),
        transaction=name(inner.transaction or tags.get("transaction"), NAME_CHARS),
        request=request_of(inner.request or inner.old_request),
        culprit=name(inner.culprit or (outer.culprit if flat else None), NAME_CHARS),
        message=message_of(inner, with_title=not exceptions),
        formatted=formatted_of(inner),
        tags=tuple(tags.items()),
        sdk=name(inner.sdk.name if inner.sdk is not None else None, NAME_CHARS),
        exceptions=exceptions,
        frames=() if with_stack else thread_frames(inner),
        sentry_fingerprint=names(inner.fingerprint, FINGERPRINTS_KEPT),
        sentry_hashes=names(inner.hashes, HASHES_KEPT),
        issue_id=_issue_id(outer, inner),
        user_hash=user_hash(user, tags.get("user") or tags.get("sentry:user")),
        trace_hash=trace_hash(inner.contexts, tags.get("trace")),
        occurred_ms=occurred_ms(inner.timestamp) or occurred_ms(inner.datetime),
        web_url=link(inner.web_url or (outer.url if flat else None)),
        issue_url=link(inner.issue_url),
        sampled=resource in ALERTS or outer.triggering_rules is not None,
    )


def _event_id(inner: WireEvent, body: bytes) -> str:
    """Return the id in one spelling; without one, the body's hash, so that a repeat stays one."""
    given = (inner.event_id or (inner.id if isinstance(inner.id, str) else "") or "").strip()
    if not given:
        return xxhash.xxh3_128_hexdigest(body)
    if _UUID.fullmatch(given.lower()):
        return given.lower().replace("-", "")
    if len(given) > EVENT_ID_CHARS or not given.isprintable():
        return xxhash.xxh3_128_hexdigest(given.encode())
    return given


def _project(outer: WireBody, inner: WireEvent) -> str:
    """Return the project's id, else its slug: the same whichever resource tells the event."""
    for wire in (inner, outer):
        for given in (wire.project, wire.project_id):
            found = given.id if isinstance(given, WireProject) else given
            if found is not None and name(str(found), SERVICE_CHARS):
                return name(str(found), SERVICE_CHARS)
    return ""


def slug_in(url: str) -> str:
    """Return the project's slug out of an event's API link; empty where it names none."""
    found = _SLUG_IN_URL.search(url)
    return found.group(1) if found else ""


def _service(outer: WireBody, inner: WireEvent) -> str:
    """Return the project's slug: from the API link, else where older forms name it, else its id."""
    slug = slug_in(inner.url or "")
    for wire in (inner, outer):
        if not slug and isinstance(wire.project, WireProject):
            slug = wire.project.slug or ""
        if not slug and isinstance(wire.project, str) and not wire.project.strip().isdigit():
            slug = wire.project
        slug = slug or wire.project_slug or ""
    return name(slug, SERVICE_CHARS) or _project(outer, inner) or NO_SERVICE


def _issue_id(outer: WireBody, inner: WireEvent) -> str:
    given = inner.issue_id if inner.issue_id is not None else inner.group_id
    if given is None and outer.triggering_rules is not None:
        given = outer.id
    if given is not None and name(str(given), ISSUE_ID_CHARS):
        return name(str(given), ISSUE_ID_CHARS)
    for url in (inner.issue_url, inner.web_url, outer.url):
        found = _ISSUE_IN_URL.search(url or "")
        if found:
            return found.group(1)[:ISSUE_ID_CHARS]
    return ""
