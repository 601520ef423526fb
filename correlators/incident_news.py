"""What an incident has to tell: the kind of its digest, or why it tells nothing.

Lives here: what follows from its life, its storm, its episode and what was told before. Not here:
what the rules say of it and what holds it back (`judging`), and how it is told
(`incident_telling`).
"""

from __future__ import annotations

from correlators import handover
from correlators.incidents import Incident
from correlators.state import State
from correlators.types import DigestKind, Suppression


def news_of(state: State, incident: Incident) -> DigestKind | Suppression:
    """Return the kind of digest that it is time for, or why there is none. It changes nothing."""
    told = incident.told
    storm = state.storm_of(incident)
    if storm is not None:
        if told.revision and not told.resolved and told.joined != storm.id and incident.open:
            return DigestKind.JOINED
        return Suppression.TOLD_BY_STORM
    if not incident.open:
        return _decide_closed(state, incident)
    episode = state.episode(incident.key)
    if episode is not None and episode.lead != incident.id:
        return Suppression.TOLD_BY_OTHER_RELEASE
    if _ended_with_storm(state, incident):
        return Suppression.TOLD_BY_STORM
    if not told.revision:
        return DigestKind.OPENED
    if told.joined and handover.has_left(state, incident):
        return DigestKind.PARTED
    if told.resolved or told.joined:
        return DigestKind.REOPENED
    if told.mark == incident.changes:
        return Suppression.UNCHANGED
    return DigestKind.UPDATED


def told_with(state: State, incident: Incident) -> list[Incident]:
    """Return the open incidents of its episode under other releases that no storm tells."""
    return [
        one
        for one in state.open_of_episode(incident.key)
        if one.id != incident.id and state.storm_of(one) is None
    ]


def _ended_with_storm(state: State, incident: Incident) -> bool:
    """Return whether neither it nor another release had an event since its storm was over."""
    storm = state.storm(incident.storm_id) if incident.storm_id else None
    if storm is None:
        return False
    told = (incident, *told_with(state, incident))
    return all(one.onset_tick <= storm.closed_tick for one in told)


def _decide_closed(state: State, incident: Incident) -> DigestKind | Suppression:
    told = incident.told
    by_storm = told.joined and not handover.has_left(state, incident)
    if told.revision and not told.resolved and not by_storm:
        return DigestKind.RESOLVED
    if incident.storm_id:
        return Suppression.TOLD_BY_STORM
    if not told.revision:
        if told.held:
            return Suppression(told.held.partition(":")[0])
        heard = told.tick >= incident.onset_tick
        return Suppression.TOLD_BY_OTHER_RELEASE if heard else Suppression.NEVER_TOLD
    return Suppression.UNCHANGED
