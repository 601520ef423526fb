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
        self._lane_of: dict[str, Lane] = {}

    def put(self, key: str, lane: Lane, rank: tuple[int, int]) -> None:
        """Let the key wait in this lane and in no other."""
        self.discard(key)
        self._lanes.setdefault(lane, Agenda()).put(key, rank)
        self._lane_of[key] = lane

    def discard(self, key: str) -> None:
        """Forget the key, if it is here."""
        lane = self._lane_of.pop(key, None)
        if lane is not None:
            self._lanes[lane].discard(key)

    def firsts(self) -> list[tuple[tuple[int, int], str]]:
        """Return the first of every lane that is not empty."""
        found = (lane.first() for lane in self._lanes.values())
        return [one for one in found if one is not None]
