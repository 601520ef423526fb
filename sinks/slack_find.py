"""Looking a Slack message up by its metadata, after a call whose outcome nobody knows.

Reads only. A message is the one sought when its metadata names the same digest, revision and step.

Source: docs.slack.dev, conversations.history and conversations.replies, `include_all_metadata`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any, Final

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
    Step,
    Unknown,
)
from sinks.slack_client import SlackClient

EVENT_TYPE: Final = "stormfold_digest"
"""Letters and underscores only: Slack silently drops metadata under any other."""
SKEW_MS: Final = 60_000
"""How far Slack's clock may be behind ours when looking for a message."""
PAGE: Final = 200
PAGES: Final = 5
LISTS: Final = 10


def metadata_of(attempt: Attempt) -> dict[str, Any]:
    """Return the metadata by which the message of this attempt is found again; no secret."""
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {
            # The delivery's own name: a page and a notice are not the digest that they tell of.
            "id": attempt.key.partition("|")[2],
            "revision": attempt.digest.revision,
            "step": attempt.step.value,
            "destination": attempt.destination,
        },
    }


async def find_message(client: SlackClient, attempt: Attempt, channel: str) -> Found:
    """Return the message of this attempt, in its thread or in the channel.

    Args:
        client: of the workspace.
        attempt: a POST or REPLY.
        channel: id or #name.
    """
    root = attempt.root
    place = root.place if root else await channel_id(client, channel)
    if not isinstance(place, str):
        return place
    if attempt.step is Step.REPLY and root is not None:
        found = await _look(client, attempt, place, thread=root.id)
        if not isinstance(found, NotFound):
            return found
    return await _look(client, attempt, place)


async def channel_id(client: SlackClient, channel: str) -> str | CannotTell:
    """Return the id of a channel that is given by id or #name."""
    if re.fullmatch(r"[CGD][A-Z0-9]{2,}", channel):
        return channel
    name, cursor = channel.removeprefix("#"), ""
    for _ in range(LISTS):
        made = client.web.conversations_list(
            types="public_channel,private_channel", limit=999, cursor=cursor, exclude_archived=True
        )
        page = await _read(client, made)
        if page is None:
            break
        if isinstance(page, CannotTell):
            return page
        for one in page.get("channels") or []:
            if one.get("name") == name:
                return str(one["id"])
        cursor = _next_cursor(page)
        if not cursor:
            break
    return CannotTell("channel_not_found")


async def _look(client: SlackClient, attempt: Attempt, place: str, *, thread: str = "") -> Found:
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
            made = client.web.conversations_replies(ts=thread, **common)
        else:
            made = client.web.conversations_history(**common)
        page = await _read(client, made)
        if page is None:
            return NotFound()
        if isinstance(page, CannotTell):
            return page
        for message in page.get("messages") or []:
            if _same(message.get("metadata"), wanted):
                top = attempt.step is Step.REPLY and not thread
                return Delivered(Receipt(place=place, id=message["ts"], top=top))
        cursor = _next_cursor(page)
        if not cursor:
            return NotFound()
    return CannotTell("history_too_long")


async def _read(
    client: SlackClient, made: Awaitable[AsyncSlackResponse]
) -> AsyncSlackResponse | CannotTell | None:
    """Return the answer to a read, None where the thread is gone."""
    answer = await client.call(Step.EDIT, made)
    match answer:
        case AsyncSlackResponse():
            return answer
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
