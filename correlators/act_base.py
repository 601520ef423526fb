"""What every act says: who, where, when, and about what. The kinds of acts are `acts`."""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.pressed import Pressed

NAME_CHARS: Final = 120
"""Longest actor, source, id, assignee."""


class ActBase(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something, where, when, and about what.

    Raises:
        ValueError: nobody or nowhere is named, or a name is longer than `NAME_CHARS`.
    """

    actor: str
    """Who decided it: a name that may be shown to the team."""
    source: str
    """Where: `slack`, `pagerduty`, `sentry`, `board`, `cli`."""
    at_ms: int
    subject: str
    """Id of what it is about: a storm, an incident, a silence. Or the key of a page, which whoever
    holds it then stands for (`page_acts`)."""
    pressed: Pressed | msgspec.UnsetType = msgspec.UNSET
    """Who is told, and where, if it does not do what they were told; no part of what it says."""
    once: str | msgspec.UnsetType = msgspec.UNSET
    """What names the deed where it was done, for a place that tells it again without its time:
    with it, the time is no part of what the act is. Unset: the time tells deeds apart."""

    def __post_init__(self) -> None:
        for name in ("actor", "source", "subject"):
            if len(getattr(self, name)) > NAME_CHARS:
                raise ValueError(f"{name} is longer than {NAME_CHARS} characters")
        if self.once is not msgspec.UNSET and not 0 < len(self.once) <= NAME_CHARS:
            raise ValueError(f"once has 1 to {NAME_CHARS} characters")
        if not self.actor or not self.source:
            raise ValueError("an act says who and where")
