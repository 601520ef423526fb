"""Which metric alerts stand over a service, and by whom they are told; an index over incidents.

Derived from the entries alone. `State` keeps it; what follows from it is in `folds`.
"""

from __future__ import annotations

from collections.abc import Sequence

from correlators.incidents import Incident


class OpenAlerts:
    """Ids of the incidents of metric alerts."""

    def __init__(self) -> None:
        self._over: dict[str, dict[str, set[str]]] = {}
        self._told_by: dict[str, set[str]] = {}

    def add(self, incident: Incident) -> None:
        """Take up the incident of an alert; only an open one stands over its services."""
        alert = incident.alert
        assert alert is not None
        if incident.open:
            of_environment = self._over.setdefault(incident.key.environment, {})
            for service in alert.services:
                of_environment.setdefault(service, set()).add(incident.id)
        if alert.told_by:
            self._told_by.setdefault(alert.told_by, set()).add(incident.id)

    def discard(self, incident: Incident) -> None:
        """Forget what was taken up of it."""
        alert = incident.alert
        assert alert is not None
        of_environment = self._over.get(incident.key.environment, {})
        for service in alert.services:
            _drop(of_environment, service, incident.id)
        if not of_environment:
            self._over.pop(incident.key.environment, None)
        _drop(self._told_by, alert.told_by, incident.id)

    def over(self, environment: str, services: Sequence[str]) -> list[str]:
        """Return the open ones over one of these services, in order."""
        of_environment = self._over.get(environment)
        if not of_environment:
            return []
        wanted = set(services)
        return sorted(
            {one for name in of_environment if name in wanted for one in of_environment[name]}
        )

    def told_by(self, teller_id: str) -> list[str]:
        """Return those that this incident or storm told last, in order."""
        return sorted(self._told_by.get(teller_id, ()))


def _drop(index: dict[str, set[str]], key: str, incident_id: str) -> None:
    found = index.get(key)
    if found is not None:
        found.discard(incident_id)
        if not found:
            del index[key]
