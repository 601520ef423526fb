"""By whom a metric alert is told: by itself, or by what else is told of its services.

The errors that an alert counts are mostly told already. So while an incident or storm of one of its
services and its environment is told, it tells the alert too, as a line, and the alert sends nothing
of its own. It goes out by itself as soon as nobody tells it: at the end of the settle time where
nothing is open or about to be told, and later where what told it is over or muted.

Lives here: who may tell an alert, and what it tells then. Not here: how alerts begin and end
(`metric_alerts`), and when anything is told (`waiting`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Final

import msgspec

from correlators.alerts import WORDS
from correlators.deltas import tick_start_ms, worse
from correlators.incidents import Incident, Windows, ticks
from correlators.rates import rate_within
from correlators.state import State
from correlators.storms import Storm
from correlators.told import Told
from correlators.types import AlertLine, Digest, DigestKind, Suppression

LOOKED_AT: Final = 200
"""Open incidents of the services of one alert that are looked at."""
ALERTS_TOLD: Final = 5

_MUTED: Final = frozenset(
    {
        Suppression.DROPPED,
        Suppression.IGNORED,
        Suppression.SILENCED,
        Suppression.MAINTENANCE,
        Suppression.INHIBITED,
        Suppression.QUIET_HOURS,
    }
)
"""What is held back by one of these tells nobody anything, so it tells no alert."""

_LIVE: Final = frozenset({DigestKind.OPENED, DigestKind.UPDATED, DigestKind.REOPENED})
"""Digests of what goes on, and is told on."""

Teller = Incident | Storm
"""What may tell an alert."""


class Folds:
    """Who tells the alerts of one state."""

    def __init__(self, state: State, windows: Windows, rate_ticks: int) -> None:
        """Args: state: read, and alerts written; windows: the lengths; rate_ticks: how far rates
        reach."""
        self._state = state
        self._windows = windows
        self._rate_ticks = rate_ticks

    # Of what tells alerts

    def told_by(self, teller: Teller) -> list[Incident]:
        """Return the open alerts that it tells, or would tell with its next digest, by id."""
        if isinstance(teller, Storm):
            environment, services = teller.environment, teller.services
        elif teller.alert is None:
            environment, services = teller.key.environment, (teller.key.service,)
        else:
            return []
        return [
            one
            for one in self._state.alerts_in(environment, services)
            if (known := self._teller_id(one)) == teller.id
            or not (known or _told_itself(one) or _held_by(one))
        ]

    def carried(self, content: Digest, teller: Teller, tick: int) -> tuple[Digest, int]:
        """Return the digest with the alerts that it tells, and how many of them it now tells in
        their place.

        Args:
            content: the digest of `teller`, for no destination yet.
            teller: an incident or storm, as it is in the state.
            tick: the tick being applied.
        """
        if isinstance(teller, Incident) and teller.alert is not None:
            line = _line(teller)
            return msgspec.structs.replace(content, metric_alert=True, alerts=(line,)), 0
        live = content.kind in _LIVE
        told = {one.id: one for one in self._state.alerts_of(teller.id)}
        taken = 0
        for one in self.told_by(teller):
            if self._teller_id(one) == teller.id:
                told[one.id] = one
            elif live:
                told[one.id] = self._take(one, teller, tick)
                taken += 1
        if not told:
            return content, 0
        found = sorted(told.values(), key=lambda one: (not one.open, one.first_ms, one.id))
        levels = [one.level for one in found if one.open]
        return (
            msgspec.structs.replace(
                content,
                alerts=tuple(map(_line, found[:ALERTS_TOLD])),
                level=reduce(worse, levels, content.level),
            ),
            taken,
        )

    def _take(self, alert: Incident, teller: Teller, tick: int) -> Incident:
        """Return the alert, told from now on by another."""
        assert alert.alert is not None
        taken = msgspec.structs.replace(
            alert,
            alert=msgspec.structs.replace(alert.alert, told_by=teller.id),
            told=msgspec.structs.replace(alert.told, mark=alert.changes, tick=tick),
        )
        self._state.put(taken)
        return taken

    # Of an alert

    def decide(self, alert: Incident, tick: int) -> tuple[bool, Teller | None]:
        """Return whether something else tells this alert, and what has news of it to tell now.

        Where something does, or soon may, the alert waits in the state for the next look at it.

        Args:
            alert: an alert's incident that is due to be told.
            tick: the tick being applied.
        """
        assert alert.alert is not None
        if _told_itself(alert) or self._state.storm_of(alert) is not None:
            return False, None
        if not alert.open:
            if not alert.alert.told_by:
                return False, None
            self._state.put(_looked_at(alert, tick, then=-1))
            return True, self._find(self._teller_id(alert))
        now = self._best(alert, tick)
        if now is not None:
            news = now.id != self._teller_id(alert) or alert.told.mark != alert.changes
            then = tick + ticks(self._windows.update_every_ms)
            self._state.put(_looked_at(self._take(alert, now, tick), tick, then=then))
            return True, now if news else None
        soon = self._soon(alert, tick)
        if soon is not None:
            self._state.put(msgspec.structs.replace(alert, tell_tick=soon))
            return True, None
        if alert.alert.told_by:
            alone = msgspec.structs.replace(alert.alert, told_by="")
            self._state.put(msgspec.structs.replace(alert, alert=alone))
        return False, None

    def _best(self, alert: Incident, tick: int) -> Teller | None:
        """Return what is told and may tell the alert: who does already, else a storm, else the
        incident with most events lately, else the oldest."""
        known = self._teller_id(alert)
        told = [one for one in self._tellers(alert) if _is_told(one.told)]
        return min(
            told,
            key=lambda one: (
                one.id != known,
                isinstance(one, Incident),
                -rate_within(one.rate, tick=tick, rate_ticks=self._rate_ticks),
                one.opened_tick,
                one.key.release if isinstance(one, Incident) else "",
                one.id,
            ),
            default=None,
        )

    def _soon(self, alert: Incident, tick: int) -> int | None:
        """Return when to look again, while something is about to be told that may tell the alert.

        At most one settle time longer than the alert's own.
        """
        last = alert.onset_tick + 2 * ticks(self._windows.settle_ms)
        waiting = [
            one.tell_tick
            for one in self._tellers(alert)
            if not one.told.revision and not one.told.held and one.tell_tick >= tick
        ]
        if not waiting or tick >= last:
            return None
        return max(tick + 1, min(last, min(waiting) + 1))

    def _tellers(self, alert: Incident) -> Iterable[Teller]:
        """Return the open storms and incidents that tell of the alert's services."""
        assert alert.alert is not None
        environment, services = alert.key.environment, alert.alert.services
        found: dict[str, Teller] = {}
        for one in self._state.open_in(environment, services, LOOKED_AT):
            if one.alert is None and not one.past:
                teller = self._teller_of(one)
                found[teller.id] = teller
        return found.values()

    def _teller_of(self, incident: Incident) -> Teller:
        """Return what tells this incident."""
        storm = self._state.storm_of(incident)
        if storm is not None:
            return storm
        episode = self._state.episode(incident.key)
        lead = self._state.find_incident(episode.lead) if episode is not None else None
        return lead if lead is not None and lead.open else incident

    def _teller_id(self, alert: Incident) -> str:
        """Return the id of what tells the alert by now; empty where nothing open does."""
        found = self._find(alert.alert.told_by if alert.alert is not None else "")
        return found.id if found is not None else ""

    def _find(self, subject: str) -> Teller | None:
        if not subject:
            return None
        if subject.startswith("storm-"):
            storm = self._state.storm(subject)
            return storm if storm is not None and storm.open else None
        incident = self._state.find_incident(subject)
        return self._teller_of(incident) if incident is not None and incident.open else None


def _told_itself(alert: Incident) -> bool:
    return bool(alert.told.revision) and not alert.told.resolved


def _held_by(alert: Incident) -> bool:
    """Return whether it is held back itself, so that nothing else tells it either."""
    return _reason(alert.told) in _MUTED


def _is_told(told: Told) -> bool:
    return bool(told.revision) and not told.resolved and _reason(told) not in _MUTED


def _reason(told: Told) -> str:
    return told.held.partition(":")[0]


def _looked_at(alert: Incident, tick: int, *, then: int) -> Incident:
    told = msgspec.structs.replace(alert.told, mark=alert.changes, tick=tick)
    return msgspec.structs.replace(alert, told=told, tell_tick=then)


def _line(alert: Incident) -> AlertLine:
    assert alert.alert is not None
    return AlertLine(
        title=alert.sample.title.removeprefix("Metric alert: "),
        status=WORDS[alert.level],
        since_ms=alert.alert.since_ms,
        until_ms=0 if alert.open else tick_start_ms(alert.closed_tick),
        url=alert.sample.web_url,
    )
