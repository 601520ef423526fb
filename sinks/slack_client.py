"""One Slack client with a session of its own, whose calls give values instead of exceptions.

The client retries nothing: its default retry posts a second time when a connection is cut. The
token is in the session's header only, and what an exception holds goes no further.

Source: slack_sdk 3.47: a session given to the client makes its own timeout count, not the client's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from sinks.base import Outcome, Rejected, Retry, RetryReason, Step, Unknown, UnknownReason
from sinks.notes import Notes
from sinks.slack_errors import meaning_of, outcome_of, word_of

TIMEOUT_MS: Final = 3_500


class SlackClient:
    """A bot of one workspace. Connections are opened on first use, in the loop that runs then."""

    def __init__(
        self, *, token: str, base_url: str, timeout_ms: int = TIMEOUT_MS, notes: Notes | None = None
    ) -> None:
        self._timeout_ms = timeout_ms
        self._notes = notes or Notes()
        self.person = False
        """What it posts goes to one person each, not to channels."""
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
        self, step: Step, made: Awaitable[AsyncSlackResponse], *, to: str = "", channel: str = ""
    ) -> AsyncSlackResponse | Outcome:
        """Return the answer to a call, or what its failure means for this step.

        Args:
            step: what is limited like this call; EDIT for a read.
            made: the call.
            to: the destination, for what is noted of a refusal.
            channel: how a person knows it, for what is to be done.
        """
        try:
            return await made
        except SlackApiError as error:
            return self._refused(step, error, to, channel)
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

    def _refused(self, step: Step, error: SlackApiError, to: str, channel: str) -> Outcome:
        """Return what a refusal means. The exception is dropped: it holds the whole answer."""
        response = error.response
        status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
        data = getattr(response, "data", None)
        body = data if isinstance(data, dict) else {}
        word = str(body.get("error") or "")
        outcome = outcome_of(
            step,
            word,
            status=int(status),
            headers=dict(getattr(response, "headers", None) or {}),
            detail=_detail(body),
            channel=channel or "the channel",
            retry_after=body.get("retry_after"),
            person=self.person,
        )
        detail = outcome.detail if isinstance(outcome, Rejected | Retry) else ""
        loud = bool(detail) and bool(meaning_of(word).todo)
        self._notes.refused(to, word_of(word), detail, loud=loud)
        return outcome


def _detail(body: dict[str, Any]) -> str:
    """Return which scope is missing, or which place in the message is wrong; never its text."""
    if body.get("needed"):
        has = f", the token has {body['provided']}" if body.get("provided") else ""
        found = f"needs {body['needed']}{has}"
    else:
        said = (body.get("response_metadata") or {}).get("messages") or body.get("errors") or []
        found = str(said[0]) if said else ""
    return re.sub(r"[^\w \[\]:/.,-]", "", found)[:120]
