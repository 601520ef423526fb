"""Rates: how many new events came lately, counted in a bounded number of slots of time."""

from __future__ import annotations

from typing import Final

RATE_SLOTS: Final = 30
"""The time in which the events that page are counted is cut into at most this many slots."""

Rate = tuple[tuple[int, int], ...]
"""(slot, new distinct events), ascending."""


def add_rate(rate: Rate, new: int, tick: int, rate_ticks: int) -> Rate:
    """Return the slots of the last `rate_ticks` with `new` events added to that of `tick`."""
    if not new:
        return rate
    return merge(rate, ((tick // _slot_ticks(rate_ticks), new),), tick, rate_ticks)


def merge(left: Rate, right: Rate, tick: int, rate_ticks: int) -> Rate:
    """Return the slots of both within the last `rate_ticks`."""
    slots = dict(left)
    for slot, events in right:
        slots[slot] = slots.get(slot, 0) + events
    oldest = (tick - rate_ticks) // _slot_ticks(rate_ticks)
    return tuple(sorted(pair for pair in slots.items() if pair[0] > oldest))


def rate_since(rate: Rate, first_tick: int, rate_ticks: int) -> Rate:
    """Return the slots from that of `first_tick` on."""
    first = first_tick // _slot_ticks(rate_ticks)
    return tuple(pair for pair in rate if pair[0] >= first)


def rate_within(rate: Rate, *, tick: int, rate_ticks: int, within: int | None = None) -> int:
    """Return how many new distinct events came in the slots of the last `rate_ticks`.

    Args:
        rate: the slots.
        tick: the last one that counts.
        rate_ticks: how far back the slots reach; it says how long one is.
        within: only so many ticks back, at most `rate_ticks`; rounded up to whole slots.
    """
    oldest = (tick - (rate_ticks if within is None else within)) // _slot_ticks(rate_ticks)
    return sum(events for slot, events in rate if slot > oldest)


def _slot_ticks(rate_ticks: int) -> int:
    return -(-rate_ticks // RATE_SLOTS)
