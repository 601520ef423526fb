"""People of a local Slack that is run by hand: what a test calls on a `Person`, a shell does.

Each address answers with what the app answered, what only this person was told so far, and the
dialog that they see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from sinks.peers.control import taking
from sinks.peers.serve import Json
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_people import Answered, Person, Send
from sinks.peers.slack_store import Message


def add_people(slack: SlackPeer, send: Send) -> None:
    """Add the addresses to a peer that has not been started.

    `/_peer/press` {label}, `/_peer/shortcut` {callback_id}, `/_peer/submit` {values},
    `/_peer/command` {text}, `/_peer/mention` {text}, and `/_peer/group` {id, members}; each takes
    `user`, `name` and `channel`, the first two `ts`, else the newest message with buttons is meant.
    """

    def message(given: Json) -> Message:
        found = slack.messages(str(given.get("channel") or _first(slack)))
        ts = str(given.get("ts") or "")
        fit = (
            one
            for one in reversed(found)
            if one.ts == ts or (not ts and any(b.get("type") == "actions" for b in one.blocks))
        )
        one = next(fit, None)
        assert one is not None, "no such message"
        return one

    async def press(who: Person, given: Json) -> Answered:
        return await who.press(message(given), str(given["label"]))

    async def shortcut(who: Person, given: Json) -> Answered:
        return await who.shortcut(message(given), str(given["callback_id"]))

    async def submit(who: Person, given: Json) -> Answered:
        assert _dialog(who) is not None, f"{who.name} sees no dialog"
        return await who.submit(who.modal(), given.get("values") or {})

    async def command(who: Person, given: Json) -> Answered:
        channel = str(given.get("channel") or _first(slack))
        return await who.command(str(given.get("text") or ""), channel=channel)

    async def mention(who: Person, given: Json) -> Answered:
        channel = str(given.get("channel") or _first(slack))
        thread = str(given.get("ts") or "")
        return await who.mention(channel, str(given.get("text") or ""), thread_ts=thread)

    async def group(given: Json) -> Any:
        slack.back.groups[str(given["id"])] = [str(one) for one in given["members"]]
        return {}

    does = {
        "press": press,
        "shortcut": shortcut,
        "submit": submit,
        "command": command,
        "mention": mention,
    }
    for name, act in does.items():
        slack.also_serve("POST", f"/_peer/{name}", taking(_as_somebody(slack, send, act)))
    slack.also_serve("POST", "/_peer/group", taking(group))


def _as_somebody(
    slack: SlackPeer, send: Send, act: Callable[[Person, Json], Awaitable[Answered]]
) -> Callable[[Json], Awaitable[Json]]:
    async def does(given: Json) -> Json:
        name = str(given.get("name") or "ada")
        who = Person(slack, send, str(given.get("user") or f"U0{name.upper()}"), name)
        try:
            answered = await act(who, given)
        except TimeoutError:
            return {"status": 0, "error": "the app did not answer in time"}
        except (aiohttp.ClientError, OSError) as error:
            return {"status": 0, "error": f"the app cannot be reached: {error}"}
        return {
            "status": answered.status,
            "body": answered.body or answered.text,
            "heard": who.heard(),
            "dialog": _dialog(who),
        }

    return does


def _dialog(who: Person) -> Json | None:
    try:
        return who.modal().content
    except StopIteration:
        return None


def _first(slack: SlackPeer) -> str:
    return next(iter(slack.workspace.channels))
