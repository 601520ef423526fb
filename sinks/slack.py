"""Slack by bot token: a post, replies in its thread, and the post edited to the current state.

Every message carries metadata (id, revision, step) by which it is found again in the channel's
history after a call whose outcome nobody knows. The client retries nothing by itself: its own retry
posts twice when a connection is cut. The token is in the client's header only.

Source: docs.slack.dev, chat.postMessage, chat.update, conversations.history, rate limits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import msgspec
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from correlators.channel_links import is_channel
from sinks.base import (
    Attempt,
    Delivered,
    Found,
    Limit,
    NotFound,
    Outcome,
    Plan,
    Receipt,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.broadcast import Heard, called, heard
from sinks.carried import first_told
from sinks.formed import CHANNEL, SLACKS, Formed
from sinks.forms import Forms
from sinks.mrkdwn import mention
from sinks.notes import Notes
from sinks.render import Rendered, slack_message, slack_update
from sinks.slack_buttons import bar
from sinks.slack_client import TIMEOUT_MS, SlackClient
from sinks.slack_find import SlackFinder, metadata_of


class SlackSink:
    """Posts, replies and edits in the channels of one workspace: those that the configuration
    names, and any other by its id, as `slack:C0123456789`.

    Args:
        token: a bot token with chat:write, channels:history and channels:read; for private channels
            also groups:history and groups:read.
        channels: id (best) or #name by the name in the configuration.
        mentions: user group (S...) or user (U..., W...) by team, called by what is loud.
        buttons: put them below each message; somebody takes what is pressed.
        forms: what messages say, by the rule that decided.
        base_url: ends with `/api/`.
        post_every_ms: between two messages in one channel; Slack allows about one a second.
        posts_every_ms: between two messages in the workspace, after a burst of ten.
        edit_every_ms: between two edits in the workspace, after a burst of five; Slack allows 50 a
            minute, and as many looks into the history.
        timeout_ms: of one call, shorter than an attempt may last.
    """

    name = "slack"

    def __init__(
        self,
        *,
        token: str,
        channels: Mapping[str, str],
        mentions: Mapping[str, str] | None = None,
        buttons: bool = False,
        forms: Forms | None = None,
        base_url: str = "https://slack.com/api/",
        post_every_ms: int = 1_050,
        posts_every_ms: int = 250,
        edit_every_ms: int = 1_500,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._channels = {f"{self.name}:{name}": to for name, to in channels.items()}
        self._mentions = dict(mentions or {})
        self._buttons = buttons
        self.notes = Notes()
        """What was cut and refused."""
        self._forms = Formed(forms, self.notes, SLACKS, everybody=CHANNEL)
        self._client = SlackClient(
            token=token, base_url=base_url, timeout_ms=timeout_ms, notes=self.notes
        )
        self._finder = SlackFinder(self._client, self.notes)
        channel = Limit(name="post", scope=Scope.DESTINATION, every_ms=post_every_ms)
        posts = Limit(
            name="post", scope=Scope.METHOD, every_ms=posts_every_ms, burst=10, in_flight=32
        )
        # Several may run, so that one that hangs keeps no other channel waiting.
        edits = Limit(name="edit", scope=Scope.METHOD, every_ms=edit_every_ms, burst=5, in_flight=5)
        finds = Limit(name="find", scope=Scope.METHOD, every_ms=edit_every_ms, burst=5, in_flight=5)
        said = (channel, posts)
        self._plan = Plan(
            steps={Step.POST: said, Step.REPLY: said, Step.EDIT: (edits,)},
            find=(finds,),
            repeatable=frozenset({Step.EDIT}),
        )

    def __repr__(self) -> str:
        return f"SlackSink({', '.join(self._channels)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per channel."""
        return tuple(self._channels)

    def opens(self, destination: str) -> bool:
        """Return whether it is a channel by its id, or one that the configuration names."""
        return destination in self._channels or is_channel(destination)

    def account(self, destination: str) -> str:
        """Return the sink's name: there is one workspace."""
        return self.name

    def plan(self, destination: str) -> Plan:
        """Return post, reply and edit with Slack's limits."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        configured = self._channel(attempt.destination)
        message = await self._message(attempt)
        self.notes.cut(attempt.destination, message.cuts)
        made = self._make(attempt, message, self._finder.place(configured))
        response = await self._client.call(
            attempt.step, made, to=attempt.destination, channel=self._called(attempt.destination)
        )
        if not isinstance(response, AsyncSlackResponse):
            return response
        channel, ts = response.get("channel"), response.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            return Unknown(UnknownReason.UNREADABLE)
        self._finder.learn(configured, channel)
        sent: dict[str, Any] = response.get("message") or {}
        # A reply whose parent was deleted is posted to the channel itself, without any error.
        top = attempt.step is Step.REPLY and not sent.get("thread_ts")
        return Delivered(Receipt(place=channel, id=ts, top=top))

    async def find(self, attempt: Attempt) -> Found:
        """Return the message of this attempt if it stands in the channel or below its post."""
        if attempt.step is Step.EDIT:
            return NotFound()
        return await self._finder.find(attempt, self._channel(attempt.destination))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._forms.close()

    def _channel(self, destination: str) -> str:
        """Return the channel as the configuration has it, else the id that the name is."""
        return self._channels.get(destination) or destination.partition(":")[2]

    def _called(self, destination: str) -> str:
        """Return what a refusal calls the channel."""
        return self._channel(destination)

    async def _message(self, attempt: Attempt) -> Rendered:
        """Return the message of an attempt, with what can be pressed below it.

        In a thread it has buttons only where the channel shows it too.
        """
        message = await self._rendered(attempt)
        small = attempt.step is Step.REPLY and not _loud(attempt)
        pressed = bar(attempt.digest) if self._buttons and not small else []
        if not pressed:
            return message
        *blocks, ends = message.blocks
        return msgspec.structs.replace(message, blocks=[*blocks, *pressed, ends])

    async def _rendered(self, attempt: Attempt) -> Rendered:
        """Return the message of an attempt: in a thread the news, else the whole state."""
        digest, repeat = attempt.digest, attempt.possible_repeat
        if attempt.step is Step.EDIT:
            # It shows how things stand; what happened is the replies' part.
            digest = msgspec.structs.replace(digest, untold=(), notes=(), more_notes=0)
            form = await self._forms.said(digest, None, possible_repeat=repeat)
            return slack_message(digest, possible_repeat=repeat, form=form)
        mentioned = called(digest, self._mentions)
        if attempt.root is None or attempt.of_rollup:
            told = first_told(digest)
            form = await self._forms.said(
                told, [mention(one) for one in mentioned], possible_repeat=repeat
            )
            return slack_message(told, possible_repeat=repeat, called=mentioned, form=form)
        return slack_update(digest, possible_repeat=repeat, loud=_loud(attempt), called=mentioned)

    def _make(
        self, attempt: Attempt, message: Rendered, place: str
    ) -> Awaitable[AsyncSlackResponse]:
        """Return the call that an attempt means."""
        web, root = self._client.web, attempt.root
        if attempt.step is Step.EDIT:
            assert root is not None, "an edit without a message"
            return web.chat_update(
                channel=root.place, ts=root.id, text=message.text, blocks=message.blocks
            )
        return web.chat_postMessage(
            channel=root.place if root else place,
            thread_ts=root.id if root else None,
            reply_broadcast=True if _loud(attempt) else None,
            text=message.text,
            blocks=message.blocks,
            metadata=metadata_of(attempt),
            unfurl_links=False,
            unfurl_media=False,
        )


def _loud(attempt: Attempt) -> bool:
    """Return True for a reply, or a notice below a message, that the channel shows too."""
    return attempt.root is not None and heard(attempt.digest) is Heard.CHANNEL
