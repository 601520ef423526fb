"""Endings: which of many things are over by a tick, without a look at those that last longer."""

from __future__ import annotations

import heapq
from typing import Final

STALE_LEAST: Final = 64
"""So many ends that were put off or forgotten are kept at least before the rest is sorted anew."""


class Endings:
    """The tick in which each of some keys ends; a key has one, and stays until it is forgotten."""

    def __init__(self) -> None:
        """Nothing ends."""
        self._ends: dict[str, int] = {}
        self._queue: list[tuple[int, str]] = []

    def __len__(self) -> int:
        """Return how many keys have an end."""
        return len(self._ends)

    def put(self, key: str, tick: int) -> None:
        """Note that the key ends in this tick, and no other."""
        if self._ends.get(key) == tick:
            return
        self._ends[key] = tick
        heapq.heappush(self._queue, (tick, key))
        if len(self._queue) > 2 * len(self._ends) + STALE_LEAST:
            self._queue = [(tick, key) for key, tick in self._ends.items()]
            heapq.heapify(self._queue)

    def forget(self, key: str) -> None:
        """Note that the key has no end."""
        self._ends.pop(key, None)

    def by(self, tick: int) -> list[str]:
        """Return the keys that end in this tick or before, ascending."""
        over: set[tuple[int, str]] = set()
        while self._queue and self._queue[0][0] <= tick:
            ends, key = heapq.heappop(self._queue)
            if self._ends.get(key) == ends:
                over.add((ends, key))
        for one in over:
            heapq.heappush(self._queue, one)
        return sorted(key for _, key in over)
