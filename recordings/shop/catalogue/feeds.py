"""Price lists that suppliers send, as they come."""

from __future__ import annotations

import sentry_sdk

OLDEST_HOURS = 24


def read_rows(content: bytes) -> list[list[str]]:
    """Return the cells of a supplier's list.

    Raises:
        UnicodeDecodeError: the list is not UTF-8.
    """
    return [row.split(";") for row in content.decode("utf-8").splitlines()]


def import_feed(supplier: str, content: bytes, age_hours: int) -> int:
    """Return how many rows were read; an old list is told to Sentry as a message.

    Raises:
        UnicodeDecodeError: the list is not UTF-8.
    """
    if age_hours > OLDEST_HOURS:
        sentry_sdk.capture_message(
            f"Price list of {supplier} is {age_hours} hours old", level="warning"
        )
    return len(read_rows(content))
