"""A local Slack's incoming webhooks: an address per channel, `ok` as an answer and nothing more.

There is no `ts` to come back with: what was posted so can be neither edited nor found.

Source: docs.slack.dev, sending messages using incoming webhooks, with its table of errors; rate
limits (one message a second).
"""

from __future__ import annotations

import json
from typing import Final

import xxhash
from aiohttp import web

from sinks.peers.serve import Json
from sinks.peers.slack_chat import Chat
from sinks.peers.slack_limits import Limits
from sinks.peers.slack_store import Channel, Refusal, Workspace

STATUS: Final = {
    "action_prohibited": 403,
    "user_not_found": 400,
    "channel_not_found": 404,
    "no_service": 404,
    "no_team": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
}
"""The status of each error; 400 where it is not named."""


class Webhooks:
    """The incoming webhooks of one workspace, one per channel."""

    def __init__(self, workspace: Workspace, limits: Limits, chat: Chat) -> None:
        self._workspace, self._limits, self._chat = workspace, limits, chat
        self._channels = {secret_of(one.id): one for one in workspace.channels.values()}
        self.closed: dict[str, str] = {}
        """By channel id, the word with which its webhook refuses everything."""

    def path(self, channel: str) -> str:
        """Return the secret path of a channel's webhook; by id or by name."""
        found = self._workspace.find(channel)
        assert found is not None, f"no channel {channel}"
        return f"/services/T0STORM/B0STORM/{secret_of(found.id)}"

    def channel_of(self, secret: str) -> Channel | None:
        """Return the channel of this address; None when it leads nowhere."""
        return self._channels.get(secret)

    def take(self, channel: Channel | None, args: Json) -> None:
        """Write what was sent.

        Raises:
            Refusal: Slack's word for what is wrong.
        """
        if channel is None:
            raise Refusal("no_service")
        if channel.id in self.closed:
            raise Refusal(self.closed[channel.id])
        if channel.id not in self._workspace.channels:
            raise Refusal("channel_not_found")
        if channel.archived:
            raise Refusal("channel_is_archived")
        self._limits.message("webhook", channel.id)
        thread = str(args.get("thread_ts") or "")
        self._chat.write(channel, args, parent=channel.messages.get(thread))


async def payload_of(request: web.Request) -> Json:
    """Return what was sent to a webhook: JSON, or JSON in the form field `payload`.

    Raises:
        Refusal: it is not readable.
    """
    try:
        if request.content_type == "application/x-www-form-urlencoded":
            found = json.loads(str((await request.post()).get("payload") or ""))
        else:
            found = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise Refusal("invalid_payload") from None
    if not isinstance(found, dict):
        raise Refusal("invalid_payload")
    return found


def answer_of(refusal: Refusal) -> web.Response:
    """Return the text that a webhook refuses with."""
    if refusal.error == "ratelimited":
        headers = {"Retry-After": str(refusal.retry_after_s)}
        told = {"retry_after": refusal.retry_after_s, "ok": False, "error": "rate_limited"}
        return web.json_response(told, status=429, headers=headers)
    return web.Response(text=refusal.error, status=STATUS.get(refusal.error, 400))


def secret_of(channel: str) -> str:
    """Return the secret part of a channel's address, by the channel's id."""
    return xxhash.xxh3_64_hexdigest(f"webhook {channel}".encode())
