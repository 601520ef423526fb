"""Every HTTP call that is not Slack's: the one module that uses httpx.

A call gives a `Reply`, or a `Failure` that says whether the request can have arrived; nothing is
raised for what the network does. Neither holds the request, so no key gets into a log by way of
them; what httpx itself would log of it is not let through. Redirects are not followed and proxies
of the environment not used.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import httpx
import msgspec

from sinks.base import Retry, RetryReason, Unknown, UnknownReason

# At INFO it logs every URL, and a webhook's URL is its secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

REPLY_CHARS: Final = 2_000
"""How much of an answer's body is kept."""

CALLS_MOST: Final = 256
"""Connections of one pool: far more than calls run at once. A call that waits for one that hangs
would let one dead destination delay the others."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    text: str


class Http:
    """A connection pool for one service."""

    def __init__(self, *, timeout_ms: int) -> None:
        self._client = httpx.AsyncClient(
            timeout=timeout_ms / 1000,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=CALLS_MOST, max_keepalive_connections=8, keepalive_expiry=30.0
            ),
        )

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Reply | Retry | Unknown:
        """Return the answer; `Retry` when nothing was sent, `Unknown` when that cannot be told."""
        given = {"Content-Type": content_type, **(headers or {})}
        return await self._ask("POST", url, body, given, REPLY_CHARS)

    async def put(
        self, url: str, body: bytes, *, headers: Mapping[str, str], most_chars: int = REPLY_CHARS
    ) -> Reply | Retry | Unknown:
        """Return the answer, or as `post` why there is none; at most so much of its body."""
        given = {"Content-Type": "application/json", **headers}
        return await self._ask("PUT", url, body, given, most_chars)

    async def get(
        self, url: str, *, headers: Mapping[str, str], most_chars: int = REPLY_CHARS
    ) -> Reply | Retry | Unknown:
        """Return the answer, or as `post` why there is none; at most so much of its body."""
        return await self._ask("GET", url, None, headers, most_chars)

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], chars: int
    ) -> Reply | Retry | Unknown:
        try:
            answer = await self._client.request(method, url, content=body, headers=dict(headers))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Retry(RetryReason.NOT_CONNECTED)
        except httpx.TimeoutException:
            return Unknown(UnknownReason.TIMED_OUT)
        except httpx.HTTPError:
            return Unknown(UnknownReason.CONNECTION_LOST)
        given = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status_code, headers=given, text=answer.text[:chars])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
