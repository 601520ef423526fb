"""One line of the log for each decision: incidents and storms, what is told, held back, paged, and
the acts of people.

A line names what it is about by ids, by names of the configuration and by words of enums. It never
has what a person or an event said: no title, no comment, no name of who acted, was assigned or is
told in person. `stormfold explain` has all that, for whoever may read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import structlog

from correlators.decisions import Decision, Kind

LINES_MOST: Final = 200
"""Lines of one step; of more decisions only the numbers are said, by kind."""

NAME_CHARS: Final = 100
IDS_MOST: Final = 10

SAID: Final[dict[Kind, str]] = {
    Kind.ACTED: "act taken",
    Kind.SILENCED: "silence begins",
    Kind.SILENCE_ENDED: "silence ends",
    Kind.OPENED: "incident opened",
    Kind.REOPENED: "incident reopened",
    Kind.REGRESSED: "incident regressed",
    Kind.ESCALATED: "incident escalated",
    Kind.STORM_OPENED: "storm opened",
    Kind.JOINED: "storm joined",
    Kind.MERGED: "storms merged",
    Kind.PARTED: "storm left",
    Kind.ACKNOWLEDGED: "acknowledged",
    Kind.UNACKNOWLEDGED: "acknowledgement over",
    Kind.ASSIGNED: "assigned",
    Kind.UNCONFIRMED: "end not confirmed",
    Kind.CLOSED: "ended",
    Kind.HELD: "held back",
    Kind.SUPPRESSED: "suppressed",
    Kind.TOLD: "told",
    Kind.TOLD_PERSON: "told in person",
    Kind.PAGED: "paged",
    Kind.PAGE_ACKNOWLEDGED: "page acknowledged",
    Kind.PAGE_UNACKNOWLEDGED: "page given back",
    Kind.PAGE_RESOLVED: "page resolved",
    Kind.SENTRY_ASKED: "sentry asked",
}
"""What is said of a decision. Left out: what led to one that is said (rules as they were tried,
storms that were looked at) and what Sentry tells of an issue."""

_WHY: Final = frozenset(SAID) - {Kind.ASSIGNED}
"""Kinds whose `why` is a word; of the others it is a name."""
_RULE: Final = frozenset({Kind.HELD, Kind.SUPPRESSED, Kind.TOLD, Kind.PAGED})
"""Kinds whose `name` is one of the configuration; of the others it is a person's."""
_OTHER: Final = frozenset(
    {Kind.ACTED, Kind.JOINED, Kind.MERGED, Kind.PARTED, Kind.PAGED, Kind.PAGE_RESOLVED}
)
"""Kinds whose `other` is an id; of the others it may be a person's name."""

log = structlog.get_logger(__name__)


def say(decisions: Sequence[Decision]) -> None:
    """Write a line for each of these decisions, of one step."""
    said = (one for one in decisions if one.kind in SAID)
    for one in islice(said, LINES_MOST):
        log.info(SAID[one.kind], **line(one))
    left = Counter(one.kind.value for one in said)
    if left:
        log.info("more decisions", **dict(sorted(left.items())))


def line(decision: Decision) -> dict[str, str | int | list[str]]:
    """Return what is said beside the words: only what names no person and quotes nobody."""
    kind = decision.kind
    found: dict[str, str | int | list[str]] = {"id": decision.subject, "tick": decision.tick}
    if decision.key is not None:
        environment, service, release, fingerprint = map(_name, decision.key)
        found |= {"environment": environment, "service": service, "release": release}
        found["fingerprint"] = fingerprint
    if decision.other and kind in _OTHER:
        found["of"] = decision.other
    if decision.why and kind in _WHY:
        found["reason"] = decision.why
    if decision.name and kind in _RULE:
        found["rule"] = decision.name
    if decision.revision:
        found["revision"] = decision.revision
    if decision.to:
        found["to"] = _some(decision.to)
    if kind is Kind.ACTED:
        found["act"] = decision.because[0]
    return found


def _some(names: Iterable[str]) -> list[str]:
    return [_name(one) for one in islice(names, IDS_MOST)]


def _name(text: str) -> str:
    """Return a name of the sender's choice in one line and cut short."""
    return "".join(one if one.isprintable() else "?" for one in text[:NAME_CHARS])
