"""Acts: what people decide about incidents and storms.

Messages only, as `StateChange` is; what they do is `acting`. Each names who did it, where (Slack,
PagerDuty, the board) and when, and holds for the life of the storm it is about.
"""

from __future__ import annotations

import msgspec


class _Act(msgspec.Struct, frozen=True, kw_only=True):
    actor: str
    """Who decided it: a name that may be shown to the team."""
    source: str
    """Where: `slack`, `pagerduty`, `board`, `cli`."""
    at_ms: int
    subject: str
    """Id of the storm or incident it is about."""


class Acknowledge(_Act, frozen=True, kw_only=True, tag="acknowledge"):
    """Somebody has it: what is in it now wakes nobody again."""


class Unacknowledge(_Act, frozen=True, kw_only=True, tag="unacknowledge"):
    """Nobody has it any more."""


class Separate(_Act, frozen=True, kw_only=True, tag="separate"):
    """The incident is not part of its storm, and does not come back to it."""


class MergeInto(_Act, frozen=True, kw_only=True, tag="merge_into"):
    """The incident or storm is part of another one."""

    into: str
    """Id of the storm or incident that it is part of."""


Act = Acknowledge | Unacknowledge | Separate | MergeInto
