"""What the parent and the stage processes agree on: names, exit statuses, and what they share."""

from __future__ import annotations

import mmap
import os
import socket
import struct
import time
from enum import StrEnum
from typing import Final, NamedTuple

EXIT_REFUSED: Final = 2
"""A process that may not go on as it is configured; starting it again would not help."""

EXIT_FAILED: Final = 70
"""A process whose stage failed; the parent starts it again."""

PLACE_VARIABLE: Final = "STORMFOLD_PLACE_FD"
"""Names the file descriptor of the `PlaceFile`."""

LIFELINE_VARIABLE: Final = "STORMFOLD_LIFELINE_FD"
"""Names the file descriptor that closes when the parent is gone."""

WORKER_VARIABLE: Final = "STORMFOLD_WORKER"
"""Names the process in what it tells of itself: its parent, and its number where it has one."""

STOP_S: Final = 15.0
"""How long a stage process may take to end before it is killed."""


MOST_WORKERS: Final = 64
"""Processes of one stage under one parent."""


def worker_name(number: int = 0) -> str:
    """Return what a parent, or one of its stage processes, is called among all workers.

    Args:
        number: of the process among those of its stage, from 1; 0 where there is only one.
    """
    parent = f"{socket.gethostname()[:48]}-{os.getpid()}"
    return f"{parent}.{number}" if number else parent


class StageName(StrEnum):
    """The stages, in the order of the data."""

    FINGERPRINT = "fingerprint"
    CORRELATE = "correlate"
    DELIVER = "deliver"


class Standing(StrEnum):
    """How a stage process stands with its parent."""

    RUNNING = "running"
    BETWEEN = "between"
    """Between a death and the next start, or not begun."""
    PARKED = "parked"
    """It died again and again, and the others of its stage go on without it."""


class Place(NamedTuple):
    """What a stage process works on: the first of some records, or a timer of a partition."""

    topic: str
    partition: int
    offset: int
    """-1 for a timer."""


class PlaceFile:
    """A few bytes of memory that a stage process shares with its parent: what it works on.

    It outlives the process, however that ends; so the parent can blame a place also for a crash of
    the interpreter, and see work that never ends also when the process can run nothing else.
    """

    SIZE: Final = 512
    _HEAD: Final = struct.Struct("<qqqH")
    _IDLE: Final = _HEAD.pack(0, 0, -1, 0)
    """Not all zeros: that is a process which has not worked yet."""

    def __init__(self, descriptor: int) -> None:
        """Args: descriptor: of a file of `SIZE` bytes, zeros at first."""
        self._memory = mmap.mmap(descriptor, self.SIZE)

    def write(self, place: Place | None) -> None:
        """Note what is worked on from now on; None for nothing."""
        head = self._HEAD
        if place is None:
            self._memory[: head.size] = self._IDLE
            return
        topic = place.topic.encode()[: self.SIZE - head.size]
        self._memory[head.size : head.size + len(topic)] = topic
        # The time comes last, in one piece: it says that the rest is there.
        self._memory[8 : head.size] = head.pack(0, place.partition, place.offset, len(topic))[8:]
        self._memory[:8] = struct.pack("<q", time.monotonic_ns() // 1_000_000)

    def read(self) -> tuple[Place | None, int]:
        """Return what is worked on, and since when on the host's monotonic clock, milliseconds."""
        head = self._HEAD
        since_ms, partition, offset, length = head.unpack(self._memory[: head.size])
        if not since_ms:
            return None, 0
        topic = self._memory[head.size : head.size + length].decode("utf-8", "replace")
        return Place(topic, partition, offset), since_ms

    def worked(self) -> bool:
        """Return whether the process has ever worked on anything: its stage has started."""
        return any(self._memory[: self._HEAD.size])

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()
