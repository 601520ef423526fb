"""Counts beside those that are kept: what grew, what shrank, what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

RENEW: Final = "python -m benchmarks.counts --write"
GROWS: Final = 0.05
"""What a count may grow by."""
SHRINKS: Final = 0.20
"""What it may shrink by before it is to be renewed: else it could grow back unseen."""
STEADY_BLOCKS: Final = 0.5
"""Blocks kept for each event: below this it is what the process itself happens to keep."""

Counts = Mapping[str, Mapping[str, float]]
"""By part, by name."""


class Kept(msgspec.Struct, frozen=True):
    """Counts as they are committed."""

    python: str
    """Which one counted, as `3.11`: blocks of memory are compared with its own only."""
    counts: dict[str, dict[str, float]]


def differences(kept: Kept, found: Kept) -> list[str]:
    """Return a line for each count that grew or shrank by more than it may, or is new or gone.

    Args:
        kept: as committed.
        found: as counted now.
    """
    lines = []
    for part in sorted({*kept.counts, *found.counts}):
        before, now = kept.counts.get(part, {}), found.counts.get(part, {})
        for name in sorted({*before, *now}):
            said = f"{part}: {name}"
            if name not in now:
                lines.append(f"{said}: is counted no more")
            elif name not in before:
                lines.append(f"{said}: {now[name]:,.2f}, and nothing is kept to compare it with")
            elif "blocks" not in name or kept.python == found.python:
                lines += _difference(said, before[name], now[name])
    return lines


def _difference(said: str, before: float, now: float) -> list[str]:
    room = STEADY_BLOCKS if "blocks kept" in said else 0.0
    if before * (1 - SHRINKS) - room <= now <= before * (1 + GROWS) + room:
        return []
    share = f"{now / before - 1:+.1%}" if before else "from nothing"
    if now > before:
        return [f"{said} grew from {before:,.2f} to {now:,.2f} ({share})"]
    renew = "good, but to be renewed, or it could grow back unseen"
    return [f"{said} shrank from {before:,.2f} to {now:,.2f} ({share}): {renew}"]


def message(lines: list[str]) -> str:
    """Return what is wrong and how to renew what is kept, empty when nothing is."""
    if not lines:
        return ""
    return "\n".join(
        [
            "Counts of work changed:",
            *(f"  {line}" for line in lines),
            f"If that is meant, renew them with `{RENEW}` and say in the commit why they grew.",
        ]
    )
