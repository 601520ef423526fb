"""Hosts: which active storms stand beside a candidate closely enough to be weighed with it.

Where a hundred storms are open, nearly all of them have nothing in common with what begins. So a
candidate is paired with those alone that the pieces of `pairs` can say anything of: it is in a
service of theirs, or in one that is related to their member's, has an error or a cause of that
member, came with a release that is news, or waits beside a large outage. The others weigh nothing
and are left out, which changes no result: their number costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from correlators.candidates import Candidate, Surroundings
from correlators.causes import Cause
from correlators.young import errors

PATIENCE_TICKS: Final = 10
"""How long what begins beside an outage of many services stands alone before that counts."""


class Hosts:
    """The storms of some candidates, each by the latest member that is near."""

    def __init__(
        self,
        young: Sequence[Candidate],
        around: Surroundings,
        within: int,
        many: int,
        related: Mapping[str, Sequence[str]],
    ) -> None:
        """Args: young: by onset; around: what is known; within: longest time apart, in ticks;
        many: services that make an outage a large one; related: services by each that is here."""
        self._young = young
        self._around = around
        self._within = within
        self._related = related
        self._news = {one.release_news for one in young if one.release_news}
        self._large = frozenset(
            storm_id for storm_id, services in around.services.items() if len(services) >= many
        )
        self._members = self._active_members()
        at_once = not young or young[-1].onset_tick - young[0].onset_tick <= within
        self._one = self._members_near(0) if at_once and young else None
        self._near: dict[int, _Near] = {}

    def pairs(self, sharing: AbstractSet[int]) -> Iterator[tuple[int, int]]:
        """Yield every candidate that is in no storm, or in one that only few things hold together,
        with the members of other storms that may be weighed with it; the earlier one first.

        Args: sharing: those that share a trace; others with traces are left out.
        """
        if not self._members:
            return
        for index, one in enumerate(self._young):
            own = one.storm_id
            if own in self._around.tied or (one.traces and index not in sharing):
                continue
            for member in self._beside(index, one):
                if self._young[member].storm_id != own:
                    yield min(member, index), max(member, index)

    def _beside(self, index: int, one: Candidate) -> Iterable[int]:
        near = self._near_to(one, index)
        if one.apart or one.release in self._news:
            return near.members  # each of them may be refused, or is linked: both are few
        found = {
            near.of_storm[storm_id]
            for storm_id in self._around.storms_in.get(one.service, ())
            if storm_id in near.of_storm
        }
        for service in self._related.get(one.service, ()):
            found.update(near.in_service.get(service, ()))
        found.update(near.relating.get(one.service, ()))
        for service in self._around.services.get(one.storm_id, ()) if one.storm_id else ():
            found.update(near.in_service.get(service, ()))
        for mark in _marks(one):
            found.update(near.marked.get(mark, ()))
        if not one.storm_id:
            age = self._around.tick - one.onset_tick
            if age >= PATIENCE_TICKS:
                found.update(near.of_storm[id] for id in self._large if id in near.of_storm)
            elif not age and near.members and near.members[0] < index:
                found.add(near.members[0])  # what is named where nothing came near
        return found

    def _near_to(self, one: Candidate, index: int) -> _Near:
        if self._one is not None:
            return self._one
        found = self._near.get(one.onset_tick)
        if found is None:
            found = self._near[one.onset_tick] = self._members_near(index)
        return found

    def _members_near(self, index: int) -> _Near:
        """Return the latest member of every storm that is near to this candidate."""
        onset = self._young[index].onset_tick
        found = _Near({}, [], defaultdict(list), defaultdict(list), defaultdict(list))
        for storm_id, members in self._members.items():
            near = (one for one in members if abs(onset - self._onset(one)) <= self._within)
            member = next(near, None)
            if member is not None:
                found.of_storm[storm_id] = member
                found.members.append(member)
        found.members.sort()
        for member in found.members:
            one = self._young[member]
            found.in_service[one.service].append(member)
            for service in self._related.get(one.service, ()):
                found.relating[service].append(member)
            for mark in _marks(one):
                found.marked[mark].append(member)
        return found

    def _onset(self, index: int) -> int:
        return self._young[index].onset_tick

    def _active_members(self) -> dict[str, list[int]]:
        """Return the members of every storm that are here, the latest first."""
        found: dict[str, list[int]] = defaultdict(list)
        for index in reversed(range(len(self._young))):
            if self._young[index].storm_id:
                found[self._young[index].storm_id].append(index)
        return found


def _marks(one: Candidate) -> set[str | Cause]:
    """Return by what an error, or its cause, is known."""
    return {one.fingerprint, *one.aliases, *errors(one.error, one.cause)}


class _Near(NamedTuple):
    """The latest members of storms that are near to some onset."""

    of_storm: dict[str, int]
    members: list[int]
    """All of them, in order."""
    in_service: dict[str, list[int]]
    relating: dict[str, list[int]]
    """By every service that the member's own is related to."""
    marked: dict[str | Cause, list[int]]
    """By the names and parts of their errors, and those of their causes."""
