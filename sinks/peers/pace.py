"""How often a peer lets a call in: a token bucket and a sliding window, over seconds handed in."""

from __future__ import annotations

from collections import deque


class Refill:
    """A token bucket over a clock in seconds: `burst` at once, `per_second` after that."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second, self._burst = per_second, burst
        self._tokens, self._at = float(burst), 0.0

    def take(self, now: float) -> float:
        """Return 0.0 when a call may pass now, else the seconds until one may."""
        passed = max(0.0, now - self._at)
        self._tokens = min(float(self._burst), self._tokens + passed * self._per_second)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._per_second


class Window:
    """At most `calls` within any `seconds`."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._seconds = calls, seconds
        self._times: deque[float] = deque()

    def take(self, now: float) -> float:
        """Return 0.0 when a call may pass now, else the seconds until one may."""
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        if len(self._times) < self._calls:
            self._times.append(now)
            return 0.0
        return self._times[0] + self._seconds - now
