"""Signed webhooks to whoever wants them: one message per revision, at least once, as JSON.

A message has one id however often it is sent, so that its receiver can drop what it has; what may
have arrived before also says so. Every call is signed anew, with each secret of the endpoint while
one takes the place of another. Nobody is called at an address inside, but for the networks that the
configuration allows, and outside only by https. The URL may hold a secret and stands in no answer,
log or repr.

Source: Standard Webhooks, `spec/standard-webhooks.md`: headers, only 2xx is a success, redirects
are a failure, 410 ends it, 429 and `Retry-After`, server side request forgery.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from sinks.addresses import Network, is_in, is_public
from sinks.base import (
    PERSON_WAIT_MS,
    Attempt,
    CannotTell,
    Delivered,
    Found,
    Limit,
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
from sinks.http import CheckedHttp, Reply
from sinks.notes import Notes
from sinks.retry_after import retry_after_ms
from sinks.webhook_body import body_of, id_of
from sinks.webhook_signature import key_of, signature

TIMEOUT_MS: Final = 9_000
ATTEMPT_MS: Final = 10_000
"""As long as whoever hands partitions over waits for a mail: a receiver that is slower than the
call gets every message again and again. The standard would wait for 15 s."""
EVERY_MS: Final = 100
BURST: Final = 20
IN_FLIGHT: Final = 4
RATE_WAIT_MS: Final = 5_000
"""After a refusal for the rate that names no time."""

_ENDED: Final = "status 410: it wants no more; have the configuration read again once it does"
_CURES: Final = {
    401: "it does not take our signature: give both the same secret",
    403: "it lets us do nothing: see its own log",
    404: "there is nothing at this address: give another one, or mend the receiver",
    405: "it takes no POST at this address",
}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver.

    Raises:
        ValueError: there is no secret, or one is not of the form.
    """

    url: str
    secrets: tuple[str, ...]
    """`whsec_...`; all of them sign."""

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ValueError("an endpoint needs a secret")
        for one in self.secrets:
            key_of(one)

    def __repr__(self) -> str:
        return "Endpoint()"


class WebhookSink:
    """Sends to one or more endpoints.

    Args:
        endpoints: by the name in the configuration.
        internal: networks that may be called though they are not public, there also by http.
        every_ms: between two calls of one endpoint, after a burst.
        timeout_ms: of one call, shorter than an attempt may last.
        clock: seconds since the epoch, for the time of each call.
    """

    name = "webhook"

    def __init__(
        self,
        *,
        endpoints: Mapping[str, Endpoint],
        internal: Sequence[Network] = (),
        every_ms: int = EVERY_MS,
        timeout_ms: int = TIMEOUT_MS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._endpoints = {f"{self.name}:{name}": one for name, one in endpoints.items()}
        self._keys = {
            name: [key_of(one) for one in found.secrets] for name, found in self._endpoints.items()
        }
        self._internal = tuple(internal)
        self._clock = clock
        self._ended: set[str] = set()
        """Destinations that want no more."""
        self.notes = Notes()
        """What was cut and refused."""
        self._http = CheckedHttp(timeout_ms=timeout_ms, check=self._check)
        limit = Limit(
            name="post",
            scope=Scope.DESTINATION,
            every_ms=every_ms,
            burst=BURST,
            in_flight=IN_FLIGHT,
        )
        # Nothing can be asked, so nothing is waited for.
        self._plan = Plan(
            steps={Step.POST: (limit,)}, ask_ms=1, attempt_ms=ATTEMPT_MS, rollup=False
        )

    def __repr__(self) -> str:
        return f"WebhookSink({', '.join(self._endpoints)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per endpoint."""
        return tuple(self._endpoints)

    def account(self, destination: str) -> str:
        """Return the destination: limits count over an endpoint."""
        return destination

    def plan(self, destination: str) -> Plan:
        """Return one step: every revision is a message."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        destination, id = attempt.destination, id_of(attempt)
        if destination in self._ended:
            return Rejected(RejectReason.NO_SUCH_PLACE, _ENDED)
        body, cuts = body_of(attempt.digest, possible_repeat=attempt.possible_repeat)
        self.notes.cut(destination, cuts)
        at_s = int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": signature(self._keys[destination], id, at_s, body),
        }
        reply = await self._http.post(self._endpoints[destination].url, body, headers=headers)
        if isinstance(reply, Rejected):
            return self._waits(destination, "internal", reply.detail)
        if not isinstance(reply, Reply):
            return reply
        if 200 <= reply.status < 300:
            # A whole page is the word of somebody on the way, who may have dropped it.
            return Unknown(UnknownReason.UNREADABLE) if _page(reply) else Delivered(Receipt(id=id))
        return self._refused(destination, reply)

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody can tell: a receiver is not asked."""
        return CannotTell("a receiver is not asked")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _check(self, scheme: str, address: str) -> str:
        if is_in(address, self._internal):
            return ""
        if not is_public(address):
            return "the name leads to an address inside: allow it by sinks.webhook.internal"
        return "" if scheme == "https" else "outside nobody is called but by https"

    def _refused(self, destination: str, reply: Reply) -> Outcome:
        status, told = reply.status, reply.headers
        given, date = told.get("retry-after"), told.get("date")
        if status == 429:
            after_ms = retry_after_ms(given, default_ms=RATE_WAIT_MS, date=date)
            return Retry(RetryReason.RATE_LIMITED, max(1_000, after_ms), Scope.DESTINATION)
        if status == 503 and given:
            after_ms = retry_after_ms(given, default_ms=RATE_WAIT_MS, date=date)
            return Retry(RetryReason.UNAVAILABLE, after_ms, Scope.DESTINATION)
        if status == 408 or status >= 500:
            return Unknown(UnknownReason.SERVER_ERROR)
        if status == 410:
            self._ended.add(destination)
            self.notes.refused(destination, "status_410", _ENDED, loud=True)
            return Rejected(RejectReason.NO_SUCH_PLACE, _ENDED)
        if 300 <= status < 400:
            says = f"status {status}: redirects are not followed: give the address it leads to"
            return self._waits(destination, "status_3xx", says)
        if status in _CURES:
            says = f"status {status}: {_CURES[status]}"
            return self._waits(destination, f"status_{status}", says)
        self.notes.refused(destination, "status_4xx", f"status {status}", loud=False)
        reason = RejectReason.TOO_LARGE if status == 413 else RejectReason.INVALID
        return Rejected(reason, f"status {status}")

    def _waits(self, destination: str, word: str, detail: str) -> Retry:
        """Return that it is asked again until a person has put it right."""
        self.notes.refused(destination, word, detail, loud=True)
        return Retry(RetryReason.NEEDS_SOMEBODY, PERSON_WAIT_MS, Scope.DESTINATION, detail)


def _page(reply: Reply) -> bool:
    return reply.text.lstrip()[:15].lower().startswith(("<!doctype html", "<html"))
