"""The incidents of a storm by service: worked out once for as long as nothing of that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from correlators.state import State
from correlators.storms import Storm

STORMS_KEPT: Final = 1_024
"""Storms that are remembered; no result depends on it."""


class Of(NamedTuple):
    """Members that are remembered."""

    firsts: Mapping[str, str]
    """The first of each service."""
    counts: Mapping[str, int]
    """How many each service has."""


class Members:
    """Looks members of storms up in one state."""

    def __init__(self, state: State) -> None:
        """Args: state: read."""
        self._state = state
        self._known: dict[str, tuple[int, tuple[str, ...], Of]] = {}

    def of(self, storm: Storm) -> Of:
        """Return the members of a storm by service."""
        known = self._known.get(storm.id)
        if known is not None and known[0] == self._state.forgotten and known[1] == storm.members:
            return known[2]
        firsts: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for one in storm.members:
            member = self._state.find_incident(one)
            if member is not None:
                firsts.setdefault(member.key.service, one)
                counts[member.key.service] += 1
        if len(self._known) >= STORMS_KEPT:
            self._known.clear()
        found = Of(firsts, counts)
        self._known[storm.id] = (self._state.forgotten, storm.members, found)
        return found
