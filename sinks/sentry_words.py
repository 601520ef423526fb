"""What Sentry's answers mean, and what a person is told to do about a refusal. Pure.

Source: docs.sentry.io/api: permissions, update an issue, rate limits (fixed windows per caller and
endpoint, and so many calls at once; every answer says in `X-Sentry-Rate-Limit-Reset` when the next
window begins, in UTC seconds; no Retry-After is documented; a self-hosted Sentry limits nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sinks.base import Rejected, RejectReason, Retry, RetryReason, Scope, Unknown, UnknownReason
from sinks.http import Reply
from sinks.retry_after import LONGEST_MS, http_date_ms, retry_after_ms

WINDOW_WAIT_MS: Final = 5_000
"""How long it is left alone where its answer does not say: its windows are a few seconds long."""
LEAST_WAIT_MS: Final = 1_000
LEAST_CONCURRENT_MS: Final = 2_000
"""The wait where too many calls ran at once: that is over when one of them ends."""

_SCOPE: Final = "give its token the scope event:write, then do it again"
_TOKEN: Final = "give a token that Sentry knows (sentry.token), then do it again"
NO_TOKEN: Final = f"sentry.token has characters that no token has: {_TOKEN}"
_GONE: Final = "the issue was merged into another one or deleted: do it in Sentry"
_INVALID: Final = "Sentry does not take that for this issue: do it in Sentry"


def refusal(reply: Reply) -> Retry | Rejected | Unknown:
    """Return what an answer means that is no success.

    A refusal that only a person can end is final: hours later nobody expects the change any more,
    and meanwhile it may have been decided otherwise in Sentry.
    """
    status = reply.status
    if status == 429:
        return Retry(RetryReason.RATE_LIMITED, wait_ms(reply.headers), Scope.METHOD)
    if status == 408 or status >= 500:
        return Unknown(UnknownReason.SERVER_ERROR)
    if status == 401:
        return Rejected(RejectReason.NOT_AUTHORISED, f"status 401: {_TOKEN}")
    if status == 403:
        return Rejected(RejectReason.NOT_AUTHORISED, f"status 403: {_SCOPE}")
    if status in (404, 410):
        return Rejected(RejectReason.NO_SUCH_PLACE, f"status {status}: {_GONE}")
    if status == 413:
        return Rejected(RejectReason.TOO_LARGE, "status 413")
    return Rejected(RejectReason.INVALID, f"status {status}: {_INVALID}")


def wait_ms(headers: Mapping[str, str]) -> int:
    """Return how long a 429 asks to be left alone, from 1 s to an hour.

    A Retry-After is believed before the reset of the window, and that is read against the answer's
    own Date, so that a clock that differs from Sentry's does no harm.

    Args:
        headers: the answer's, by lower-case name.
    """
    date = headers.get("date")
    if headers.get("retry-after"):
        asked = retry_after_ms(headers["retry-after"], default_ms=WINDOW_WAIT_MS, date=date)
        return max(LEAST_WAIT_MS, asked)
    if headers.get("x-sentry-rate-limit-concurrentremaining") == "0":
        return LEAST_CONCURRENT_MS
    reset, now_ms = headers.get("x-sentry-rate-limit-reset", ""), http_date_ms(date or "")
    if not (reset.isascii() and reset.isdigit() and len(reset) <= 12) or now_ms is None:
        return WINDOW_WAIT_MS
    # A Date has whole seconds, so up to one of them has not passed yet.
    return min(LONGEST_MS, max(LEAST_WAIT_MS, int(reset) * 1000 - now_ms + 1_000))
