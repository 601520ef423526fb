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
    """How many were asked for since it got through, or was given back last."""
    given_back_ms: int = 0
    """When an acknowledgement of it was taken back last; 0 for never."""
    reminders_before: int = 0
    """How many were asked for before that."""

    @property
    def waits_from_ms(self) -> int:
        """From when on nobody has it."""
        return max(self.since_ms, self.given_back_ms)

    @property
    def repeats_from_ms(self) -> int:
        """From when on it is repeated, once it got through."""
        return max(self.reached_ms, self.given_back_ms)


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
    id: str = ""
    """Of the incident or storm; empty where it was over before it got through."""
