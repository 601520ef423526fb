"""What goes wrong at a peer, and when: faults for the next calls, for a share of them, for a time.

No I/O. The order of the calls and the seed decide everything: the same calls meet the same faults.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What goes wrong with one call."""

    RATE_LIMITED = "rate_limited"
    """Not carried out, answered 429 in the service's usual form."""
    RATE_LIMITED_BODY = "rate_limited_body"
    """Not carried out, answered 429; only the body says when to come back (Slack)."""
    RATE_LIMITED_FLOOD = "rate_limited_flood"
    """Not carried out, answered 200 with a refusal of the whole workspace, no time (Slack)."""
    ERROR_500 = "error_500"
    """Not carried out, answered 500."""
    ERROR_502 = "error_502"
    """Not carried out, answered 502."""
    ERROR_503 = "error_503"
    """Not carried out, answered 503."""
    ERROR_504 = "error_504"
    """Not carried out, answered 504."""
    ERROR_AFTER = "error_after"
    """Carried out, answered 500."""
    REFUSED = "refused"
    """Not carried out, answered with the `word` that was given, as the service refuses."""
    SLOW_BEFORE = "slow_before"
    """Carried out late: after `slow_s`, or when the peer is told to `release`."""
    SLOW_AFTER = "slow_after"
    """Carried out, the answer late: after `slow_s`, at `release`, or when the peer closes."""
    DROP_BEFORE = "drop_before"
    """Not carried out, the connection is cut."""
    DROP_AFTER = "drop_after"
    """Carried out, then the connection is cut without an answer."""
    GARBAGE_BEFORE = "garbage_before"
    """Not carried out, answered 200 with the page of some proxy."""
    GARBAGE = "garbage"
    """Carried out, answered 200 with the page of some proxy."""
    HALF = "half"
    """Carried out, the connection is cut in the middle of the answer."""


ERRORS = {
    Fault.ERROR_500: 500,
    Fault.ERROR_502: 502,
    Fault.ERROR_503: 503,
    Fault.ERROR_504: 504,
    Fault.ERROR_AFTER: 500,
}
LIMITS = frozenset({Fault.RATE_LIMITED, Fault.RATE_LIMITED_BODY, Fault.RATE_LIMITED_FLOOD})
UNDONE = frozenset(
    {*LIMITS, *ERRORS, Fault.REFUSED, Fault.DROP_BEFORE, Fault.GARBAGE_BEFORE} - {Fault.ERROR_AFTER}
)
"""Faults of calls that are certainly not carried out."""


@dataclass
class Trouble:
    """One fault and the calls it meets.

    Raises:
        ValueError: the share is not within 0 and 1, a number is negative, or REFUSED has no word.
    """

    fault: Fault
    method: str = ""
    """Such as `chat.postMessage` or `enqueue`; empty: every one."""
    destination: str = ""
    """A channel's id or a routing key; empty: every one."""
    calls: int | None = None
    """How many calls it meets; None: no end."""
    share: float = 1.0
    """Of the calls that fit, this share, drawn with the peer's seed."""
    until: float | None = None
    """Seconds of the peer's clock from which it is over; None: no end."""
    word: str = ""
    """What REFUSED answers."""
    retry_after_s: int = 1
    """What a rate limit tells the caller to wait."""
    as_date: bool = False
    """The wait is told as a date, as HTTP allows."""
    slow_s: float | None = None
    """How long a slow call waits; None: until `release`."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("share must lie within 0 and 1")
        if min(self.calls or 0, self.retry_after_s, self.slow_s or 0.0) < 0:
            raise ValueError("calls, retry_after_s and slow_s must not be negative")
        if self.fault is Fault.REFUSED and not self.word:
            raise ValueError("a refusal needs its word")


class Troubles:
    """The faults that are switched on, oldest first; the first that fits a call meets it."""

    def __init__(self, seed: int) -> None:
        self._on: deque[Trouble] = deque()
        self._random = Random(seed)

    def add(self, trouble: Trouble) -> None:
        """Switch one on."""
        self._on.append(trouble)

    def clear(self) -> None:
        """Switch all off."""
        self._on.clear()

    def meet(self, method: str, destination: str, now: float) -> Trouble | None:
        """Return what goes wrong with this call, and count it."""
        for one in list(self._on):
            if (one.until is not None and now >= one.until) or one.calls == 0:
                self._on.remove(one)
                continue
            if one.method not in ("", method) or one.destination not in ("", destination):
                continue
            if one.share < 1.0 and self._random.random() >= one.share:
                continue
            if one.calls is not None:
                one.calls -= 1
            return one
        return None
