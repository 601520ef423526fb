"""Modals: opened at once, since Slack waits for nothing, and replaced when the state was read.

What they look like is `sinks.slack_modals`; what becomes of what is filled in is the desk's part.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from correlators.acts import NAME_CHARS, SILENCE_MOST_MS, AddSilence
from correlators.conditions import When
from correlators.incidents import Incident
from correlators.silencing import environment_of
from correlators.storms import Storm
from sinks.slack_buttons import About, Press
from sinks.slack_modals import (
    OPTIONS_MOST,
    Asked,
    Choice,
    Filled,
    assign_view,
    choice_view,
    silence_view,
)
from sinks.words import clean
from streams import live_lines
from streams.live import Live, Part
from streams.slack_acts import WORD_OF
from streams.slack_book import Book
from streams.slack_office import Office
from streams.slack_words import Said

ASKING: Final = frozenset({Press.SILENCE, Press.ASSIGN, Press.SPLIT, Press.MERGE})
"""What needs more than a press."""
READ_WITHIN_S: Final = 30.0
LINES_SHOWN: Final = 12

_SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_OPEN: Final = re.compile(r"(?:inc|storm)-[0-9a-f]{16}")
_UNREAD: Final = "The state cannot be read now. Close this and try again in a minute."


class Asking:
    """Opens modals and keeps them true."""

    def __init__(self, office: Office, book: Book) -> None:
        self._office, self._book = office, book

    async def open(
        self, press: Press, it: About, channel: str, thread_ts: str, name: str, trigger: str
    ) -> Coroutine[Any, Any, None] | None:
        """Open the modal of a button and return what completes it; None where Slack refuses."""
        asked = Asked(press, it.value, channel, thread_ts)
        if press is Press.ASSIGN:
            view = assign_view(asked, name=clean(name))
        elif press is Press.SILENCE:
            view = silence_view(asked)
        else:
            view = choice_view(asked, None, none="")
        opened = await self._office.open_view(trigger, view)
        return self._complete(opened, asked) if opened else None

    def said(self, given: Filled) -> Said:
        """Return what was filled in as it would be said; not for a silence."""
        word, subject = WORD_OF[given.asked.press], given.asked.about.id
        match given.asked.press:
            case Press.SPLIT:
                return Said(word=word, subject=given.text)
            case Press.MERGE:
                return Said(word=word, subject=subject, other=given.text)
        return Said(word=word, subject=subject, to=given.text.lstrip("@"))

    def wrong(self, given: Filled) -> dict[str, str]:
        """Return what is wrong with what was filled in, by block; empty where it may be meant."""
        match given.asked.press:
            case Press.SILENCE:
                return {} if given.length_ms else {"for": "expected how long"}
            case Press.ASSIGN:
                name = given.text.lstrip("@")
                fits = 0 < len(name) <= NAME_CHARS
                return {} if fits else {"text": "expected a team or a person"}
        return {} if _OPEN.fullmatch(given.text) else {"text": "expected one of those listed"}

    async def _complete(self, view_id: str, asked: Asked) -> None:
        if asked.press is Press.ASSIGN:
            return
        live = await self._book.live(within_s=READ_WITHIN_S)
        found = live.find(asked.about.id) if live is not None else None
        if live is not None and found is None:
            # Its message is there, so it may be younger than what was read.
            live = await self._book.live(newest=True, within_s=READ_WITHIN_S)
            found = live.find(asked.about.id) if live is not None else None
        if live is None or found is None:
            gone = "It is not open any more." if live is not None else _UNREAD
            view = (
                silence_view(asked, would=[gone])
                if asked.press is Press.SILENCE
                else choice_view(asked, [], none=gone)
            )
        else:
            # What a silence would mute is looked for in all that is open.
            view = await asyncio.to_thread(_completed, live, found, asked)
        await self._office.update_view(view_id, view)


def _completed(live: Live, found: tuple[Part, Storm | Incident], asked: Asked) -> dict[str, Any]:
    part, one = found
    environment = environment_of(one)
    named = msgspec.structs.replace(asked, environment=environment)
    if clean(environment) != environment:
        named = asked  # It could not be sent as it is.
    match asked.press:
        case Press.SILENCE:
            services = one.services if isinstance(one, Storm) else (one.key.service,)
            fit = [name for name in services if named.environment and _SERVICE.fullmatch(name)]
            lines = _would(live, subject=one.id)
            whole = {name: _would(live, environment=environment, service=name) for name in fit[:1]}
            return silence_view(named, would=lines, services=fit, whole=whole)
        case Press.SPLIT:
            members = one.members if isinstance(one, Storm) else ()
            inside = [part.state.find_incident(id) for id in members[:OPTIONS_MOST]]
            choices = [_choice(part, each) for each in inside if each is not None and each.open]
            return choice_view(named, choices, none="Nothing that is in it is open any more.")
    others = [
        _choice(there, each)
        for there, each in live.open()
        if environment_of(each) == environment and each.id != one.id
    ]
    return choice_view(named, others[-OPTIONS_MOST:], none="Nothing else is open there.")


def _would(live: Live, *, subject: str = "", environment: str = "", service: str = "") -> list[str]:
    """Return what a silence would mute now."""
    act = AddSilence(
        actor="?",
        source="slack",
        at_ms=live.now_ms,
        subject=subject,
        environment=environment,
        when=When(service=(service,)) if service else None,
        to_ms=live.now_ms + SILENCE_MOST_MS,
    )
    made = live.would_be(act)
    if made is None:
        return []
    part, silence = made
    lines = live_lines.muted(part.state, live.muted(part, silence)).lines()
    more = len(lines) - LINES_SHOWN
    return lines[:LINES_SHOWN] + ([f"… and {more} more"] if more > 0 else [])


def _choice(part: Part, one: Storm | Incident) -> Choice:
    thing = live_lines.thing(part.state, one)
    return Choice(one.id, clean(f"{', '.join(thing.services[:2])}: {thing.title or one.id}"))
