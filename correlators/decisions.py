"""Decisions: what one tick decided, one value each, so that `explain` can tell it later.

Values only, and what they hold is what a digest may hold: names, parameterised titles, ids; no
event, no user. They are read off a tick in `decisions_of_tick`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from correlators.evidence import Piece

BECAUSE_MOST: Final = 8
"""Reasons of one decision; the weightiest are kept."""
TRIED_MOST: Final = 64
"""Rules that are told as tried; of more, the last, which are those that decided."""
NAMED_MOST: Final = 32
"""Destinations, and ids, of one decision."""


class Kind(StrEnum):
    """What was decided, in the order in which it is told of one tick. The word is stored."""

    ACTED = "acted"
    SILENCED = "silenced"
    SILENCE_ENDED = "silence_ended"
    OPENED = "opened"
    REOPENED = "reopened"
    REGRESSED = "regressed"
    ESCALATED = "escalated"
    SENTRY_SAID = "sentry_said"
    STORM_OPENED = "storm_opened"
    JOINED = "joined"
    MERGED = "merged"
    PARTED = "parted"
    STAYED_OUT = "stayed_out"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ASSIGNED = "assigned"
    UNCONFIRMED = "unconfirmed"
    CLOSED = "closed"
    RULED = "ruled"
    HELD = "held"
    SUPPRESSED = "suppressed"
    TOLD = "told"
    TOLD_PERSON = "told_person"
    PAGED = "paged"
    PAGE_ACKNOWLEDGED = "page_acknowledged"
    PAGE_UNACKNOWLEDGED = "page_unacknowledged"
    PAGE_RESOLVED = "page_resolved"
    SENTRY_ASKED = "sentry_asked"


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="decision"):
    """One decision about one incident, storm or silence."""

    tick: int
    subject: str
    """Id of what it is about."""
    kind: Kind
    other: str = ""
    """Id of what else it is about: the storm joined, the page replaced."""
    why: str = ""
    """The word for it: a reason of closing, a suppression, a kind of digest, an urgency."""
    name: str = ""
    """Who or what decided: a rule, a silence, an inhibition, a person."""
    because: tuple[str, ...] = ()
    """In words, the weightiest first."""
    key: tuple[str, str, str, str] | None = None
    """(environment, service, release, fingerprint) of an incident that opened."""
    title: str = ""
    tried: tuple[tuple[str, str], ...] = ()
    """(rule, the part of it that did not hold; empty where it held), as they were read."""
    to: tuple[str, ...] = ()
    """Destinations that are told or paged; of a storm that opens or grows, the incidents."""
    revision: int = 0
    until_tick: int = -1
    """When what holds it ends; -1 where that is not known."""


def weighed(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Return what ties, and how much each weighs, the weightiest first."""
    ordered = sorted(pieces, key=lambda one: (-one.weight, one.detail))
    return tuple(f"{one.detail} (weight {one.weight})" for one in ordered)[:BECAUSE_MOST]
