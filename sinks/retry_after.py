"""How long a service asks to be left alone. Pure."""

from __future__ import annotations

from typing import Final

LONGEST_MS: Final = 3_600_000
"""A service that asks for more is asked again after this long."""


def retry_after_ms(value: str | None, *, default_ms: int) -> int:
    """Return the wait that a Retry-After header asks for, at most an hour.

    Args:
        value: the header's value; seconds, whole or not. A date, anything unreadable and None give
        the
            default.
        default_ms: what the service's documentation advises, >= 0.

    Source: RFC 9110 section 10.2.3; Slack sends whole seconds, PagerDuty documents no header.
    """
    try:
        seconds = float(value or "")
    except ValueError:
        return default_ms
    if not 0.0 <= seconds < float("inf"):
        return default_ms
    return min(LONGEST_MS, int(seconds * 1000))
