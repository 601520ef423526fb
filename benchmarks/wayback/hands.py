"""Somebody in Slack whose every act is timed: what it was answered, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Mapping
from typing import Any, Final

import msgspec

from benchmarks.installation import until
from benchmarks.wayback.journal import plain
from benchmarks.wayback.world import EFFECT_WITHIN_S, World
from sinks.peers.slack_back import View
from sinks.peers.slack_people import Answered
from sinks.peers.slack_store import Message

HEARD_WITHIN_S: Final = 6.0
READ_WITHIN_S: Final = 30.0
FRESH_S: Final = 0.3
"""Somebody reads what they see before they fill it in."""


class Answer(msgspec.Struct, frozen=True):
    """What somebody was answered."""

    status: int
    """0 where it was not answered within Slack's three seconds."""
    text: str
    ms: float
    """From the click to the answer of the request."""
    seen_ms: float
    """From the click to the text that they see; as `ms` where the answer is the text."""


class Effect(msgspec.Struct, frozen=True):
    """What came of it in the thread."""

    text: str
    ms: float
    """From the click; 0 where nothing came."""


class Hands:
    """One person."""

    def __init__(self, world: World, id: str, name: str) -> None:
        self.world = world
        self.person = world.person(id, name)
        self.name = name

    async def press(self, message: Message, label: str, *, heard: bool = True) -> Answer:
        """Press a button, or choose the entry of its menu; `heard` waits for what is said.

        Raises:
            TimeoutError: there is no such button.
        """
        await self.sees(message, label)
        self.world.note(f"{self.name} in Slack", f"presses [{label}]")
        return await self._timed(self.person.press(message, label), heard)

    async def sees(self, message: Message, label: str, within_s: float = EFFECT_WITHIN_S) -> None:
        """Return once a message has this button: an edit may lag behind its reply, and somebody
        presses what they see.

        Raises:
            TimeoutError: there is no such button.
        """
        await until(
            lambda: label in labels_of(message),
            within_s=within_s,
            why=lambda: f"there is only {labels_of(message)}",
        )

    async def command(self, text: str) -> Answer:
        """Say `/stormfold` and this."""
        self.world.note(f"{self.name} in Slack", f"/stormfold {text}")
        return self._noted(await self._timed(self.person.command(text), False))

    async def mention(self, message: Message, text: str) -> Answer:
        """Say `@stormfold` and this in the thread of a message."""
        self.world.note(f"{self.name} in Slack", f"@stormfold {text}")
        channel = self.world.slack.channel_name(message.channel)
        return await self._timed(self.person.mention(channel, text, thread_ts=message.ts), True)

    async def shortcut(self, message: Message, callback: str, *, heard: bool = True) -> Answer:
        """Choose a shortcut of a message."""
        self.world.note(f"{self.name} in Slack", f"shortcut {callback}")
        return await self._timed(self.person.shortcut(message, callback), heard)

    async def fill(self, given: Mapping[str, str]) -> Answer:
        """Fill in the dialog that is open, once it shows what it reads, and send it."""
        view = self.person.modal()
        await until(lambda: "Reading" not in json.dumps(view.content), within_s=READ_WITHIN_S)
        said = ", ".join(f"{name}: {value}" for name, value in given.items())
        self.world.note(f"{self.name} in Slack", f"sends the dialog ({said})")
        answer = await self._timed(self.person.submit(view, values_of(view, given)), False)
        return self._noted(answer)

    async def _timed(self, call: Awaitable[Answered], heard: bool) -> Answer:
        before, began = len(self.person.heard()), time.perf_counter()

        def passed() -> float:
            return (time.perf_counter() - began) * 1_000

        try:
            answered = await call
        except TimeoutError:
            return Answer(0, "(not answered within 3 s)", passed(), passed())
        ms = passed()
        text = answer_text(answered)
        if text or not heard or answered.status != 200:
            return Answer(answered.status, plain(text), ms, ms)
        try:
            await self.world.slack.until(
                lambda: len(self.person.heard()) > before, within_s=HEARD_WITHIN_S
            )
        except TimeoutError:
            return Answer(answered.status, "(nothing)", ms, passed())
        return Answer(answered.status, plain(self.person.heard()[before]), ms, passed())

    def _noted(self, answer: Answer) -> Answer:
        if answer.text:
            self.world.note(f"only {self.name} sees", answer.text)
        return answer


async def effect(
    world: World, message: Message, before: int, began: float, *, says: str = ""
) -> Effect:
    """Return the first reply below a message after a click, once it is there.

    Args:
        world: where.
        message: begins the thread.
        before: how many replies stood there.
        began: the click, in seconds since the epoch.
        says: what stands in it.
    """

    def fit() -> list[Message]:
        later = (one for one in world.replies(message)[before:] if one.at >= began)
        return [one for one in later if says in one.text]

    try:
        await until(lambda: bool(fit()), within_s=EFFECT_WITHIN_S)
    except TimeoutError:
        return Effect("(nothing in the thread)", 0.0)
    found = fit()[0]
    return Effect(plain(found.text), (found.at - began) * 1_000)


def labels_of(message: Message) -> list[str]:
    """Return what can be pressed below a message, its menu too."""
    found = []
    for block in message.blocks:
        for one in block.get("elements", ()) if block["type"] == "actions" else ():
            found += [one["text"]["text"]] if one["type"] == "button" else []
            found += [option["text"]["text"] for option in one.get("options", ())]
    return found


def answer_text(answered: Answered) -> str:
    """Return what the answer of a request shows to whoever asked."""
    if answered.status != 200:
        return answered.text.strip()
    body = answered.body
    if (errors := body.get("errors")) is not None:
        return " ".join(errors.values())
    return str(body.get("text") or view_text(body.get("view") or {}))


def view_text(view: Mapping[str, Any]) -> str:
    """Return what a dialog says, line by line."""
    found = []
    for block in view.get("blocks", []):
        if block["type"] == "section":
            found.append(block["text"]["text"])
        elif block["type"] == "context":
            found += [one["text"] for one in block["elements"]]
        elif block["type"] == "input":
            found.append(f"[{block['label']['text']}]")
    return "\n".join(found)


def values_of(view: View, given: Mapping[str, str]) -> dict[str, Any]:
    """Return what is filled in as Slack sends it: what stands there already where nothing is given.

    Args:
        view: the dialog.
        given: by block; of a menu the value of the entry.
    """
    found = {}
    for block in view.content["blocks"]:
        if block["type"] != "input":
            continue
        name, element = block["block_id"], block["element"]
        if element["type"] == "plain_text_input":
            state: dict[str, Any] = {"value": given.get(name, element.get("initial_value"))}
        else:
            chosen = next(
                (one for one in element["options"] if one["value"] == given.get(name)),
                element.get("initial_option"),
            )
            state = {"selected_option": chosen}
        found[name] = {element["action_id"]: {"type": element["type"], **state}}
    return found
