"""A local Slack: tokens, channels, messages, threads, history with metadata, and its rate limits.

It keeps what docs.slack.dev says of the methods it serves and what others measured (message sizes,
un-threading of a reply whose parent is gone); nothing here sends anything anywhere. What it
received is in `calls`, what it holds in `messages`.

Source: docs.slack.dev/apis/web-api/rate-limits and the methods' own pages.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from aiohttp import web

from sinks.peers import slack_rules as rules
from sinks.peers.pace import Refill, Window
from sinks.peers.serve import Call, Clock, Json, Peer
from sinks.peers.slack_store import (
    Channel,
    Message,
    Refusal,
    arguments_of,
    limit_of,
    page_of,
)


class SlackPeer(Peer):
    """A workspace with one bot.

    Args:
        token: the only bot token that is let in.
        channels: names by channel id, such as {"C0INC": "incidents"}; the bot is a member of each.
        per_second: messages a second and channel; edits and reads are scaled alike.
        burst: messages a channel takes at once.
        port: 0 takes a free one.
        clock: seconds since the epoch; the rates and `ts` follow it.
    """

    def __init__(
        self,
        *,
        token: str,
        channels: Mapping[str, str],
        per_second: float = 1.0,
        burst: int = 3,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
    ) -> None:
        super().__init__(host=host, port=port, clock=clock, max_body_bytes=2**20)
        self._token = token
        self._revoked = False
        self._channels = {id: Channel(id, name) for id, name in channels.items()}
        self._per_second, self._burst = per_second, burst
        self._posts = {id: Refill(per_second, burst) for id in channels}
        window_s = 60.0 / per_second
        self._workspace = Window(600, window_s)
        self._tiers = {
            name: Window(calls, window_s)
            for name, calls in {
                "chat.update": 50,
                "conversations.history": 50,
                "conversations.replies": 50,
                "conversations.list": 20,
            }.items()
        }
        self._silent_until: dict[str, float] = {}
        self._last_ts = (0, 0)
        self._app.router.add_route("*", "/api/{method}", self._serve)

    @property
    def base_url(self) -> str:
        """Return what a client takes for `https://slack.com/api/`."""
        return f"{self.origin}/api/"

    def messages(self, channel: str) -> list[Message]:
        """Return the channel's messages and replies, oldest first; by id or by name."""
        return list(self._channel(channel, member=False).messages.values())

    def channel_name(self, channel: str) -> str:
        """Return the channel's name; by id or by name."""
        return self._channel(channel, member=False).name

    def posts(self, channel: str) -> list[Message]:
        """Return the messages that stand in the channel itself."""
        return [one for one in self.messages(channel) if not one.thread_ts]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """Return the replies below one message."""
        return [one for one in self.messages(channel) if one.thread_ts == ts]

    def delete(self, channel: str, ts: str) -> None:
        """Delete one message, as a person would."""
        del self._channel(channel, member=False).messages[ts]

    def revoke_token(self) -> None:
        """Refuse the token from now on."""
        self._revoked = True

    def remove_bot(self, channel: str) -> None:
        """Take the bot out of a channel."""
        self._channel(channel, member=False).member = False

    # ---------------------------------------------------------------- HTTP

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        return await self._answer(request, method, lambda: self._carry_out(request, method))

    async def _carry_out(self, request: web.Request, method: str) -> web.Response:
        args = await arguments_of(request)
        refusal: Refusal | None = None
        body: Json = {}
        try:
            self._authorise(request, args)
            body = self._method(method, args)
        except Refusal as caught:
            refusal = caught
        kept = {key: value for key, value in args.items() if key != "token"}
        if refusal is None:
            self.calls.append(Call(self.clock(), method, kept, "ok"))
            return web.json_response({"ok": True, **body})
        self.calls.append(Call(self.clock(), method, kept, refusal.error, refusal.violation))
        told: Json = {"ok": False, "error": refusal.error}
        if refusal.detail:
            told["response_metadata"] = {"messages": [f"[ERROR] {refusal.detail}"]}
        if refusal.retry_after_s:
            headers = {"Retry-After": str(refusal.retry_after_s)}
            return web.json_response(told, status=429, headers=headers)
        return web.json_response(told)

    def _authorise(self, request: web.Request, args: Json) -> None:
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ") if header else str(args.get("token", ""))
        if not token:
            raise Refusal("not_authed")
        if token != self._token:
            raise Refusal("invalid_auth")
        if self._revoked:
            raise Refusal("token_revoked")

    def _method(self, method: str, args: Json) -> Json:
        match method:
            case "auth.test":
                return {
                    "team_id": "T0STORM",
                    "team": "storm",
                    "user_id": "U0BOT",
                    "url": self.origin,
                }
            case "chat.postMessage":
                return self._post(args)
            case "chat.update":
                return self._update(args)
            case "conversations.history":
                return self._history(args)
            case "conversations.replies":
                return self._replies(args)
            case "conversations.list":
                return self._list(args)
            case _:
                raise Refusal("unknown_method")

    # ---------------------------------------------------------------- methods

    def _post(self, args: Json) -> Json:
        channel = self._channel(str(args.get("channel", "")))
        self._pace(f"post {channel.id}", self._posts[channel.id], self._workspace)
        text, blocks, metadata = self._content(args)
        thread = str(args.get("thread_ts") or "")
        parent = channel.messages.get(thread)
        message = Message(
            ts=self._next_ts(),
            channel=channel.id,
            text=text[: rules.TEXT_CHARS],
            blocks=blocks,
            metadata=metadata,
            thread_ts=(parent.thread_ts or parent.ts) if parent else "",
            at=self.clock(),
        )
        channel.messages[message.ts] = message
        told = {
            "channel": channel.id,
            "ts": message.ts,
            "message": message.told(with_metadata=True),
        }
        if len(text) > rules.TEXT_CHARS:
            told["response_metadata"] = {"warnings": ["message_truncated"]}
        return told

    def _update(self, args: Json) -> Json:
        channel = self._channel(str(args.get("channel", "")), by_name=False)
        self._pace("chat.update", self._tiers["chat.update"])
        message = channel.messages.get(str(args.get("ts", "")))
        if message is None:
            raise Refusal("message_not_found")
        text, blocks, metadata = self._content(args)
        if len(text) > rules.UPDATE_TEXT_CHARS:
            raise Refusal("msg_too_long")
        message.text, message.blocks = text, blocks
        message.metadata = metadata or message.metadata
        message.edits += 1
        return {
            "channel": channel.id,
            "ts": message.ts,
            "text": text,
            "message": message.told(with_metadata=False),
        }

    def _history(self, args: Json) -> Json:
        channel = self._channel(str(args.get("channel", "")), by_name=False)
        self._pace("conversations.history", self._tiers["conversations.history"])
        top = [one for one in channel.messages.values() if not one.thread_ts]
        return page_of(list(reversed(top)), args)

    def _replies(self, args: Json) -> Json:
        channel = self._channel(str(args.get("channel", "")), by_name=False)
        self._pace("conversations.replies", self._tiers["conversations.replies"])
        ts = str(args.get("ts", ""))
        if ts not in channel.messages:
            raise Refusal("thread_not_found")
        found = [one for one in channel.messages.values() if ts in (one.ts, one.thread_ts)]
        return page_of(found, args)

    def _list(self, args: Json) -> Json:
        self._pace("conversations.list", self._tiers["conversations.list"])
        limit, cursor = limit_of(args, 100), int(args.get("cursor") or 0)
        all_of_them = list(self._channels.values())
        found = [
            {"id": one.id, "name": one.name, "is_member": one.member, "is_archived": one.archived}
            for one in all_of_them[cursor : cursor + limit]
        ]
        after = str(cursor + limit) if cursor + limit < len(all_of_them) else ""
        return {"channels": found, "response_metadata": {"next_cursor": after}}

    # ---------------------------------------------------------------- rules

    def _channel(self, name: str, *, member: bool = True, by_name: bool = True) -> Channel:
        found = self._channels.get(name)
        if found is None and by_name:
            bare = name.removeprefix("#")
            found = next((one for one in self._channels.values() if one.name == bare), None)
        if found is None:
            raise Refusal("channel_not_found")
        if found.archived:
            raise Refusal("is_archived")
        if member and not found.member:
            raise Refusal("not_in_channel")
        return found

    def _content(self, args: Json) -> tuple[str, list[Json], Json | None]:
        text, blocks = str(args.get("text") or ""), args.get("blocks")
        metadata = args.get("metadata")
        if not text and not blocks:
            raise Refusal("no_text")
        if blocks is not None:
            error, detail = rules.blocks_error(blocks)
            if error:
                raise Refusal(error, detail)
        if metadata is not None:
            error = rules.metadata_error(metadata)
            if error:
                raise Refusal(error)
            if not rules.metadata_kept(metadata):
                metadata = None
        return text, blocks or [], metadata

    def _pace(self, name: str, *limits: Refill | Window) -> None:
        now = self.clock()
        until = self._silent_until.get(name, 0.0)
        if now < until:
            raise self._limited(name, now, until - now, "inside_penalty")
        wait = max(limit.take(now) for limit in limits)
        if wait > 0.0:
            raise self._limited(name, now, wait, "")

    def _limited(self, name: str, now: float, wait_s: float, violation: str) -> Refusal:
        seconds = max(1, math.ceil(wait_s))
        self._silent_until[name] = max(self._silent_until.get(name, 0.0), now + wait_s)
        return Refusal("ratelimited", "", seconds, violation)

    def _next_ts(self) -> str:
        at = self.clock()
        now = (int(at), int(at % 1 * 1_000_000))
        if now <= self._last_ts:
            now = (self._last_ts[0], self._last_ts[1] + 1)
        self._last_ts = now
        return f"{now[0]}.{now[1]:06d}"
