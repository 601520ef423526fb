"""Meetings: incidents of which one is told by itself and that share a trace just now, however long
ago they began."""

from __future__ import annotations

from collections.abc import Iterable

from correlators.incidents import Incident, ticks
from correlators.state import State
from correlators.storms import Linking


class Meetings:
    """Finds in one state who shares a trace with whom."""

    def __init__(self, linking: Linking, state: State) -> None:
        """Args: linking: how long a trace is recent; state: read."""
        self._state = state
        self._within = ticks(linking.link_within_ms)

    def of(self, incident: Incident, tick: int) -> set[str]:
        """Return the incident and those it shares a trace with, empty where none may be linked.

        Two that storms tell already stay where they are: there is more evidence than one trace.

        Args: incident: open, as it stands after a delta of this tick.
        """
        others = self._state.trails.note(incident, tick)
        if incident.past or not others:
            return set()
        alone = self._state.storm_of(incident) is None
        traces = {trace for trace, _ in incident.traces}
        met = {one for one in others if self._meets(incident, one, traces, tick, alone=alone)}
        return met | {incident.id} if met else met

    def lingering(self, ids: Iterable[str]) -> list[Incident]:
        """Return those of these incidents that are open and told by themselves, by id."""
        found = (self._state.find_incident(one) for one in sorted(ids))
        return [
            one
            for one in found
            if one is not None
            and one.open
            and not one.past
            and not self._state.left_behind(one)
            and self._state.storm_of(one) is None
        ]

    def _meets(
        self, incident: Incident, other_id: str, traces: set[int], tick: int, *, alone: bool
    ) -> bool:
        other = self._state.find_incident(other_id)
        if other is None or not other.open or other.past:
            return False
        if not alone and other.storm_id == incident.storm_id:
            return False  # one storm tells both: of a large one this is mostly the answer
        if self._state.left_behind(other) or other.key.environment != incident.key.environment:
            return False
        if not alone and self._state.storm_of(other) is not None:
            return False
        recent = tick - self._within
        return any(seen >= recent and trace in traces for trace, seen in other.traces)
