"""Looking for an incident by PagerDuty's REST API, with a token that can read and nothing else.

Source: developer.pagerduty.com, REST API v2: `GET /incidents` finds by `incident_key` also the
incidents whose alerts have that key; 960 calls a minute; 429 tells when in `ratelimit-reset`.
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

from sinks.base import CannotTell, Delivered, Found, NotFound, Receipt
from sinks.http import Http, Reply
from sinks.retry_after import retry_after_ms

RATE_WAIT_MS: Final = 60_000
BODY_CHARS: Final = 200_000
"""An incident with all that people write into it; one is asked for."""


class PagerDutyRest:
    """Reads incidents of one account.

    Args:
        token: of the REST API; a read-only one does.
        api_url: another region has another one.
        timeout_ms: of one call.
    """

    def __init__(self, *, token: str, api_url: str, timeout_ms: int = 5_000) -> None:
        self._headers = {
            "Authorization": f"Token token={token}",
            "Accept": "application/vnd.pagerduty+json;version=2",
        }
        self._url = f"{api_url.rstrip('/')}/incidents"
        self._http = Http(timeout_ms=timeout_ms)

    def __repr__(self) -> str:
        return "PagerDutyRest(***)"

    async def find(self, key: str) -> Found:
        """Return whether there is an incident, open or over, for a dedup key."""
        asked = urlencode({"incident_key": key, "date_range": "all", "limit": 1})
        reply = await self._http.get(
            f"{self._url}?{asked}", headers=self._headers, most_chars=BODY_CHARS
        )
        if not isinstance(reply, Reply):
            return CannotTell(reply.reason.value)
        if reply.status == 429:
            waits = reply.headers.get("ratelimit-reset") or reply.headers.get("retry-after")
            return CannotTell("rate_limited", retry_after_ms(waits, default_ms=RATE_WAIT_MS))
        if reply.status != 200:
            return CannotTell(f"status {reply.status}")
        try:
            incidents = json.loads(reply.text)["incidents"]
            return Delivered(Receipt(id=str(incidents[0]["id"]))) if incidents else NotFound()
        except (ValueError, KeyError, TypeError, IndexError):
            return CannotTell("an answer that is none of PagerDuty's")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
