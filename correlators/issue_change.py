"""A change of a Sentry issue that somebody decided here: what is to be so in Sentry afterwards.

Values only. Who asks for one is `asking`; how Sentry is told is the sink's part.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
import xxhash

from correlators.pressed import Pressed

TEAM: Final = "team:"
"""Before the name of a team that an issue is assigned to; a person's name has nothing before it."""

RULE: Final = "rule"
"""The source of what nobody pressed a button for: it takes an issue from nobody who has it."""


class IssuesChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of Sentry: all that people decide, and what stands here."""

    assign_owner: bool = False
    """An issue that is told for the first time is assigned to the team that owns it."""


class IssueDoes(StrEnum):
    """What is to be so of the issue. The word is told in `explain` and in messages."""

    RESOLVE = "resolve"
    UNRESOLVE = "unresolve"
    IGNORE = "ignore"
    """Archived, in Sentry's words."""
    ASSIGN = "assign"


class IssueChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is to be so of one issue. Made twice it is so all the same."""

    issue_id: str
    does: IssueDoes
    subject: str
    """Id of the incident or storm that it was decided about."""
    assignee: str = ""
    """For `assign`: `team:<slug>`, or a person as Sentry knows them; empty: nobody."""
    until_ms: int = 0
    """For `ignore`: until then; 0: until it escalates."""
    source: str = ""
    """Where it was decided: `slack`, `cli`, `board`, or `rule`."""
    together: int = 1
    """How many issues were decided about at once, those that are too many to ask for included."""
    pressed: Pressed | None = None
    """Who pressed for it, and where, in Slack."""

    @property
    def name(self) -> str:
        """The issue and which part of it: of two changes of one name the newer one counts."""
        part = "assignee" if self.does is IssueDoes.ASSIGN else "status"
        return f"issue.{self.issue_id}.{part}"


def change_id(change: IssueChange, tick: int) -> str:
    """Return the id of the digest that carries a change, `isu-` and 16 hex digits."""
    return "isu-" + xxhash.xxh3_64_hexdigest(f"{change.name}\0{tick}".encode())
