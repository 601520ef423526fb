"""Which open incidents match the source of an inhibition: found without looking at any of them.

An index over entries, derived from them alone. What a source asks of an incident itself changes
only with its entry; what it asks of rates ends by itself, at a tick that the entry tells.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from correlators.conditions import AtLeast, Facts, Lifecycle, When, why_not
from correlators.holds import Inhibition
from correlators.incidents import Incident, ticks
from correlators.rates import Rate, lasts_until

ALWAYS: Final = 1 << 62
"""Later than any tick: it matches until its entry changes."""
STALE_LEAST: Final = 64

Place = tuple[str, str]
"""Environment, and the service where it counts, else empty."""


class Sources:
    """Open incidents by the inhibition whose source they match."""

    def __init__(self, inhibitions: Sequence[Inhibition] = (), rate_ticks: int = 1) -> None:
        """Args: inhibitions: as configured; rate_ticks: how far back the rates of incidents
        reach."""
        self._inhibitions = inhibitions
        self._rate_ticks = rate_ticks
        self._still = [
            msgspec.structs.replace(one.source, events=None, users=None) for one in inhibitions
        ]
        self.clear()

    def clear(self) -> None:
        """Forget all incidents."""
        self._open: list[dict[Place, _Matching]] = [{} for _ in self._inhibitions]

    def change(self, before: Incident | None, after: Incident | None) -> None:
        """Note that an entry has changed; None is one that is not there."""
        if not self._inhibitions:
            return
        was = before if before is not None and before.open else None
        now = after if after is not None and after.open else None
        if now is None:
            if was is not None:
                self._discard(was)
        elif was is None or _asked_of(was) != _asked_of(now):
            self._add(now)

    def _add(self, incident: Incident) -> None:
        facts = self._facts(incident)
        for number, inhibition in enumerate(self._inhibitions):
            until = self._until(inhibition.source, self._still[number], facts)
            place = _place(inhibition, incident.key.environment, incident.key.service)
            if until < 0:
                self._drop(number, place, incident.id)
                continue
            self._open[number].setdefault(place, _Matching()).add(incident.id, until)

    def _discard(self, incident: Incident) -> None:
        for number, inhibition in enumerate(self._inhibitions):
            place = _place(inhibition, incident.key.environment, incident.key.service)
            self._drop(number, place, incident.id)

    def _drop(self, number: int, place: Place, incident_id: str) -> None:
        matching = self._open[number].get(place)
        if matching is not None:
            matching.discard(incident_id)
            if not matching:
                del self._open[number][place]

    def names(
        self, environment: str, services: Iterable[str], own: Collection[str], tick: int
    ) -> tuple[str, ...]:
        """Return the inhibitions with an open incident that matches their source in this tick.

        Args:
            environment: where.
            services: those that count, unless an inhibition takes any.
            own: incidents that do not count: nothing mutes itself.
            tick: not before the last one in which any of them changed.
        """
        where = tuple(services)
        return tuple(
            inhibition.name
            for number, inhibition in enumerate(self._inhibitions)
            if any(
                matching.any(own, tick)
                for service in ((where or ("",))[:1] if inhibition.any_service else where)
                if (matching := self._open[number].get(_place(inhibition, environment, service)))
            )
        )

    def _facts(self, incident: Incident) -> Facts:
        return Facts(
            environment=incident.key.environment,
            services=(incident.key.service,),
            releases=(incident.key.release,),
            level=incident.level,
            lifecycle=Lifecycle.UPDATED,
            tick=incident.last_tick,
            rate_ticks=self._rate_ticks,
            event_rates=(incident.rate,),
            types=tuple(part[5:] for part in incident.signature if part.startswith("type ")),
            titles=(incident.sample.title,),
            tags=incident.marks,
            user_rates=(incident.user_rate,),
            metric_alert=incident.alert is not None,
        )

    def _until(self, source: When, still: When, facts: Facts) -> int:
        """Return the last tick in which it matches if nothing more comes, -1 where it does not."""
        if why_not(still, facts) is not None:
            return -1
        events = self._lasts(source.events, facts.event_rates[0])
        return min(events, self._lasts(source.users, facts.user_rates[0]))

    def _lasts(self, asked: AtLeast | None, rate: Rate) -> int:
        if asked is None:
            return ALWAYS
        within = min(ticks(asked.within_ms), self._rate_ticks)
        return lasts_until(rate, asked.count, rate_ticks=self._rate_ticks, within=within)


class _Matching:
    """Incidents that match one source at one place, the one that does longest first."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._longest: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._until)

    def add(self, incident_id: str, until: int) -> None:
        if self._until.get(incident_id) == until:
            return
        self._until[incident_id] = until
        heapq.heappush(self._longest, (-until, incident_id))
        if len(self._longest) > 2 * len(self._until) + STALE_LEAST:
            self._longest = [(-until, one) for one, until in self._until.items()]
            heapq.heapify(self._longest)

    def discard(self, incident_id: str) -> None:
        self._until.pop(incident_id, None)

    def any(self, own: Collection[str], tick: int) -> bool:
        """Return whether another one than `own` matches in this tick."""
        passed: list[tuple[int, str]] = []
        found = False
        while self._longest:
            until, one = self._longest[0]
            if self._until.get(one) != -until or (passed and passed[-1][1] == one):
                heapq.heappop(self._longest)  # it has changed since, or stands here twice
            elif -until < tick:
                break
            elif one in own:
                passed.append(heapq.heappop(self._longest))
            else:
                found = True
                break
        for again in passed:
            heapq.heappush(self._longest, again)
        return found


def _asked_of(incident: Incident) -> tuple[object, ...]:
    """Return what a source may ask of an incident, but for its key."""
    return (
        incident.level,
        incident.rate,
        incident.user_rate,
        incident.marks,
        incident.signature,
        incident.sample.title,
        incident.alert is None,
    )


def _place(inhibition: Inhibition, environment: str, service: str) -> Place:
    return (environment, "" if inhibition.any_service else service)
