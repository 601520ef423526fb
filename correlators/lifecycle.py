"""New, regressed, escalating, flapping: what an episode knows of its incidents' lives.

Lives here: the transitions of an `Episode` when one of its incidents begins, goes on or ends.
Decided for (environment, service, fingerprint), so that another release of the same error is
neither new nor a regression. Not here: which incidents are one episode (`episodes`, `aliases`), and
what is told (`telling`).
"""

from __future__ import annotations

import msgspec

from correlators import history, ignoring
from correlators.entries import NOBODY
from correlators.incidents import Incident, Windows, ticks
from correlators.state import State


def began(state: State, incident: Incident, tick: int, windows: Windows) -> Incident:
    """Note that an incident opened or reopened in this tick, and return it as it stands then.

    It has regressed where its error was known and resolved, and it is not one of several that are
    open. What Sentry told of it stays.
    """
    episode = state.episode(incident.key)
    if episode is None:
        return incident
    alone = [one.id for one in state.open_of_episode(incident.key)] == [incident.id]
    if alone:
        flips = history.flipped(episode.flips, tick, ticks(windows.flap_within_ms))
        # Whoever had acknowledged what is over by now has not acknowledged this.
        goes_on = episode.page_key and not episode.page_left_by
        acked_by = episode.acked_by if goes_on else NOBODY
        state.put(msgspec.structs.replace(episode, flips=flips, acked_by=acked_by))
    again = episode.resolved_tick >= 0 and incident.opened_tick > episode.resolved_tick
    known = incident.regressed or incident.past or incident.alert is not None
    if alone and again and not known:
        incident = msgspec.structs.replace(incident, regressed=True)
        state.put(incident)
    return incident


def went_on(state: State, incident: Incident, tick: int) -> Incident:
    """Return the incident, escalated where its error now comes far more often than it used to."""
    if incident.escalated or incident.past or not incident.open:
        return incident
    episode = state.episode(incident.key)
    if episode is None:
        return incident
    hours = _together(episode.hours, incident.hours)
    if not history.escalating(hours, episode.first_tick, tick):
        return incident
    ignoring.escalates(state, incident)
    incident = _escalation_told(msgspec.structs.replace(incident, escalated=True), tick)
    state.put(incident)
    lead = state.find_incident(episode.lead) if episode.lead != incident.id else None
    if lead is not None and lead.open and state.storm_of(lead) is None:
        state.put(_escalation_told(lead, tick))  # it tells of all its releases
    return incident


def _escalation_told(incident: Incident, tick: int) -> Incident:
    """Return the incident as it tells in this tick that its error escalates."""
    return msgspec.structs.replace(
        incident,
        escalated_mark=incident.changes + 1,
        changes=incident.changes + 1,
        tell_tick=tick,
    )


def flapping(
    state: State, incident: Incident, tick: int, windows: Windows
) -> tuple[bool, int | None]:
    """Return whether it was told that the error flaps, and until when it does; None where it does
    not, which ends what was told."""
    episode = state.episode(incident.key)
    if episode is None:
        return False, None
    until = history.flapping_until(episode.flips, tick, ticks(windows.flap_within_ms))
    if until is None and episode.flapping_since >= 0:
        state.put(msgspec.structs.replace(episode, flapping_since=-1))
    return episode.flapping_since >= 0, until


def told_flapping(state: State, incident: Incident, tick: int) -> None:
    """Note that it was told in this tick that the error flaps."""
    episode = state.episode(incident.key)
    if episode is not None:
        state.put(msgspec.structs.replace(episode, flapping_since=tick))


def ended(state: State, incident: Incident, tick: int, windows: Windows) -> None:
    """Note that an incident closed in this tick; what it brought becomes part of the baseline."""
    episode = state.episode(incident.key)
    if episode is None:
        return
    hours = _together(episode.hours, incident.hours)
    episode = msgspec.structs.replace(episode, hours=hours)
    if not state.open_of_episode(incident.key):
        flips = history.flipped(episode.flips, tick, ticks(windows.flap_within_ms))
        # What was before a person's word has not regressed after it, under no release.
        resolved = max(tick, incident.settled_tick)
        episode = msgspec.structs.replace(episode, resolved_tick=resolved, flips=flips)
    state.put(episode)


def _together(left: history.Hours, right: history.Hours) -> history.Hours:
    """Return what both brought, hour by hour, of the last week."""
    if not left or not right:
        return left or right
    found = dict(left)
    for hour, count in right:
        # An incident that closes again brings its own hours again: they are what it is by now.
        found[hour] = max(found.get(hour, 0), count)
    last = max(found)
    return tuple(sorted(one for one in found.items() if one[0] > last - history.HOURS_KEPT))
