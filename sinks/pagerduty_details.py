"""The details of a page: names and values in the order in which somebody wants to know them.

Names are words with `_`, so that PagerDuty's own rules can ask for them; numbers stay numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from correlators.types import Digest, PageReason
from sinks.lead import release
from sinks.pagerduty_words import TITLE_CHARS, said
from sinks.templating import EVIDENCE
from sinks.words import PAGED_BECAUSE, lasting, many, utc

SERVICES_MOST: Final = 10
LIST_MOST: Final = 6
NAME_CHARS: Final = 120
ADDRESS_CHARS: Final = 2_000

MORE_IMPORTANT_LAST: Final = (
    "revision",
    "releases",
    "because",
    "last_event",
    "incidents",
    "metric_alerts",
    "services",
    "likely_origin",
    "goes_on_as",
    "takes_the_place_of",
    "status_page",
    "dashboard",
    "rule",
    "release",
    "owner",
    "not_covered_by_its_acknowledgement",
    "paged_instead_of",
    "acknowledged_by",
    "why_paged",
    "what",
    "runbook",
    "sentry",
)
"""What gives way where an event is too large, in this order."""


def details(digest: Digest, *, key_of: Callable[[str], str]) -> dict[str, Any]:
    """Return the details without what is empty.

    Args:
        digest: any.
        key_of: gives the dedup key of another page by its name.
    """
    named: dict[str, Any] = {
        "what": said(digest.title, TITLE_CHARS),
        "project": _project(digest),
        **_hurt(digest),
        "environment": said(digest.environment, NAME_CHARS),
        "began": utc(digest.first_ms),
        "release": _release(digest),
        "owner": _listed([said(one, NAME_CHARS) for one in digest.owners]),
        "why_paged": _why(digest),
        "paged_instead_of": said(digest.handed_by, NAME_CHARS),
        "acknowledged_by": _acknowledged(digest),
        "rule": said(digest.rule, NAME_CHARS),
        **_pages(digest, key_of),
        "sentry": _address(digest.url),
        "runbook": _address(digest.runbook),
        "dashboard": _address(digest.dashboard),
        "status_page": _address(digest.status_page),
        "likely_origin": _origin(digest),
        "services": _services(digest) if digest.storm else {},
        "metric_alerts": _some(
            [
                f"{said(one.title, NAME_CHARS)}: {said(one.status, 40)}"
                for one in digest.alerts
                if not one.until_ms
            ]
        ),
        "because": _because(digest),
        "last_event": utc(digest.last_ms, digest.first_ms),
        "releases": _some([said(one, NAME_CHARS) for one in digest.releases]),
        "incidents": digest.incidents if digest.storm else 0,
        "acknowledge": ""
        if digest.resolved or digest.acked_by
        else f"here, or: stormfold incidents ack {said(digest.id, NAME_CHARS)}",
        "all_of_it": f"stormfold incidents show {said(digest.id, NAME_CHARS)}",
        "id": said(digest.id, NAME_CHARS),
        "revision": digest.revision,
    }
    return {name: value for name, value in named.items() if value or name in ("users", "count")}


def _project(digest: Digest) -> str:
    first = digest.origin or (digest.services[0].service if digest.services else "")
    others = len(digest.services) + digest.more_services - 1
    name = said(first, NAME_CHARS)
    return f"{name} and {many(others, 'more service')}" if name and others > 0 else name


def _why(digest: Digest) -> str:
    why = PAGED_BECAUSE.get(digest.page_reason, "") if digest.page_reason else ""
    # Later digests of the page carry other acts, or none.
    if digest.page_reason is PageReason.BY_HAND and digest.act == "page_now" and digest.act_by:
        return f"{why}: {_whom(digest.act_by, digest.act_in)}"
    return why


def _acknowledged(digest: Digest) -> str:
    return _whom(digest.acked_by, digest.acked_in) if digest.acked_by else ""


def _whom(name: str, where: str) -> str:
    return said(name, NAME_CHARS) + (f", by {said(where, 40)}" if where else "")


def _hurt(digest: Digest) -> dict[str, Any]:
    if digest.metric_alert:
        return {}
    sure = "at least" if digest.at_least else "about"
    unsure = digest.at_least or digest.about or digest.about_users
    counted = {"counted": sure} if unsure else {}
    return {"users": digest.users, "count": digest.events, **counted}


def _release(digest: Digest) -> str:
    if not digest.new_release:
        return said(release(digest), NAME_CHARS)
    how = "deployed" if digest.deployed else "first seen"
    before_ms = digest.first_ms - digest.new_release_ms
    when = "as this began" if before_ms < 1_000 else f"{lasting(before_ms)} before this began"
    return f"{said(digest.new_release, NAME_CHARS)}, {how} {when}"


def _pages(digest: Digest, key_of: Callable[[str], str]) -> dict[str, Any]:
    """Return how this page stands to others of the same thing."""
    if digest.page_replaces:
        return {
            "not_covered_by_its_acknowledgement": said(digest.page_why, 300),
            "takes_the_place_of": key_of(digest.page_replaces),
        }
    return {"goes_on_as": key_of(digest.page_after)} if digest.page_after else {}


def _origin(digest: Digest) -> str:
    if not (digest.storm and digest.origin):
        return ""
    name = said(digest.origin, NAME_CHARS)
    return f"{name}: {said(digest.origin_reason, 200)}" if digest.origin_reason else name


def _services(digest: Digest) -> dict[str, str]:
    lines = {}
    for one in digest.services[:SERVICES_MOST]:
        users = f", {many(one.users, 'user')}" if one.users else ""
        lines[said(one.service, NAME_CHARS)] = (
            f"{many(one.events, 'event')}{users}: {said(one.title, 300)}"
        )
    more = digest.more_services + max(0, len(digest.services) - SERVICES_MOST)
    return {**lines, "…": f"and {more:,} more"} if more else lines


def _because(digest: Digest) -> list[str]:
    words = [said(one, 200) for one in digest.because]
    return _some(words or [EVIDENCE[one] for one in digest.evidence])


def _some(texts: list[str]) -> list[str]:
    """Return the texts, at most `LIST_MOST`; the last place says how many more there are."""
    if len(texts) <= LIST_MOST:
        return texts
    return [*texts[: LIST_MOST - 1], f"… and {len(texts) - LIST_MOST + 1:,} more"]


def _listed(texts: list[str]) -> str:
    return ", ".join(_some(texts))


def _address(url: str) -> str:
    """Return the address, nothing where it is too long: half of one leads nowhere."""
    return url if len(url) <= ADDRESS_CHARS and said(url) == url else ""
