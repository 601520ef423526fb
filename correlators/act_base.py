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

    def __post_init__(self) -> None:
        for name in ("actor", "source", "subject"):
            if len(getattr(self, name)) > NAME_CHARS:
                raise ValueError(f"{name} is longer than {NAME_CHARS} characters")
        if not self.actor or not self.source:
            raise ValueError("an act says who and where")
