"""Trails: which incidents had a trace of late, so that what shares one is found whenever it does.

An index, derived from the traces that incidents keep and never more than a hint: whoever asks looks
the trace up in the incident. So a restored one, which knows less of what is long past, gives the
same answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from correlators.incidents import Incident


class Trails:
    """Ids of incidents by the hashes of their recent traces."""

    def __init__(self, kept_ticks: int) -> None:
        """Args: kept_ticks: how long a trace is recent."""
        self._kept = kept_ticks
        self._ids: dict[int, dict[str, int]] = {}
        """By trace: incident id and the last tick in which it had it."""
        self._order: deque[tuple[int, int, str]] = deque()

    def __len__(self) -> int:
        """Return how many pairs of a trace and an incident are remembered."""
        return sum(map(len, self._ids.values()))

    def learn(self, incidents: Iterable[Incident]) -> None:
        """Take the traces of restored incidents."""
        found = ((tick, trace, one.id) for one in incidents for trace, tick in one.traces)
        for tick, trace, incident_id in sorted(found):
            self._put(trace, incident_id, tick)

    def note(self, incident: Incident, tick: int) -> set[str]:
        """Remember what the incident had in this tick; return who else had any of it of late."""
        while self._order and self._order[0][0] < tick - self._kept:
            seen, trace, incident_id = self._order.popleft()
            ids = self._ids.get(trace)
            if ids is not None and ids.get(incident_id) == seen:
                del ids[incident_id]
                if not ids:
                    del self._ids[trace]
        others: set[str] = set()
        for trace, seen in incident.traces:
            if seen == tick:
                others.update(self._ids.get(trace, ()))
                self._put(trace, incident.id, tick)
        others.discard(incident.id)
        return others

    def _put(self, trace: int, incident_id: str, tick: int) -> None:
        ids = self._ids.setdefault(trace, {})
        if ids.get(incident_id) != tick:
            ids[incident_id] = tick
            self._order.append((tick, trace, incident_id))
