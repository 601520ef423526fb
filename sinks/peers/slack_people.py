"""People of a local Slack: they press buttons, fill modals, say commands and mention the app.

What they do goes to the app as Slack sends it: signed by HTTP to one address, or over a socket
(`slack_socket`). Each call returns what the app answered.

Source: docs.slack.dev: verifying requests, interaction payloads, slash commands, the Events API.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from sinks.peers.serve import Json
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_back import View
from sinks.peers.slack_store import Message

ANSWER_S: Final = 3.0
"""In which an app has to answer."""
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answered:
    """What an app said."""

    status: int
    body: Json
    text: str = ""


Send = Callable[[str, Json], Awaitable[Answered]]
"""Takes the kind of an envelope (`interactive`, `slash_commands`, `events_api`) and its payload."""


class HttpApp:
    """An app that is reached at an address, and checks who signed.

    Args:
        url: of the app, such as `http://127.0.0.1:8080/slack`.
        secret: signs.
        clock: seconds since the epoch.
    """

    def __init__(self, url: str, secret: str, clock: Callable[[], float]) -> None:
        self._url, self._secret, self._clock = url, secret, clock

    async def send(self, kind: str, payload: Json, *, retry: int = 0) -> Answered:
        """Send it as Slack does.

        Raises:
            TimeoutError: it was not answered in time.
        """
        body, content = _encoded(kind, payload)
        headers = self.signed(body) | {"Content-Type": content}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        return await self.post(body, headers)

    def signed(self, body: bytes, *, at: int | None = None) -> dict[str, str]:
        """Return the headers that sign these bytes."""
        seconds = int(self._clock()) if at is None else at
        made = b"v0:" + str(seconds).encode() + b":" + body
        mac = hmac.new(self._secret.encode(), made, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": str(seconds), "X-Slack-Signature": f"v0={mac}"}

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Send exactly this."""
        async with (
            asyncio.timeout(ANSWER_S),
            aiohttp.ClientSession() as session,
            session.post(self._url, data=body, headers=headers) as answer,
        ):
            text = await answer.text()
            return Answered(answer.status, _object(text), text)


class Person:
    """One person of the workspace.

    Args:
        slack: where the messages stand.
        send: takes what is done to the app.
        id: `U...`.
        name: as others see it.
        team: the workspace that they are of; of another one they are in channels that are shared.
    """

    def __init__(
        self, slack: SlackPeer, send: Send, id: str, name: str, *, team: str = "T0STORM"
    ) -> None:
        self._slack, self._send = slack, send
        self.id, self.name, self.team = id, name, team
        slack.back.names[id] = name

    async def press(self, message: Message, label: str) -> Answered:
        """Press the button of this label, or choose the entry of this label in the menu."""
        return await self._send("interactive", self.pressing(message, label))

    def pressing(self, message: Message, label: str) -> Json:
        """Return what Slack sends when this is pressed."""
        told = self._interaction("block_actions", message)
        return told | {"actions": [_action(message, label) | {"action_ts": self._now()}]}

    async def shortcut(self, message: Message, callback_id: str) -> Answered:
        """Choose a shortcut in the menu of a message."""
        told = self._interaction("message_action", message)
        told |= {"callback_id": callback_id, "action_ts": self._now()}
        return await self._send("interactive", told)

    async def submit(self, view: View, values: Mapping[str, Mapping[str, Json]]) -> Answered:
        """Send a modal; it closes or changes as the app answers.

        Args:
            view: that this person sees.
            values: by block, by action.
        """
        told = {
            "type": "view_submission",
            "user": self._user(),
            "team": {"id": self.team},
            "view": {**view.content, "id": view.id, "hash": view.hash, "state": {"values": values}},
        }
        answered = await self._send("interactive", told)
        action = answered.body.get("response_action")
        if action == "update":
            view.content = answered.body["view"]
        elif action != "errors":
            view.open = False
        return answered

    async def command(self, text: str, *, channel: str = "incidents") -> Answered:
        """Say `/stormfold` and this text in a channel; what the app answers only they see."""
        place = self._slack.workspace.find(channel)
        assert place is not None, f"no channel {channel}"
        told = {
            "command": "/stormfold",
            "text": text,
            "user_id": self.id,
            "user_name": self.name,
            "channel_id": place.id,
            "channel_name": place.name,
            "team_id": self.team,
            "trigger_id": self._slack.back.trigger(self.id),
            "response_url": self._slack.response_url(place.id, self.id),
        }
        return await self._send("slash_commands", told)

    async def mention(self, channel: str, text: str, *, thread_ts: str = "") -> Answered:
        """Mention the app in a message."""
        return await self._send("events_api", self.mentioning(channel, text, thread_ts=thread_ts))

    def mentioning(self, channel: str, text: str, *, thread_ts: str = "") -> Json:
        """Write a message that mentions the app, and return what Slack sends of it."""
        place = self._slack.workspace.find(channel)
        assert place is not None, f"no channel {channel}"
        ts = self._slack.say(channel, f"<@U0BOT> {text}", user=self.id, thread_ts=thread_ts)
        event: Json = {
            "type": "app_mention",
            "user": self.id,
            "text": f"<@U0BOT> {text}",
            "ts": ts,
            "event_ts": ts,
            "channel": place.id,
            "team": self.team,
        }
        if thread_ts:
            event["thread_ts"] = thread_ts
        return {
            "type": "event_callback",
            "api_app_id": "A0STORM",
            "team_id": "T0STORM",
            "event_id": self._slack.back.next_id("Ev"),
            "event_time": int(float(ts)),
            "event": event,
        }

    def heard(self) -> list[str]:
        """Return what only this person was told, oldest first."""
        return [one.text for one in self._slack.back.ephemerals if one.user == self.id]

    def modal(self) -> View:
        """Return the modal that this person sees."""
        return next(
            one
            for one in reversed(self._slack.back.views.values())
            if one.open and one.user == self.id
        )

    def _now(self) -> str:
        return f"{self._slack.clock():.6f}"

    def _user(self) -> Json:
        return {"id": self.id, "username": self.name, "name": self.name, "team_id": self.team}

    def _interaction(self, kind: str, message: Message) -> Json:
        channel = self._slack.workspace.channels[message.channel]
        return {
            "type": kind,
            "api_app_id": "A0STORM",
            "user": self._user(),
            "team": {"id": "T0STORM"},
            "channel": {"id": channel.id, "name": channel.name},
            "container": {"type": "message", "message_ts": message.ts, "channel_id": channel.id},
            "message": channel.told(message, with_metadata=True),
            "trigger_id": self._slack.back.trigger(self.id),
            "response_url": self._slack.response_url(channel.id, self.id, message.thread_ts),
        }


def _action(message: Message, label: str) -> Json:
    for block in message.blocks:
        for one in block.get("elements", []) if block["type"] == "actions" else []:
            about = {"action_id": one["action_id"], "block_id": block["block_id"]}
            if one["type"] == "button" and one["text"]["text"] == label:
                return about | {"type": "button", "value": one["value"], "text": one["text"]}
            for option in one.get("options", []):
                if option["text"]["text"] == label:
                    return about | {"type": "overflow", "selected_option": option}
    raise AssertionError(f"the message has no {label}")


def _encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    form = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(form).encode(), FORM


def _object(text: str) -> Json:
    try:
        found: Any = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
