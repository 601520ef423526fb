"""Which incidents belong together: those whose present stretch began a short while ago, and the
evidence of every link.

Only the judgement; what then happens to storms and incidents is `gathering`'s. Nothing links across
environments: the caller asks for one at a time.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from correlators.incidents import ticks
from correlators.storms import Linking
from correlators.types import Evidence


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
    aliases: tuple[str, ...] = ()
    """What its events are called under other signature versions."""
    anchor: bool = False
    """An active member of a storm whose own onset is long past; `onset_tick` is its last event."""


class Group(msgspec.Struct, frozen=True):
    """Candidates that are one outage, by onset, and why."""

    members: tuple[Candidate, ...]
    evidence: tuple[Evidence, ...]


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
    also: dict[str, dict[str, int]] = defaultdict(dict)
    for index, candidate in enumerate(young):
        name = candidate.fingerprint
        # Two that share only an alias are two errors under the version that is taken.
        same = [last[name], also[name], *(last[alias] for alias in candidate.aliases)]
        for service, other in itertools.chain.from_iterable(one.items() for one in same):
            if service != candidate.service and _near(young, other, index, within):
                links.link(other, index, Evidence.SIGNATURE)
        last[name][candidate.service] = index
        for alias in candidate.aliases:
            also[alias][candidate.service] = index


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
