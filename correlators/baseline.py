"""Baselines: how often incidents begin in a service on an ordinary day, and what is out of it.

Ordinary are the onsets that belong to no storm: one that is linked is taken out of the count again.
Counts are whole numbers in slots of time, so that a restored baseline is the same; the few floats
are worked out from them when they are asked for and stand in no entry.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, expm1, lgamma, log
from typing import Final

import msgspec

SLOT_TICKS: Final = 60
SLOTS_KEPT: Final = 120
"""The baseline looks two hours back."""
_KEPT_TICKS: Final = SLOT_TICKS * SLOTS_KEPT
_LATELY_SLOTS: Final = 5
"""What began minutes ago is a new normal soon: the higher of both rates counts."""
PRIOR_TICKS: Final = 600
"""A service that nothing is known of yet is taken to have one onset in this time."""
BURST_PRIOR_TICKS: Final = 60
"""The same where time alone decides: right after the start everything begins at once."""
MOST_DB: Final = 1_000
SURPRISES_KEPT: Final = 4_096
"""Answers that are remembered: most services expect the same. No result depends on it."""
_DECIBANS: Final = 10 / log(10)

Slots = tuple[tuple[int, int], ...]


class Baseline(msgspec.Struct, frozen=True, kw_only=True, tag="baseline", gc=False):
    """Onsets of one service of an environment that belong to no storm; of all where `service` is
    empty."""

    environment: str
    service: str
    since_tick: int
    """First tick in which anything was heard of the environment."""
    last_tick: int
    slots: Slots = ()
    """(slot, onsets), ascending, at most `SLOTS_KEPT`."""


def counted(baseline: Baseline, onset_tick: int, by: int) -> Baseline:
    """Return the baseline with one onset more (1), or with one taken out again (-1)."""
    last_tick = max(baseline.last_tick, onset_tick)
    slots = shifted(baseline.slots, onset_tick, by, newest_tick=last_tick)
    return msgspec.structs.replace(baseline, slots=slots, last_tick=last_tick)


def shifted(slots: Slots, onset_tick: int, by: int, *, newest_tick: int) -> Slots:
    """Return the slots with one onset more (1), or with one taken out again (-1).

    Args: newest_tick: what lies two hours before it is dropped.
    """
    counts = dict(slots)
    slot = onset_tick // SLOT_TICKS
    counts[slot] = counts.get(slot, 0) + by
    oldest = newest_tick // SLOT_TICKS - SLOTS_KEPT
    return tuple(sorted((one, many) for one, many in counts.items() if one > oldest and many > 0))


def rate(
    slots: Slots, *, since_tick: int, before_tick: int, prior_ticks: int, lately: bool = True
) -> float:
    """Return the onsets per tick that are to be expected, from whole slots before a tick.

    The higher of the long and the late rate; before anything is known, one in `prior_ticks`.

    Args:
        slots: of the service.
        since_tick: since when its environment is watched.
        before_tick: what is to be judged begins here.
        prior_ticks: time that the one onset assumed beforehand is spread over.
        lately: whether the late rate counts too.
    """
    end = before_tick // SLOT_TICKS
    first = end - SLOTS_KEPT
    past = [(slot, onsets) for slot, onsets in slots if first <= slot < end]
    watched = max(0, min(end * SLOT_TICKS - since_tick, _KEPT_TICKS))
    long = (1 + sum(onsets for _, onsets in past)) / (prior_ticks + watched)
    late = sum(onsets for slot, onsets in past if slot >= end - _LATELY_SLOTS)
    return max(long, late / (_LATELY_SLOTS * SLOT_TICKS)) if lately else long


@lru_cache(maxsize=SURPRISES_KEPT)
def surprise_db(onsets: int, expected: float) -> int:
    """Return how unlikely so many onsets or more are, in decibans; 0 where they are expected.

    The upper tail of a Poisson distribution, from above by its geometric bound.

    Args:
        onsets: at least 1.
        expected: their mean, above 0.
    """
    if onsets <= expected:
        return 0
    if onsets == 1:
        return min(MOST_DB, round(-_DECIBANS * log(-expm1(-expected))))
    tail = -expected + onsets * log(expected) - lgamma(onsets + 1)
    tail -= log(1 - expected / (onsets + 1))
    return max(0, min(MOST_DB, round(-_DECIBANS * tail)))


def closeness_db(apart_ticks: int, per_tick: float) -> int:
    """Return how unlikely it is that an onset comes so close to another by chance, in decibans."""
    chance = 1 - exp(-per_tick * (apart_ticks + 1))
    return max(0, min(MOST_DB, round(-_DECIBANS * log(chance))))


def looks_db(per_tick: float, within_ticks: int) -> int:
    """Return what is taken off where something begins so often that chance has many tries.

    Nothing up to one onset in `within_ticks`: there a coincidence is as rare as it looks.
    """
    return round(_DECIBANS * log(max(1.0, per_tick * within_ticks)))


def odds_db(likely: float, chance: float) -> int:
    """Return how much more often the one happens than the other, in decibans; 0 where it does
    not."""
    return max(0, min(MOST_DB, round(_DECIBANS * log(likely / chance)))) if likely > 0 else 0
