"""How long a service asks to be left alone. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_MS: Final = 3_600_000
"""A service that asks for more is asked again after this long."""


def retry_after_ms(
    value: str | None, *, default_ms: int, date: str | None = None, now_ms: int | None = None
) -> int:
    """Return the wait that a Retry-After header asks for, at most an hour, at least nothing.

    Args:
        value: the header's value: seconds, whole or not, or a date. Anything unreadable and None
            give the default.
        default_ms: what the service's documentation advises, >= 0.
        date: the same answer's Date header. A date in `value` is read against it, so that a clock
            that differs from the service's does no harm.
        now_ms: what a date is read against where the answer has no date of its own; without both a
            date gives the default.

    Source: RFC 9110 sections 5.6.7 and 10.2.3; Slack sends whole seconds, PagerDuty documents no
    header.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text):
        return min(LONGEST_MS, int(float(text) * 1000))
    until_ms, from_ms = http_date_ms(text), http_date_ms(date or "")
    if from_ms is None:
        from_ms = now_ms
    if until_ms is None or from_ms is None:
        return default_ms
    return min(LONGEST_MS, max(0, until_ms - from_ms))


def http_date_ms(text: str) -> int | None:
    """Return an HTTP date, in any of the three forms of the standard, as milliseconds."""
    if not re.match(r"[A-Z][a-z]{2}", text) or len(text) > 40:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    # What names no zone is in UTC, as every HTTP date is.
    at = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
