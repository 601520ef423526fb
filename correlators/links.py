"""Which incidents belong together: those whose present stretch began a short while ago, and the
evidence of every link.

Two are linked when the pieces of evidence between them weigh enough; what the pieces are is
`pairs`' part, and what time alone may do is `bursts`'. Only the judgement is here; what then
happens to storms and incidents is `gathering`'s. Nothing links across environments: the caller asks
for one at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from correlators import evidence
from correlators.bursts import bursts
from correlators.candidates import Candidate, Surroundings
from correlators.evidence import Piece, piece
from correlators.incidents import ticks
from correlators.pairs import Pairs
from correlators.storms import Linking
from correlators.types import Evidence

TELLS_APART: Final = frozenset({Evidence.TRACE, Evidence.RELEASE, Evidence.BY_HAND})
"""What holds so well that two outages which have it, and none of it in common, are two."""
TIME_ALONE: Final = frozenset({Evidence.BURST, Evidence.ONSET, Evidence.SERVICE})
"""What ties nothing together but the moment."""


class Group(msgspec.Struct, frozen=True):
    """Candidates that are one outage, by onset, and why."""

    members: tuple[Candidate, ...]
    pieces: tuple[Piece, ...]


class Near(NamedTuple):
    """Evidence that was too little to tie an incident to another, the weightiest that there was."""

    other: str
    """Id of the other incident."""
    pieces: tuple[Piece, ...]

    @property
    def weight(self) -> int:
        """What they weigh together."""
        return sum(one.weight for one in self.pieces)


class Linked(msgspec.Struct, frozen=True):
    """What the evidence says of some candidates."""

    groups: list[Group]
    """Of two and more, by the onset of their first."""
    met: set[tuple[str, str]]
    """Services that were seen in one trace, each pair in order."""
    near: dict[str, Near] = msgspec.field(default_factory=dict)
    """What came nearest to tying an incident that begins now to one before it, by its id; told, and
    decides nothing."""


def link(candidates: Iterable[Candidate], around: Surroundings, linking: Linking) -> Linked:
    """Return the groups of candidates that the evidence links.

    Candidates of one storm are linked already and bring no evidence by that. One that a person took
    out of a storm is linked to none of its incidents, by whatever way.

    Args:
        candidates: incidents of one environment, each id once.
        around: what is known of the environment.
        linking: the limits.
    """
    young = sorted(candidates)
    union = _Union(young, around, linking.burst_services)
    within = ticks(linking.link_within_ms)
    pairs = Pairs(young, around, within, linking.burst_services)
    near: dict[str, Near] = {}
    for left, right in pairs.found():
        pieces = pairs.pieces(left, right)
        if not union.together(left, right):
            pieces += pairs.closeness(left, right, pieces)
            if sum(one.weight for one in pieces) < evidence.LINKS:
                if young[right].onset_tick == around.tick:
                    _come_near(near, young[right].id, Near(young[left].id, tuple(pieces)))
                continue
        union.link(left, right, pieces)
    lone = pairs.lone()
    active = _one_of_each(young)
    for indexes, found in bursts(young, around, linking, lone):
        for left, right in pairwise(indexes):
            union.link(left, right, [found])
        for left in _goes_on(young, indexes, around, active):
            union.link(left, indexes[0], [found])
    for left, right, found in _waves(around, active):
        union.link(left, right, [found])
    return Linked(union.groups(), pairs.met, near)


def _come_near(near: dict[str, Near], id: str, found: Near) -> None:
    known = near.get(id)
    if known is None or known.weight < found.weight:
        near[id] = found


def _goes_on(
    young: Sequence[Candidate],
    indexes: Sequence[int],
    around: Surroundings,
    active: Mapping[str, int],
) -> Iterator[int]:
    """Yield an active member of every storm that the burst is another wave of."""
    services = {young[index].service for index in indexes}
    for storm_id in _covering(services, around):
        if storm_id in active:
            yield active[storm_id]


def _waves(around: Surroundings, active: Mapping[str, int]) -> Iterator[tuple[int, int, Piece]]:
    """Yield two storms, by a member of each, of which one is but another wave of the other."""
    for storm_id, index in sorted(active.items()):
        if storm_id in around.tied:
            continue
        services = around.services.get(storm_id, ())
        for other in _covering(services, around):
            if other != storm_id and other in active:
                detail = "most of its services are part of it already"
                found = piece(Evidence.SERVICE, evidence.LINKS, (), detail)
                yield active[other], index, found


def _one_of_each(young: Sequence[Candidate]) -> dict[str, int]:
    """Return the first member of every storm that is here."""
    found: dict[str, int] = {}
    for index, candidate in enumerate(young):
        if candidate.storm_id:
            found.setdefault(candidate.storm_id, index)
    return found


def _covering(services: Collection[str], around: Surroundings) -> list[str]:
    """Return the open storms that most of these services are part of already, by id."""
    known = Counter(storm_id for name in services for storm_id in around.storms_in.get(name, ()))
    return sorted(one for one, count in known.items() if 2 * count > len(services))


class _Union:
    """Union-find over candidates, with the evidence of every link; members of one storm start
    linked."""

    def __init__(
        self, young: Sequence[Candidate], around: Surroundings, burst_services: int
    ) -> None:
        self._young = young
        self._many = burst_services
        self._services = {index: {one.service} for index, one in enumerate(young)}
        self._parent = list(range(len(young)))
        self._pieces: dict[int, dict[tuple[Evidence, tuple[str, ...]], Piece]] = defaultdict(dict)
        self._storms: dict[int, set[str]] = {}
        self._apart: dict[int, set[str]] = {}
        self._tied: set[int] = set()
        """Roots that would be told apart."""
        first_of: dict[str, int] = {}
        for index, candidate in enumerate(young):
            if candidate.apart:
                self._apart[index] = set(candidate.apart)
            if candidate.storm_id:
                storm_services = around.services.get(candidate.storm_id, ())
                self._services[self._root(index)].update(storm_services)
                first = first_of.setdefault(candidate.storm_id, index)
                if first != index:
                    self._join(first, index)
                self._storms.setdefault(self._root(first), set()).add(candidate.storm_id)
                if candidate.storm_id in around.tied:
                    self._tied.add(self._root(first))

    def _root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def together(self, left: int, right: int) -> bool:
        """Return whether the two are linked already."""
        return self._root(left) == self._root(right)

    def link(self, left: int, right: int, pieces: Sequence[Piece]) -> None:
        """Link two candidates, unless a person said no, or the moment alone would tie two
        outages."""
        one, two = self._root(left), self._root(right)
        if one != two:
            if self._parted(one, two) or self._parted(two, one):
                return
            moment = all(piece.kind in TIME_ALONE for piece in pieces)
            tied = one in self._tied and two in self._tied
            if moment and (tied or self._strange(one, two)):
                return
            one = self._join(one, two)
        kept = self._pieces[one]
        for found in pieces:
            place = (found.kind, found.services)
            known = kept.get(place)
            if known is found:
                continue  # of a burst it is the same piece between each and the next
            if known is None or known.weight < found.weight:
                kept[place] = found
            if found.kind in TELLS_APART:
                self._tied.add(one)

    def _strange(self, one: int, two: int) -> bool:
        """Return whether both are outages of many services, mostly different ones."""
        left, right = self._services[one], self._services[two]
        least = min(len(left), len(right))
        return least >= self._many and 2 * len(left & right) <= least

    def _parted(self, one: int, two: int) -> bool:
        storms, apart = self._storms.get(one), self._apart.get(two)
        return bool(storms and apart and storms & apart)

    def _join(self, left: int, right: int) -> int:
        left, right = sorted((self._root(left), self._root(right)))
        if left == right:
            return left
        self._parent[right] = left
        self._services[left] |= self._services.pop(right)
        for place, found in self._pieces.pop(right, {}).items():
            known = self._pieces[left].get(place)
            if known is None or known.weight < found.weight:
                self._pieces[left][place] = found
        for sets in (self._storms, self._apart):
            if right in sets:
                sets.setdefault(left, set()).update(sets.pop(right))
        if right in self._tied:
            self._tied.add(left)
        return left

    def groups(self) -> list[Group]:
        """Return what is linked and why, by the onset of the first."""
        members: dict[int, list[Candidate]] = defaultdict(list)
        for index, candidate in enumerate(self._young):
            members[self._root(index)].append(candidate)
        return [
            Group(tuple(found), evidence.kept(self._pieces[root].values()))
            for root, found in sorted(members.items())
            if self._pieces.get(root)
        ]
