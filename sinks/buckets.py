"""Token buckets, penalties and calls in flight, as whole numbers. Pure: time is handed in.

A bucket is one number, the time at which it would be full again; that is the generic cell rate
algorithm, the same thing as a token bucket without a refill that somebody must run.
"""

from __future__ import annotations

from collections.abc import Iterable

from sinks.base import Limit, Scope

BucketKey = tuple[Scope, str, str]
"""Scope, destination or account, and method."""

ANY_METHOD = "*"


def bucket_key(limit: Limit, *, destination: str, account: str) -> BucketKey:
    """Return which bucket a limit means for one destination."""
    whose = destination if limit.scope is Scope.DESTINATION else account
    return (limit.scope, whose, limit.name)


class Buckets:
    """All buckets of one outbox; there are as many as destinations and methods, no more.

    A bucket that is new here starts empty, as if it had just been used: nobody knows what the owner
    before this one sent in its last second.
    """

    def __init__(self, started_ms: int) -> None:
        self._started_ms = started_ms
        self._full_ms: dict[BucketKey, int] = {}
        self._penalty_ms: dict[BucketKey, int] = {}
        self._running: dict[BucketKey, int] = {}

    def ready_ms(self, limits: Iterable[Limit], *, destination: str, account: str) -> int | None:
        """Return when one call passes all limits; None while running calls must end first."""
        ready = self._penalty_ms.get((Scope.ACCOUNT, account, ANY_METHOD), 0)
        for limit in limits:
            key = bucket_key(limit, destination=destination, account=account)
            if self._running.get(key, 0) >= limit.in_flight:
                return None
            ready = max(
                ready,
                self._full(key, limit) - (limit.burst - 1) * limit.every_ms,
                self._penalty_ms.get((Scope.DESTINATION, destination, limit.name), 0),
                self._penalty_ms.get((Scope.METHOD, account, limit.name), 0),
            )
        return ready

    def take(
        self, limits: Iterable[Limit], *, destination: str, account: str, now_ms: int
    ) -> tuple[BucketKey, ...]:
        """Return the buckets that one call now holds; it has been paid for in each of them."""
        held = []
        for limit in limits:
            key = bucket_key(limit, destination=destination, account=account)
            self._full_ms[key] = max(self._full(key, limit), now_ms) + limit.every_ms
            self._running[key] = self._running.get(key, 0) + 1
            held.append(key)
        return tuple(held)

    def release(self, held: Iterable[BucketKey]) -> None:
        """Note that a call is over."""
        for key in held:
            assert self._running.get(key, 0) > 0, "released more calls than were taken"
            self._running[key] -= 1

    def began(self, held: Iterable[tuple[BucketKey, int]], at_ms: int) -> None:
        """Note that a call was made later than it was paid for: the next one follows from then."""
        for key, every_ms in held:
            self._full_ms[key] = max(self._full_ms.get(key, 0), at_ms + every_ms)

    def penalise(self, key: BucketKey, until_ms: int) -> None:
        """Keep the scope silent until then; a penalty is never shortened."""
        if key[0] is Scope.ACCOUNT:
            key = (*key[:2], ANY_METHOD)
        self._penalty_ms[key] = max(self._penalty_ms.get(key, 0), until_ms)

    def _full(self, key: BucketKey, limit: Limit) -> int:
        return self._full_ms.get(key, self._started_ms + limit.burst * limit.every_ms)
