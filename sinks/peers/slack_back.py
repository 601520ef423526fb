"""What a local Slack holds of the way back to an app: modals, messages that one person sees, user
groups, people, and the addresses and triggers that go with what somebody did.

The methods `views.open`, `views.update`, `usergroups.users.list`, `users.info`,
`chat.postEphemeral`. Who presses and says something is `slack_people`.

Source: docs.slack.dev: the methods' own pages, modals, handling user interaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sinks.peers.serve import Json
from sinks.peers.slack_blocks import blocks_problems
from sinks.peers.slack_limits import Limits
from sinks.peers.slack_store import Refusal, Workspace

TRIGGER_S: Final = 3.0
"""How long a trigger opens a modal."""
RESPONSE_S: Final = 1_800.0
RESPONSES: Final = 5
"""How often a response address is taken, in that time."""
VIEW_TITLE_CHARS: Final = 24
METADATA_CHARS: Final = 3_000
_VIEW_KEYS: Final = frozenset(
    {"type", "title", "submit", "close", "blocks", "private_metadata", "callback_id"}
    | {"clear_on_close", "notify_on_close", "external_id"}
)


@dataclass
class View:
    """A modal that a person sees."""

    id: str
    user: str
    content: Json
    hash: str
    open: bool = True


@dataclass(frozen=True)
class Ephemeral:
    """A message that only one person sees."""

    channel: str
    user: str
    text: str
    thread_ts: str = ""
    blocks: list[Json] = field(default_factory=list)


@dataclass
class _Address:
    """An address at which an answer is taken."""

    channel: str
    user: str
    thread_ts: str
    at: float
    uses: int = 0


class Back:
    """The way back over one workspace."""

    def __init__(self, workspace: Workspace, limits: Limits) -> None:
        self._workspace, self._limits = workspace, limits
        self.views: dict[str, View] = {}
        self.ephemerals: list[Ephemeral] = []
        self.groups: dict[str, list[str]] = {}
        """People by user group."""
        self.names = workspace.people
        self.away: set[tuple[str, str]] = set()
        """(person, channel) of who is not in a channel."""
        self.organisation = ""
        """Of which the workspace is one of several."""
        self.organisations: dict[str, str] = {}
        """Of people by id."""
        self._triggers: dict[str, tuple[float, str]] = {}
        self._addresses: dict[str, _Address] = {}
        self._count = 0
        self.methods = {
            "views.open": self._open,
            "views.update": self._update,
            "usergroups.users.list": self._members,
            "users.info": self._info,
            "chat.postEphemeral": self._ephemeral,
        }

    # ---------------------------------------------------------------- what goes with an act

    def next_id(self, prefix: str) -> str:
        """Return an id that was not given before."""
        self._count += 1
        return f"{prefix}{self._count:04d}"

    def trigger(self, user: str) -> str:
        """Return a trigger, with which one modal can be opened soon."""
        made = self.next_id("trigger.")
        self._triggers[made] = (self._workspace.clock(), user)
        return made

    def address(self, channel: str, user: str, thread_ts: str = "") -> str:
        """Return the name of an address that takes answers for one person in one channel."""
        made = self.next_id("r")
        self._addresses[made] = _Address(channel, user, thread_ts, self._workspace.clock())
        return made

    def respond(self, name: str, args: Json) -> str:
        """Take an answer at an address; return the word of the refusal, empty where it is taken."""
        found = self._addresses.get(name)
        if found is None:
            return "invalid_url"
        if found.uses >= RESPONSES or self._workspace.clock() - found.at > RESPONSE_S:
            return "expired_url"
        found.uses += 1
        if args.get("response_type", "ephemeral") != "ephemeral" or args.get("replace_original"):
            return "unsupported_here"
        if not str(args.get("text") or "") and not args.get("blocks"):
            return "no_text"
        self._show(found.channel, found.user, args, found.thread_ts)
        return ""

    # ---------------------------------------------------------------- methods

    def _open(self, args: Json) -> Json:
        self._limits.call("views.open")
        at, user = self._triggers.get(str(args.get("trigger_id") or ""), (0.0, ""))
        if not user:
            raise Refusal("invalid_trigger_id")
        del self._triggers[str(args["trigger_id"])]
        if self._workspace.clock() - at > TRIGGER_S:
            raise Refusal("expired_trigger_id")
        content = checked_view(args.get("view"))
        view = View(self.next_id("V"), user, content, self.next_id("h"))
        self.views[view.id] = view
        return {"view": {**content, "id": view.id, "hash": view.hash}}

    def _update(self, args: Json) -> Json:
        self._limits.call("views.update")
        view = self.views.get(str(args.get("view_id") or ""))
        if view is None or not view.open:
            raise Refusal("not_found")
        if args.get("hash") and args["hash"] != view.hash:
            raise Refusal("hash_conflict")
        view.content, view.hash = checked_view(args.get("view")), self.next_id("h")
        return {"view": {**view.content, "id": view.id, "hash": view.hash}}

    def _members(self, args: Json) -> Json:
        self._workspace.need("usergroups:read")
        self._limits.call("usergroups.users.list")
        group = str(args.get("usergroup") or "")
        if group not in self.groups:
            raise Refusal("no_such_subteam")
        return {"users": list(self.groups[group])}

    def _info(self, args: Json) -> Json:
        self._workspace.need("users:read")
        self._limits.call("users.info")
        user = str(args.get("user") or "")
        if user not in self.names:
            raise Refusal("user_not_found")
        name = self.names[user]
        told: Json = {"id": user, "name": name, "profile": {"display_name": name}}
        if user in self.organisations:
            told["enterprise_user"] = {"id": user, "enterprise_id": self.organisations[user]}
        return {"user": told}

    def _ephemeral(self, args: Json) -> Json:
        self._workspace.need("chat:write")
        channel = self._workspace.channel(args)
        self._limits.call("chat.postEphemeral")
        if not args.get("user") or (args["user"], channel.id) in self.away:
            raise Refusal("user_not_in_channel")
        self._show(channel.id, str(args["user"]), args, str(args.get("thread_ts") or ""))
        return {"message_ts": self._workspace.next_ts()}

    def _show(self, channel: str, user: str, args: Json, thread_ts: str) -> None:
        blocks = args.get("blocks") or []
        word, lines = blocks_problems(blocks)
        if word:
            raise Refusal(word, lines)
        self.ephemerals.append(
            Ephemeral(channel, user, str(args.get("text") or ""), thread_ts, blocks)
        )


def checked_view(view: Any) -> Json:
    """Return a modal as it was sent.

    Raises:
        Refusal: Slack does not take it; the lines say why.
    """
    if not isinstance(view, dict):
        raise Refusal("invalid_arguments", ["missing required field: view"])
    problems = [f"no more than one of its kind: {one}" for one in view.keys() - _VIEW_KEYS]
    if view.get("type") != "modal":
        problems.append("unsupported type [json-pointer:/view/type]")
    for name in ("title", "submit", "close"):
        text = view.get(name)
        if text is None and name == "title":
            problems.append("missing required field: title [json-pointer:/view]")
        elif text is not None and not _short(text):
            problems.append(f"must be less than 25 characters [json-pointer:/view/{name}/text]")
    if len(str(view.get("private_metadata") or "")) > METADATA_CHARS:
        problems.append("must be less than 3001 characters [json-pointer:/view/private_metadata]")
    blocks = view.get("blocks")
    word, lines = blocks_problems(blocks, at="/view/blocks")
    asks = isinstance(blocks, list) and any(one.get("type") == "input" for one in blocks)
    if asks and "submit" not in view:
        problems.append("submit is required when an input block is within blocks array")
    if word or problems:
        raise Refusal("invalid_arguments", [*problems, *lines])
    return view


def _short(text: Any) -> bool:
    return (
        isinstance(text, dict)
        and text.get("type") == "plain_text"
        and 0 < len(str(text.get("text") or "")) <= VIEW_TITLE_CHARS
    )
