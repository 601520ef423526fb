"""The logs of the simulated cluster: offsets, append times, transactions, what readers may see."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import NamedTuple

from aiokafka import TopicPartition

Headers = tuple[tuple[str, bytes], ...]


class Message(NamedTuple):
    """What a producer hands over."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int = -1


class Entry(NamedTuple):
    """One place of a log; a control marker takes an offset and is given to nobody."""

    offset: int
    timestamp_ms: int
    message: Message | None
    producer: tuple[int, int]
    """(producer id, epoch)."""
    transactional: bool


class Log:
    """One partition. With append time, records carry the broker's clock, else the producer's."""

    def __init__(self, tp: TopicPartition, *, append_time: bool) -> None:
        self.tp = tp
        self.append_time = append_time
        self.entries: list[Entry] = []
        self.open: dict[int, int] = {}
        """Producer id of each open transaction to its first offset."""
        self.aborted: dict[int, list[tuple[int, int]]] = {}
        """Producer id to (first, last offset) of what it aborted, in order."""
        self.waiting: list[Callable[[], None]] = []
        """Called once, as soon as there is more to read."""

    @property
    def end(self) -> int:
        return len(self.entries)

    @property
    def stable(self) -> int:
        """The last stable offset: nothing before it belongs to an open transaction."""
        return min(self.open.values(), default=self.end)

    def append(
        self, message: Message, now_ms: int, producer: tuple[int, int], *, transactional: bool
    ) -> int:
        """Add a record and return its offset."""
        offset = self.end
        at_ms = now_ms if self.append_time or message.timestamp_ms < 0 else message.timestamp_ms
        self.entries.append(Entry(offset, at_ms, message, producer, transactional))
        if transactional:
            self.open.setdefault(producer[0], offset)
        self._grown()
        return offset

    def finish(self, producer: tuple[int, int], now_ms: int, *, commit: bool) -> None:
        """Write the marker that ends a producer's transaction here."""
        first = self.open.pop(producer[0], None)
        if first is not None and not commit:
            self.aborted.setdefault(producer[0], []).append((first, self.end))
        self.entries.append(Entry(self.end, now_ms, None, producer, True))
        self._grown()

    def _grown(self) -> None:
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()

    def readable_end(self, *, committed: bool) -> int:
        return self.stable if committed else self.end

    def given(self, entry: Entry, *, committed: bool) -> bool:
        """Return whether a reader is given this entry, which lies below its readable end."""
        if entry.message is None:
            return False
        return not (committed and entry.transactional and self._was_aborted(entry))

    def _was_aborted(self, entry: Entry) -> bool:
        spans = self.aborted.get(entry.producer[0], [])
        place = bisect.bisect_right(spans, (entry.offset, self.end + 1)) - 1
        return place >= 0 and spans[place][0] <= entry.offset <= spans[place][1]

    def committed(self) -> list[Entry]:
        """Return all records that a reader of committed records is given, in order."""
        below = self.entries[: self.stable]
        return [entry for entry in below if self.given(entry, committed=True)]
