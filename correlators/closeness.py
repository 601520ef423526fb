"""Closeness: what the time between two onsets says, against how often such a thing begins anyway.

The same error is weighed against how often it begins anywhere in the environment, a dependency
against how often anything begins in the two services. What begins often has many chances to come
close, so the more often, the less it says (`baseline.looks_db`): the steady errors of a library
that every service uses link nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from correlators import evidence
from correlators.baseline import (
    PRIOR_TICKS,
    Slots,
    closeness_db,
    looks_db,
    rate,
    surprise_db,
)
from correlators.candidates import Candidate, Surroundings
from correlators.evidence import Piece, both, piece
from correlators.types import Evidence

SPANS_TICKS: Final = (5, 20, 60)
"""Windows in which the services that have the same error are counted."""
ERROR_LOOKS_TICKS: Final = 3_600
"""An error that begins more often than this somewhere comes close to itself by chance."""
SAME: Final = frozenset({Evidence.SIGNATURE, Evidence.CAUSE})
RELATED: Final = frozenset({Evidence.DEPENDENCY, Evidence.LEARNT})


class Closeness:
    """The onsets of some candidates, and how close each may come to another by chance."""

    def __init__(self, young: Sequence[Candidate], around: Surroundings, within: int) -> None:
        """Args: young: by onset; around: what is known; within: longest time apart, in ticks."""
        self._young = young
        self._around = around
        self._within = within
        self._onsets: dict[str, list[int]] = defaultdict(list)
        """First onset of each error in every service, ascending."""
        seen: set[tuple[str, str]] = set()
        for one in young:
            if not one.anchor and (one.fingerprint, one.service) not in seen:
                seen.add((one.fingerprint, one.service))
                self._onsets[one.fingerprint].append(one.onset_tick)

    def signature(self, one: Candidate, two: Candidate) -> int:
        """Return what it weighs that both have the same error, or the same cause."""
        onset = min(one.since_tick, two.since_tick)
        if not (one.fresh and two.fresh) or self._since(one, two) < onset - self._within:
            return evidence.OLD_SIGNATURE
        return evidence.NEW_SIGNATURE if self._around.warm(onset) else evidence.COLD_SIGNATURE

    def adds(self, left: int, right: int, pieces: Sequence[Piece]) -> list[Piece]:
        """Return what the closeness of two onsets adds to other evidence; nothing by itself.

        An active storm is close to everything, so for its long-standing members the whole window
        counts. Where all requests of both can be followed and none is shared, closeness tells
        nothing.
        """
        one, two = self._young[left], self._young[right]
        kinds = {found.kind for found in pieces}
        if sum(found.weight for found in pieces) >= evidence.LINKS or _disjoint(one, two):
            return []
        apart = self._within if one.anchor or two.anchor else abs(two.onset_tick - one.onset_tick)
        before = min(one.onset_tick, two.onset_tick)
        weights = []
        if kinds & SAME:
            weights.append(self._same_error(one, two, apart, before))
        if kinds & RELATED:
            services = (one.service, two.service)
            prior = self._around.prior(before)
            ordinary = max(self._around.rate(name, before, prior) for name in services)
            weights.append(closeness_db(apart, ordinary) - looks_db(ordinary, PRIOR_TICKS))
        weight = min(evidence.CLOSE_MOST, max(weights, default=0))
        if weight <= 0:
            return []
        detail = f"{both(one.service, two.service)} began within {apart + 1} s"
        return [piece(Evidence.ONSET, weight, (one.service, two.service), detail)]

    def _same_error(self, one: Candidate, two: Candidate, apart: int, before: int) -> int:
        """Return how unlikely it is that the error begins in so many services at once."""
        ordinary = self._rate(one, two, before)
        onsets = self._onsets[two.fingerprint]
        last = max(one.onset_tick, two.onset_tick)
        best = closeness_db(apart, ordinary)
        for span in SPANS_TICKS:
            if apart <= span <= self._within:
                others = bisect_right(onsets, last) - bisect_left(onsets, last - span) - 1
                if others > 1:
                    best = max(best, surprise_db(others, ordinary * (span + 1)))
        return best - looks_db(ordinary, ERROR_LOOKS_TICKS)

    def _rate(self, one: Candidate, two: Candidate, before: int) -> float:
        """Return the onsets per tick that are ordinary for the error, in all services."""
        names = {one.fingerprint, two.fingerprint}
        known = [self._around.errors[name] for name in names if name in self._around.errors]
        # Of two that begin as often, by the slots themselves: never by the order of a set.
        slots = max((spread.slots for spread in known), key=_often, default=())
        prior = self._around.prior(before)
        since = self._around.since_tick
        return rate(slots, since_tick=since, before_tick=before, prior_ticks=prior, lately=False)

    def _since(self, one: Candidate, two: Candidate) -> int:
        names = {one.fingerprint, two.fingerprint}
        found = [self._around.errors[name] for name in names if name in self._around.errors]
        return min((spread.since_tick for spread in found), default=self._around.tick)


def _often(slots: Slots) -> tuple[int, Slots]:
    return sum(onsets for _, onsets in slots), slots


def _disjoint(one: Candidate, two: Candidate) -> bool:
    if not one.traces or not two.traces or set(one.traces) & set(two.traces):
        return False
    followed = one.all_traces and two.all_traces
    return followed or not (one.loud or one.anchor) or not (two.loud or two.anchor)
