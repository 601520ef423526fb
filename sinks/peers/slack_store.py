"""What a local Slack holds and how its calls are read: channels, messages, pages, arguments."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sinks.peers.serve import Json


@dataclass
class Message:
    """One message as the channel holds it."""

    ts: str
    channel: str
    text: str
    blocks: list[Json]
    metadata: Json | None
    thread_ts: str = ""
    """Set for a reply."""
    edits: int = 0
    at: float = 0.0

    def told(self, *, with_metadata: bool) -> Json:
        """Return the message as Slack's answers tell it."""
        found: Json = {
            "type": "message",
            "ts": self.ts,
            "text": self.text,
            "blocks": self.blocks,
            "bot_id": "B0STORM",
        }
        if self.thread_ts:
            found["thread_ts"] = self.thread_ts
        if with_metadata and self.metadata is not None:
            found["metadata"] = self.metadata
        return found


@dataclass
class Refusal(Exception):
    """A method's answer `ok: false`."""

    error: str
    detail: str = ""
    retry_after_s: int = 0
    violation: str = ""


@dataclass
class Channel:
    """A channel and its messages by `ts`, oldest first."""

    id: str
    name: str
    member: bool = True
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)


def page_of(found: list[Message], args: Json) -> Json:
    """Return one page of these messages, as the arguments ask for it."""
    oldest, cursor = str(args.get("oldest") or "0"), int(args.get("cursor") or 0)
    limit = limit_of(args, 100)
    metadata = str(args.get("include_all_metadata", "")).lower() in ("1", "true")
    later = [one for one in found if float(one.ts) > float(oldest)]
    page = later[cursor : cursor + limit]
    more = cursor + limit < len(later)
    return {
        "messages": [one.told(with_metadata=metadata) for one in page],
        "has_more": more,
        "response_metadata": {"next_cursor": str(cursor + limit) if more else ""},
    }


def limit_of(args: Json, default: int) -> int:
    """Return how many entries a page may hold."""
    return min(999, max(1, int(args.get("limit") or default)))


async def arguments_of(request: web.Request) -> Json:
    """Return the arguments of a call: query, form or JSON; nested values of a form are JSON."""
    args: dict[str, Any] = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            body = await request.json()
            args.update(body if isinstance(body, dict) else {})
        else:
            args.update({key: str(value) for key, value in (await request.post()).items()})
    for key in ("blocks", "metadata"):
        if isinstance(args.get(key), str):
            try:
                args[key] = json.loads(args[key])
            except ValueError:
                args[key] = "unreadable"
    return args
