"""What a local Slack holds: channels, messages, threads, and what the workspace allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sinks.peers.serve import Clock, Json

BOT: Final = "U0BOT"
SCOPES: Final = frozenset(
    {
        "chat:write",
        "channels:read",
        "channels:history",
        "channels:join",
        "groups:read",
        "groups:history",
        "reactions:write",
        "incoming-webhook",
        "commands",
        "app_mentions:read",
        "usergroups:read",
        "users:read",
    }
)
"""What the bot may do, unless a test takes something away."""


@dataclass
class Refusal(Exception):
    """A method's answer `ok: false`."""

    error: str
    lines: list[str] = field(default_factory=list)
    """What Slack says about it, each with a pointer to the place."""
    retry_after_s: int = 0
    violation: str = ""
    more: Json = field(default_factory=dict)
    """What else stands in the answer."""


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
    broadcast: bool = False
    """A reply that is also shown in the channel."""
    user: str = BOT
    """Who wrote it."""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    attachments: list[Json] = field(default_factory=list)


@dataclass
class Channel:
    """A channel and its messages by `ts`, oldest first."""

    id: str
    name: str
    member: bool = True
    archived: bool = False
    private: bool = False
    refuses: str = ""
    """The word with which messages are refused here, such as `restricted_action`."""
    messages: dict[str, Message] = field(default_factory=dict)

    def replies(self, ts: str) -> list[Message]:
        """Return the replies below one message, oldest first."""
        return [one for one in self.messages.values() if one.thread_ts == ts]

    def told(self, message: Message, *, with_metadata: bool) -> Json:
        """Return the message as Slack's answers tell it, with what hangs below it."""
        found: Json = {
            "type": "message",
            "ts": message.ts,
            "user": message.user,
            "text": message.text,
        }
        if message.user == BOT:
            found |= {"bot_id": "B0STORM", "app_id": "A0STORM", "team": "T0STORM"}
        if message.blocks:
            found["blocks"] = message.blocks
        if message.attachments:
            found["attachments"] = message.attachments
        if message.edits:
            found["edited"] = {"user": message.user, "ts": message.ts}
        if message.reactions:
            found["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in message.reactions.items()
            ]
        if message.thread_ts:
            found |= {"thread_ts": message.thread_ts, "parent_user_id": BOT}
        if message.broadcast:
            found["subtype"] = "thread_broadcast"
        below = [] if message.thread_ts else self.replies(message.ts)
        if below:
            users = list(dict.fromkeys(one.user for one in below))
            found |= {
                "thread_ts": message.ts,
                "reply_count": len(below),
                "reply_users": users,
                "reply_users_count": len(users),
                "latest_reply": below[-1].ts,
            }
        if with_metadata and message.metadata is not None:
            found["metadata"] = message.metadata
        return found

    def about(self) -> Json:
        """Return the channel as Slack's answers tell it."""
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.private,
            "is_group": self.private,
            "is_private": self.private,
            "is_archived": self.archived,
            "is_member": self.member,
        }


class Workspace:
    """Every channel of one workspace, and what the bot may do there.

    Args:
        channels: names by channel id.
        private: ids of those that are private.
        clock: seconds since the epoch; `ts` follows it.
    """

    def __init__(
        self, channels: Mapping[str, str], *, private: frozenset[str], clock: Clock
    ) -> None:
        self.clock = clock
        self.channels = {
            id: Channel(id, name, private=id in private) for id, name in channels.items()
        }
        self.scopes = set(SCOPES)
        self.people: dict[str, str] = {}
        """What people are called, by id; who is not there is unknown."""
        self.edit_window_s: float | None = None
        """How old a message may be that is edited; None: any age."""
        self.history_lag_s = 0.0
        """How long a message stands before history and thread show it."""
        self._last_ts = (0, 0)

    def find(self, name: str) -> Channel | None:
        """Return the channel by id, name or #name; for the id of a person, the one with them."""
        if name in self.people:
            id = "D" + name[1:]
            return self.channels.setdefault(id, Channel(id, name, private=True))
        bare = name.removeprefix("#")
        by_name = (one for one in self.channels.values() if one.name == bare)
        return self.channels.get(name) or next(by_name, None)

    def channel(self, args: Json, *, by_name: bool = False, member: bool = True) -> Channel:
        """Return the channel that the arguments name.

        Raises:
            Refusal: there is none, or the bot is not in it.
        """
        name = str(args.get("channel") or "")
        if not name:
            raise Refusal("invalid_arguments", ["missing required field: channel"])
        found = self.find(name) if by_name else self.channels.get(name)
        if found is None or (found.private and not found.member):
            raise Refusal("channel_not_found")
        if member and not found.member:
            raise Refusal("not_in_channel")
        return found

    def need(self, scope: str) -> None:
        """Check that the token has this scope.

        Raises:
            Refusal: `missing_scope`, with what is needed and what is there.
        """
        if scope and scope not in self.scopes:
            told = {"needed": scope, "provided": ",".join(sorted(self.scopes))}
            raise Refusal("missing_scope", more=told)

    def old_enough(self, messages: Iterator[Message]) -> list[Message]:
        """Return those that history and threads show already."""
        until = self.clock() - self.history_lag_s
        return [one for one in messages if not self.history_lag_s or one.at <= until]

    def next_ts(self) -> str:
        """Return the time of a message, later than every one before."""
        at = self.clock()
        now = (int(at), int(at % 1 * 1_000_000))
        if now <= self._last_ts:
            now = (self._last_ts[0], self._last_ts[1] + 1)
        self._last_ts = now
        return f"{now[0]}.{now[1]:06d}"
