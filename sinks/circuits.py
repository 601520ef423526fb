"""Who does not answer, and how gently it is tried again. Pure: no clock, no chance.

After `FAILURES` calls in a row that a destination did not take, its circuit is open: one call at a
time probes it, after a growing wait, however many deliveries wait for it. The first answer of any
kind that shows it alive closes it again. An account is treated the same way once the calls in a row
went to two of its destinations or more: one channel that fails says nothing about the workspace.

Nothing of this is written down: a new owner finds out by itself, with as many calls.
"""

from __future__ import annotations

from typing import Final

import xxhash

from sinks.base import (
    Answer,
    CannotTell,
    NotFound,
    Retry,
    RetryReason,
    Unknown,
    UnknownReason,
)

FAILURES: Final = 5
PROBE_MS: Final = 1_000
PROBE_CAP_MS: Final = 15_000
"""A destination that is back is found within this and one call: a page has its fallback after
60 s."""
WORKS_MS: Final = 60_000

_DOWN: Final = frozenset({RetryReason.UNAVAILABLE, RetryReason.NOT_CONNECTED})
_SILENT: Final = frozenset(UnknownReason) - {UnknownReason.UNREADABLE, UnknownReason.IN_PART}


class _Circuit:
    """Calls in a row that failed, since one was taken."""

    def __init__(self) -> None:
        self.failures = 0
        self.failed: set[str] = set()
        self.until_ms = 0
        self.ok_ms = -WORKS_MS - 1
        self.running = 0

    def open(self, least: int) -> bool:
        return self.failures >= FAILURES and len(self.failed) >= least


class Circuits:
    """Circuits of destinations and accounts; there are no more than of these."""

    def __init__(self) -> None:
        self._circuits: dict[tuple[str, str], _Circuit] = {}

    def begin(self, destination: str, account: str) -> None:
        """Note that a call was handed out."""
        for one, _ in self._of(destination, account):
            one.running += 1

    def end(self, destination: str, account: str) -> None:
        """Note that a call is over, whatever became of it."""
        for one, _ in self._of(destination, account):
            one.running -= 1

    def note(self, answer: Answer, destination: str, account: str, now_ms: int) -> None:
        """Take in what an answer says about whether the destination is there."""
        outcome = answer.outcome
        if isinstance(outcome, CannotTell):
            return
        if isinstance(outcome, Retry) and outcome.reason is RetryReason.EXPIRED:
            return
        down = (isinstance(outcome, Retry) and outcome.reason in _DOWN) or (
            isinstance(outcome, Unknown) and outcome.reason in _SILENT
        )
        for one, least in self._of(destination, account):
            if not down:
                one.failures = 0
                one.failed.clear()
                one.until_ms = 0
                if not isinstance(outcome, Retry | Unknown | NotFound):
                    one.ok_ms = now_ms
                continue
            one.failures += 1
            one.failed.add(destination)
            if one.open(least):
                one.until_ms = now_ms + _wait_ms(answer.key, answer.number, one.failures)

    def ready_ms(self, destination: str, account: str) -> int | None:
        """Return when the next call may be made; None while a probe is on its way."""
        ready_ms = 0
        for one, least in self._of(destination, account):
            if one.open(least):
                if one.running:
                    return None
                ready_ms = max(ready_ms, one.until_ms)
        return ready_ms

    def works(self, destination: str, now_ms: int) -> bool:
        """Return True where the destination took a message within the last minute."""
        return now_ms - self._circuit("destination", destination).ok_ms <= WORKS_MS

    def _of(self, destination: str, account: str) -> tuple[tuple[_Circuit, int], ...]:
        """Return both circuits with how many destinations must have failed."""
        mine = self._circuit("destination", destination)
        return ((mine, 1), (self._circuit("account", account), 2))

    def _circuit(self, kind: str, name: str) -> _Circuit:
        return self._circuits.setdefault((kind, name), _Circuit())


def _wait_ms(key: str, number: int, failures: int) -> int:
    """Return a wait of half to all of base times two per failure, capped.

    Not less than half: a probe that comes at once is none.
    """
    top = min(PROBE_CAP_MS, PROBE_MS << min(failures - FAILURES, 20))
    return top // 2 + xxhash.xxh64_intdigest(f"probe|{key}|{number}".encode()) % (top // 2 + 1)
