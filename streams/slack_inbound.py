"""What comes in from Slack, the same by HTTP and by Socket Mode: what it is, and what became of it.

Values only. The words are the labels of `stormfold_slack_requests_total`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from streams.slack_signed import Signed

Json = dict[str, Any]


class Kind(StrEnum):
    """What somebody did. What Slack sends of any other kind is `OTHER`."""

    BUTTON = "button"
    MODAL = "modal"
    SHORTCUT = "shortcut"
    COMMAND = "command"
    MENTION = "mention"
    URL_VERIFICATION = "url_verification"
    OTHER = "other"


class Outcome(StrEnum):
    """What became of it. Whoever did it is told all but `IGNORED`, `REPEATED` and `OVERLOADED`."""

    ACTED = "acted"
    """An act stands on the input log of CORRELATE."""
    ASKED = "asked"
    """A modal asks what is still missing."""
    ANSWERED = "answered"
    """Nothing was to be done but to say something."""
    MAY_NOT = "may_not"
    """Whoever did it is in none of the groups that may."""
    WRONG = "wrong"
    """It cannot be meant so."""
    GONE = "gone"
    """What it is about is over, or unknown."""
    NO_SENTRY = "no_sentry"
    """It is done in Sentry, and that is not configured."""
    NO_STATE = "no_state"
    """The state could not be read in time."""
    KAFKA_TIMEOUT = "kafka_timeout"
    KAFKA_FAILED = "kafka_failed"
    SLACK_FAILED = "slack_failed"
    """Slack did not do what it was asked for, such as to open a modal."""
    FAULT = "fault"
    """A bug of ours; what was to be done may be done all the same."""
    REPEATED = "repeated"
    """Slack sent it again, and it was taken before."""
    IGNORED = "ignored"
    """Of a kind that nothing is done about."""
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    OVERLOADED = "overloaded"


OUTCOMES: Final = (*Outcome, *(one for one in Signed if one is not Signed.YES))
"""All that may become of a request, the checks of its signature with it."""


NOT_TAKEN: Final = frozenset({Outcome.KAFKA_TIMEOUT, Outcome.KAFKA_FAILED})
"""What an event is not answered 200 or acknowledged for, so that Slack sends it again."""
RETRIES: Final = 3
"""How often Slack sends an event again: nearly at once, after a minute, after five."""


class Inbound(msgspec.Struct, frozen=True):
    """One thing that somebody did, checked and decoded, whichever way it came."""

    kind: Kind
    payload: Json
    at: str = ""
    """When Slack sent it, as Slack writes a time; empty where that is not signed with it."""
    arrived_s: float | None = None
    """When it began to arrive, by the clock of the event loop: Slack waits from then on. None: it
    has just come."""
    retry: int = 0
    """How often Slack has sent it before."""


class Reply(msgspec.Struct, frozen=True):
    """What Slack is answered at once."""

    outcome: Outcome
    body: Json | None = None
    """As JSON; None for an empty answer."""


def retry_of(said: object) -> int:
    """Return how often something was sent before, as a header or an envelope says it, else 0."""
    text = str(said)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0


def envelope(kind: str, payload: Json) -> Inbound:
    """Return what an envelope holds.

    Args:
        kind: `interactive`, `slash_commands` or `events_api`, as Socket Mode calls them.
        payload: what stands in it.
    """
    said = payload.get("type")
    if kind == "slash_commands":
        return Inbound(Kind.COMMAND, payload)
    if kind == "interactive":
        return Inbound(_INTERACTIONS.get(str(said), Kind.OTHER), payload)
    if kind == "events_api" and said == "url_verification":
        return Inbound(Kind.URL_VERIFICATION, payload)
    event = payload.get("event")
    if kind == "events_api" and isinstance(event, dict) and event.get("type") == "app_mention":
        return Inbound(Kind.MENTION, payload)
    return Inbound(Kind.OTHER, payload)


_INTERACTIONS: Final = {
    "block_actions": Kind.BUTTON,
    "view_submission": Kind.MODAL,
    "message_action": Kind.SHORTCUT,
}


def text_in(payload: Json, *path: str) -> str:
    """Return the text at this place of a payload; empty where there is none."""
    found: Any = payload
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
