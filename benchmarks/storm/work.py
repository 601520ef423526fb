"""What the benchmark and a contender in a process of its own tell each other.

A contender is given a `Work`, reads the log up to its ends, and writes down a `Done`. Its clock
runs from the first events taken to the last one finished; its start and its end do not count.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import msgspec


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a contender does."""

    bootstrap: str
    topic: str
    ends: dict[int, int]
    """By partition: the offset after its last event. What stands behind it is not read."""
    deltas_topic: str = ""
    """Where deltas go, if it makes any; as many partitions as the source."""
    typed: bool = False
    """Whether the bare loop decodes."""
    librdkafka: bool = False
    """Whether it reads with librdkafka."""
    out: str
    """The file into which it writes its `Done`."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a contender did."""

    events: int
    seconds: float
    cpu_seconds: float | None
    """Of the whole process while the clock ran; None where the system does not tell."""
    cache_hit_share: float | None = None
    """Of FINGERPRINT's look-ups of finished signatures, how many were found, 0 to 1."""


class Stopwatch:
    """The clock of this process: wall time and processor time since `begin`."""

    def __init__(self) -> None:
        self._running = False
        self._began_s = 0.0
        self._cpu_s = 0.0

    def begin(self) -> None:
        """Start, if it does not run yet."""
        if not self._running:
            self._running = True
            self._began_s, self._cpu_s = time.monotonic(), _cpu_s()

    def done(self, events: int) -> Done:
        """Return what was done until now."""
        assert self._running, "nothing was begun"
        return Done(
            events=events,
            seconds=time.monotonic() - self._began_s,
            cpu_seconds=_cpu_s() - self._cpu_s,
        )


def write_done(work: Work, done: Done) -> None:
    """Write down what was done, where `work` says."""
    Path(work.out).write_bytes(msgspec.json.encode(done))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
