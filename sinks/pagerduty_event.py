"""What a page says: the event of a trigger, an acknowledgement or a resolve, as data.

Its details are read on a phone, in the middle of the night: what broke and who is hurt first, what
to do next, ids last; every value is one clean line, and nothing empty stands there. Each text and
each list has its most; what does not fit gives way in order of unimportance, and the event says so.

Source: developer.pagerduty.com, Events API v2, trigger events: fields and their limits; links and
images stand beside the payload.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

import xxhash

from correlators.types import Digest, Level
from sinks.base import Attempt, Step
from sinks.pagerduty_details import MORE_IMPORTANT_LAST, details
from sinks.pagerduty_words import said, summary
from sinks.words import help_links

Json = dict[str, Any]

SUMMARY_CHARS: Final = 1_024
DEDUP_CHARS: Final = 255
BODY_BYTES: Final = 500_000
"""Below the 512 KB that PagerDuty takes."""
SOURCE_CHARS: Final = 200
LINKS_MOST: Final = 12
URL_CHARS: Final = 2_000
"""A longer address is left out: half of one leads nowhere."""

_KEY: Final = re.compile(r"stormfold-((?:inc|storm)-[0-9a-f]{16}\.[0-9]{1,10})")

ACTIONS: Final = {
    Step.TRIGGER: "trigger",
    Step.ACKNOWLEDGE: "acknowledge",
    Step.RESOLVE: "resolve",
}

SEVERITY: Final = {
    Level.FATAL: "critical",
    Level.ERROR: "error",
    Level.WARNING: "warning",
    Level.INFO: "info",
    Level.DEBUG: "info",
}


def dedup_key(digest: Digest) -> str:
    """Return the key under which a page is opened and closed, at most 255 characters."""
    return key_of(digest.page_key or digest.id)


def key_of(page: str) -> str:
    """Return the dedup key of a page by its name."""
    key = f"stormfold-{page}"
    if len(key) <= DEDUP_CHARS:
        return key
    return f"stormfold-{xxhash.xxh3_128_hexdigest(key.encode('utf-8', 'surrogatepass'))}"


def page_of(key: str) -> str:
    """Return the page whose dedup key this is, empty where it is none of CORRELATE's pages.

    A key that was replaced by its hash leads nowhere; CORRELATE's are far below that length.
    """
    found = _KEY.fullmatch(key)
    return found[1] if found else ""


def event_of(attempt: Attempt) -> Json:
    """Return the event of an attempt, without the routing key.

    What follows a trigger carries the payload too, for services that route by its content.
    """
    digest = attempt.digest
    service = said(digest.origin or _first_service(digest), SOURCE_CHARS)
    event: Json = {
        "event_action": ACTIONS[attempt.step],
        "dedup_key": dedup_key(digest),
        "payload": {
            "summary": summary(digest, SUMMARY_CHARS) or digest.id,
            "source": service or "stormfold",
            "severity": "critical" if digest.storm else SEVERITY[digest.level],
            "timestamp": iso(digest.first_ms),
            "component": service,
            "group": said(digest.environment, SOURCE_CHARS),
            "class": "storm" if digest.storm else "incident",
            "custom_details": details(digest, key_of=key_of),
        },
    }
    if attempt.step is Step.TRIGGER:
        event["client"] = "Stormfold"
        if usable(digest.url):
            event["client_url"] = digest.url
        event["links"] = links_of(digest)
        if images := images_of(digest):
            event["images"] = images
    return event


def body_of(event: Json, most_bytes: int = BODY_BYTES) -> bytes:
    """Return the event's bytes, at most so many: details give way one by one, the least first.

    What is left out is named in the details, with where all of it is found. The summary, its
    source, its severity and the key always stay.
    """
    body = _encoded(event)
    if len(body) <= most_bytes:
        return body
    told: Json = event["payload"].get("custom_details", {})
    left_out: list[str] = []
    for name in MORE_IMPORTANT_LAST:
        if name not in told:
            continue
        del told[name]
        left_out.append(name)
        told["shortened"] = f"… without {', '.join(left_out)}"
        body = _encoded(event)
        if len(body) <= most_bytes:
            return body
    for part in ("images", "links", "client_url"):
        event.pop(part, None)
    event["payload"]["custom_details"] = {"shortened": "… without all details"}
    body = _encoded(event)
    while len(body) > most_bytes and len(event["payload"]["summary"]) > 80:
        event["payload"]["summary"] = said(
            event["payload"]["summary"], len(event["payload"]["summary"]) // 2
        )
        body = _encoded(event)
    return body


def links_of(digest: Digest) -> list[Json]:
    """Return what to open next: what helps first, then each service in Sentry, then alerts."""
    found = [(url, label) for label, url in help_links(digest)]
    found += [(one.url, f"{said(one.service, 80)} in Sentry") for one in digest.services]
    found += [(digest.url, "in Sentry")]
    found += [(one.url, f"Metric alert {said(one.title, 80)}") for one in digest.alerts]
    unique: dict[str, str] = {}
    for url, text in found:
        if usable(url):
            unique.setdefault(url, text)
    return [{"href": url, "text": text} for url, text in unique.items()][:LINKS_MOST]


def images_of(digest: Digest) -> list[Json]:
    """Return the picture of the service, if there is one; it leads to the dashboard."""
    if not (usable(digest.image) and digest.image.startswith("https://")):
        return []
    name = said(digest.origin or _first_service(digest), 80)
    image = {"src": digest.image, "alt": f"The picture of {name}" if name else "A picture"}
    if usable(digest.dashboard):
        image["href"] = digest.dashboard
    return [image]


def usable(url: str) -> bool:
    """Return True for an address that may stand in an event."""
    return url.startswith(("https://", "http://")) and len(url) <= URL_CHARS and said(url) == url


def iso(at_ms: int) -> str:
    """Return a moment as ISO 8601."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _first_service(digest: Digest) -> str:
    return digest.services[0].service if digest.services else ""


def _encoded(event: Json) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
