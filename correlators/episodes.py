"""Which incidents of an episode are open, and which episodes are told as one.

An index over entries, derived from them alone. An episode is known by its place, the entry key. One
that goes on under a new fingerprint is *joined* to the one before it: while that one, its home, has
open incidents of its own, all of them are one episode, with one lead and one page.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet


class OpenEpisodes:
    """Ids of open incidents by the place of their episode."""

    def __init__(self) -> None:
        self._open: dict[str, set[str]] = {}
        self._count = 0
        self._joined: dict[str, str] = {}
        self._parts: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """Return how many incidents are open."""
        return self._count

    def add(self, place: str, incident_id: str) -> None:
        """Count an incident as open."""
        found = self._open.setdefault(place, set())
        self._count += incident_id not in found
        found.add(incident_id)

    def discard(self, place: str, incident_id: str) -> None:
        """Count an incident as open no longer."""
        found = self._open.get(place)
        if found is not None:
            self._count -= incident_id in found
            found.discard(incident_id)
            if not found:
                del self._open[place]

    def join(self, place: str, home: str) -> None:
        """Note that the episode is joined to another; an empty `home` ends that."""
        before = self._joined.pop(place, "")
        if before:
            self._parts[before].discard(place)
            if not self._parts[before]:
                del self._parts[before]
        if home:
            self._joined[place] = home
            self._parts.setdefault(home, set()).add(place)

    def home(self, place: str) -> str:
        """Return the place of the episode that tells for this one; mostly itself."""
        joined = self._joined.get(place)
        return joined if joined is not None and joined in self._open else place

    def parts(self, place: str) -> list[str]:
        """Return the places of the episodes that are joined to this one, in order."""
        return sorted(self._parts.get(place, ()))

    def alone(self, place: str) -> AbstractSet[str]:
        """Return the open incidents of this very episode."""
        return self._open.get(place, frozenset())

    def together(self, place: str) -> AbstractSet[str]:
        """Return the open incidents of all that is told as one with this episode."""
        home = self.home(place)
        found = self.alone(home)
        parts = self._parts.get(home) if found else None
        if not parts:
            return found
        return set(found).union(*(self.alone(part) for part in parts))
