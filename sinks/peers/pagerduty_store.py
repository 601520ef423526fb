"""What a local PagerDuty holds: alerts and incidents by routing key and dedup key, and changes.

An alert that is triggered, acknowledged and resolved is over: the next trigger of its key opens a
new one. Opening an incident is what wakes somebody; nothing that an open alert hears does so again.

Source: developer.pagerduty.com, Events API v2: trigger events (deduplication), overview.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Fate(StrEnum):
    """What becomes of a trigger that was accepted: all three are answered 202."""

    OPENS = "opens"
    """An alert and an incident: somebody is woken."""
    SUPPRESSED = "suppressed"
    """An alert without an incident: nobody is woken."""
    DROPPED = "dropped"
    """Nothing at all."""


Rule = Callable[[Json], Fate]
"""What an event rule of the account makes of a trigger; it sees no routing key."""


@dataclass
class Alert:
    """One alert; with its incident it is what wakes somebody."""

    routing_key: str
    dedup_key: str
    summary: str
    severity: str
    opened_at: float
    triggers: int = 1
    acknowledged: bool = False
    resolved_at: float | None = None
    id: str = ""
    incident_id: str = ""
    """Empty where it was suppressed."""
    log: list[tuple[float, str]] = field(default_factory=list)
    """When it heard what: trigger, acknowledge, resolve."""
    events: list[Json] = field(default_factory=list)
    """The events it heard, without the routing key."""

    @property
    def status(self) -> str:
        """Return `triggered`, `acknowledged`, `resolved`; `suppressed` without an incident."""
        if self.resolved_at is not None:
            return "resolved"
        if not self.incident_id:
            return "suppressed"
        return "acknowledged" if self.acknowledged else "triggered"


class Alerts:
    """Every alert of an account, and what its rules make of a trigger."""

    def __init__(self) -> None:
        self.all: list[Alert] = []
        self.dropped: list[tuple[str, str]] = []
        """(action, dedup key) of what had no effect at all."""
        self.heard: Callable[[Alert, str], None] = lambda alert, action: None
        """Called with each alert that changed, and how: by an event (trigger, acknowledge,
        resolve), or `acknowledge by hand`."""
        self.rule: Rule = lambda event: Fate.OPENS

    def open(self) -> list[Alert]:
        """Return the alerts that are not resolved."""
        return [one for one in self.all if one.resolved_at is None]

    def apply(self, routing_key: str, dedup_key: str, event: Json, at: float) -> None:
        """Let an accepted event do what it does; `event` holds no routing key."""
        name = (routing_key, dedup_key)
        alert = next((one for one in self.open() if (one.routing_key, one.dedup_key) == name), None)
        action = event["event_action"]
        again = alert is not None and action == "acknowledge" and alert.acknowledged
        changes = alert is None or not (action == "trigger" or again)
        if alert is None and action == "trigger":
            alert = self._opened(name, event, at)
        elif alert is not None and action == "trigger":
            alert.triggers += 1
        elif alert is not None and action == "resolve":
            alert.resolved_at = at
        elif alert is not None:
            alert.acknowledged = True
        if alert is None:
            self.dropped.append((action, dedup_key))
            return
        alert.log.append((at, action))
        alert.events.append(event)
        if changes:
            self.heard(alert, action)

    def _opened(self, name: tuple[str, str], event: Json, at: float) -> Alert | None:
        fate = self.rule(event)
        if fate is Fate.DROPPED:
            return None
        payload, number = event["payload"], len(self.all) + 1
        alert = Alert(
            *name,
            payload["summary"],
            payload["severity"],
            opened_at=at,
            id=f"QALERT{number:06}",
            incident_id=f"QINCID{number:06}" if fate is Fate.OPENS else "",
        )
        self.all.append(alert)
        return alert
