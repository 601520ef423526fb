"""Several partitions, each in the order of its own stream time, as one log: which line is next.

Partitions are numbers here, of one topic or of several: whoever reads says which is which.

Nothing is read here: whoever reads hands lines in, takes out what is safe, and is told which
partitions to read on. The order is (stream time, partition, offset), however the reading went.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One record on its way into a recording. Compares in the order of the lines."""

    at_ms: int
    """Its stream time."""
    partition: int
    offset: int
    resource: str
    body: bytes


class Merge:
    """Holds what was read and cannot be written yet: bounded by what one read brings and `room`."""

    def __init__(self, partitions: Iterable[int], *, most_lines: int, most_bytes: int) -> None:
        """Args: partitions: all of them; most_lines, most_bytes: of one that is still read on."""
        self._lines: dict[int, deque[Line]] = {partition: deque() for partition in partitions}
        self._bytes = dict.fromkeys(self._lines, 0)
        self._most_lines = most_lines
        self._most_bytes = most_bytes
        self._open = set(self._lines)
        self._waiting = set(self._lines)
        self._heads: list[tuple[int, int, int]] = []

    @property
    def waiting(self) -> set[int]:
        """The partitions without which nothing further can be taken; none when all is over."""
        return self._waiting

    @property
    def room(self) -> list[int]:
        """The partitions that may be read on, among them all that are waited for, in order."""
        return [partition for partition in sorted(self._open) if not self._full(partition)]

    def _full(self, partition: int) -> bool:
        lines, size = len(self._lines[partition]), self._bytes[partition]
        return lines >= self._most_lines or size >= self._most_bytes

    def add(self, line: Line) -> None:
        """Hand in the next line of its partition, not below the one before it."""
        lines = self._lines[line.partition]
        if not lines:
            self._head(line)
        assert not lines or lines[-1][:3] < line[:3]
        lines.append(line)
        self._bytes[line.partition] += len(line.body)

    def finish(self, partition: int) -> None:
        """Note that the partition has no further line."""
        self._open.discard(partition)
        self._waiting.discard(partition)

    def take(self) -> Iterator[Line]:
        """Yield, in order, all that no further line of any partition can come before."""
        while self._heads and not self._waiting:
            _, partition, _ = heapq.heappop(self._heads)
            lines = self._lines[partition]
            line = lines.popleft()
            self._bytes[partition] -= len(line.body)
            if lines:
                self._head(lines[0])
            elif partition in self._open:
                self._waiting.add(partition)
            yield line

    def _head(self, line: Line) -> None:
        heapq.heappush(self._heads, line[:3])
        self._waiting.discard(line.partition)
