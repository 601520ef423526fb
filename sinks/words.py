"""Values as a person reads them: one clean line, counts, lengths of time, moments. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from correlators.types import Digest, Doubt, PageOver, PageReason

_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""What is not seen, or turns the direction of what is."""
_SPACES: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_HALVES: Final = re.compile("[\ud800-\udfff]")


def clean(value: object) -> str:
    """Return the value as one line without control, direction and invisible characters.

    Half of a surrogate pair, which no service can be sent, becomes the replacement character.
    """
    text = _UNSEEN.sub("", _HALVES.sub("\ufffd", str(value)))
    return _SPACES.sub(" ", text).strip(" ")


def escape_slack(value: object) -> str:
    """Return the value as Slack shows it literally; what is markup already stays.

    Source: docs.slack.dev, formatting message text: &, < and > are the control characters.
    """
    if isinstance(value, Markup):
        return str(value)
    text = value if isinstance(value, str) else str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: str, chars: int) -> str:
    """Return the text, cut to this many characters with an ellipsis."""
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def lasting(span_ms: int) -> str:
    """Return a length of time in the one or two units that a person would say."""
    seconds = max(0, span_ms) // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h"


def utc(at_ms: int, after_ms: int | None = None) -> str:
    """Return a moment as `2026-09-21 14:13 UTC`, without the day when it is that of `after_ms`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.strftime("%H:%M UTC" if same_day(at_ms, after_ms) else "%Y-%m-%d %H:%M UTC")


def same_day(at_ms: int, after_ms: int | None) -> bool:
    """Return True when both moments lie in one day of UTC."""
    return after_ms is not None and at_ms // 86_400_000 == after_ms // 86_400_000


def many(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counts(digest: Digest) -> str:
    """Return events and users, said as exactly as they are known."""
    if digest.metric_alert and digest.alerts:
        return f"Sentry metric alert, {digest.alerts[0].status}"
    found = _sure(digest, estimated=digest.about) + many(digest.events, "event")
    if not digest.users:
        return found
    users = many(digest.users, "user")
    return f"{found} · {_sure(digest, estimated=digest.about_users)}{users}"


def _sure(digest: Digest, *, estimated: bool) -> str:
    lower = "at least " if digest.at_least else ""
    return f"{lower}about " if estimated else lower


PAGED_BECAUSE: Final = {
    PageReason.FATAL: "an event of level fatal",
    PageReason.EVENT_RATE: "many events in a short time",
    PageReason.STORM_SERVICES: "a storm over several services",
    PageReason.GAINED_SERVICE: "a service joined after it was acknowledged",
    PageReason.HIGHER_URGENCY: "it got worse after it was acknowledged",
    PageReason.NEW_ORIGIN: "it has another likely origin than when it was acknowledged",
    PageReason.TOOK_OVER_PAGE: "it took over a page that nobody had acknowledged",
    PageReason.RULE: "a rule of the configuration",
    PageReason.BY_HAND: "a person wants it",
    PageReason.ACK_ENDED: "its acknowledgement ended, and nobody said more",
}
"""Why somebody is woken, in words."""
LEFT_PAGE_OVER: Final = {
    PageOver.HAND: "a person says so",
    PageOver.SENTRY: "its issue is resolved in Sentry",
    PageOver.GIVEN_BACK: "nobody has it any more",
    PageOver.ACK_ENDED: "its acknowledgement ended by itself",
    PageOver.MAX_LIFE: "it was open for as long as anything may be",
    PageOver.NEW_PAGE: "the error came back, and a newer page is open for it",
    PageOver.IGNORED: "the error came back, and is ignored in Sentry",
}
"""Why a page that was left open by quiet is open no more, in words."""
assert set(LEFT_PAGE_OVER) == set(PageOver)
DOUBTS: Final = {
    Doubt.SOURCE_STALLED: "a source of events stands still",
    Doubt.INTAKE_SILENT: "no webhook of any kind came for longer than usual",
    Doubt.SERVICE_SILENT: "a service that usually sends something sends nothing at all",
}


_PLACES: Final = {
    "slack": "Slack",
    "pagerduty": "PagerDuty",
    "sentry": "Sentry",
    "board": "the board",
}


def by_whom(who: str, where: str) -> str:
    """Return who did it and where, as in "by ada in Slack"."""
    if where == "cli":
        return f"by {who} on the command line"
    return f"by {who} in {_PLACES.get(where, where)}" if where else f"by {who}"


def help_links(digest: Digest) -> list[tuple[str, str]]:
    """Return (label, address) of what helps when the service fails, as far as it is known."""
    known = (
        ("Runbook", digest.runbook),
        ("Dashboard", digest.dashboard),
        ("Status page", digest.status_page),
    )
    return [(label, url) for label, url in known if url]
