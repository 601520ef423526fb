"""What a silence mutes at this moment: for whoever makes one, and for whoever wonders.

A look at the state; it decides nothing.
"""

from __future__ import annotations

import msgspec

from correlators.incidents import Incident
from correlators.judging import Judge
from correlators.silences import Silence, mutes
from correlators.state import State
from correlators.storms import Storm


class Muted(msgspec.Struct, frozen=True, kw_only=True):
    """What is open and would be told if there were no such silence."""

    storms: tuple[Storm, ...] = ()
    """Of which it mutes all, by id."""
    incidents: tuple[Incident, ...] = ()
    """That no storm tells, by id."""
    inside: int = 0
    """Further incidents that it matches, in storms that are told all the same: not all of them is
    muted."""


def muted_now(judge: Judge, state: State, silence: Silence, tick: int) -> Muted:
    """Return what the silence mutes of what is open; its times are not asked.

    Args:
        judge: over the same state.
        state: read only.
        silence: one of the state, or one that might be made.
        tick: the last that was applied.
    """
    storms: list[Storm] = []
    for storm in state.open_storms():
        if storm.environment != silence.environment:
            continue
        found = (state.find_incident(one) for one in storm.members)
        parts = [judge.part(one, tick) for one in found if one is not None]
        if mutes(silence, storm.services, parts, max(0, storm.joined - len(storm.members))):
            storms.append(storm)
    whole = {storm.id for storm in storms}
    alone: list[Incident] = []
    inside = 0
    for incident in state.open_in(silence.environment, None, None):
        if not mutes(silence, [incident.key.service], [judge.part(incident, tick)]):
            continue
        storm_of = state.storm_of(incident)
        if storm_of is None:
            alone.append(incident)
        elif storm_of.id not in whole:
            inside += 1
    return Muted(storms=tuple(storms), incidents=tuple(alone), inside=inside)
