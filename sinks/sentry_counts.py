"""Asking Sentry how many errors it counted: one call of its API, for a token with `org:read`.

What the answer says is in `sentry_counted`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from sinks.http import Http, Reply
from sinks.sentry import Organisation
from sinks.sentry_counted import FIELD, HOUR_MS, Counted, iso, last_hour_ms, read

ANSWER_CHARS: Final = 200_000


async def ask(http: Http, organisation: Organisation, now_ms: int) -> Counted | str:
    """Return what Sentry counted in the last hour that is over, or in words why that is not known.

    Args:
        http: a pool for this service.
        organisation: with its slug.
        now_ms: now.
    """
    hour_ms = last_hour_ms(now_ms)
    asked = {
        "field": FIELD,
        "category": "error",
        "groupBy": "outcome",
        "interval": "1h",
        "start": iso(hour_ms),
        "end": iso(hour_ms + HOUR_MS),
    }
    url = f"{organisation.api_url.rstrip('/')}/api/0/organizations/{organisation.slug}/stats_v2/"
    headers = {"Authorization": f"Bearer {organisation.token}"}
    reply = await http.get(f"{url}?{urlencode(asked)}", headers=headers, most_chars=ANSWER_CHARS)
    if not isinstance(reply, Reply):
        return reply.reason.value
    if reply.status in (401, 403):
        return f"status {reply.status}: give the token of sentry.token the scope org:read"
    if reply.status != 200:
        return f"status {reply.status}"
    return read(reply.text, hour_ms)
