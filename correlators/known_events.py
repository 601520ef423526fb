"""What events have in common that look the same, and where that is kept: bounded, in two halves.

Not here: what makes two events look the same (`hot_path`).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from correlators.deltas import incident_key
from correlators.hearing import one_name
from correlators.types import LEVEL_RANK, Event, IncidentKey, Signature

Key = tuple[Hashable, ...]


class Known:
    """What events have in common that look the same."""

    __slots__ = (
        *("culprit", "error", "issue_id", "key", "level", "project", "rank", "signature"),
        *("transaction", "untitled"),
    )

    def __init__(self, event: Event, signature: Signature, untitled: str | None = None) -> None:
        """Args: one of these events and its signature; untitled: where the texts of exceptions, and
        so titles, are each event's own: the title without exceptions."""
        self.untitled = untitled
        self.signature = signature
        self.key = incident_key(event, signature)
        self.error = (event.environment, event.service, one_name(self.key, signature.aliases))
        self.project = f"{event.project}\0".encode()
        self.issue_id = event.issue_id
        self.culprit, self.transaction = event.culprit, event.transaction
        self.level = event.level
        self.rank = LEVEL_RANK[event.level]


class Kept:
    """The `Known` of the looks that were asked for last: two halves, of which the older goes."""

    def __init__(self, most: int) -> None:
        """Args: most: how many of them, at least 2."""
        self._half = max(1, most // 2)
        self.young: dict[Key, Known] = {}
        """Those that were kept or found since the older half went: to be asked first."""
        self._old: dict[Key, Known] = {}

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self.young) + len(self._old)

    def keep(self, key: Key, known: Known) -> None:
        """Keep it among the young; the old ones that nobody asked for since are forgotten."""
        if len(self.young) >= self._half:
            self._old, self.young = self.young, {}
        self.young[key] = known

    def find(self, key: Key) -> Known | None:
        """Return what is kept under this key, which is asked for now."""
        known = self.young.get(key)
        if known is None and (known := self._old.pop(key, None)) is not None:
            self.keep(key, known)
        return known


class Looks:
    """Looks that came before, with a word for each; forgotten all at once when they are too many:
    no result depends on it."""

    def __init__(self, most: int) -> None:
        """Args: most: how many."""
        self._most = most
        self._seen: dict[Hashable, str] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._seen)

    def get(self, look: Hashable) -> str:
        """Return the word for it, empty where it did not come before."""
        return self._seen.get(look, "")

    def put(self, look: Hashable, word: str) -> None:
        """Note it, or another word for it."""
        if len(self._seen) >= self._most:
            self._seen.clear()
        self._seen[look] = word


class Glanced(NamedTuple):
    """What is told of an event that was folded at a glance, where anybody asks."""

    key: IncidentKey
    signature: Signature
    event_id: str
    occurred_ms: int
    """Its own time, 0 for none."""
