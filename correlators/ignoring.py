"""What Sentry's users ignore (archive): whose incidents are told no more until that ends.

An issue is ignored from Sentry's word on until it says that it is not: unresolved, resolved,
regressed, escalating, or any later word that gives it another status, since one of them may have
been lost. Unless it was archived for ever, our own finding that it escalates ends it too. What is
ignored is remembered beyond incidents, as `Ignored`: the next one of that issue is not told either.

Lives here: when an issue is ignored, and which incidents that holds. Not here: how it holds back
(`holds`), and that it is told once (`incident_telling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from correlators.deltas import ISSUES_KEPT
from correlators.entries import Ignored, ignored_key
from correlators.incidents import Incident
from correlators.state import State
from correlators.types import ChangeKind, StateChange, Suppression

IGNORED_STATUS: Final = "ignored"
FOREVER: Final = "archived_forever"
_ENDS: Final = (ChangeKind.ISSUE_UNRESOLVED, ChangeKind.ISSUE_RESOLVED)


def heard(state: State, change: StateChange, tick: int) -> bool:
    """Return whether the change begins or ends that its issue is ignored, and note it.

    Args:
        state: read and written.
        change: of an issue.
        tick: the tick being applied.
    """
    key = ignored_key(change.issue_id)
    known = state.get(key)
    begins = change.kind is ChangeKind.ISSUE_IGNORED or change.status == IGNORED_STATUS
    if begins:
        forever = change.substatus == FOREVER
        state.put_ignored(Ignored(issue_id=change.issue_id, tick=tick, forever=forever))
        return known is None
    if known is not None and (change.kind in _ENDS or change.status):
        state.drop(key)
        return True
    return False


def escalates(state: State, incident: Incident) -> None:
    """End that the issues of an incident are ignored which now comes far more often than usual."""
    for issue in incident.issues:
        known = state.get(ignored_key(issue))
        if isinstance(known, Ignored) and not known.forever:
            state.drop(ignored_key(issue))


def ignored(state: State, incidents: Sequence[Incident]) -> bool:
    """Return whether all that these incidents hold is ignored.

    One with as many issues as are kept may have others that nobody ignores: it is not.
    """
    return bool(incidents) and all(
        0 < len(one.issues) < ISSUES_KEPT
        and all(state.get(ignored_key(issue)) is not None for issue in one.issues)
        for one in incidents
    )


def tell_again(state: State, incident: Incident, tick: int) -> None:
    """Let whoever tells this incident decide anew in this tick, where it was told or held so."""
    storm = state.storm_of(incident)
    if storm is not None:
        if storm.told.held.startswith(Suppression.IGNORED):
            state.put(msgspec.structs.replace(storm, changes=storm.changes + 1, tell_tick=tick))
        return
    episode = state.episode(incident.key)
    lead = state.find_incident(episode.lead) if episode is not None else None
    for one in {found.id: found for found in (incident, lead) if found is not None}.values():
        if one.open and (one.told.revision or one.told.held.startswith(Suppression.IGNORED)):
            state.put(msgspec.structs.replace(one, changes=one.changes + 1, tell_tick=tick))
