"""The likely origin of a storm: the most upstream, the earliest, the most shared.

Among services that began within a minute of the first: the one that most others need and that needs
fewest of them; of those, the first within a few seconds; of those, the one that shares traces with
most others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from correlators.dependencies import Depends, upstream
from correlators.evidence import shown
from correlators.storms import Origin, Storm
from correlators.types import Evidence

LATEST_TICKS: Final = 60
"""What began later than this after the first is no origin, whatever needs it."""
SAME_TICKS: Final = 3
"""Onsets this close together may have been heard in any order."""


def likely(storm: Storm, firsts: Mapping[str, str], depends: Depends) -> Origin:
    """Return where the storm most likely began, with the reason.

    Args:
        storm: with the onset of each service.
        firsts: the first incident of each service, by service.
        depends: what each service needs.
    """
    if not storm.services:
        return Origin()
    onsets = dict(zip(storm.services, storm.onsets, strict=True))
    first = min(onsets.values())
    early = {name: onset for name, onset in onsets.items() if onset - first <= LATEST_TICKS}
    needs = {name: upstream(name, onsets, depends) - {name} for name in onsets}
    needed_by = dict.fromkeys(onsets, 0)
    for other, needed in needs.items():
        for name in needed:
            needed_by[name] += other not in needs[name]
    standing = {
        name: needed_by[name] - sum(name not in needs[other] for other in needs[name])
        for name in onsets
    }
    shared = _shared(storm)
    name = min(
        early,
        key=lambda one: (
            -standing[one],
            (early[one] - first) // SAME_TICKS,
            -shared[shown(one)],
            early[one],
            one,
        ),
    )
    reason = ""
    rivals = [one for one in early if one != name]
    if needed_by[name]:
        reason = _count(needed_by[name], "of its services depends on it", "depend on it")
    elif rivals and min(early[one] for one in rivals) - early[name] >= SAME_TICKS:
        reason = f"began {min(early[one] for one in rivals) - early[name]} s before the others"
    elif shared[shown(name)] > max((shared[shown(one)] for one in rivals), default=0):
        reason = _count(shared[shown(name)], "other service shares its traces", "share its traces")
    return Origin(service=name, incident_id=firsts.get(name, ""), reason=reason)


def _shared(storm: Storm) -> Mapping[str, int]:
    """Return with how many other services each shares traces."""
    others: dict[str, set[str]] = defaultdict(set)
    for piece in storm.evidence:
        if piece.kind is Evidence.TRACE and len(piece.services) == 2:
            one, two = piece.services
            others[one].add(two)
            others[two].add(one)
    return defaultdict(int, {name: len(found) for name, found in others.items()})


def _count(number: int, one: str, many: str) -> str:
    if number == 1:
        return f"1 {one}"
    return f"{number} services {many}"
