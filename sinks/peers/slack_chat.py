"""A local Slack's methods that change something: messages, edits, deletions, reactions.

Source: docs.slack.dev, the methods' own pages; a reply whose parent is gone becomes a message of
its own without an error: slack-go/slack issue 1571.
"""

from __future__ import annotations

from typing import Final

from sinks.peers import slack_rules as rules
from sinks.peers.serve import Json
from sinks.peers.slack_blocks import BLOCK_TEXT_CHARS
from sinks.peers.slack_limits import Limits
from sinks.peers.slack_store import BOT, Channel, Message, Refusal, Workspace
from sinks.peers.slack_wire import flag

REFUSED_ONLY: Final = {
    "restricted_action_thread_only_channel": False,
    "restricted_action_non_threadable_channel": True,
    "restricted_action_thread_locked": True,
}
"""Words that refuse replies only (True) or messages in the channel itself only (False)."""


class Chat:
    """The methods `chat.*` and `reactions.add` over one workspace."""

    def __init__(self, workspace: Workspace, limits: Limits) -> None:
        self._workspace, self._limits = workspace, limits
        self.block_text_chars = BLOCK_TEXT_CHARS
        """All text that the blocks of one message may hold."""

    def post(self, args: Json) -> Json:
        """Answer `chat.postMessage`."""
        self._workspace.need("chat:write")
        channel = self._workspace.channel(args, by_name=True)
        thread = str(args.get("thread_ts") or "")
        parent = channel.messages.get(thread)
        self._open(channel, reply=parent is not None)
        self._limits.message("post", channel.id)
        made = self.write(channel, args, parent=parent)
        first = made[0]
        told = {
            "channel": channel.id,
            "ts": first.ts,
            "message": channel.told(first, with_metadata=True),
        }
        if len(str(args.get("text") or "")) > rules.TEXT_CHARS:
            told["response_metadata"] = {"warnings": ["message_truncated"]}
        return told

    def write(
        self, channel: Channel, args: Json, *, parent: Message | None = None
    ) -> list[Message]:
        """Return the messages that this content becomes; they stand in the channel.

        Raises:
            Refusal: what is wrong with the content.
        """
        text, blocks, attachments, metadata = self._content(args)
        parts = [text[: rules.TEXT_CHARS]]
        if not blocks and not attachments:
            parts = rules.parts_of(text)
        made = []
        for part in parts:
            one = Message(
                ts=self._workspace.next_ts(),
                channel=channel.id,
                text=part,
                blocks=blocks,
                metadata=metadata,
                thread_ts=(parent.thread_ts or parent.ts) if parent else "",
                at=self._workspace.clock(),
                broadcast=parent is not None and flag(args, "reply_broadcast"),
                attachments=attachments,
            )
            channel.messages[one.ts] = one
            made.append(one)
        return made

    def update(self, args: Json) -> Json:
        """Answer `chat.update`; blocks stay only where neither blocks nor text are given."""
        self._workspace.need("chat:write")
        channel = self._workspace.channel(args)
        self._limits.call("chat.update")
        message = self._message(channel, args, "cant_update_message")
        if channel.archived:
            raise Refusal("is_inactive")
        window_s = self._workspace.edit_window_s
        if window_s is not None and self._workspace.clock() - message.at > window_s:
            raise Refusal("edit_window_closed")
        text, blocks, attachments, metadata = self._content(args)
        if len(text) > rules.UPDATE_TEXT_CHARS:
            raise Refusal("msg_too_long")
        message.blocks = blocks if blocks or text else message.blocks
        message.text = text or message.text
        message.attachments = attachments if "attachments" in args else message.attachments
        message.metadata = metadata or message.metadata
        message.edits += 1
        return {
            "channel": channel.id,
            "ts": message.ts,
            "text": message.text,
            "message": channel.told(message, with_metadata=False),
        }

    def delete(self, args: Json) -> Json:
        """Answer `chat.delete`; what hangs below the message stays."""
        self._workspace.need("chat:write")
        channel = self._workspace.channel(args)
        self._limits.call("chat.delete")
        message = self._message(channel, args, "cant_delete_message")
        del channel.messages[message.ts]
        return {"channel": channel.id, "ts": message.ts}

    def permalink(self, args: Json) -> Json:
        """Answer `chat.getPermalink`."""
        channel = self._workspace.channel(args)
        self._limits.call("chat.getPermalink")
        message = channel.messages.get(str(args.get("message_ts") or ""))
        if message is None:
            raise Refusal("message_not_found")
        link = f"https://storm.slack.test/archives/{channel.id}/p{message.ts.replace('.', '')}"
        if message.thread_ts:
            link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    def react(self, args: Json) -> Json:
        """Answer `reactions.add`."""
        self._workspace.need("reactions:write")
        channel = self._workspace.channel(args)
        self._limits.call("reactions.add")
        name = str(args.get("name") or "").strip(":")
        if not name:
            raise Refusal("no_reaction")
        message = channel.messages.get(str(args.get("timestamp") or ""))
        if message is None:
            raise Refusal("message_not_found")
        users = message.reactions.setdefault(name, [])
        if BOT in users:
            raise Refusal("already_reacted")
        users.append(BOT)
        return {}

    @staticmethod
    def _message(channel: Channel, args: Json, not_ours: str) -> Message:
        ts = str(args.get("ts") or "")
        if not ts:
            raise Refusal("invalid_arguments", ["missing required field: ts"])
        message = channel.messages.get(ts)
        if message is None:
            raise Refusal("message_not_found")
        if message.user != BOT:
            raise Refusal(not_ours)
        return message

    @staticmethod
    def _open(channel: Channel, *, reply: bool) -> None:
        if channel.archived:
            raise Refusal("is_archived")
        word = channel.refuses
        if word and reply is not REFUSED_ONLY.get(word, reply):
            return
        if word:
            raise Refusal(word)

    def _content(self, args: Json) -> tuple[str, list[Json], list[Json], Json | None]:
        text, blocks = str(args.get("text") or ""), args.get("blocks")
        attachments, metadata = args.get("attachments"), args.get("metadata")
        error, lines = rules.content_error(
            text, blocks, attachments, most_chars=self.block_text_chars
        )
        if error:
            raise Refusal(error, lines)
        if metadata is not None:
            error = rules.metadata_error(metadata)
            if error:
                raise Refusal(error)
            if not rules.metadata_kept(metadata):
                metadata = None
        return text, blocks or [], attachments or [], metadata
