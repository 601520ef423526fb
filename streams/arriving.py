"""Bodies that are on their way in: read as sent, within a size and a time, and given up when others
need their place.

Whoever opens many requests and never ends them would keep everybody else out. So where there is no
room, what has been arriving for longest makes some, once it has had `LEFT_ALONE_S`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Final

from aiohttp import ClientConnectionError, ClientPayloadError, web

LEFT_ALONE_S: Final = 1.0
"""No body is given up before, in seconds: Sentry does not wait longer for its answer."""


class Unread(Enum):
    """Why there is no body."""

    TOO_LARGE = "too_large"
    INCOMPLETE = "incomplete"


class Arriving:
    """The bodies of one door.

    Args:
        within_s: how long a body may take to arrive, in seconds.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._oldest_first: OrderedDict[int, tuple[float, web.Request, Callable[[], None]]]
        self._oldest_first = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return len(self._oldest_first)

    def give_up(self) -> bool:
        """Give up what has been arriving for longest; return whether that has made room."""
        if not self._oldest_first:
            return False
        now_s = asyncio.get_running_loop().time()
        number, (began_s, request, make_room) = next(iter(self._oldest_first.items()))
        if now_s - began_s < LEFT_ALONE_S:
            return False
        del self._oldest_first[number]
        if request.transport is not None:
            # Answered, it would be waited for once more: the rest of a body belongs to a request.
            request.transport.abort()
        make_room()
        return True

    async def read(
        self, request: web.Request, limit: int, make_room: Callable[[], None] = lambda: None
    ) -> bytes | Unread:
        """Return the body exactly as sent, whatever its encodings are called.

        Args:
            request: not read yet.
            limit: in bytes.
            make_room: called where it is given up.
        """
        parts: list[bytes] = []
        size = 0
        self._count = number = self._count + 1
        began_s = asyncio.get_running_loop().time()
        self._oldest_first[number] = began_s, request, make_room
        try:
            async with asyncio.timeout(self._within_s):
                async for part in request.content.iter_any():
                    size += len(part)
                    if size > limit:
                        return Unread.TOO_LARGE
                    parts.append(part)
        except (TimeoutError, ClientPayloadError, ClientConnectionError, OSError):
            return Unread.INCOMPLETE
        finally:
            self._oldest_first.pop(number, None)
        return b"".join(parts)
