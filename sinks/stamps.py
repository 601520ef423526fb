"""The place of a revision among those of its delivery. Values only; which one a digest has is
`steps.stamp_of`."""

from __future__ import annotations

from typing import Final

import msgspec

ACKNOWLEDGED: Final = 1
RESOLVED: Final = 2
"""Ranks of a page's stamps; its trigger has 0."""


class Stamp(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The place of a revision among those of its delivery."""

    at_ms: int = -1
    rank: int = -1
    revision: int = -1
    given_back: bool = False
    """Beside the rank of an acknowledgement: it was taken back."""
