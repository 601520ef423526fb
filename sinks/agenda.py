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


class Places:
    """Where every entry of an outbox stands: in a lane, waiting for a moment, finished, nowhere."""

    def __init__(self) -> None:
        self._lanes = Lanes()
        self._timers: Agenda[tuple[int]] = Agenda()
        self._finished: Agenda[tuple[int]] = Agenda()

    def enter(self, key: str, lane: Lane, rank: tuple[int, int]) -> None:
        """Let it wait for its turn in this lane."""
        self.leave(key)
        self._lanes.put(key, lane, rank)

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
        self._lanes.discard(key)
        self._timers.discard(key)
        self._finished.discard(key)

    def woken(self, now_ms: int) -> str | None:
        """Return one whose moment has come, which leaves; None when there is none."""
        timer = self._timers.first()
        if timer is None or timer[0][0] > now_ms:
            return None
        self.leave(timer[1])
        return timer[1]

    def next_ms(self) -> int | None:
        """Return the first moment that something waits for."""
        timer = self._timers.first()
        return timer[0][0] if timer is not None else None

    def longest_rested(self) -> str | None:
        """Return the one to forget first, if any."""
        oldest = self._finished.first()
        return oldest[1] if oldest is not None else None

    def firsts(self) -> list[tuple[tuple[int, int], str]]:
        """Return the first of every lane that is not empty."""
        return self._lanes.firsts()
