"""How many errors Sentry itself counted in an hour: what its answer says. Pure.

Source: docs.sentry.io/api, "Retrieve Event Counts for an Organization (v2)": `intervals` are the
beginnings in ISO 8601; each group has a `series` of the field with one number for each of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

FIELD: Final = "sum(quantity)"
HOUR_MS: Final = 3_600_000
SETTLED_MS: Final = 600_000
"""So long after its end an hour's numbers are taken for final."""

OUTCOMES: Final = (
    *("accepted", "filtered", "rate_limited", "invalid", "abuse", "client_discard"),
    *("cardinality_limited", "other"),
)
"""What Sentry did with an error; the last one stands for words that are not known."""


class Counted(msgspec.Struct, frozen=True):
    """One whole hour."""

    hour_ms: int
    by_outcome: dict[str, int]
    """Of every one of `OUTCOMES`."""


class _Group(msgspec.Struct, frozen=True):
    by: dict[str, str]
    series: dict[str, list[int]]


class _Answer(msgspec.Struct, frozen=True):
    intervals: list[str]
    groups: list[_Group]


_answer: Final = msgspec.json.Decoder(_Answer)


def last_hour_ms(now_ms: int) -> int:
    """Return the begin of the last hour whose numbers are final."""
    return ((now_ms - SETTLED_MS) // HOUR_MS - 1) * HOUR_MS


def read(text: str, hour_ms: int) -> Counted | str:
    """Return what an answer says of an hour, or in words why it says nothing."""
    try:
        answer = _answer.decode(text.encode("utf-8", "surrogatepass"))
        at = [_ms(one) for one in answer.intervals].index(hour_ms)
    except msgspec.MsgspecError:
        return "the answer is not understood"
    except ValueError:
        return "the answer has not this hour"
    found = dict.fromkeys(OUTCOMES, 0)
    for group in answer.groups:
        series = group.series.get(FIELD, [])
        word = group.by.get("outcome", "")
        found[word if word in found else "other"] += series[at] if at < len(series) else 0
    return Counted(hour_ms, found)


def iso(at_ms: int) -> str:
    """Return the moment as the API takes it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ms(iso: str) -> int:
    """Return the moment. Raises: ValueError."""
    found = datetime.fromisoformat(iso)
    return round(found.replace(tzinfo=found.tzinfo or UTC).timestamp() * 1000)
