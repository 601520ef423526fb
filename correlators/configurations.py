"""Which configuration decided a tick: its changes, as the stored state remembers them.

A configuration is named by a short hash of all that decides; what is in it is not here.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

KEPT: Final = 32
"""Changes that a state remembers; the oldest go."""

Configurations = tuple[tuple[int, str], ...]
"""(first tick, name of what decides from there on), ascending."""


def followed(before: Configurations, name: str, applied_tick: int) -> Configurations:
    """Return the changes with `name` deciding every tick after the applied one.

    One that has decided no tick leaves no trace; the same name once more changes nothing.

    Args:
        before: as stored.
        name: of the configuration; empty for one without a name.
        applied_tick: the last tick that is decided, -1 for none.
    """
    kept = tuple(one for one in before if one[0] <= applied_tick)
    if name == (kept[-1][1] if kept else ""):
        return kept
    return (*kept, (applied_tick + 1, name))[-KEPT:]


def decided(configurations: Configurations, tick: int) -> str:
    """Return the name of the configuration that decided a tick; empty where nobody remembers."""
    at = bisect_right(configurations, tick, key=lambda one: one[0])
    return configurations[at - 1][1] if at else ""
