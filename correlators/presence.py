"""When anything was heard, slot by slot: whether a silence is longer than usual.

An incident that is quiet is over only if its environment is still heard, and its service too where
that usually is; else the silence may be that of the intake, or of a service that is down. Pure: a
`Presence` is a value in the state, changed at most once a slot.
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators.types import TICK_MS

SLOT_TICKS: Final = 60_000 // TICK_MS
SLOTS_KEPT: Final = 24 * 60
"""A day of minutes."""

HISTORY_SLOTS: Final = 60
"""What is usual is not known before an hour has passed."""

USUALLY: Final = 9
"""In tenths: a service that was heard in so many of the windows before usually is."""

WINDOWS_MOST: Final = 36
"""How many windows before an incident are looked at."""


class Presence(msgspec.Struct, frozen=True):
    """In which slots something was heard, of the last `SLOTS_KEPT`."""

    first: int = -1
    """The first slot that counts: that of the first sign, or the oldest kept; -1 before any."""
    last: int = -1
    """The last slot in which something was heard."""
    heard: str = ""
    """Bit n, in hex, is slot `last - n`."""


def slot_of(tick: int) -> int:
    """Return the slot that holds this tick."""
    return tick // SLOT_TICKS


def noted(presence: Presence, tick: int) -> Presence:
    """Return the presence with something heard in this tick.

    The same object where nothing changes, so that it is stored once a slot at most.
    """
    slot = slot_of(tick)
    if presence.last < 0:
        return Presence(slot, slot, "1")
    if slot <= presence.last:
        return presence  # ticks never go back
    bits = (int(presence.heard, 16) << min(slot - presence.last, SLOTS_KEPT)) | 1
    bits &= (1 << SLOTS_KEPT) - 1
    return Presence(max(presence.first, slot - SLOTS_KEPT + 1), slot, f"{bits:x}")


def silent_longer_than_usual(presence: Presence, since_tick: int, tick: int) -> bool:
    """Return whether nothing at all was heard since then, and such a silence is not usual.

    Without an hour of history before it, nothing is known to be usual.

    Args:
        presence: of everything in an environment.
        since_tick: the last event of what is quiet now.
        tick: now.
    """
    since, now = slot_of(since_tick), slot_of(tick)
    if presence.last > since or now <= since or since - presence.first < HISTORY_SLOTS:
        return False
    return longest_silence(presence, since) < now - since


def longest_silence(presence: Presence, before: int) -> int:
    """Return the most slots in a row without a sign between two, up to the slot `before`."""
    longest = run = 0
    started = False
    bits = int(presence.heard or "0", 16) >> max(0, presence.last - before)
    while bits:
        if bits & 1:
            longest = max(longest, run if started else 0)
            started, run = True, 0
        else:
            run += 1
        bits >>= 1
    return longest


def usually_heard(presence: Presence, opened_tick: int, window_ticks: int) -> bool:
    """Return whether something was heard in nearly every window before that tick.

    Args:
        presence: of a service.
        opened_tick: when what is quiet now began.
        window_ticks: how long it has to be quiet.
    """
    window = max(1, -(-window_ticks // SLOT_TICKS))
    end = slot_of(opened_tick) - 1  # the slot before: what began then does not count for itself
    windows = min((end - presence.first + 1) // window, WINDOWS_MOST)
    if presence.first < 0 or windows * window < HISTORY_SLOTS:
        return False
    full = (1 << window) - 1
    shift = presence.last - end
    bits = int(presence.heard, 16)
    bits = bits >> shift if shift >= 0 else bits << -shift
    found = sum(1 for at in range(windows) if (bits >> (at * window)) & full)
    return found * 10 >= windows * USUALLY
