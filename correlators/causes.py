"""Causes: what an error was raised from, where its signature tells.

A service that wraps the failure of its database in an error of its own shows that failure as the
cause; where another service shows the very same failure, alone or as a cause too, both have it from
the same place. What counts is the whole cause, its types and its places in the code, never a type
alone: half the errors of the world are caused by a `TimeoutError`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_TYPE: Final = "type "
"""How the part of a signature begins that names the type of an exception."""

CAUSES_KEPT: Final = 16_384
"""Signatures of which the cause is remembered; no result depends on it."""

Cause = tuple[str, ...]


@lru_cache(maxsize=CAUSES_KEPT)
def cause_of(parts: tuple[str, ...]) -> Cause:
    """Return the parts of all exceptions but the raised one, empty where they name no place.

    Args: parts: the readable signature, the oldest exception first.
    """
    last = max((at for at, part in enumerate(parts) if part.startswith(_TYPE)), default=0)
    cause = tuple(parts[:last])
    return cause if any(not part.startswith(_TYPE) for part in cause) else ()
