"""Incidents by where they are looked for: their key, their Sentry issues, their service, and what
something open holds back.

Lives here: ids alone, as they follow from the entries. Not here: the incidents (`state`), and what
has an index of its own: young ones (`young`), episodes (`episodes`), metric alerts (`alert_index`).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from correlators.entries import Entry
from correlators.incidents import Incident
from correlators.types import IncidentKey, Suppression


class IncidentIndex:
    """The ids of the incidents of one state."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        """Args: entries: by key, read as they are at any time."""
        self._entries = entries
        self._by_key: dict[IncidentKey, list[str]] = {}
        self._by_issue: dict[str, set[str]] = {}
        self._open_in: dict[tuple[str, str], set[str]] = {}
        self._inhibited: dict[str, set[str]] = {}

    def of_key(self, key: IncidentKey) -> Sequence[str]:
        """Return the incidents of this key, oldest first."""
        return self._by_key.get(key, ())

    def of_issue(self, issue_id: str) -> list[str]:
        """Return the incidents that hold events of this Sentry issue, in order: open ones, and
        those whose page is left."""
        return sorted(self._by_issue.get(issue_id, ()))

    def open_in(
        self, environment: str, services: Sequence[str] | None, most: int | None
    ) -> list[str]:
        """Return open incidents of these services, or of all, in order; at most so many, or all."""
        wanted = (
            [key for key in self._open_in if key[0] == environment]
            if services is None
            else [(environment, service) for service in services]
        )
        ids = {one for key in wanted for one in self._open_in.get(key, ())}
        return sorted(ids) if most is None else heapq.nsmallest(most, ids)

    def open_all(self) -> list[str]:
        """Return all open incidents, in order."""
        return sorted({one for found in self._open_in.values() for one in found})

    def inhibited(self, environment: str) -> list[str]:
        """Return the incidents that something open holds back, in order."""
        return sorted(self._inhibited.get(environment, ()))

    def add(self, incident: Incident) -> None:
        """Note an incident that is among the entries."""
        ids = self._by_key.setdefault(incident.key, [])
        if incident.id not in ids:
            ids.append(incident.id)
            if len(ids) > 1:
                ids.sort(key=self._age)
        if incident.open:
            where = (incident.key.environment, incident.key.service)
            self._open_in.setdefault(where, set()).add(incident.id)
            if incident.told.held.startswith(Suppression.INHIBITED):
                self._inhibited.setdefault(incident.key.environment, set()).add(incident.id)
        if incident.open or incident.page_left or incident.echoes:
            for issue in incident.issues:
                self._by_issue.setdefault(issue, set()).add(incident.id)

    def discard(self, incident: Incident) -> None:
        """Note that an incident is gone, as it was when it was added."""
        ids = self._by_key[incident.key]
        ids.remove(incident.id)
        if not ids:
            del self._by_key[incident.key]
        where = (incident.key.environment, incident.key.service)
        self._open_in.get(where, set()).discard(incident.id)
        self._inhibited.get(incident.key.environment, set()).discard(incident.id)
        for issue in incident.issues:
            holders = self._by_issue.get(issue)
            if holders is not None:
                holders.discard(incident.id)
                if not holders:
                    del self._by_issue[issue]

    def _age(self, incident_id: str) -> tuple[int, str]:
        found = self._entries["incident:" + incident_id]
        assert isinstance(found, Incident)
        return found.opened_tick, incident_id
