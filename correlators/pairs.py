"""The evidence between two incidents: which pairs have any, and what each piece weighs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from correlators import evidence
from correlators.baseline import odds_db
from correlators.candidates import Candidate, Surroundings
from correlators.causes import Cause
from correlators.closeness import Closeness
from correlators.evidence import Piece, both, piece, shown
from correlators.hosts import PATIENCE_TICKS, Hosts
from correlators.types import Evidence

SERVICES_TRIED: Final = 3
"""A signature is compared with the latest of so many other services: links make chains."""
RELEASES_TRIED: Final = 4
"""And with so many of the latest incidents of a service: each is another release."""
_TITLE_CHARS: Final = 60


class Pairs:
    """Pairs of candidates that share something, by the later one's onset."""

    def __init__(
        self, young: Sequence[Candidate], around: Surroundings, within: int, many: int
    ) -> None:
        """Args: young: by onset; around: what is known; within: longest time apart, in ticks;
        many: services that make an outage a large one."""
        self._many = many
        self._young = young
        self._around = around
        self._within = within
        self._shared: dict[tuple[int, int], int] = defaultdict(int)
        self._close = Closeness(young, around, within)
        self._related = self._relations()
        self._hosts = Hosts(young, around, within, many, self._related)
        self._loose = {"", *around.services} - around.tied
        self.met: set[tuple[str, str]] = set()

    def found(self) -> list[tuple[int, int]]:
        """Return the pairs that share something, the earlier one first."""
        pairs: set[tuple[int, int]] = set()
        for some in (
            self._by_trace,
            self._by_signature,
            self._by_cause,
            self._by_release,
            self._by_dependency,
        ):
            pairs.update(some())
        pairs.update(self._hosts.pairs(self._sharing()))
        return sorted(pairs, key=lambda pair: (pair[1], pair[0]))

    def lone(self) -> frozenset[int]:
        """Return the candidates that carry traces, none of which anybody shares.

        Where requests can be followed, such a one is more likely something else.
        """
        sharing = self._sharing()
        return frozenset(
            index
            for index, one in enumerate(self._young)
            if one.traces and index not in sharing and not one.anchor
        )

    def _sharing(self) -> set[int]:
        """Return the candidates that share a trace, once `found` has looked for them."""
        return {index for pair in self._shared for index in pair}

    def pieces(self, left: int, right: int) -> list[Piece]:
        """Return the evidence between the two, but for how close their onsets are."""
        one, two = self._young[left], self._young[right]
        between = (one.service, two.service)
        found: list[Piece] = []
        if self._shared.get((left, right)):
            detail = f"shared trace in {both(*between)}"
            found.append(piece(Evidence.TRACE, evidence.TRACE, between, detail))
        if one.service != two.service and _same_error(one, two):
            detail = f"{_title(two)} in {both(*between)}"
            weight = self._close.signature(one, two)
            found.append(piece(Evidence.SIGNATURE, weight, between, detail))
        elif one.service != two.service and _same_cause(one, two):
            detail = f"the same cause in {both(*between)}: {shown(_cause(one, two))}"
            weight = self._close.signature(one, two)
            found.append(piece(Evidence.CAUSE, weight, between, detail))
        release = one.release if one.release == two.release else ""
        if release and release in (one.release_news, two.release_news):
            detail = f"release {shown(release)} just went out in {both(*between)}"
            found.append(piece(Evidence.RELEASE, evidence.RELEASE, between, detail))
        beside = self._service(one, two)
        if any(one.services for one in beside):
            # Its service is part of the storm: what that one is related to says nothing more.
            return found + beside
        return found + self._dependency(one, two) + beside

    def closeness(self, left: int, right: int, pieces: Sequence[Piece]) -> list[Piece]:
        """Return what the closeness of the two onsets adds to this evidence."""
        return self._close.adds(left, right, pieces)

    # Which pairs

    def _by_trace(self) -> Iterator[tuple[int, int]]:
        last: dict[int, int] = {}
        for index, candidate in enumerate(self._young):
            for trace in candidate.traces:
                other = last.get(trace)
                if other is not None and self._near(other, index):
                    self._shared[other, index] += 1
                    one, two = sorted((self._young[other].service, candidate.service))
                    if one != two:
                        self.met.add((one, two))
                    yield other, index
                last[trace] = index

    def _by_signature(self) -> Iterator[tuple[int, int]]:
        """The same signature in several services; the same service under another release is no
        evidence."""
        last: dict[str, dict[str, list[int]]] = defaultdict(dict)
        also: dict[str, dict[str, list[int]]] = defaultdict(dict)
        names = Counter(name for one in self._young for name in {one.fingerprint, *one.aliases})
        for index, candidate in enumerate(self._young):
            name, service = candidate.fingerprint, candidate.service
            if names[name] == 1 and all(names[alias] == 1 for alias in candidate.aliases):
                continue  # nobody else has it under any name
            # Two that share only an alias are two errors under the version that is taken.
            same = [last[name], also[name], *(last[alias] for alias in candidate.aliases)]
            for named in same:
                others = (found for other, found in reversed(named.items()) if other != service)
                for found in islice(others, SERVICES_TRIED):
                    for other in found:
                        if self._near(other, index):
                            yield other, index
            for named in (last[name], *(also[alias] for alias in candidate.aliases)):
                # Of a service, its releases: which of them began last is chance.
                named[service] = [*named.pop(service, []), index][-RELEASES_TRIED:]

    def _by_cause(self) -> Iterator[tuple[int, int]]:
        """One that was raised from what another service shows too."""
        last: dict[Cause, dict[str, int]] = defaultdict(dict)
        causes = {one.cause for one in self._young if one.cause}
        for index, candidate in enumerate(self._young):
            for shows in {candidate.cause, candidate.error} & causes:
                others = (
                    at for name, at in reversed(last[shows].items()) if name != candidate.service
                )
                for other in islice(others, SERVICES_TRIED):
                    if self._near(other, index):
                        yield other, index
                last[shows].pop(candidate.service, None)
                last[shows][candidate.service] = index

    def _by_release(self) -> Iterator[tuple[int, int]]:
        """A shared release that is news; two releases of one error are one episode, not two
        witnesses."""
        news = {one.release_news for one in self._young if one.release_news}
        last: dict[str, int] = {}
        for index, candidate in enumerate(self._young):
            if candidate.release in news and candidate.release:
                other = last.get(candidate.release)
                if other is not None and self._near(other, index):
                    yield other, index
                last[candidate.release] = index

    def _by_dependency(self) -> Iterator[tuple[int, int]]:
        """With the first that began in a related service, so that of many one is not close by
        chance."""
        recent: dict[str, list[int]] = defaultdict(list)
        for index, candidate in enumerate(self._young):
            for service in self._related.get(candidate.service, ()):
                while (seen := recent[service]) and not self._near(seen[0], index):
                    seen.pop(0)
                if seen:
                    yield seen[0], index
            recent[candidate.service].append(index)

    def _near(self, left: int, right: int) -> bool:
        apart = self._young[right].onset_tick - self._young[left].onset_tick
        return abs(apart) <= self._within

    def _relations(self) -> dict[str, list[str]]:
        """Return, for every service that is here, those here that it is related to."""
        present = {one.service for one in self._young}
        here = sorted(present)
        needed_by: dict[str, set[str]] = defaultdict(set)
        for name in here:
            for needed in self._around.depends.get(name, ()):
                needed_by[needed].add(name)
        found: dict[str, list[str]] = {}
        for service in here:
            related = {name for name in self._around.depends.get(service, ())}
            related |= needed_by.get(service, set())
            neighbours = self._around.neighbours.get(service)
            related |= {name for name, _, _ in neighbours.seen} if neighbours is not None else set()
            found[service] = sorted((related & present) - {service}) if related else []
        return found

    # What they weigh

    def _dependency(self, one: Candidate, two: Candidate) -> list[Piece]:
        if one.service == two.service:
            return []
        between = (one.service, two.service)
        for needs, needed in (between, between[::-1]):
            if needed in self._around.depends.get(needs, ()):
                detail = f"{shown(needs)} depends on {shown(needed)}"
                return [piece(Evidence.DEPENDENCY, evidence.DEPENDENCY, between, detail)]
        times = self._around.times(*between)
        if not times:
            return []
        detail = f"{both(*between)} were seen in one trace {times} times before"
        return [piece(Evidence.LEARNT, evidence.LEARNT, between, detail)]

    def _service(self, one: Candidate, two: Candidate) -> list[Piece]:
        """One of them in a storm that is active, the other beginning beside it.

        How likely it belongs: how often the storm gained incidents in its service, against how
        often something begins there on any day. In a service that is no part of the storm yet all
        services count, and only once it had the time to show that it is something else.
        """
        if one.storm_id == two.storm_id:
            return []
        loose = two.storm_id in self._loose
        inside, joiner = (one, two) if one.storm_id and loose else (two, one)
        if not inside.storm_id or joiner.storm_id in self._around.tied or joiner.anchor:
            return []
        if joiner.traces and not set(joiner.traces) & set(inside.traces):
            return []
        best = 0
        for name in (joiner.service, ""):
            gains = self._around.inside.get((inside.storm_id, name), 0.0)
            if not gains or (not name and not self._patient(inside, joiner)):
                continue
            before = joiner.onset_tick - self._within
            odds = odds_db(gains, self._around.rate(name, before, self._around.prior(before)))
            best = max(best, min(evidence.CLOSE_MOST, odds))
        if not best:
            return []
        part = (inside.storm_id, joiner.service) in self._around.inside
        detail = (
            f"{shown(joiner.service)} is part of it already"
            if part
            else "errors begin far more often than usual while it lasts"
        )
        services = (joiner.service,) if part else ()
        return [piece(Evidence.SERVICE, evidence.SERVICE + best, services, detail)]

    def _patient(self, inside: Candidate, joiner: Candidate) -> bool:
        """Return whether the joiner stands alone beside an outage of many services, and has for a
        while."""
        alone = not joiner.storm_id and self._around.tick - joiner.onset_tick >= PATIENCE_TICKS
        return alone and len(self._around.services[inside.storm_id]) >= self._many


def _same_error(one: Candidate, two: Candidate) -> bool:
    """Return whether both are one error, be it under another signature version."""
    names = {one.fingerprint, *one.aliases}
    return two.fingerprint in names or one.fingerprint in two.aliases


def _same_cause(one: Candidate, two: Candidate) -> bool:
    """Return whether one was raised from the other's error, or both from the same."""
    return bool(_shared(one, two))


def _shared(one: Candidate, two: Candidate) -> Cause:
    if one.cause and one.cause in (two.cause, two.error):
        return one.cause
    return two.cause if two.cause and two.cause == one.error else ()


def _cause(one: Candidate, two: Candidate) -> str:
    """Return the name of what both have."""
    return next(part for part in reversed(_shared(one, two)) if part).partition(" ")[2]


def _title(candidate: Candidate) -> str:
    title = candidate.title or "the same error"
    return title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1] + "…"
