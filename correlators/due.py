"""What is due when: the tick in which an entry is next looked at if nothing else touches it.

Lives here: the due tick of every kind of entry, and the queue of them. Not here: the entries
(`state`), how the ticks of incidents and storms are made up (`incidents`, `storm_times`), and what
happens to what is due (`correlate`).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from correlators import incidents, storm_times
from correlators.acts import ActDone
from correlators.baseline import Baseline
from correlators.channel_links import ChannelLink
from correlators.coverage import ack_ends
from correlators.days import Day
from correlators.dependencies import Neighbours
from correlators.entries import (
    KNOWN_FOR_TICKS,
    DeployTold,
    Entry,
    Episode,
    Frozen,
    Heard,
    Hour,
    Ignored,
    Membership,
    Service,
)
from correlators.history import HOUR_TICKS
from correlators.incidents import Incident, Windows, ticks
from correlators.personal import Choice
from correlators.scheduled import Coming
from correlators.silences import Silence
from correlators.storms import Linking, Storm, Stretch
from correlators.ticks import Progress
from correlators.types import TICK_MS


class Due:
    """The due ticks of entries. An entry that is put off is looked at anew when its old tick comes,
    so that planning it often costs nothing."""

    def __init__(self, windows: Windows, linking: Linking, entries: Mapping[str, Entry]) -> None:
        """Args: windows, linking: the lengths; entries: by key, read as they are at any time; each
        of them is planned."""
        self._windows = windows
        self._linking = linking
        self._entries = entries
        self._queue: list[tuple[int, str]] = []
        self._scheduled: dict[str, int] = {}

    def next_tick(self) -> int | None:
        """Return the earliest tick in which an entry is due, or None."""
        while self._queue:
            tick, key = self._queue[0]
            current = self._scheduled.get(key) == tick
            due = self._tick_of(self._entries[key]) if current else None
            if current and due == tick:
                return tick
            heapq.heappop(self._queue)
            if current:
                self._schedule(key, due)
        return None

    def by(self, tick: int) -> list[Entry]:
        """Return the entries that are due in this tick or before, by key. They stay due until
        changed."""
        found: dict[str, Entry] = {}
        again: list[str] = []
        while (next_tick := self.next_tick()) is not None and next_tick <= tick:
            _, key = heapq.heappop(self._queue)
            self._scheduled.pop(key, None)
            found[key] = self._entries[key]
            again.append(key)
        for key in again:
            self._schedule(key, self._tick_of(self._entries[key]))
        return [found[key] for key in sorted(found)]

    def plan(self, key: str, entry: Entry) -> None:
        """Note an entry that was put under this key."""
        due = self._tick_of(entry)
        scheduled = self._scheduled.get(key)
        if due is not None and (scheduled is None or due < scheduled):
            self._schedule(key, due)

    def forget(self, key: str) -> None:
        """Note that the entry of this key is gone."""
        self._scheduled.pop(key, None)

    def _tick_of(self, entry: Entry) -> int | None:
        windows, linking = self._windows, self._linking
        match entry:
            case Incident():
                return incidents.due_tick(entry, windows=windows)
            case Storm():
                life, remember = windows.max_life_ms, windows.remember_ms
                due = storm_times.due_tick(entry, linking, max_life_ms=life, remember_ms=remember)
                return due if ack_ends(entry) < 0 else min(due, ack_ends(entry))
            case Stretch():
                incident = self._entries.get("incident:" + entry.incident_id)
                found = incident if isinstance(incident, Incident) else None
                return storm_times.stretch_ends(found, linking, windows)
            case Membership():
                return entry.from_tick + ticks(windows.remember_ms) + ticks(windows.max_life_ms)
            case Episode() if ack_ends(entry) >= 0:
                return min(ack_ends(entry), entry.last_tick + KNOWN_FOR_TICKS)
            case Episode() | Service() | Baseline() | Neighbours():
                return entry.last_tick + KNOWN_FOR_TICKS
            case Ignored():
                return entry.tick + KNOWN_FOR_TICKS
            case DeployTold():
                # The same marker is news within `release_news` before and after it.
                return entry.tick + ticks(max(windows.remember_ms, 2 * linking.release_news_ms))
            case Hour():
                return (entry.hour + 1) * HOUR_TICKS
            case Heard():
                return entry.last_tick + ticks(windows.remember_ms)
            case Day():
                return entry.end_tick
            case Coming():
                return entry.due_tick
            case Silence():
                return -(-entry.to_ms // TICK_MS)
            case Frozen() | ActDone():
                return entry.tick + ticks(windows.remember_ms)
            case Progress() | ChannelLink() | Choice():
                return None

    def _schedule(self, key: str, tick: int | None) -> None:
        if tick is None:
            self._scheduled.pop(key, None)
        elif self._scheduled.get(key) != tick:
            self._scheduled[key] = tick
            heapq.heappush(self._queue, (tick, key))
