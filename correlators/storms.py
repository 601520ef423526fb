"""Storms: which incidents are one outage, and the life of what they become.

`groups` looks at incidents whose present stretch began a short while ago and says which belong
together, each link with its evidence. All transitions of a storm live here too. Nothing links
across environments.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import xxhash

from correlators import sets
from correlators.deltas import worse
from correlators.incidents import Told, add_rate, ticks
from correlators.types import TICK_MS, Delta, Evidence, Level

MEMBERS_KEPT: Final = 256
"""Incidents that a storm lists; further ones belong to it and are counted."""

SERVICES_KEPT: Final = 64
"""Services that a storm lists; further ones are counted."""


class Linking(msgspec.Struct, frozen=True, kw_only=True):
    """What makes incidents one storm; lengths in milliseconds.

    Raises:
        ValueError: a length is below one tick, or a burst of fewer than two services.
    """

    link_within_ms: int = 60_000
    """Stretches that begin within this of each other may be linked."""
    storm_quiet_ms: int = 120_000
    """A storm ends when none of its incidents had an event for this long."""
    release_news_ms: int = 3_600_000
    """A release is news for this long after its first event."""
    burst_services: int = 3
    """Onsets in this many services within `link_within_ms` are a burst, when each is loud."""
    burst_onsets: int = 10
    """This many onsets and active members in that many services are a burst although single ones
    are quiet."""

    def __post_init__(self) -> None:
        for name in ("link_within_ms", "storm_quiet_ms", "release_news_ms"):
            if getattr(self, name) < TICK_MS:
                raise ValueError(f"{name} must be at least {TICK_MS}")
        if self.burst_services < 2 or self.burst_onsets < self.burst_services:
            raise ValueError("burst_services must be at least 2 and burst_onsets not below it")


class Storm(msgspec.Struct, frozen=True, kw_only=True, tag="storm"):
    """Incidents of one environment that are one outage, told as one."""

    id: str
    environment: str
    opened_tick: int
    """Onset of its first incident."""
    last_tick: int
    closed_tick: int = -1
    merged_into: str = ""
    """The storm that took this one over; then this one is over without having ended."""
    members: tuple[str, ...] = ()
    """Incident ids in the order of joining, at most `MEMBERS_KEPT`."""
    joined: int = 0
    """How many incidents joined in all."""
    services: tuple[str, ...] = ()
    """In the order of their onsets, at most `SERVICES_KEPT`."""
    evidence: tuple[Evidence, ...] = ()
    first_ms: int
    last_ms: int
    level: Level
    events: bytes = sets.EMPTY
    users: bytes = sets.EMPTY
    rate: tuple[tuple[int, int], ...] = ()
    changes: int = 1
    tell_tick: int = -1
    told: Told = Told()
    page_key: str = ""

    @property
    def open(self) -> bool:
        """Whether it still gathers incidents and events."""
        return self.closed_tick < 0


class Stretch(msgspec.Struct, frozen=True, kw_only=True, tag="stretch"):
    """What an incident's present stretch counts, kept while the incident may still be linked.

    An incident that reopens carries the sets of its whole life; a storm wants only what belongs to
    the outage.
    """

    incident_id: str
    first_ms: int
    events: bytes
    users: bytes


class Candidate(msgspec.Struct, frozen=True, order=True):
    """An incident that may be linked. Compares by onset, then id."""

    onset_tick: int
    id: str
    service: str
    fingerprint: str
    release_news: str
    """Its release where that is news and the error came with it, else empty."""
    release: str
    """Its release where the error came with it, else empty: an older error tells nothing of it."""
    traces: tuple[int, ...]
    loud: bool
    """It has more than a single event or user behind it, so its onset may be part of a burst."""
    storm_id: str
    """The open storm that it is part of, else empty."""
    anchor: bool = False
    """An active member of a storm whose own onset is long past; `onset_tick` is its last event."""


class Group(msgspec.Struct, frozen=True):
    """Candidates that are one outage, by onset, and why."""

    members: tuple[Candidate, ...]
    evidence: tuple[Evidence, ...]


def storm_id(environment: str, first: Candidate) -> str:
    """Return the id of the storm that begins with this incident: `storm-` and 16 hex digits."""
    text = f"{environment}\0{first.id}\0{first.onset_tick}"
    return "storm-" + xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))


def groups(candidates: Iterable[Candidate], linking: Linking) -> list[Group]:
    """Return the groups of two and more candidates that the evidence links, by the onset of their
    first.

    Candidates of one storm are linked already and bring no evidence by that.

    Args:
        candidates: incidents of one environment, each id once.
        linking: the limits.
    """
    young = sorted(candidates)
    links = _Links(young)
    within = ticks(linking.link_within_ms)
    _link_signatures(young, links, within)
    _link_traces(young, links, within)
    _link_releases(young, links, within)
    _link_bursts(young, links, linking)
    return links.groups()


class _Links:
    """Union-find over candidates, with the evidence of every link; members of one storm start
    linked."""

    def __init__(self, young: Sequence[Candidate]) -> None:
        self._young = young
        self._parent = list(range(len(young)))
        self._evidence: dict[int, set[Evidence]] = defaultdict(set)
        first_of: dict[str, int] = {}
        for index, candidate in enumerate(young):
            if candidate.storm_id:
                self._join(first_of.setdefault(candidate.storm_id, index), index)

    def _root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def _join(self, left: int, right: int) -> None:
        left, right = sorted((self._root(left), self._root(right)))
        self._parent[right] = left
        self._evidence[left] |= self._evidence.pop(right, set()) if left != right else set()

    def link(self, left: int, right: int, evidence: Evidence) -> None:
        self._join(left, right)
        self._evidence[self._root(left)].add(evidence)

    def groups(self) -> list[Group]:
        members: dict[int, list[Candidate]] = defaultdict(list)
        for index, candidate in enumerate(self._young):
            members[self._root(index)].append(candidate)
        return [
            Group(tuple(found), tuple(sorted(self._evidence[root])))
            for root, found in sorted(members.items())
            if self._evidence[root]
        ]


def _link_signatures(young: Sequence[Candidate], links: _Links, within: int) -> None:
    """The same signature in several services; the same service under another release is no
    evidence."""
    last: dict[str, dict[str, int]] = defaultdict(dict)
    for index, candidate in enumerate(young):
        services = last[candidate.fingerprint]
        for service, other in services.items():
            if service != candidate.service and _near(young, other, index, within):
                links.link(other, index, Evidence.SIGNATURE)
        services[candidate.service] = index


def _link_traces(young: Sequence[Candidate], links: _Links, within: int) -> None:
    last: dict[int, int] = {}
    for index, candidate in enumerate(young):
        for trace in candidate.traces:
            other = last.get(trace)
            if other is not None and _near(young, other, index, within):
                links.link(other, index, Evidence.TRACE)
            last[trace] = index


def _link_releases(young: Sequence[Candidate], links: _Links, within: int) -> None:
    """A shared release that is news; two releases of one error are one episode, not two
    witnesses."""
    news = {candidate.release_news for candidate in young if candidate.release_news}
    last: dict[str, int] = {}
    for index, candidate in enumerate(young):
        if candidate.release in news and candidate.release:
            other = last.get(candidate.release)
            if other is not None and _near(young, other, index, within):
                links.link(other, index, Evidence.RELEASE)
            last[candidate.release] = index


def _link_bursts(young: Sequence[Candidate], links: _Links, linking: Linking) -> None:
    """Onsets in many services at once: loud ones, or so many that quiet ones cannot be chance.

    A quiet onset that carries traces, none of which anybody shares, is left out: where requests can
    be followed, a lone one is more likely something else.
    """
    everyone = range(len(young))
    loud = [index for index in everyone if young[index].loud]
    _link_windows(young, links, loud, linking, at_least=linking.burst_services)
    counted = [
        index
        for index in everyone
        if young[index].loud or young[index].anchor or not young[index].traces
    ]
    _link_windows(young, links, counted, linking, at_least=linking.burst_onsets)


def _link_windows(
    young: Sequence[Candidate],
    links: _Links,
    indexes: Sequence[int],
    linking: Linking,
    *,
    at_least: int,
) -> None:
    """Link each window of enough onsets in enough services; one pass, since windows overlap."""
    within = ticks(linking.link_within_ms)
    start = 0
    linked_to = -1
    present: Counter[str] = Counter()
    for end, index in enumerate(indexes):
        present[young[index].service] += 1
        while not _near(young, indexes[start], index, within):
            present -= Counter([young[indexes[start]].service])
            start += 1
        if len(present) >= linking.burst_services and end - start + 1 >= at_least:
            for position in range(max(start, linked_to), end):
                links.link(indexes[position], index, Evidence.BURST)
            linked_to = end


def _near(young: Sequence[Candidate], left: int, right: int, within: int) -> bool:
    return abs(young[right].onset_tick - young[left].onset_tick) <= within


def extended(storm: Storm, delta: Delta, *, tick: int, rate_ticks: int) -> Storm:
    """Return the open storm after a delta of one of its incidents.

    Args:
        storm: open.
        delta: of an incident that is part of it.
        tick: the tick being applied.
        rate_ticks: how far back `rate` must reach.
    """
    before = sets.count(storm.events).value
    events = sets.union(storm.events, delta.events)
    users = sets.union(storm.users, delta.users)
    news = (events, users) != (storm.events, storm.users)
    new = max(0, sets.count(events).value - before)
    return msgspec.structs.replace(
        storm,
        last_tick=max(storm.last_tick, tick) if delta.belated_tick < 0 else storm.last_tick,
        first_ms=min(storm.first_ms, delta.first_ms),
        last_ms=max(storm.last_ms, delta.last_ms),
        level=worse(storm.level, delta.level),
        events=events,
        users=users,
        rate=add_rate(storm.rate, new, tick, rate_ticks),
        changes=storm.changes + (1 if news else 0),
    )


def due_tick(storm: Storm, linking: Linking, *, max_life_ms: int, remember_ms: int) -> int:
    """Return the next tick in which something happens to the storm without a delta."""
    if not storm.open:
        forget = max(storm.closed_tick, storm.last_tick) + ticks(remember_ms)
        return forget if storm.tell_tick < 0 else min(forget, storm.tell_tick)
    ends = min(
        storm.last_tick + ticks(linking.storm_quiet_ms), storm.opened_tick + ticks(max_life_ms)
    )
    return ends if storm.tell_tick < 0 else min(ends, storm.tell_tick)
