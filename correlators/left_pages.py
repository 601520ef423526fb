"""Pages that are left: what they were opened for is over by quiet, and a person has them.

Quiet closes no page that somebody acknowledged, unless `pages.resolve_acknowledged` says so:
whoever has it says when it is done. It is let go, and resolved, when Sentry says that its issue is
resolved, and at `max_life` of what it was opened for at last. What opens anew meanwhile pages anew.
"""

from __future__ import annotations

import msgspec

from correlators.incidents import Incident
from correlators.rules import Pages
from correlators.state import State
from correlators.storms import Storm


def leave(state: State, incident: Incident, pages: Pages) -> None:
    """Leave the page of the incident's episode, if it is acknowledged and this was the last open
    incident of it.

    Args:
        state: the incident is closed in it.
        incident: as it was before.
        pages: whether acknowledged pages are resolved by quiet.
    """
    episode = state.episode(incident.key)
    if episode is None or pages.resolve_acknowledged or state.storm_of(incident) is not None:
        return
    acknowledged = episode.page_key and episode.acked_by[1] and not episode.page_left_by
    if not acknowledged or state.open_of_episode(incident.key):
        return
    state.put(msgspec.structs.replace(episode, page_left_by=incident.id))
    state.put(msgspec.structs.replace(state.incident(incident.id), page_left=True))


def left(storm: Storm, pages: Pages) -> Storm:
    """Return the storm that is over by quiet, its page left if it is acknowledged."""
    if pages.resolve_acknowledged or storm.ack is None or not storm.page_key:
        return storm
    return msgspec.structs.replace(storm, page_left=True)


def let_go(found: Incident | Storm, *, tick: int) -> Incident | Storm:
    """Return what is over with its page left no longer: it is resolved in this tick."""
    return msgspec.structs.replace(found, page_left=False, tell_tick=tick)


def forget(state: State, incident_id: str) -> None:
    """Let the page of an incident that is over wait no longer: it is taken care of."""
    found = state.find_incident(incident_id)
    if found is not None and found.page_left:
        state.put(msgspec.structs.replace(found, page_left=False))
