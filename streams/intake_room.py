"""How much may be under way in intake at one time: what does not fit is refused at once."""

from __future__ import annotations

import asyncio
from typing import Final

REQUESTS_AT_ONCE: Final = 512


class Room:
    """How much may be under way at once, in requests and in bytes."""

    def __init__(self, bytes_at_once: int) -> None:
        """Args: bytes_at_once: of bodies that are under way."""
        self._requests_left = REQUESTS_AT_ONCE
        self._bytes_left = bytes_at_once
        self.empty = asyncio.Event()
        self.empty.set()

    def take(self, size: int) -> bool:
        """Return whether there was room for one more request of this size; it has it then."""
        if self._requests_left == 0 or self._bytes_left < size:
            return False
        self.empty.clear()
        self._requests_left -= 1
        self._bytes_left -= size
        return True

    def give_back(self, size: int) -> None:
        """Note that a request of this size is under way no more."""
        self._requests_left += 1
        self._bytes_left += size
        if self._requests_left == REQUESTS_AT_ONCE:
            self.empty.set()


class Place:
    """What one request has of the room, given back once."""

    def __init__(self, room: Room, size: int) -> None:
        """Args: room: that it was taken from; size: how much."""
        self._room: Room | None = room
        self._size = size

    def give_back(self) -> None:
        """Give it back; again, it changes nothing."""
        room, self._room = self._room, None
        if room is not None:
            room.give_back(self._size)
