"""One link of the chain that `why-not` goes along, and how its words are written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

SHOWN_MOST: Final = 5


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain."""

    name: str
    ok: bool
    says: tuple[str, ...]
    do: str = ""
    """What to do where it does not hold."""


def many(count: int, word: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def moment(ms: int) -> str:
    """Return the time of day, UTC."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%H:%M:%S}"
