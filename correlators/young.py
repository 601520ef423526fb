"""Open incidents whose present stretch began a short while ago, and which of them may have
anything in common with others.

An index over entries, derived from them alone. Linking looks at what this finds and at nothing
else: how long it takes hangs on what may be linked, not on how much is open.
"""

from __future__ import annotations

import heapq
from collections.abc import KeysView
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeVar

from correlators.causes import Cause, cause_of
from correlators.incidents import Incident

Mark = int | str | Cause
"""What two incidents may share: a trace, the name of an error under some signature version, its
parts, or those of what it was raised from."""


class Young:
    """Ids of open incidents by environment, without metric alerts and what is told as past."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def change(self, before: Incident | None, after: Incident | None) -> None:
        """Note that an entry has changed; None is one that is not there."""
        if before is not None and after is not None and _same(before, after):
            return
        if before is not None and _counts(before):
            place = self._places.get(before.key.environment)
            if place is not None:
                place.discard(before.id)
        if after is not None and _counts(after):
            self._places.setdefault(after.key.environment, Place()).add(after)

    def since(self, environment: str, tick: int) -> Place | None:
        """Return what is young in an environment, None where nothing is.

        Args:
            environment: which.
            tick: stretches that began before it are no longer young, and are forgotten here.
        """
        place = self._places.get(environment)
        if place is None:
            return None
        place.forget_before(tick)
        if not place:
            del self._places[environment]
            return None
        return place


def _counts(incident: Incident) -> bool:
    return incident.open and not incident.past and incident.alert is None


def _same(before: Incident, after: Incident) -> bool:
    """Return whether nothing has changed that is looked at here."""
    return (
        before.onset_tick == after.onset_tick
        and before.storm_id == after.storm_id
        and before.closed_tick == after.closed_tick
        and before.past == after.past
        and (before.alert is None) == (after.alert is None)
        and before.aliases == after.aliases
        and before.signature == after.signature
        and (before.traces is after.traces or _traces(before) == _traces(after))
    )


def _marks(incident: Incident) -> set[Mark]:
    return {
        incident.key.fingerprint,
        *incident.aliases,
        *errors(incident.signature, cause_of(incident.signature)),
        *_traces(incident),
    }


def _traces(incident: Incident) -> set[int]:
    return {trace for trace, _ in incident.traces}


def errors(error: Cause, cause: Cause) -> set[Cause]:
    """Return the parts by which an error is known: its own, and those of what it was raised from,
    where any tell."""
    return {parts for parts in (error, cause) if parts}


class Place:
    """The young incidents of one environment."""

    def __init__(self) -> None:
        """Nothing is young yet."""
        self._since = 0
        self._known: dict[str, _Known] = {}
        self._onsets: dict[int, set[str]] = {}
        self._holders: dict[Mark, set[str]] = {}
        self._shared: dict[str, int] = {}
        """How many of its marks an incident shares with others."""
        self.company: set[str] = set()
        """Those that share a mark with another one, or carry no trace by which that would show."""
        self.storms: dict[str, set[str]] = {}
        """Ids by the storm that an incident names, which may be over; empty for none."""
        self.services: dict[str, set[str]] = {}
        self.releases: dict[tuple[str, str], set[str]] = {}
        """Ids by (service, release)."""

    def __len__(self) -> int:
        """Return how many incidents are young."""
        return len(self._known)

    @property
    def ids(self) -> KeysView[str]:
        """Ids of what is young."""
        return self._known.keys()

    def add(self, incident: Incident) -> None:
        """Note an incident that is not here, unless it is too old already."""
        if incident.onset_tick < self._since:
            return
        one, key = incident.id, incident.key
        found = _Known(
            onset=incident.onset_tick,
            storm=incident.storm_id,
            service=key.service,
            release=key.release,
            traced=bool(incident.traces),
            marks=_marks(incident),
        )
        self._known[one] = found
        self._onsets.setdefault(found.onset, set()).add(one)
        self.storms.setdefault(found.storm, set()).add(one)
        self.services.setdefault(found.service, set()).add(one)
        self.releases.setdefault((found.service, found.release), set()).add(one)
        for mark in found.marks:
            holders = self._holders.setdefault(mark, set())
            if len(holders) == 1:
                self._share(*holders, by=1)
            if holders:
                self._shared[one] = self._shared.get(one, 0) + 1
            holders.add(one)
        self._share(one, by=0)

    def discard(self, incident_id: str) -> None:
        """Forget an incident, if it is here."""
        found = self._known.pop(incident_id, None)
        if found is None:
            return
        _out(self._onsets, found.onset, incident_id)
        _out(self.storms, found.storm, incident_id)
        _out(self.services, found.service, incident_id)
        _out(self.releases, (found.service, found.release), incident_id)
        self.company.discard(incident_id)
        self._shared.pop(incident_id, None)
        for mark in found.marks:
            _out(self._holders, mark, incident_id)
            left = self._holders.get(mark, ())
            if len(left) == 1:
                self._share(*left, by=-1)

    def _share(self, incident_id: str, *, by: int) -> None:
        shared = self._shared.get(incident_id, 0) + by
        if shared:
            self._shared[incident_id] = shared
        else:
            self._shared.pop(incident_id, None)
        if shared or not self._known[incident_id].traced:
            self.company.add(incident_id)
        else:
            self.company.discard(incident_id)

    def forget_before(self, tick: int) -> None:
        """Forget the stretches that began before this tick; ticks only go up."""
        self._since = tick
        for onset in [one for one in self._onsets if one < tick]:
            for one in list(self._onsets[onset]):
                self.discard(one)

    def holding(self, mark: Mark) -> AbstractSet[str]:
        """Return the ids of those that have this mark."""
        return self._holders.get(mark, frozenset())

    def marks(self, incident_id: str) -> AbstractSet[Mark]:
        """Return the marks of one that is here."""
        return self._known[incident_id].marks

    def latest(self, ids: AbstractSet[str], most: int) -> set[str]:
        """Return those of `ids` that began last, so many at most; of one tick the smallest ids."""
        if len(ids) <= most:
            return set(ids)
        found: set[str] = set()
        for onset in sorted(self._onsets, reverse=True):
            here = self._onsets[onset] & ids
            found.update(heapq.nsmallest(most - len(found), here))
            if len(found) == most:
                break
        return found


class _Known(NamedTuple):
    onset: int
    storm: str
    service: str
    release: str
    traced: bool
    marks: set[Mark]


_Key = TypeVar("_Key")


def _out(index: dict[_Key, set[str]], key: _Key, one: str) -> None:
    found = index[key]
    found.discard(one)
    if not found:
        del index[key]
