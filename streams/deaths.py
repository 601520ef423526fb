"""How often the process of a stage died, and what follows: the pause before its next start, a
trouble of the worker, giving it up.

Only counts; nothing is killed or started here.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Final

BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before a restart; the last one goes on."""

HEALTHY_S: Final = 60.0
"""A process that ran this long starts again without a pause."""

DEATHS: Final = 3
DEATHS_WITHIN_S: Final = 60.0
"""A stage whose process died this often in this time is a trouble of the worker."""

GIVEN_UP: Final = 5
"""Deaths in a row, each within `HEALTHY_S`, after which a process is parked if others of its stage
go on: each of its starts and deaths moves their partitions too."""


class Deaths:
    """The deaths of one process and of those that were started in its place."""

    def __init__(self) -> None:
        self.in_a_row = 0
        """Of those that ran for less than `HEALTHY_S`, since the last that ran for longer."""
        self._last: deque[float] = deque(maxlen=DEATHS)
        self._began_s = 0.0

    def began(self) -> None:
        """Note that a process is started."""
        self._began_s = time.monotonic()

    def died(self) -> float:
        """Note that it died; returns the pause before the next one, seconds."""
        self._last.append(time.monotonic())
        self.in_a_row = 0 if self.ran_s() > HEALTHY_S else self.in_a_row + 1
        return BACKOFF_S[min(self.in_a_row, len(BACKOFF_S)) - 1] if self.in_a_row else 0.0

    def ran_s(self) -> float:
        """Return how long ago the last one was started, seconds."""
        return time.monotonic() - self._began_s

    @property
    def often(self) -> bool:
        """Whether it died `DEATHS` times within `DEATHS_WITHIN_S`."""
        return len(self._last) == DEATHS and time.monotonic() - self._last[0] < DEATHS_WITHIN_S
