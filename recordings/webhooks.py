"""SDK events as the webhooks that Sentry's server would have sent for them.

An error becomes `error` / created; a message, for which Sentry sends no `error` webhook, the firing
of an alert rule; the first event of an issue also `issue` / created. Times are stretched by the
speed of the run.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from recordings import grouping

JsonObject = dict[str, Any]

SENTRY: Final = {"type": "application", "id": "sentry", "name": "Sentry"}
SOMEBODY: Final = {"type": "user", "id": 7001, "name": "Duty Engineer"}
SITE: Final = "https://sentry.example.com"
FIRST_ISSUE: Final = 7_100_000
ISSUE_DELAY_MS: Final = 250


class Account(NamedTuple):
    """An organisation at Sentry: its domain, the slugs of its projects, what they run on."""

    domain: str
    slugs: Mapping[int, str]
    platform: str

    @property
    def name(self) -> str:
        """Return the slug of the organisation."""
        return f"stormfold-{self.domain.partition('.')[0]}"

    @property
    def rule(self) -> str:
        """Return the name of the alert rule that messages fire."""
        return f"Every message of the {self.domain.partition('.')[0]}"

    @property
    def installation(self) -> JsonObject:
        """Return what the webhooks call the installed integration."""
        return {"uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, self.domain))}


SHOP: Final = Account(
    "shop.example", {4501: "checkout", 4502: "payment", 4503: "catalogue"}, "python"
)


class Arrival(NamedTuple):
    """One event, its time in milliseconds since the epoch, and what it belongs to."""

    at_ms: int
    project: int
    label: str
    event: JsonObject


class TimeMap(NamedTuple):
    """From the real seconds of a run to the seconds that the recording tells."""

    real_start_s: float
    told_start_s: float
    speed: float

    def told(self, real_s: float) -> float:
        """Return the told time of a real one, both in seconds since the epoch, rounded to 1 us."""
        return round(self.told_start_s + (real_s - self.real_start_s) * self.speed, 6)

    def told_stamp(self, stamp: str | float) -> float:
        """Return the told time of a stamp of the SDK: RFC 3339, or seconds since the epoch."""
        if isinstance(stamp, str):
            stamp = datetime.fromisoformat(stamp).timestamp()
        return self.told(stamp)


def _iso(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


class Issues:
    """Sentry's issues, as they come into being: one for each (project, first hash)."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._numbers: dict[tuple[int, str], int] = {}
        self._per_project: dict[int, int] = {}
        self._first: dict[int, tuple[Arrival, JsonObject]] = {}
        self._users: dict[int, set[str]] = {}
        self._counts: dict[int, int] = {}

    def add(self, arrival: Arrival, stored: JsonObject) -> tuple[int, bool]:
        """Return the number of the event's issue, and whether the event opened it."""
        key = (arrival.project, stored["hashes"][0])
        is_new = key not in self._numbers
        number = self._numbers.setdefault(key, FIRST_ISSUE + len(self._numbers))
        if is_new:
            self._per_project[arrival.project] = self._per_project.get(arrival.project, 0) + 1
            self._first[number] = (arrival, stored)
        self._counts[number] = self._counts.get(number, 0) + 1
        self._users.setdefault(number, set()).add(str((stored.get("user") or {}).get("id", "")))
        return number, is_new

    def largest(self, project: int, label: str) -> int:
        """Return the issue of a project with most events among those with a label."""
        mine = [n for n, (a, _) in self._first.items() if (a.project, a.label) == (project, label)]
        return max(mine, key=lambda number: (self._counts[number], -number))

    def serialised(self, number: int, status: str, last_ms: int) -> JsonObject:
        """Return the issue as Sentry serialises it; its count is a string there."""
        arrival, stored = self._first[number]
        slug, platform = self._account.slugs[arrival.project], self._account.platform
        project = {"id": str(arrival.project), "slug": slug, "name": slug, "platform": platform}
        return {
            "id": str(number),
            "shortId": f"{slug.upper()}-{number - FIRST_ISSUE + 1:X}",
            "title": stored["title"],
            "culprit": stored["culprit"],
            "level": stored["level"],
            "logger": stored.get("logger"),
            "platform": platform,
            "project": project,
            "type": stored["type"],
            "issueType": "error",
            "issueCategory": "error",
            "metadata": stored["metadata"],
            "status": status,
            "substatus": "new" if status == "unresolved" else None,
            "statusDetails": {},
            "count": str(self._counts[number]),
            "userCount": len(self._users[number] - {""}),
            "firstSeen": _iso(arrival.at_ms / 1000),
            "lastSeen": _iso(last_ms / 1000),
            "assignedTo": None,
            "isBookmarked": False,
            "isSubscribed": False,
            "permalink": f"{SITE}/organizations/{self._account.name}/issues/{number}/",
        }


def _retimed(event: JsonObject, times: TimeMap) -> None:
    crumbs = event.get("breadcrumbs") or {}
    if isinstance(crumbs, list):
        crumbs = event["breadcrumbs"] = {"values": crumbs}
    for crumb in crumbs.get("values") or []:
        crumb["timestamp"] = times.told_stamp(crumb["timestamp"])
    event["timestamp"] = times.told_stamp(event["timestamp"])


def stored_form(arrival: Arrival, times: TimeMap) -> JsonObject:
    """Return the event as Sentry's server keeps and sends it; the given event is used up.

    Source: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/errors/
    """
    event = arrival.event
    _retimed(event, times)
    for exception in grouping.exceptions(event):
        for frame in (exception.get("stacktrace") or {}).get("frames") or []:
            frame["in_app"] = bool(frame.get("in_app"))
    if request := event.get("request"):
        request["headers"] = [[k, v] for k, v in sorted((request.get("headers") or {}).items())]
        query = parse_qsl(request.get("query_string", ""))
        request["query_string"] = [[name, value] for name, value in query]
    for name, context in (event.get("contexts") or {}).items():
        context.setdefault("type", name)
    entry = grouping.message_of(event)
    is_error = bool(grouping.exceptions(event))
    meta, title = grouping.metadata(event), grouping.title(event)
    hashes = grouping.hashes(event)
    for gone in ("message", "transaction_info", "modules", "_meta"):
        event.pop(gone, None)
    return {
        **event,
        **({"logentry": entry} if entry else {}),
        "project": arrival.project,
        "type": "error" if is_error else "default",
        "version": "7",
        "key_id": "5501",
        "level": event.get("level", "error"),
        "dist": event.get("dist"),
        "message": entry.get("formatted", ""),
        "title": title,
        "culprit": event.get("transaction") or "",
        "location": meta.get("filename"),
        "metadata": meta,
        "tags": grouping.tags(event),
        "fingerprint": event.get("fingerprint") or ["{{ default }}"],
        "hashes": hashes,
        "grouping_config": {"id": "newstyle:2026-01-20"},
        "datetime": _iso(event["timestamp"]),
        "received": arrival.at_ms / 1000,
        "nodestore_insert": arrival.at_ms / 1000,
        "errors": [],
    }


def _with_links(stored: JsonObject, issue: int, account: Account) -> JsonObject:
    slug, event_id = account.slugs[stored["project"]], stored["event_id"]
    return {
        **stored,
        "url": f"{SITE}/api/0/projects/{account.name}/{slug}/events/{event_id}/",
        "web_url": f"{SITE}/organizations/{account.name}/issues/{issue}/events/{event_id}/",
        "issue_url": f"{SITE}/api/0/organizations/{account.name}/issues/{issue}/",
        "issue_id": str(issue),
    }


def _row(
    installation: JsonObject,
    at_ms: int,
    resource: str,
    action: str,
    data: JsonObject,
    actor: JsonObject,
) -> JsonObject:
    body = {"action": action, "installation": installation, "data": data, "actor": actor}
    return {"at_ms": at_ms, "resource": resource, "body": body}


def rows(
    arrivals: Iterable[Arrival], times: TimeMap, end_ms: int, account: Account = SHOP
) -> list[JsonObject]:
    """Return the lines of the recording, by `at_ms`; event lines carry their label.

    Args:
        arrivals: in order of time; their events are used up.
        times: how the run's own times become those of the recording.
        end_ms: when somebody marks the largest outage issue of each project as resolved.
        account: whose projects they are.
    """
    issues, line = Issues(account), partial(_row, account.installation)
    made: list[JsonObject] = []
    for arrival in arrivals:
        stored = stored_form(arrival, times)
        issue, is_new = issues.add(arrival, stored)
        sent = _with_links(stored, issue, account)
        if stored["type"] == "error":
            row = line(arrival.at_ms, "error", "created", {"error": sent}, SENTRY)
        else:
            data = {"event": sent, "triggered_rule": account.rule}
            row = line(arrival.at_ms, "event_alert", "triggered", data, SENTRY)
        made.append({**row, "label": arrival.label})
        if is_new:
            told = issues.serialised(issue, "unresolved", arrival.at_ms)
            links = {"url": sent["issue_url"], "web_url": told["permalink"]}
            told |= {**links, "project_url": f"{SITE}/organizations/{account.name}/issues/"}
            later_ms = arrival.at_ms + ISSUE_DELAY_MS
            made.append(line(later_ms, "issue", "created", {"issue": told}, SENTRY))
    for place, project in enumerate(account.slugs):
        told = issues.serialised(issues.largest(project, "outage"), "resolved", end_ms)
        made.append(line(end_ms + place * 4000, "issue", "resolved", {"issue": told}, SOMEBODY))
    return sorted(made, key=lambda row: row["at_ms"])
