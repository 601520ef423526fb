"""Muting what people have heard of: a silence that begins is said once, where it was told before.

So nobody wonders why a thread goes quiet. Lives here: who says it, and how many at once. Not here:
what a silence mutes (`silences`), and what is told then (`incident_telling`, `storm_telling`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from correlators.holds import Hold
from correlators.incident_news import told_with
from correlators.incidents import Incident
from correlators.judging import Judge
from correlators.silences import Silence, mutes
from correlators.state import State
from correlators.storms import Storm
from correlators.types import Suppression
from correlators.waiting import held_now

AT_ONCE_MOST: Final = 100
"""Of what a silence begins to mute, so many say so in that tick, those that were told last; each of
the others when its next update would have been due."""


def plan(judge: Judge, state: State, silence: Silence, tick: int, most_per_hour: int) -> None:
    """Have what the silence begins to mute say so in this tick, if it was told before.

    Args:
        judge: over the same state.
        state: read and written.
        silence: has just taken effect.
        tick: the tick being applied.
        most_per_hour: spike protection: no more at once than that; 0 is none.
    """
    found = list(_muted(judge, state, silence, tick))
    found.sort(key=lambda one: (-one.told.said_tick, one.id))
    for one in found[: min(AT_ONCE_MOST, most_per_hour or AT_ONCE_MOST)]:
        state.put(msgspec.structs.replace(one, tell_tick=tick))


def begins(found: Incident | Storm, hold: Hold | None) -> bool:
    """Return whether a silence holds it of which those who were told of it have not heard."""
    if hold is None or hold.why is not Suppression.SILENCED:
        return False
    return bool(found.told.to) and found.told.silenced != hold.name


def muted(found: Incident | Storm, hold: Hold, tick: int) -> Incident | Storm:
    """Return what has just said that a silence mutes it, as it waits for the end of that."""
    told = msgspec.structs.replace(held_now(found.told, hold, tick), silenced=hold.name)
    return msgspec.structs.replace(found, told=told, tell_tick=told.held_until)


def _muted(judge: Judge, state: State, silence: Silence, tick: int) -> Iterator[Incident | Storm]:
    """Yield what was told, goes on, and is muted as a whole."""
    for storm in state.open_storms():
        if storm.environment == silence.environment and _is_told(storm):
            found = (state.find_incident(one) for one in storm.members)
            parts = [judge.part(one, tick) for one in found if one is not None]
            if mutes(silence, storm.services, parts, max(0, storm.joined - len(storm.members))):
                yield storm
    for incident in state.open_in(silence.environment, None, None):
        episode = state.episode(incident.key) if _is_told(incident) else None
        if episode is None or episode.lead != incident.id or state.storm_of(incident) is not None:
            continue
        parts = [judge.part(one, tick) for one in (incident, *told_with(state, incident))]
        if mutes(silence, [incident.key.service], parts):
            yield incident


def _is_told(found: Incident | Storm) -> bool:
    told = found.told
    return bool(told.to) and not told.resolved and not told.joined
