"""Looking for incidents and for who is on call by PagerDuty's REST API, with a token that can read
and nothing else.

Source: developer.pagerduty.com, REST API v2: `GET /incidents` finds by `incident_key` also the
incidents whose alerts have that key, `GET /incidents/{id}/alerts` lists those; `GET /oncalls` lists
who is on call now, by escalation level, for the policies asked for; 960 calls a minute; 429 tells
when in `ratelimit-reset`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from sinks.base import CannotTell, Delivered, Found, NotFound, Receipt
from sinks.http import Http, Reply
from sinks.retry_after import retry_after_ms
from sinks.words import clean, short

RATE_WAIT_MS: Final = 60_000
BODY_CHARS: Final = 200_000
"""An incident with all that people write into it; one is asked for."""
ALERTS_ONCE: Final = 25
ALERTS_MOST: Final = 100
"""Alerts of one incident that are asked for, so many in one call; each holds its whole event."""
ALERTS_CHARS: Final = 4_000_000

ONCALLS_MOST: Final = 50
NAME_CHARS: Final = 80

NOT_PAGERDUTYS: Final = "an answer that is none of PagerDuty's"

FINAL: Final = frozenset({"status 401", "status 403", "status 404"})
"""Why it cannot be told, where asking again would not help."""


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
        self._url = api_url.rstrip("/")
        self._http = Http(timeout_ms=timeout_ms)

    def __repr__(self) -> str:
        return "PagerDutyRest(***)"

    async def find(self, key: str) -> Found:
        """Return whether there is an incident, open or over, for a dedup key."""
        asked = {"incident_key": key, "date_range": "all", "limit": 1}
        text = await self._asked("/incidents", asked, BODY_CHARS)
        if isinstance(text, CannotTell):
            return text
        try:
            incidents = json.loads(text)["incidents"]
            return Delivered(Receipt(id=str(incidents[0]["id"]))) if incidents else NotFound()
        except (ValueError, KeyError, TypeError, IndexError):
            return CannotTell(NOT_PAGERDUTYS)

    async def alert_keys(self, incident: str) -> tuple[str, ...] | CannotTell:
        """Return the dedup keys of an incident's alerts, of at most `ALERTS_MOST` of them.

        Args:
            incident: its id there, letters and digits.
        """
        found: list[str] = []
        for offset in range(0, ALERTS_MOST, ALERTS_ONCE):
            asked = {"limit": ALERTS_ONCE, "offset": offset}
            text = await self._asked(f"/incidents/{incident}/alerts", asked, ALERTS_CHARS)
            if isinstance(text, CannotTell):
                return text
            try:
                told = json.loads(text)
                found += [str(one["alert_key"]) for one in told["alerts"] if one["alert_key"]]
                if not told.get("more"):
                    break
            except (ValueError, KeyError, TypeError, AttributeError):
                return CannotTell(NOT_PAGERDUTYS)
        return tuple(found)

    async def on_call(self, policy: str) -> tuple[str, ...] | CannotTell:
        """Return the names of who is paged first by an escalation policy, now.

        Args:
            policy: its id there, letters and digits.
        """
        asked = {"escalation_policy_ids[]": policy, "limit": ONCALLS_MOST}
        text = await self._asked("/oncalls", asked, BODY_CHARS)
        if isinstance(text, CannotTell):
            return text
        try:
            entries = json.loads(text)["oncalls"]
            first = [one for one in entries if one["escalation_level"] == 1]
            names = [short(clean(one["user"]["summary"] or ""), NAME_CHARS) for one in first]
        except (ValueError, KeyError, TypeError):
            return CannotTell(NOT_PAGERDUTYS)
        return tuple(dict.fromkeys(name for name in names if name))

    async def _asked(self, path: str, asked: Mapping[str, object], chars: int) -> str | CannotTell:
        reply = await self._http.get(
            f"{self._url}{path}?{urlencode(asked)}", headers=self._headers, most_chars=chars
        )
        if not isinstance(reply, Reply):
            return CannotTell(reply.reason.value)
        if reply.status == 429:
            waits = reply.headers.get("ratelimit-reset") or reply.headers.get("retry-after")
            return CannotTell("rate_limited", retry_after_ms(waits, default_ms=RATE_WAIT_MS))
        return reply.text if reply.status == 200 else CannotTell(f"status {reply.status}")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
