"""A local Slack's methods about channels: history, threads, lists, what one channel is, joining.

Source: docs.slack.dev, the methods' own pages.
"""

from __future__ import annotations

from sinks.peers.serve import Json
from sinks.peers.slack_limits import Limits
from sinks.peers.slack_store import Channel, Refusal, Workspace
from sinks.peers.slack_wire import cut, flag, page_of


class Conversations:
    """The methods `conversations.*` over one workspace."""

    def __init__(self, workspace: Workspace, limits: Limits) -> None:
        self._workspace, self._limits = workspace, limits

    def history(self, args: Json) -> Json:
        """Answer `conversations.history`: newest first, replies only where they are shown too."""
        channel = self._readable(args, "history")
        self._limits.call("conversations.history")
        shown = (one for one in channel.messages.values() if not one.thread_ts or one.broadcast)
        found = self._workspace.old_enough(shown)
        return page_of(channel, list(reversed(found)), args)

    def replies(self, args: Json) -> Json:
        """Answer `conversations.replies`: the first message of the thread, then its replies."""
        channel = self._readable(args, "history")
        self._limits.call("conversations.replies")
        ts = str(args.get("ts") or "")
        if not ts:
            raise Refusal("invalid_arguments", ["missing required field: ts"])
        if ts not in channel.messages:
            raise Refusal("thread_not_found")
        root = channel.messages[ts].thread_ts or ts
        below = (one for one in channel.messages.values() if root in (one.ts, one.thread_ts))
        return page_of(channel, self._workspace.old_enough(below), args)

    def list(self, args: Json) -> Json:
        """Answer `conversations.list`: of the private ones only those that the bot is in."""
        kinds = str(args.get("types") or "public_channel").split(",")
        kinds = [one.strip() for one in kinds]
        for kind, scope in (("public_channel", "channels"), ("private_channel", "groups")):
            if kind in kinds:
                self._workspace.need(f"{scope}:read")
        self._limits.call("conversations.list")
        without_archived = flag(args, "exclude_archived")
        found = [
            one
            for one in self._workspace.channels.values()
            if ("private_channel" if one.private else "public_channel") in kinds
            and (one.member or not one.private)
            and not (one.archived and without_archived)
        ]
        page, told = cut(found, args)
        return {"channels": [one.about() for one in page], "response_metadata": told}

    def info(self, args: Json) -> Json:
        """Answer `conversations.info`."""
        channel = self._readable(args, "read", member=False)
        self._limits.call("conversations.info")
        return {"channel": channel.about()}

    def join(self, args: Json) -> Json:
        """Answer `conversations.join`: the bot enters a public channel."""
        self._workspace.need("channels:join")
        channel = self._workspace.channel(args, member=False)
        self._limits.call("conversations.join")
        if channel.archived:
            raise Refusal("is_archived")
        if channel.private:
            raise Refusal("method_not_supported_for_channel_type")
        warning = {"warning": "already_in_channel"} if channel.member else {}
        channel.member = True
        return {"channel": channel.about(), **warning}

    def _readable(self, args: Json, scope: str, *, member: bool = True) -> Channel:
        channel = self._workspace.channel(args, member=member)
        self._workspace.need(f"{'groups' if channel.private else 'channels'}:{scope}")
        return channel
