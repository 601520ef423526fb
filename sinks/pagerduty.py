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
from collections.abc import Collection, Mapping
from typing import Any, Final

from correlators.change_events import place_of
from sinks.base import (
    Attempt,
    CannotTell,
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
from sinks.incident_looks import Page
from sinks.pagerduty_change import change_of
from sinks.pagerduty_event import body_of, event_of
from sinks.pagerduty_rest import PagerDutyRest
from sinks.pagerduty_words import said
from sinks.retry_after import retry_after_ms

RATE_WAITS_MS: Final = (30_000, 30_000, 30_000, 120_000)
"""How long a key is left alone after each refusal for its rate in a row; the last one goes on."""
TIMEOUT_MS: Final = 3_500

STEPS: Final = (Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE)


class PagerDutySink:
    """Pages, acknowledges and resolves under one or more routing keys, and keeps deploys there.

    Args:
        routing_keys: by the name in the configuration, such as {"default": key}.
        changes: the names of those whose services are told of deploys.
        rest: looks whether pages became incidents; None: nobody looks.
        base_url: another region has another one.
        calls_per_minute: for each key, after a burst of ten: together below what PagerDuty takes.
        timeout_ms: of one call, shorter than an attempt may last.
    """

    name = "pagerduty"

    def __init__(
        self,
        *,
        routing_keys: Mapping[str, str],
        changes: Collection[str] = (),
        rest: PagerDutyRest | None = None,
        base_url: str = "https://events.pagerduty.com",
        calls_per_minute: int = 100,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._keys = {f"{self.name}:{name}": key for name, key in routing_keys.items()}
        self._changes = {place_of(f"{self.name}:{name}"): f"{self.name}:{name}" for name in changes}
        self._rest = rest
        self._url = base_url.rstrip("/")
        self._http = Http(timeout_ms=timeout_ms)
        every_ms = -(-60_000 // calls_per_minute)
        self._pages, self._deploys = _plans(every_ms)
        self._refusals: Counter[str] = Counter()
        """Refusals for the rate in a row, by destination."""

    def __repr__(self) -> str:
        return f"PagerDutySink({', '.join(self.destinations)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per routing key, and one for each that is told of deploys."""
        return (*self._keys, *self._changes)

    def account(self, destination: str) -> str:
        """Return the destination of pages: limits count over a routing key."""
        return self._changes.get(destination, destination)

    def plan(self, destination: str) -> Plan:
        """Return the steps of a page, or the one of a deploy; both share the key's bucket."""
        return self._deploys if destination in self._changes else self._pages

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        deploy = attempt.destination in self._changes
        event = change_of(attempt) if deploy else event_of(attempt)
        event["routing_key"] = self._keys[self.account(attempt.destination)]
        path = "/v2/change/enqueue" if deploy else "/v2/enqueue"
        reply = await self._http.post(f"{self._url}{path}", body_of(event))
        if not isinstance(reply, Reply):
            return reply
        if reply.status == 429:
            return self._refused(attempt.destination, reply)
        del self._refusals[attempt.destination]
        return _outcome(reply, event.get("dedup_key", attempt.digest.id))

    def _refused(self, destination: str, reply: Reply) -> Retry:
        """Return how long to leave the key alone: as the answer says, else as PagerDuty advises.

        A page that is refused silences the key's deploys too; a deploy only deploys.
        """
        self._refusals[destination] += 1
        advised_ms = RATE_WAITS_MS[min(self._refusals[destination], len(RATE_WAITS_MS)) - 1]
        told = reply.headers
        after_ms = retry_after_ms(
            told.get("retry-after"), default_ms=advised_ms, date=told.get("date")
        )
        scope = Scope.DESTINATION if destination in self._changes else Scope.METHOD
        return Retry(RetryReason.RATE_LIMITED, max(1_000, after_ms), scope)

    async def find(self, attempt: Attempt) -> Found:
        """Return `NotFound` for a page, which may be repeated; a deploy cannot be looked up."""
        if attempt.destination in self._changes:
            return CannotTell("change events cannot be looked up")
        return NotFound()

    def looks_at(self, destination: str) -> bool:
        """Return whether pages of this destination can be looked for."""
        return self._rest is not None and destination in self._keys

    async def look(self, page: Page) -> Found:
        """Return whether there is an incident for a page that was taken."""
        assert self._rest is not None, "nobody looks without a token"
        return await self._rest.find(page.key)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
        if self._rest is not None:
            await self._rest.close()


def _plans(every_ms: int) -> tuple[Plan, Plan]:
    """Return the plan of pages and that of deploys: one bucket, of which deploys take the less.

    A key has one call under way: a second one would be on its way into the very penalty that the
    first is being told of. One that hangs delays the next by the time of a call.
    """
    calls = Limit(name="enqueue", scope=Scope.METHOD, every_ms=every_ms, burst=10, in_flight=1)
    deploys = Limit(name="change", scope=Scope.DESTINATION, every_ms=4 * every_ms, burst=2)
    return (
        Plan(steps=dict.fromkeys(STEPS, (calls,)), repeatable=frozenset(STEPS)),
        Plan(steps={Step.POST: (deploys, calls)}, ask_ms=1, rollup=False, background=True),
    )


def _outcome(reply: Reply, key: str) -> Outcome:
    status = reply.status
    if 200 <= status < 300:
        # Anything but its own 202 is the word of something in between, which may have dropped it.
        taken = status == 202 and _said_by(reply).get("status") == "success"
        return Delivered(Receipt(id=key)) if taken else Unknown(UnknownReason.UNREADABLE)
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
    errors = _said_by(reply).get("errors")
    if isinstance(errors, list) and errors:
        return f"status {reply.status}: {said(str(errors[0]), 150)}"
    return f"status {reply.status}"


def _said_by(reply: Reply) -> dict[str, Any]:
    """Return the answer's JSON object, empty where it is none."""
    try:
        found = json.loads(reply.text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
