"""The calls that an answer in Slack needs: who is in a group, what somebody is called and whether
they belong here, modals, messages that one person sees, and what a thread is about.

Each gives a value, and None or False where Slack did not answer in time: nothing here raises, and
no text of Slack's goes further. What was read is kept for a while, and bounded.

Source: docs.slack.dev: auth.test, usergroups.users.list, users.info, conversations.info,
views.open, chat.postEphemeral, conversations.replies, channels between organisations; a response
address takes five answers in 30 minutes.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from correlators.acts import NAME_CHARS
from sinks.base import Step
from sinks.slack_buttons import BAR, About, about
from sinks.slack_client import SlackClient
from sinks.words import clean
from streams.slack_inbound import text_in

TIMEOUT_MS: Final = 1_500
"""Of one call: Slack waits three seconds for an answer."""
MEMBERS_FOR_MS: Final = 60_000
"""How long the members of a group are taken as read."""
MEMBERS_AT_MOST_MS: Final = 3_600_000
"""How long they are used when Slack does not tell them anew."""
MEMBERS_AGAIN_MS: Final = 5_000
"""After so long it is asked again where it did not tell them."""
NAMES_KEPT: Final = 2_000
HOOKS: Final = "https://hooks.slack.com"

_ID: Final = re.compile(r"(?:inc|storm)-[0-9a-f]{16}")


class Channel(NamedTuple):
    """A channel as far as Slack tells it."""

    name: str
    inside: bool
    """The bot is in it, or Slack does not say that it is not."""


class Office:
    """One bot's calls.

    Args:
        token: the bot's.
        base_url: ends with `/api/`.
        now_ms: the time.
    """

    def __init__(
        self, *, token: str, base_url: str, now_ms: Callable[[], int], timeout_ms: int = TIMEOUT_MS
    ) -> None:
        self._client = SlackClient(token=token, base_url=base_url, timeout_ms=timeout_ms)
        self._as = (token, base_url)
        self._old: list[SlackClient] = []
        """Whose calls may still be under way."""
        self._timeout_s = timeout_ms / 1000
        self._origin = _origin(base_url)
        self._now_ms = now_ms
        self._members: dict[str, tuple[int, frozenset[str]]] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._not_before_ms: dict[str, int] = {}
        """When a group of which Slack did not say who is in it is asked for again."""
        self._people: OrderedDict[str, tuple[str, str]] = OrderedDict()
        """What people are called, and the organisation that they are of."""
        self._home: tuple[str, str, str] | None = None
        """The workspace of the bot, its organisation, and its id, once Slack said it."""
        self._session: aiohttp.ClientSession | None = None

    def renew(self, token: str, base_url: str) -> None:
        """Call with another token from the next call on."""
        if (token, base_url) == self._as:
            return
        self._as = (token, base_url)
        self._home = None
        self._not_before_ms.clear()
        self._origin = _origin(base_url)
        self._old.append(self._client)
        self._client = SlackClient(
            token=token, base_url=base_url, timeout_ms=int(self._timeout_s * 1000)
        )

    async def close(self) -> None:
        """Close the connections."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
        for one in (*self._old, self._client):
            await one.close()
        if self._session is not None:
            await self._session.close()

    async def members(self, group: str) -> frozenset[str] | None:
        """Return who is in a user group, None where Slack does not say.

        It is asked once for all who press meanwhile: it takes few of these calls in a minute.
        """
        now_ms = self._now_ms()
        read_ms, known = self._members.get(group, (0, None))
        if known is not None and now_ms - read_ms < MEMBERS_FOR_MS:
            return known
        if now_ms >= self._not_before_ms.get(group, 0):
            if group not in self._reading:
                self._reading[group] = asyncio.create_task(self._read_members(group, now_ms))
                self._reading[group].add_done_callback(lambda _: self._reading.pop(group))
            await asyncio.shield(self._reading[group])
            read_ms, known = self._members.get(group, (0, None))
        return known if now_ms - read_ms < MEMBERS_AT_MOST_MS else None

    async def _read_members(self, group: str, now_ms: int) -> None:
        answer = await self._call(self._client.web.usergroups_users_list(usergroup=group))
        users = answer.get("users") if answer is not None else None
        if isinstance(users, list):
            self._members[group] = (now_ms, frozenset(map(str, users)))
        else:
            self._not_before_ms[group] = now_ms + MEMBERS_AGAIN_MS

    async def name(self, user: str) -> str:
        """Return what somebody is called; the id where Slack does not say."""
        person = await self._person(user)
        return person[0] if person is not None else user

    async def colleague(self, user: str, team: str) -> bool | None:
        """Return whether somebody belongs to the workspace of the bot, or to its organisation; None
        where Slack does not say. In a channel that is shared with others, they may press too.

        Args:
            user: id.
            team: whose they are, as Slack says with what they did; empty where it does not.
        """
        if not team:
            return True
        home = await self._at_home()
        if home is None:
            return None
        if team in home[:2]:
            return True
        if not home[1]:
            return False
        person = await self._person(user)
        return person[1] == home[1] if person is not None else None

    async def _at_home(self) -> tuple[str, str, str] | None:
        if self._home is None:
            answer = await self._call(self._client.web.auth_test())
            if answer is None or not answer.get("team_id"):
                return None
            team, of, bot = map(answer.get, ("team_id", "enterprise_id", "bot_id"))
            self._home = (str(team), str(of or ""), str(bot or ""))
        return self._home

    async def _person(self, user: str) -> tuple[str, str] | None:
        if user in self._people:
            self._people.move_to_end(user)
            return self._people[user]
        answer = await self._call(self._client.web.users_info(user=user))
        found = answer.get("user") if answer is not None else None
        if not isinstance(found, dict):
            return None
        profile, of = found.get("profile"), found.get("enterprise_user")
        shown = profile.get("display_name") if isinstance(profile, dict) else ""
        # As with a button, which says this one: the others may be anybody's too.
        name = clean(found.get("name") or shown or user)[:NAME_CHARS]
        organisation = str(of.get("enterprise_id") or "") if isinstance(of, dict) else ""
        self._people[user] = (name, organisation)
        if len(self._people) > NAMES_KEPT:
            self._people.popitem(last=False)
        return self._people[user]

    async def channel(self, id: str) -> Channel | None:
        """Return what a channel is, None where Slack does not say."""
        answer = await self._call(self._client.web.conversations_info(channel=id))
        found = answer.get("channel") if answer is not None else None
        if not isinstance(found, dict):
            return None
        return Channel(str(found.get("name") or ""), found.get("is_member") is not False)

    async def open_view(self, trigger: str, view: Mapping[str, Any]) -> str:
        """Open a modal and return its id, empty where Slack does not open it."""
        made = self._client.web.views_open(trigger_id=trigger, view=dict(view))
        answer = await self._call(made)
        opened = answer.get("view") if answer is not None else None
        return str(opened.get("id") or "") if isinstance(opened, dict) else ""

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> bool:
        """Replace a modal; return whether Slack did."""
        made = self._client.web.views_update(view_id=view_id, view=dict(view))
        return await self._call(made) is not None

    async def tell(self, channel: str, user: str, text: str, *, thread_ts: str = "") -> bool:
        """Say something that only one person sees; return whether Slack took it."""
        made = self._client.web.chat_postEphemeral(
            channel=channel, user=user, text=text, thread_ts=thread_ts or None
        )
        return await self._call(made) is not None

    async def respond(self, url: str, text: str) -> bool:
        """Answer at a response address, to one person; return whether Slack took it.

        An address of anybody else is not called.
        """
        if _origin(url) not in (HOOKS, self._origin):
            return False
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s)
            )
        told = {"response_type": "ephemeral", "replace_original": False, "text": text}
        try:
            async with self._session.post(url, json=told, allow_redirects=False) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def about(self, message: Any, app: str) -> About | str | None:
        """Return what a message of ours is about, as `subject_of` does; empty where it is
        another's, who may write what looks like ours, None where Slack does not say whose it is.

        Args:
            message: as Slack tells it.
            app: our own id, as Slack names it with what it sends; empty where it does not.
        """
        found = subject_of(message)
        if not found or (app and text_in(message, "app_id") == app):
            return found
        home = await self._at_home()
        if home is None or not home[2]:
            return None
        return found if text_in(message, "bot_id") == home[2] else ""

    async def thread(self, channel: str, ts: str, app: str) -> About | str | None:
        """Return what a thread is about: what its buttons carry, else an id; empty where it is
        about nothing of ours, None where Slack does not say. Args: app: as of `about`."""
        made = self._client.web.conversations_replies(
            channel=channel, ts=ts, limit=1, include_all_metadata=True
        )
        answer = await self._call(made)
        messages = answer.get("messages") if answer is not None else None
        if not isinstance(messages, list) or not messages:
            return None
        return await self.about(messages[0], app)

    async def _call(self, made: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse | None:
        answer = await self._client.call(Step.EDIT, made)
        return answer if isinstance(answer, AsyncSlackResponse) else None


def subject_of(message: Any) -> About | str:
    """Return what a message is about: what its buttons carry, else the id in its metadata; empty
    where it is none of ours."""
    if not isinstance(message, dict):
        return ""
    for block in _list(message.get("blocks")):
        if isinstance(block, dict) and block.get("block_id") == BAR:
            for one in _list(block.get("elements")):
                found = about(str(one.get("value") or "")) if isinstance(one, dict) else None
                if found is not None:
                    return found
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    named = _ID.search(str(payload.get("id") or "")) if isinstance(payload, dict) else None
    return named[0] if named is not None else ""


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
