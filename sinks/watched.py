"""What an outbox keeps of a page beside its delivery, and what is counted of it. Values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from correlators.types import Digest


class Watched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page as long as somebody may have to be told what became of it: part of its entry."""

    since_ms: int
    """When its trigger came in."""
    trigger: Digest | None = None
    """The newest trigger, while it may have to be handed on or repeated; None afterwards."""
    handed_to: str = ""
    """Who was paged instead; its end is handed there too."""
    handed_ms: int = 0
    reached_ms: int = 0
    """When it got through; 0 until then."""
    reminders: int = 0
    """How many were asked for."""


class PageOutcome(StrEnum):
    """What became of a page at one destination. The word is the metric label."""

    DELIVERED = "delivered"
    FALLBACK = "fallback"
    """It was refused, or not delivered in time: its fallback is paged."""
    LATE = "late"
    """It got through after that time, whoever was paged meanwhile."""
    GIVEN_UP = "given_up"
    """It was refused and has no fallback, or is one: nobody was paged by it."""


class PageSeen(msgspec.Struct, frozen=True):
    """What became of a page, once for each thing that did."""

    destination: str
    outcome: PageOutcome
    waited_ms: int = 0
    """From its acceptance until then."""
