"""One Slack client with a session of its own, whose calls give values instead of exceptions.

The client retries nothing: its default retry posts a second time when a connection is cut. The
token is in the session's header only, and what an exception holds goes no further.

Source: slack_sdk 3.47: a session given to the client makes its own timeout count, not the client's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from sinks.base import Outcome, Retry, RetryReason, Step, Unknown, UnknownReason
from sinks.slack_errors import outcome_of

TIMEOUT_MS: Final = 3_500


class SlackClient:
    """A bot of one workspace. Connections are opened on first use, in the loop that runs then."""

    def __init__(self, *, token: str, base_url: str, timeout_ms: int = TIMEOUT_MS) -> None:
        self._timeout_ms = timeout_ms
        self._token = token
        self._base_url = base_url.rstrip("/") + "/"
        self._session: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None

    def __repr__(self) -> str:
        return "SlackClient(token=***)"

    @property
    def web(self) -> AsyncWebClient:
        """Return the methods of the Web API."""
        if self._web is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout_ms / 1000)
            self._session = aiohttp.ClientSession(timeout=timeout)
            quiet = logging.getLogger("stormfold.slack_client")
            quiet.setLevel(logging.WARNING)
            self._web = AsyncWebClient(
                token=self._token,
                base_url=self._base_url,
                session=self._session,
                retry_handlers=[],
                logger=quiet,
            )
        return self._web

    async def call(
        self, step: Step, made: Awaitable[AsyncSlackResponse]
    ) -> AsyncSlackResponse | Outcome:
        """Return the answer to a call, or what its failure means for this step."""
        try:
            return await made
        except SlackApiError as error:
            return _refused(step, error)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Retry(RetryReason.NOT_CONNECTED)
        except TimeoutError:
            return Unknown(UnknownReason.TIMED_OUT)
        except (aiohttp.ClientError, OSError):
            return Unknown(UnknownReason.CONNECTION_LOST)
        except (AttributeError, ValueError):
            # The client expects a JSON object and trips over anything else, a proxy's page say.
            return Unknown(UnknownReason.UNREADABLE)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
        self._session = self._web = None


def _refused(step: Step, error: SlackApiError) -> Outcome:
    """Return what a refusal means. The exception itself is dropped: it holds the whole answer."""
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    data = getattr(response, "data", None)
    body = data if isinstance(data, dict) else {}
    said = (body.get("response_metadata") or {}).get("messages") or body.get("errors") or []
    # Block errors name a place in the message, never its text.
    detail = re.sub(r"[^\w \[\]:/.,-]", "", str(said[0]))[:120] if said else ""
    return outcome_of(
        step,
        str(body.get("error") or ""),
        status=int(status),
        headers=dict(getattr(response, "headers", None) or {}),
        detail=detail,
    )
