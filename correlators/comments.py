"""Comments on a Sentry issue: each is an act on whatever tells the issue's incidents.

So one that is told again is one, it is kept with what it is about, and told as every comment is.
"""

from __future__ import annotations

from correlators.acknowledging import lead, told_by
from correlators.acts import NAME_CHARS, TEXT_CHARS, Comment
from correlators.state import State
from correlators.types import ChangeKind, StateChange

SOURCE = "sentry"
CREATED = "created"
"""The action of a new comment; that one was changed or deleted is not told."""


def comments_of(state: State, change: StateChange) -> list[Comment]:
    """Return the acts that a change means: one for each storm or incident that tells the issue, by
    id; none for another kind of change.

    Args:
        state: read.
        change: heard in every environment.
    """
    if change.kind is not ChangeKind.COMMENT or change.action != CREATED or not change.text:
        return []
    tell = (lead(state, told_by(state, one)) for one in state.of_issue(change.issue_id))
    return [
        Comment(
            actor=change.by[:NAME_CHARS] or "somebody",
            source=SOURCE,
            at_ms=change.at_ms,
            subject=subject,
            text=change.text[:TEXT_CHARS],
        )
        for subject in sorted({told_by(state, one).id for one in tell})
    ]
