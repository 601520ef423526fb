"""What a test reads off a local Slack and switches in it: channels, membership, token, scopes."""

from __future__ import annotations

from sinks.peers.slack_store import Channel, Message, Workspace
from sinks.peers.slack_webhooks import Webhooks


class States:
    """The workspace as a person sees and changes it; channels by id or by name."""

    workspace: Workspace
    _webhooks: Webhooks
    _token_error: str

    # ---------------------------------------------------------------- what stands there

    def messages(self, channel: str) -> list[Message]:
        """Return the channel's messages and replies, oldest first."""
        return list(self._find(channel).messages.values())

    def posts(self, channel: str) -> list[Message]:
        """Return the messages that stand in the channel itself, no replies."""
        return [one for one in self.messages(channel) if not one.thread_ts]

    def shown(self, channel: str) -> list[Message]:
        """Return what the channel shows: its messages, and the replies that are shown there too."""
        return [one for one in self.messages(channel) if not one.thread_ts or one.broadcast]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """Return the replies below one message."""
        return self._find(channel).replies(ts)

    def channel_name(self, channel: str) -> str:
        """Return the channel's name."""
        return self._find(channel).name

    # ---------------------------------------------------------------- messages

    def say(self, channel: str, text: str, *, user: str = "U0PERSON", thread_ts: str = "") -> str:
        """Write a message as a person would, and return its `ts`."""
        found = self._find(channel)
        one = Message(
            ts=self.workspace.next_ts(),
            channel=found.id,
            text=text,
            blocks=[],
            metadata=None,
            thread_ts=thread_ts,
            at=self.workspace.clock(),
            user=user,
        )
        found.messages[one.ts] = one
        return one.ts

    def delete(self, channel: str, ts: str) -> None:
        """Delete one message, as a person would; what hangs below it stays."""
        del self._find(channel).messages[ts]

    def lag_history(self, seconds: float) -> None:
        """Have history and threads show a message only so long after it was written."""
        self.workspace.history_lag_s = seconds

    def close_edits(self, after_s: float) -> None:
        """Allow edits of messages up to this age only."""
        self.workspace.edit_window_s = after_s

    # ---------------------------------------------------------------- channels

    def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel, or take it back."""
        self._find(channel).archived = archived

    def rename(self, channel: str, name: str) -> None:
        """Give a channel another name; its id stays."""
        self._find(channel).name = name

    def delete_channel(self, channel: str) -> None:
        """Delete a channel with all that stands in it."""
        del self.workspace.channels[self._find(channel).id]

    def remove_bot(self, channel: str) -> None:
        """Take the bot out of a channel."""
        self._find(channel).member = False

    def invite_bot(self, channel: str) -> None:
        """Bring the bot into a channel."""
        self._find(channel).member = True

    def restrict(self, channel: str, word: str = "restricted_action") -> None:
        """Refuse messages in a channel with this word; the empty word allows them again.

        Words about threads, such as `restricted_action_thread_only_channel`, refuse what they name.
        """
        self._find(channel).refuses = word

    # ---------------------------------------------------------------- the app

    def revoke_token(self) -> None:
        """Refuse the token from now on."""
        self._token_error = "token_revoked"

    def deactivate(self) -> None:
        """Refuse the token because its account is no longer active."""
        self._token_error = "account_inactive"

    def restore_token(self) -> None:
        """Let the token in again."""
        self._token_error = ""

    def take_scope(self, scope: str) -> None:
        """Take a scope away from the token."""
        self.workspace.scopes.discard(scope)

    def give_scope(self, scope: str) -> None:
        """Give the token a scope."""
        self.workspace.scopes.add(scope)

    def close_webhook(self, channel: str, word: str = "no_service") -> None:
        """Have the webhook of a channel refuse everything; `action_prohibited` if an admin did."""
        self._webhooks.closed[self._find(channel).id] = word

    def _find(self, channel: str) -> Channel:
        found = self.workspace.find(channel)
        assert found is not None, f"no channel {channel}"
        return found
