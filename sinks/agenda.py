"""An ordered to-do list with one place per key. Pure; a heap whose outdated items are skipped."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

Rank = TypeVar("Rank", bound=tuple[int, ...])


class Agenda(Generic[Rank]):
    """Keys ordered by (rank, key); putting a key again moves it. Memory stays below twice that."""

    def __init__(self) -> None:
        self._heap: list[tuple[Rank, str]] = []
        self._rank: dict[str, Rank] = {}

    def __len__(self) -> int:
        return len(self._rank)

    def put(self, key: str, rank: Rank) -> None:
        """Give the key this rank, whether it stands here already or not."""
        if self._rank.get(key) == rank:
            return
        self._rank[key] = rank
        heapq.heappush(self._heap, (rank, key))
        if len(self._heap) > 2 * len(self._rank) + 64:
            self._heap = [(rank, key) for key, rank in self._rank.items()]
            heapq.heapify(self._heap)

    def discard(self, key: str) -> None:
        """Forget the key, if it is here."""
        self._rank.pop(key, None)

    def __contains__(self, key: str) -> bool:
        return key in self._rank

    def smallest(self, most: int) -> list[str]:
        """Return the first keys in order, at most so many, and leave them."""
        found: dict[str, Rank] = {}
        while len(found) < most and (first := self.first()) is not None:
            found[first[1]] = first[0]
            # Twice in the heap, if it was put here again with the same rank: the second goes here.
            heapq.heappop(self._heap)
        for key, rank in found.items():
            heapq.heappush(self._heap, (rank, key))
        return list(found)

    def first(self) -> tuple[Rank, str] | None:
        """Return the smallest rank with its key, and leave it; None when empty."""
        while self._heap:
            rank, key = self._heap[0]
            if self._rank.get(key) == rank:
                return rank, key
            heapq.heappop(self._heap)
        return None


Lane = tuple[str, str]
"""Destination and method."""


class Lanes:
    """The queues of what may be sent, one per destination and method: none waits for another.

    Within one, the smallest (urgency, waiting since) comes first. There are as many as destinations
    and methods.
    """

    def __init__(self) -> None:
        self._lanes: dict[Lane, Agenda[tuple[int, int]]] = {}
        self._foldable: dict[Lane, Agenda[tuple[int]]] = {}
        self._lane_of: dict[str, Lane] = {}

    def put(self, key: str, lane: Lane, rank: tuple[int, int], *, foldable: bool) -> None:
        """Let the key wait in this lane and in no other; `foldable`: a roll-up may tell it."""
        self.discard(key)
        self._lanes.setdefault(lane, Agenda()).put(key, rank)
        if foldable:
            self._foldable.setdefault(lane, Agenda()).put(key, rank[1:])
        self._lane_of[key] = lane

    def discard(self, key: str) -> None:
        """Forget the key, if it is here."""
        lane = self._lane_of.pop(key, None)
        if lane is not None:
            self._lanes[lane].discard(key)
            if lane in self._foldable:
                self._foldable[lane].discard(key)

    def __contains__(self, key: str) -> bool:
        return key in self._lane_of

    def firsts(self) -> list[tuple[Lane, tuple[int, int], str]]:
        """Return the first of every lane that is not empty."""
        found = ((lane, waiting.first()) for lane, waiting in self._lanes.items())
        return [(lane, *first) for lane, first in found if first is not None]

    def size(self, lane: Lane) -> int:
        """Return how many wait in this lane."""
        return len(self._lanes.get(lane, ()))

    def foldable(self, lane: Lane) -> Agenda[tuple[int]]:
        """Return what of this lane a roll-up may tell, by the time it waits since."""
        return self._foldable.get(lane) or Agenda()

    def most_foldable(self) -> Lane | None:
        """Return the lane in which most may be told by a roll-up; None where there is none."""
        found = max(self._foldable.items(), key=lambda one: (len(one[1]), one[0]), default=None)
        return found[0] if found is not None and found[1] else None


class Places:
    """Where every entry of an outbox stands: in a lane, waiting for a moment, finished, nowhere."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self._timers: Agenda[tuple[int]] = Agenda()
        self._ends: Agenda[tuple[int]] = Agenda()
        self._finished: Agenda[tuple[int]] = Agenda()

    def enter(
        self,
        key: str,
        lane: Lane,
        rank: tuple[int, int],
        *,
        foldable: bool = False,
        until_ms: int | None = None,
    ) -> None:
        """Let it wait for its turn in this lane, at the longest until this moment."""
        self.leave(key)
        self.lanes.put(key, lane, rank, foldable=foldable)
        if until_ms is not None:
            self._ends.put(key, (until_ms,))

    def wake(self, key: str, at_ms: int) -> None:
        """Let it wait for this moment."""
        self.leave(key)
        self._timers.put(key, (at_ms,))

    def rest(self, key: str, since_ms: int, until_ms: int) -> None:
        """Let it rest until this moment, or until there is no room: the longest rested goes."""
        self.wake(key, until_ms)
        self._finished.put(key, (since_ms,))

    def keep(self, key: str) -> None:
        """Let it rest however little room there is."""
        self._finished.discard(key)

    def leave(self, key: str) -> None:
        """Let it stand nowhere."""
        self.lanes.discard(key)
        for one in (self._timers, self._ends, self._finished):
            one.discard(key)

    def woken(self, now_ms: int) -> str | None:
        """Return one whose moment has come, which leaves; None when there is none."""
        for one in (self._timers, self._ends):
            first = one.first()
            if first is not None and first[0][0] <= now_ms:
                self.leave(first[1])
                return first[1]
        return None

    def next_ms(self) -> int | None:
        """Return the first moment that something waits for."""
        firsts = (one.first() for one in (self._timers, self._ends))
        return min((one[0][0] for one in firsts if one is not None), default=None)

    def longest_rested(self) -> str | None:
        """Return the one to forget first, if any."""
        oldest = self._finished.first()
        return oldest[1] if oldest is not None else None
