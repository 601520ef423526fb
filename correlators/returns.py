"""Returns: what comes back as a storm says when it was over, who said so, and what told it then.

Lives here: what an incident keeps of its end once it is open again, and when a storm of such
incidents is one that is back. Not here: when an incident opens again (`incidents`), and when it is
linked (`gathering`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from correlators.incidents import Incident
    from correlators.storms import Storm


class Back(msgspec.Struct, frozen=True, gc=False):
    """How what is back was over before."""

    ended_ms: int
    storm_id: str = ""
    """The storm that told it until then; empty where it was told by itself."""
    by: str = ""
    """Who ended it; empty where nobody did, or it is not known who."""
    where: str = ""
    """Where they did: `slack`, `pagerduty`, `sentry`, `board`, `cli`; empty for an end by quiet."""


def returned(
    storm: Storm, members: Sequence[Incident], find: Callable[[str], Storm | None]
) -> Storm:
    """Return the storm, not told yet, as one that is back if its incidents make it one.

    They do if its likely origin was over and opened again, and so did at least half of those that
    it lists. It keeps whom the storm before was assigned to, else whom its incidents were where
    they agree, unless somebody gave it another assignment by now.

    Args:
        storm: open or over; nothing was told of it.
        members: its incidents that are remembered, in the order of joining; not empty.
        find: gives the storm of an id as it goes on.
    """
    again = [one for one in members if one.back is not None]
    origin = next((one for one in members if one.id == storm.origin.incident_id), members[0])
    if origin.back is None or 2 * len(again) < len(members):
        return msgspec.structs.replace(storm, back=None)
    storm = msgspec.structs.replace(storm, back=origin.back)
    if storm.assignee or storm.assigned_by:
        return storm
    before = find(origin.back.storm_id)
    had: Sequence[Incident | Storm] = [before] if before is not None and before.assignee else again
    brought = {one.assignee: one.assigned_by for one in reversed(had) if one.assignee}
    if len(brought) != 1:
        return storm
    ((assignee, assigned_by),) = brought.items()
    return msgspec.structs.replace(storm, assignee=assignee, assigned_by=assigned_by)
