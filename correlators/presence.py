"""When anything was heard, minute by minute: what silence is usual, and since when hearing goes on.

Pure: a `Presence` is a value in the state, changed at most twice a slot. Who asks, and what follows
from it, is `quiet`.
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

USUALLY: Final = (19, 20)
"""What was heard in this share of the windows before is heard usually."""

WINDOWS_MOST: Final = 36
"""How many windows before an incident are looked at."""

SEVERAL: Final = 0
"""In place of the hash of one error: several errors, or something else."""


class Presence(msgspec.Struct, frozen=True):
    """In which slots something was heard, of the last `SLOTS_KEPT` up to the last of them."""

    first: int = -1
    """Since when it is known: the slot of the first sign, or the oldest kept; -1 before any."""
    last: int = -1
    """The last slot in which something was heard."""
    heard: str = ""
    """Bit n, in hex, is slot `last - n`."""
    several: str = ""
    """The same for slots in which more than one error was heard."""
    only: int = SEVERAL
    """Hash of the one error that was heard in `last`."""


def slot_of(tick: int) -> int:
    """Return the slot that holds this tick."""
    return tick // SLOT_TICKS


def slots(ticks: int) -> int:
    """Return how many whole slots a time lasts, rounded up."""
    return -(-ticks // SLOT_TICKS)


def together(one: int, other: int) -> int:
    """Return what was heard in a slot in which both were."""
    return one if one == other else SEVERAL


def noted(presence: Presence, slot: int, what: int) -> Presence:
    """Return the presence with this heard in this slot.

    The same object where nothing changes. Repeating it changes nothing, nor does the order within a
    slot. What comes late to a slot counts as another error than what is known of it.

    Args:
        presence: so far.
        slot: any; one older than what is kept only tells how long something is known.
        what: hash of the error, or `SEVERAL`.
    """
    last = presence.last
    if slot == last and presence.only in (what, SEVERAL):
        return presence
    if last < 0:
        return Presence(slot, slot, "1", "" if what else "1", what)
    heard, several = _bits(presence.heard), _bits(presence.several)
    first, only = presence.first, presence.only
    if slot > last:
        shift = min(slot - last, SLOTS_KEPT)
        heard = (heard << shift | 1) & _ALL
        several = (several << shift | (what == SEVERAL)) & _ALL
        first, last, only = max(first, slot - SLOTS_KEPT + 1), slot, what
    else:
        first = min(first, max(slot, last - SLOTS_KEPT + 1))
        bit = 1 << (last - slot) if last - slot < SLOTS_KEPT else 0
        several |= bit if what == SEVERAL or heard & bit else 0
        heard |= bit
        only = SEVERAL if slot == last else only
    found = Presence(first, last, _hex(heard), _hex(several), only)
    return presence if found == presence else found


_ALL: Final = (1 << SLOTS_KEPT) - 1


def _bits(text: str) -> int:
    return int(text, 16) if text else 0


def _hex(bits: int) -> str:
    return f"{bits:x}" if bits else ""


def others(presence: Presence, own: Presence) -> Presence:
    """Return in which slots something else was heard than the error whose own presence this is."""
    late = presence.last - own.last
    mine = _bits(own.heard)
    mine = mine << min(late, SLOTS_KEPT) if late >= 0 else mine >> -late
    heard = _bits(presence.several) | (_bits(presence.heard) & ~mine)
    return Presence(presence.first, presence.last, _hex(heard))


def known_before(presence: Presence, tick: int) -> bool:
    """Return whether enough was seen before this tick to say what is usual."""
    return presence.first >= 0 and slot_of(tick) - presence.first >= HISTORY_SLOTS


def _until(presence: Presence, slot: int) -> int:
    """Return the bits up to this slot, which is bit 0."""
    bits, later = _bits(presence.heard), slot - presence.last
    return bits << min(later, SLOTS_KEPT) if later >= 0 else bits >> -later


def longest_silence(presence: Presence, tick: int) -> int:
    """Return the most slots in a row without a sign, from what is known up to that of this tick."""
    before = slot_of(tick)
    at = min(before, presence.last)
    known = at - presence.first + 1
    if presence.first < 0 or known <= 0:
        return 0
    *silences, latest = f"{_until(presence, at):b}".zfill(known)[-known:].split("1")
    return max(len(latest) + before - at, *map(len, silences), 0)


def usually_heard(presence: Presence, tick: int, window_ticks: int) -> bool:
    """Return whether something was heard in nearly every window before that tick.

    Args:
        presence: of a service.
        tick: when what is quiet now began.
        window_ticks: how long it has to be quiet.
    """
    window = max(1, slots(window_ticks))
    end = slot_of(tick) - 1  # what began then does not count for itself
    windows = min((end - presence.first + 1) // window, WINDOWS_MOST)
    if presence.first < 0 or windows * window < HISTORY_SLOTS:
        return False
    full, bits = (1 << window) - 1, _until(presence, end)
    found = sum(1 for at in range(windows) if (bits >> (at * window)) & full)
    return found * USUALLY[1] >= windows * USUALLY[0]


def heard_from(presence: Presence, since_tick: int, tick: int, least: int) -> int:
    """Return the tick from which on it was heard without a silence of `least` slots.

    `since_tick` where no such silence ended or lasts after it, `tick` while one lasts. A slot that
    is not over counts for no silence.

    Args:
        presence: not empty.
        since_tick: the last event of what is quiet now.
        tick: now, not before that.
        least: at least 1.
    """
    if slot_of(tick) - presence.last - 1 >= least:
        return tick
    since, at = slot_of(since_tick), presence.last
    for silence in reversed(f"{_bits(presence.heard):b}".split("1")[1:-1]):
        if at <= since:
            break
        if len(silence) >= least:
            return min((at + 1) * SLOT_TICKS, tick)
        at -= len(silence) + 1
    return since_tick
