"""PagerDuty by the Events API v2: a page is opened, acknowledged and resolved under one dedup key.

A trigger may be repeated while its alert is open: PagerDuty adds it to the alert and pages nobody.
So may the two others, which do nothing where no alert is open. So an attempt whose outcome is
unknown is made again and nothing is looked up. The routing key stands in the request's body only.

Source: developer.pagerduty.com, Events API v2: trigger events, rate limits (about 120 calls in any
60 s per key; no Retry-After is documented, three tries 30 s apart and then a few minutes advised),
response codes: 202 done, 400 never taken, 429, 5xx and a lost connection worth another try.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Final

from sinks.base import (
    Attempt,
    Delivered,
    Found,
    Limit,
    NotFound,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.http import Http, Reply
from sinks.pagerduty_event import body_of, event_of
from sinks.pagerduty_words import said
from sinks.retry_after import retry_after_ms

RATE_WAITS_MS: Final = (30_000, 30_000, 30_000, 120_000)
"""How long a key is left alone after each refusal for its rate in a row; the last one goes on."""
TIMEOUT_MS: Final = 3_500

STEPS: Final = (Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE)


class PagerDutySink:
    """Pages and resolves under one or more routing keys.

    Args:
        routing_keys: by the name in the configuration, such as {"default": key}.
        base_url: another region has another one.
        calls_per_minute: at most, for each key; some below what PagerDuty takes.
        timeout_ms: of one call, shorter than an attempt may last.
    """

    name = "pagerduty"

    def __init__(
        self,
        *,
        routing_keys: Mapping[str, str],
        base_url: str = "https://events.pagerduty.com",
        calls_per_minute: int = 100,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._keys = {f"{self.name}:{name}": key for name, key in routing_keys.items()}
        self._url = f"{base_url.rstrip('/')}/v2/enqueue"
        self._http = Http(timeout_ms=timeout_ms)
        limit = Limit(
            name="enqueue",
            scope=Scope.DESTINATION,
            every_ms=-(-60_000 // calls_per_minute),
            burst=10,
            in_flight=4,
        )
        self._plan = Plan(steps=dict.fromkeys(STEPS, (limit,)), repeatable=frozenset(STEPS))
        self._refusals: Counter[str] = Counter()
        """Refusals for the rate in a row, by destination."""

    def __repr__(self) -> str:
        return f"PagerDutySink({', '.join(self._keys)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per routing key."""
        return tuple(self._keys)

    def account(self, destination: str) -> str:
        """Return the destination: limits count over a routing key."""
        return destination

    def plan(self, destination: str) -> Plan:
        """Return trigger, acknowledgement and resolve, sharing one bucket."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        event = event_of(attempt)
        event["routing_key"] = self._keys[attempt.destination]
        reply = await self._http.post(self._url, body_of(event))
        if not isinstance(reply, Reply):
            return reply
        if reply.status == 429:
            return self._refused(attempt.destination, reply)
        del self._refusals[attempt.destination]
        return _outcome(reply, event["dedup_key"])

    def _refused(self, destination: str, reply: Reply) -> Retry:
        """Return how long to leave the key alone: as the answer says, else as PagerDuty advises."""
        self._refusals[destination] += 1
        advised_ms = RATE_WAITS_MS[min(self._refusals[destination], len(RATE_WAITS_MS)) - 1]
        after_ms = retry_after_ms(reply.headers.get("retry-after"), default_ms=advised_ms)
        return Retry(RetryReason.RATE_LIMITED, max(1_000, after_ms), Scope.DESTINATION)

    async def find(self, attempt: Attempt) -> Found:
        """Return `NotFound`: there is nothing to look up, and repeating does no harm."""
        return NotFound()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _outcome(reply: Reply, key: str) -> Outcome:
    status = reply.status
    if 200 <= status < 300:
        return Delivered(Receipt(id=key))
    if status == 408 or status >= 500:
        return Unknown(UnknownReason.SERVER_ERROR)
    if status in (401, 403):
        return Rejected(RejectReason.NOT_AUTHORISED, f"status {status}")
    if status == 404:
        return Rejected(RejectReason.NO_SUCH_PLACE, f"status {status}")
    if status == 413:
        return Rejected(RejectReason.TOO_LARGE, f"status {status}")
    return Rejected(RejectReason.INVALID, _why(reply))


def _why(reply: Reply) -> str:
    """Return the first error that PagerDuty names; its words name fields, never their values."""
    try:
        errors = json.loads(reply.text).get("errors") or []
        return f"status {reply.status}: {said(str(errors[0]), 150)}"
    except (ValueError, AttributeError, IndexError, TypeError, KeyError):
        return f"status {reply.status}"
