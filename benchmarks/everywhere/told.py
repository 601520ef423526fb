"""What each service got, as somebody reads it there. Pure.

A webhook is read by a program: of its body stands here what is not empty.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sinks.peers.drawn import terminal
from sinks.peers.drawn_cards import card_words
from sinks.peers.email_store import Mail
from sinks.peers.pagerduty_store import Alert
from sinks.peers.slack_store import Message
from sinks.peers.teams import Posted
from sinks.peers.webhook import Arrived

WIDTH: Final = 118
HEADERS: Final = ("To", "Subject", "List-ID", "Importance")
TEXT_CHARS: Final = 100
"""Of a value in a webhook's body; what is cut is marked."""


class Got(NamedTuple):
    """Something that came somewhere."""

    where: str
    at: float
    """Seconds since the epoch."""
    text: str


def of_slack(message: Message, where: str, replies: Sequence[Message] = ()) -> Got:
    """Return a message with its thread."""
    return Got(f"Slack, {where}", message.at, terminal(message, replies=replies, width=WIDTH))


def of_mail(mail: Mail) -> Got:
    """Return a mail's headers that people see or filter by, and its text."""
    head = [f"{name}: {mail.header(name)}" for name in HEADERS if mail.header(name)]
    text = "\n".join((*head, "", mail.part("plain").rstrip()))
    return Got(f"Mail to {', '.join(mail.recipients)}", mail.at, text)


def of_teams(posted: Posted) -> Got:
    """Return a card."""
    return Got(f"Teams, {posted.workflow}", posted.at, "\n".join(card_words(posted.card)))


def of_webhook(arrived: Arrived) -> Got:
    """Return a message to a program."""
    said = {"webhook-id": arrived.id, **arrived.message}
    text = json.dumps(_filled(said), ensure_ascii=False, indent=1)
    return Got(f"Webhook, {arrived.receiver}", arrived.at, text)


def of_pagerduty(alert: Alert) -> Got:
    """Return a page, what it says to whoever opens it, and what it heard since."""
    first = next(one for one in alert.events if one.get("payload"))
    details = first["payload"].get("custom_details", {})
    lines = [
        f"{alert.summary}",
        f"severity {alert.severity}; heard: {', '.join(action for _, action in alert.log)}",
        *(f"{name}: {_plain(value)}" for name, value in details.items()),
        *(f"{one['text']}: {one['href']}" for one in first.get("links", ())),
    ]
    return Got("PagerDuty", alert.opened_at, "\n".join(lines))


def after(got: Sequence[Got], since: float) -> list[str]:
    """Return a line for each: how long after this moment it was there."""
    return [f"{one.at - since:8.2f} s  {one.where}" for one in sorted(got, key=lambda one: one.at)]


def _filled(value: Any) -> Any:
    """Return it without what is empty, and long texts cut."""
    if isinstance(value, dict):
        found = {name: _filled(one) for name, one in value.items() if name != "text"}
        return {name: one for name, one in found.items() if one not in ("", [], {}, None, False)}
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if isinstance(value, str) and len(value) > TEXT_CHARS:
        return value[: TEXT_CHARS - 1] + "…"
    return value


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
