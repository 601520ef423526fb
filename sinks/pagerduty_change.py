"""A deploy as a change event: PagerDuty keeps it beside the service's incidents and wakes nobody.

PagerDuty knows no key for change events, so one whose outcome is unknown can neither be looked up
nor merged: it is sent again, and says that it may be there twice.

Source: developer.pagerduty.com, Events API v2, change events: summary of at most 1,024 characters.
"""

from __future__ import annotations

from typing import Any, Final

from correlators.types import Digest
from sinks.base import Attempt
from sinks.pagerduty_event import SOURCE_CHARS, SUMMARY_CHARS, Json, iso, usable
from sinks.pagerduty_words import said
from sinks.words import help_links, utc

TEXT_CHARS: Final = 250


def change_of(attempt: Attempt) -> Json:
    """Return the change event of a deploy, without the routing key."""
    digest = attempt.digest
    links = [("The deploy", digest.url), *help_links(digest)]
    event: Json = {
        "payload": {
            "summary": _summary(digest, possible_repeat=attempt.possible_repeat),
            "source": said(_service(digest), SOURCE_CHARS) or "stormfold",
            "timestamp": iso(digest.first_ms),
            "custom_details": _details(digest, possible_repeat=attempt.possible_repeat),
        },
        "links": [{"href": url, "text": text} for text, url in links if usable(url)],
    }
    return event


def _summary(digest: Digest, *, possible_repeat: bool) -> str:
    service, release = said(_service(digest), TEXT_CHARS), said(_release(digest), TEXT_CHARS)
    text = f"{service} {release} deployed to {said(digest.environment, TEXT_CHARS)}"
    if digest.release_before:
        text += f", after {said(digest.release_before, TEXT_CHARS)}"
    if digest.by:
        text += f", by {said(digest.by, 60)}"
    repeat = " (possible repeat)" if possible_repeat else ""
    return said(text, SUMMARY_CHARS - len(repeat)) + repeat


def _details(digest: Digest, *, possible_repeat: bool) -> dict[str, Any]:
    named = {
        "service": said(_service(digest), TEXT_CHARS),
        "release": said(_release(digest), TEXT_CHARS),
        "release_before": said(digest.release_before, TEXT_CHARS),
        "environment": said(digest.environment, TEXT_CHARS),
        "by": said(digest.by, 60),
        "deployed": utc(digest.first_ms),
        "owner": ", ".join(said(one, 60) for one in digest.owners[:5]),
        "possible_repeat": "yes" if possible_repeat else "",
        "id": said(digest.id, TEXT_CHARS),
    }
    return {name: value for name, value in named.items() if value}


def _service(digest: Digest) -> str:
    return digest.services[0].service if digest.services else ""


def _release(digest: Digest) -> str:
    return digest.releases[0] if digest.releases else ""
