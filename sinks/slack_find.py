"""Looking a Slack message up by its metadata, after a call whose outcome nobody knows.

Reads only. A message is the one sought when its metadata names the same delivery, revision and
step. A reply is looked for in its thread, then in the channel: there it stands by itself where its
parent is gone. That a thread is gone proves nothing yet; that neither has it does.

Source: docs.slack.dev, conversations.history and conversations.replies, `include_all_metadata`;
a broadcast reply stands in the history too, with its `thread_ts`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any, Final

import xxhash
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from sinks.base import (
    Attempt,
    CannotTell,
    Delivered,
    Found,
    NotFound,
    Receipt,
    Rejected,
    Retry,
    RetryReason,
    Step,
    Unknown,
)
from sinks.notes import Notes
from sinks.slack_client import SlackClient

EVENT_TYPE: Final = "stormfold_digest"
"""Letters and underscores only: Slack silently drops metadata under any other."""
SKEW_MS: Final = 60_000
"""How far Slack's clock may be behind ours when looking for a message."""
PAGE: Final = 200
PAGES: Final = 5
LISTS: Final = 10
NAME_CHARS: Final = 200
"""Slack names no limit for metadata; a longer name stands there as its hash."""
CHANNEL_ID: Final = re.compile(r"[CGD][A-Z0-9]{2,}")


def metadata_of(attempt: Attempt) -> dict[str, Any]:
    """Return the metadata by which the message of this attempt is found again; no secret."""
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {
            # The delivery's own name: a page and a notice are not the digest that they tell of.
            "id": _short(attempt.key.partition("|")[2]),
            "revision": attempt.digest.revision,
            "step": attempt.step.value,
            "destination": _short(attempt.destination),
        },
    }


def _short(name: str) -> str:
    if len(name) <= NAME_CHARS:
        return name
    return xxhash.xxh3_128_hexdigest(name.encode("utf-8", "surrogatepass"))


class SlackFinder:
    """Looks messages and channels up.

    Args:
        client: of the workspace.
        notes: told where nothing can be read.
    """

    def __init__(self, client: SlackClient, notes: Notes) -> None:
        self._client = client
        self._notes = notes
        self._ids: dict[str, str] = {}

    def learn(self, channel: str, id: str) -> None:
        """Keep the id of a channel that is configured by name: the name may change, it does not."""
        self._ids[channel] = id

    def place(self, channel: str) -> str:
        """Return the channel's id where it is known, else what is configured."""
        return self._ids.get(channel, channel)

    async def find(self, attempt: Attempt, channel: str) -> Found:
        """Return the message of this attempt, in its thread or in the channel.

        Args:
            attempt: a POST or REPLY.
            channel: id or #name.
        """
        root = attempt.root
        place = root.place if root else await self.channel_id(channel)
        found: Found
        if not isinstance(place, str):
            found = place
        else:
            found = NotFound()
            if root is not None:
                found = await self._look(attempt, place, thread=root.id)
            if isinstance(found, NotFound):
                found = await self._look(attempt, place)
        if isinstance(found, CannotTell) and not found.after_ms:
            self._notes.unread(attempt.destination, found.reason)
        return found

    async def channel_id(self, channel: str) -> str | CannotTell:
        """Return the id of a channel that is given by id or #name; asked once for each name."""
        known = self.place(channel)
        if CHANNEL_ID.fullmatch(known):
            return known
        name, cursor = channel.removeprefix("#"), ""
        for _ in range(LISTS):
            made = self._client.web.conversations_list(
                types="public_channel,private_channel",
                limit=999,
                cursor=cursor,
                exclude_archived=True,
            )
            page = await self._read(made)
            if page is None:
                break
            if isinstance(page, CannotTell):
                return page
            for one in page.get("channels") or []:
                if one.get("name") == name:
                    self.learn(channel, str(one["id"]))
                    return str(one["id"])
            cursor = _next_cursor(page)
            if not cursor:
                break
        return CannotTell("channel_not_found")

    async def _look(self, attempt: Attempt, place: str, *, thread: str = "") -> Found:
        oldest = f"{max(0, attempt.started_ms - SKEW_MS) / 1000:.6f}"
        wanted, cursor = metadata_of(attempt), ""
        for _ in range(PAGES):
            common: dict[str, Any] = {
                "channel": place,
                "oldest": oldest,
                "limit": PAGE,
                "include_all_metadata": True,
                "cursor": cursor,
            }
            if thread:
                made = self._client.web.conversations_replies(ts=thread, **common)
            else:
                made = self._client.web.conversations_history(**common)
            page = await self._read(made)
            if page is None:
                return NotFound()
            if isinstance(page, CannotTell):
                return page
            for message in page.get("messages") or []:
                if _same(message.get("metadata"), wanted):
                    alone = message.get("thread_ts") in (None, "", message["ts"])
                    top = attempt.step is Step.REPLY and alone
                    return Delivered(Receipt(place=place, id=message["ts"], top=top))
            cursor = _next_cursor(page)
            if not cursor:
                return NotFound()
        return CannotTell("history_too_long")

    async def _read(
        self, made: Awaitable[AsyncSlackResponse]
    ) -> AsyncSlackResponse | CannotTell | None:
        """Return the answer to a read, None where the thread is gone."""
        answer = await self._client.call(Step.EDIT, made)
        match answer:
            case AsyncSlackResponse():
                return answer
            case Retry(reason=RetryReason.NEEDS_SOMEBODY):
                # Nothing to wait for: what cannot be read now is not read in a minute either.
                return CannotTell(answer.detail)
            case Retry():
                return CannotTell(answer.reason, answer.after_ms, answer.scope)
            case Rejected():
                return CannotTell(answer.detail)
            case Unknown():
                return CannotTell(answer.reason)
            case _:
                return None


def _same(metadata: Any, wanted: dict[str, Any]) -> bool:
    found = metadata if isinstance(metadata, dict) else {}
    return all(found.get(name) == value for name, value in wanted.items())


def _next_cursor(page: AsyncSlackResponse) -> str:
    return str((page.get("response_metadata") or {}).get("next_cursor") or "")
