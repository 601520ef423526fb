"""What a local Sentry says of how many errors it counted, by outcome and hour. Pure.

Source: docs.sentry.io/api, "Retrieve Event Counts for an Organization (v2)": what must be asked
for, and how the answer is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

FIELDS: Final = ("sum(quantity)", "sum(times_seen)")


def hours(asked: Mapping[str, str], counts: Mapping[str, int]) -> tuple[int, object]:
    """Return status and body of an answer; `counts` are of every hour, by outcome."""
    if asked.get("field") not in FIELDS:
        return 400, {"detail": "Invalid field"}
    if asked.get("groupBy") != "outcome" or asked.get("category") != "error":
        return 400, {"detail": "At least one groupBy is required"}
    if asked.get("interval") != "1h":
        return 400, {"detail": "Invalid interval"}
    try:
        begin, end = (datetime.fromisoformat(asked[name]) for name in ("start", "end"))
    except (KeyError, ValueError):
        return 400, {"detail": "start and end are both required"}
    at = begin.replace(minute=0, second=0, microsecond=0)
    intervals = []
    while at < end:
        intervals.append(at)
        at += timedelta(hours=1)
    field = asked["field"]
    return 200, {
        "start": asked["start"],
        "end": asked["end"],
        "intervals": [one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in intervals],
        "groups": [
            {
                "by": {"outcome": outcome},
                "totals": {field: count * len(intervals)},
                "series": {field: [count] * len(intervals)},
            }
            for outcome, count in counts.items()
        ],
    }
