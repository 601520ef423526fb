"""PagerDuty by the Events API v2: a page is a trigger, its end a resolve, both under one dedup key.

A trigger may be repeated while its alert is open: PagerDuty adds it to the alert and pages nobody.
So an attempt whose outcome is unknown is made again and nothing is looked up. The routing key
stands in the request's body only.

Source: developer.pagerduty.com, Events API v2: trigger events, rate limits (about 120 calls in any
60 s per key; no Retry-After is documented, 30 s between tries advised).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import xxhash

from correlators.types import Digest, Level
from sinks.base import (
    Attempt,
    Delivered,
    Found,
    Limit,
    NotFound,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.http import Http, Reply
from sinks.render import pager_summary
from sinks.retry_after import retry_after_ms
from sinks.words import help_links, many, short

SUMMARY_CHARS: Final = 1_024
DEDUP_CHARS: Final = 255
BODY_BYTES: Final = 500_000
"""Below the 512 KB that PagerDuty takes."""
RATE_WAIT_MS: Final = 30_000
TIMEOUT_MS: Final = 3_500

SEVERITY: Final = {
    Level.FATAL: "critical",
    Level.ERROR: "error",
    Level.WARNING: "warning",
    Level.INFO: "info",
    Level.DEBUG: "info",
}


class PagerDutySink:
    """Pages and resolves under one or more routing keys.

    Args:
        routing_keys: by the name in the configuration, such as {"default": key}.
        base_url: another region has another one.
        calls_per_minute: at most, for each key; some below what PagerDuty takes.
        timeout_ms: of one call, shorter than an attempt may last.
    """

    name = "pagerduty"

    def __init__(
        self,
        *,
        routing_keys: Mapping[str, str],
        base_url: str = "https://events.pagerduty.com",
        calls_per_minute: int = 100,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._keys = {f"{self.name}:{name}": key for name, key in routing_keys.items()}
        self._url = f"{base_url.rstrip('/')}/v2/enqueue"
        self._http = Http(timeout_ms=timeout_ms)
        limit = Limit(
            name="enqueue",
            scope=Scope.DESTINATION,
            every_ms=-(-60_000 // calls_per_minute),
            burst=10,
            in_flight=4,
        )
        steps = (Step.TRIGGER, Step.RESOLVE)
        self._plan = Plan(steps=dict.fromkeys(steps, (limit,)), repeatable=frozenset(steps))

    def __repr__(self) -> str:
        return f"PagerDutySink({', '.join(self._keys)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per routing key."""
        return tuple(self._keys)

    def account(self, destination: str) -> str:
        """Return the destination: limits count over a routing key."""
        return destination

    def plan(self, destination: str) -> Plan:
        """Return trigger and resolve, sharing one bucket."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        event = event_of(attempt)
        event["routing_key"] = self._keys[attempt.destination]
        body = json.dumps(event, ensure_ascii=False).encode()
        if len(body) > BODY_BYTES:
            event["payload"]["custom_details"] = {"left_out": "the details were too large"}
            body = json.dumps(event, ensure_ascii=False).encode()
        reply = await self._http.post(self._url, body)
        if not isinstance(reply, Reply):
            return reply
        return _outcome(reply, event["dedup_key"])

    async def find(self, attempt: Attempt) -> Found:
        """Return `NotFound`: there is nothing to look up, and repeating does no harm."""
        return NotFound()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def dedup_key(digest: Digest) -> str:
    """Return the key under which a page is opened and closed, at most 255 characters."""
    return _key_of(digest.page_key or digest.id)


def _key_of(page: str) -> str:
    key = f"stormfold-{page}"
    if len(key) <= DEDUP_CHARS:
        return key
    return f"stormfold-{xxhash.xxh3_128_hexdigest(key.encode())}"


def event_of(attempt: Attempt) -> dict[str, Any]:
    """Return the event of an attempt, without the routing key.

    A resolve carries the payload too, for services that route by its content.
    """
    digest = attempt.digest
    trigger = attempt.step is Step.TRIGGER
    event: dict[str, Any] = {
        "event_action": "trigger" if trigger else "resolve",
        "dedup_key": dedup_key(digest),
        "payload": {
            "summary": pager_summary(digest, SUMMARY_CHARS) or digest.id,
            "source": short(digest.services[0].service, 200) if digest.services else "stormfold",
            "severity": "critical" if digest.storm else SEVERITY[digest.level],
            "timestamp": _iso(digest.first_ms),
            "component": short(digest.services[0].service, 200) if digest.services else "",
            "group": digest.environment,
            "class": "storm" if digest.storm else "incident",
            "custom_details": _details(digest),
        },
    }
    if trigger:
        event["client"] = "Stormfold"
        links = dict.fromkeys(
            (one.url, one.service) for one in digest.services if one.url.startswith("http")
        )
        event["links"] = [{"href": url, "text": label} for label, url in help_links(digest)]
        event["links"] += [{"href": url, "text": f"{service} in Sentry"} for url, service in links]
    return event


def _details(digest: Digest) -> dict[str, Any]:
    handed: dict[str, Any] = {}
    if digest.page_replaces:
        handed = {
            "takes_the_place_of": _key_of(digest.page_replaces),
            "not_covered_by_its_acknowledgement": short(digest.page_why, 300),
        }
    elif digest.page_after:
        handed = {"goes_on_as": _key_of(digest.page_after)}
    return {
        **handed,
        "id": digest.id,
        "revision": digest.revision,
        "why_paged": digest.page_reason.value if digest.page_reason else "",
        "rule": digest.rule,
        "environment": digest.environment,
        "metric_alerts": [
            f"{one.title}: {one.status}" for one in digest.alerts if not one.until_ms
        ],
        "owned_by": list(digest.owners),
        "runbook": digest.runbook,
        "dashboard": digest.dashboard,
        "status_page": digest.status_page,
        "events": digest.events,
        "users": digest.users,
        "counts": "at least"
        if digest.at_least
        else "about"
        if digest.about or digest.about_users
        else "exact",
        "incidents": digest.incidents,
        "first_event": _iso(digest.first_ms),
        "last_event": _iso(digest.last_ms),
        "releases": list(digest.releases),
        "new_release": digest.new_release,
        "one_storm_because": [one.value for one in digest.evidence],
        "services": {
            one.service: f"{many(one.events, 'event')}: {short(one.title, 300)}"
            for one in digest.services
        },
        "more_services": digest.more_services,
    }


def _outcome(reply: Reply, key: str) -> Outcome:
    status = reply.status
    if 200 <= status < 300:
        return Delivered(Receipt(id=key))
    if status == 429:
        after_ms = retry_after_ms(reply.headers.get("retry-after"), default_ms=RATE_WAIT_MS)
        return Retry(RetryReason.RATE_LIMITED, max(1_000, after_ms), Scope.DESTINATION)
    if status == 408 or status >= 500:
        return Unknown(UnknownReason.SERVER_ERROR)
    if status in (401, 403):
        return Rejected(RejectReason.NOT_AUTHORISED, f"status {status}")
    if status == 404:
        return Rejected(RejectReason.NO_SUCH_PLACE, f"status {status}")
    if status == 413:
        return Rejected(RejectReason.TOO_LARGE, f"status {status}")
    return Rejected(RejectReason.INVALID, _why(reply))


def _why(reply: Reply) -> str:
    """Return the first error that PagerDuty names; its words name fields, never their values."""
    try:
        errors = json.loads(reply.text).get("errors") or []
        return f"status {reply.status}: {short(str(errors[0]), 150)}"
    except (ValueError, AttributeError, IndexError, TypeError, KeyError):
        return f"status {reply.status}"


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
