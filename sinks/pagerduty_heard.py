"""What PagerDuty says by a webhook, as acts: who did what to which incident of it, and when. Pure.

A webhook names an incident of PagerDuty. Our page is found by its dedup key: the webhook has it as
`incident_key` where PagerDuty tells it, and has none for an incident whose alerts it groups, nor
with a note; who asks for that then is `streams.pagerduty_lookups`.

What our own events did there comes back as a webhook too. It is told by its agent, an integration
and no person, and makes no act: what is so already would change nothing, but it may be heard after
somebody here has thought otherwise.

Source: developer.pagerduty.com, webhooks v3, overview: payload, event types, event data types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from correlators.acts import (
    NAME_CHARS,
    TEXT_CHARS,
    Acknowledge,
    Act,
    Assign,
    Comment,
    Resolve,
    Unacknowledge,
)
from correlators.event_parts import occurred_ms
from correlators.mails import MAIL, unmailed
from sinks.pagerduty_event import page_of
from sinks.pagerduty_words import said

SOURCE: Final = "pagerduty"
"""Where these acts come from, and the word of the destinations that are not told of them again."""

PAGES_MOST: Final = 100
"""Pages that one incident of PagerDuty stands for; further ones hear nothing."""
SHOWN_MOST: Final = 3

OTHER_TYPE: Final = "other"
TYPES: Final = (
    *("incident.acknowledged", "incident.annotated", "incident.delegated", "incident.escalated"),
    *("incident.priority_updated", "incident.reassigned", "incident.reopened", "incident.resolved"),
    *("incident.responder.added", "incident.responder.replied", "incident.triggered"),
    *("incident.status_update_published", "incident.unacknowledged", "pagey.ping", OTHER_TYPE),
)
"""Types with a name of their own in metrics."""

_ASSIGNS: Final = {"incident.reassigned", "incident.escalated", "incident.delegated"}
_NOBODY: Final = {"incident.unacknowledged", "incident.reopened"}
_BY_EVENT: Final = {"incident.acknowledged", "incident.resolved"}
"""What an event of the Events API does, so ours too."""
_SAYS: Final = {*_ASSIGNS, *_NOBODY, *_BY_EVENT, "incident.annotated"}
_MERGED: Final = "merge_resolve_reason"
_INCIDENT: Final = re.compile(r"[A-Za-z0-9]{1,40}")


class Meaning(StrEnum):
    """What a webhook meant. The word is the metric label."""

    ACTS = "acts"
    """It is an act, or several, and Kafka has them."""
    NOTHING = "nothing"
    """Its type asks for nothing: a new incident, a ping, a type that nobody knows."""
    OWN = "own"
    """It tells of an event of the Events API, as ours are."""
    MERGED = "merged"
    """Its incident went into another one of PagerDuty, which has its alerts from now on."""
    NOT_OURS = "not_ours"
    """Its incident is none that Stormfold opened."""
    NO_TOKEN = "no_token"
    """It names no key, and without `api_token` nobody can ask for it."""
    CANNOT_TELL = "cannot_tell"
    """It names no key, and PagerDuty did not say which it has."""
    UNREADABLE = "unreadable"
    NOT_TAKEN = "not_taken"
    """It will come again: Kafka, or the answer to which page it is about, was not there in time."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did in PagerDuty."""

    type: str
    incident: str
    """Its id there."""
    key: str
    """The dedup key, empty where the webhook has none."""
    at_ms: int
    actor: str
    text: str = ""
    """A note; who has it now."""

    def acts(self, pages: Iterable[str]) -> list[Act]:
        """Return what it means for these pages, one act each: the same every time it is told."""
        return [self._act(page) for page in sorted(pages)]

    def _act(self, page: str) -> Act:
        who: dict[str, Any] = {
            "actor": self.actor,
            "source": SOURCE,
            "at_ms": self.at_ms,
            "subject": page,
        }
        if self.type == "incident.acknowledged":
            return Acknowledge(**who)
        if self.type == "incident.resolved":
            return Resolve(**who)
        if self.type in _NOBODY:
            return Unacknowledge(**who)
        if self.type in _ASSIGNS:
            return Assign(**who, assignee=self.text)
        return Comment(**who, text=self.text)


class _Named(msgspec.Struct):
    summary: str | None = None
    type: str | None = None
    id: str | None = None


class _Event(msgspec.Struct):
    event_type: str
    occurred_at: str | None = None
    agent: _Named | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Webhook(msgspec.Struct):
    event: _Event


class _Data(msgspec.Struct):
    """An incident, or a note on one."""

    id: str | None = None
    incident_key: str | None = None
    assignees: tuple[_Named, ...] | None = None
    escalation_policy: _Named | None = None
    incident: _Named | None = None
    content: str | None = None
    resolve_reason: _Named | None = None


_WEBHOOK: Final = msgspec.json.Decoder(_Webhook)
_DATA: Final = msgspec.json.Decoder(_Data)


def type_label(event_type: str) -> str:
    """Return the type as a metric label: one of `TYPES`."""
    return event_type if event_type in TYPES else OTHER_TYPE


def read(body: bytes, people: Mapping[str, str] | None = None) -> tuple[str, Word | Meaning]:
    """Return the type of a webhook, and what somebody did or why it is no act.

    Any bytes are read; nothing is raised. No act says a mail address.

    Args:
        body: of the webhook.
        people: names here, by user id in PagerDuty.
    """
    try:
        event = _WEBHOOK.decode(body).event
        if event.event_type not in _SAYS:
            return event.event_type, Meaning.NOTHING
        return event.event_type, _word(event, _DATA.decode(event.data), people or {})
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return OTHER_TYPE, Meaning.UNREADABLE


def pages_of(keys: Iterable[str]) -> frozenset[str]:
    """Return the pages of ours among these dedup keys, at most `PAGES_MOST`."""
    found = {page for page in map(page_of, keys) if page and len(page) <= NAME_CHARS}
    return frozenset(sorted(found)[:PAGES_MOST])


def _word(event: _Event, data: _Data, people: Mapping[str, str]) -> Word | Meaning:
    kind, agent = event.event_type, event.agent
    note = kind == "incident.annotated"
    about = data.incident.id if note and data.incident is not None else data.id
    at_ms = occurred_ms(event.occurred_at)
    if not at_ms or not about or not _INCIDENT.fullmatch(about):
        return Meaning.UNREADABLE
    machine = agent is not None and (agent.type or "").endswith("integration_reference")
    if machine and kind in _BY_EVENT:
        return Meaning.OWN
    reason = data.resolve_reason
    if kind == "incident.resolved" and reason is not None and reason.type == _MERGED:
        return Meaning.MERGED
    text = ""
    if note:
        text = unmailed(said(data.content or "", TEXT_CHARS))[:TEXT_CHARS]
    elif kind in _ASSIGNS:
        text = _assignee(data, people)
    if note and not text:
        return Meaning.NOTHING
    return Word(
        type=kind,
        incident=about,
        key=data.incident_key or "",
        at_ms=at_ms,
        actor=_name(agent, people) or "PagerDuty",
        text=text,
    )


def _assignee(data: _Data, people: Mapping[str, str]) -> str:
    """Return who has it now, by name; the escalation policy where nobody is named."""
    names = [name for one in data.assignees or () if (name := _name(one, people))]
    more = len(names) - SHOWN_MOST
    shown = ", ".join(names[:SHOWN_MOST]) + (f" and {more} more" if more > 0 else "")
    return said(shown, NAME_CHARS) or _name(data.escalation_policy, people)


def _name(named: _Named | None, people: Mapping[str, str]) -> str:
    """Return a name that may be shown: one line, and no mail address."""
    if named is None:
        return ""
    if known := people.get(named.id or ""):
        return known
    name = unmailed(said(named.summary or "", NAME_CHARS))[:NAME_CHARS]
    return "somebody" if name == MAIL else name
