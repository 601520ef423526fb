"""Rates: how many new events came lately, counted in a bounded number of slots of time."""

from __future__ import annotations

from typing import Final

RATE_SLOTS: Final = 30
"""The time in which the events that page are counted is cut into at most this many slots."""

Rate = tuple[tuple[int, int], ...]
"""(first tick of a slot, new distinct events), ascending.

Ticks, not numbers of slots: how long a slot is follows from the rules, and a changed file must not
take old slots for later ones.
"""


def add_rate(rate: Rate, new: int, tick: int, rate_ticks: int) -> Rate:
    """Return the slots of the last `rate_ticks` with `new` events added to that of `tick`."""
    if not new:
        return rate
    return merge(rate, ((tick, new),), tick, rate_ticks)


def merge(left: Rate, right: Rate, tick: int, rate_ticks: int) -> Rate:
    """Return the slots of both within the last `rate_ticks`, also of slots of another length."""
    length = _slot_ticks(rate_ticks)
    since = ((tick - rate_ticks) // length + 1) * length
    slots: dict[int, int] = {}
    for first, events in (*left, *right):
        slot = first - first % length
        if slot >= since:
            slots[slot] = slots.get(slot, 0) + events
    return tuple(sorted(slots.items()))


def rate_since(rate: Rate, first_tick: int, rate_ticks: int) -> Rate:
    """Return the slots from that of `first_tick` on."""
    length = _slot_ticks(rate_ticks)
    return tuple(pair for pair in rate if pair[0] // length >= first_tick // length)


def rate_within(rate: Rate, *, tick: int, rate_ticks: int, within: int | None = None) -> int:
    """Return how many new distinct events came in the slots of the last `rate_ticks`.

    Args:
        rate: the slots.
        tick: the last one that counts.
        rate_ticks: how far back the slots reach; it says how long one is.
        within: only so many ticks back, at most `rate_ticks`; rounded up to whole slots.
    """
    length = _slot_ticks(rate_ticks)
    oldest = (tick - (rate_ticks if within is None else within)) // length
    since = (oldest + 1) * length
    return sum([events for first, events in rate if first >= since])


def lasts_until(rate: Rate, count: int, *, rate_ticks: int, within: int) -> int:
    """Return the last tick in which `rate_within` is at least `count` if nothing more comes; -1
    where it never is.

    Args:
        rate: the slots; none lies after the tick that is asked about.
        count: at least 1.
        rate_ticks: as of `rate_within`.
        within: as of `rate_within`.
    """
    length = _slot_ticks(rate_ticks)
    found = 0
    for first, events in reversed(rate):
        found += events
        if found >= count:
            return first // length * length + within - 1
    return -1


def _slot_ticks(rate_ticks: int) -> int:
    return -(-rate_ticks // RATE_SLOTS)
