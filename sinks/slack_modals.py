"""The modals that ask before an act: how long and what, whom, into what, which one.

Pure: values in, a view out, and what somebody filled in read back. A modal keeps what it is about
in its `private_metadata`, so nothing about it is remembered here. It opens at once, without what
has to be read first, and is replaced when that was read.

Source: docs.slack.dev, modals: private_metadata of 3,000 characters, titles of 24, 100 options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from sinks.blocks import SECTION_CHARS, Json, fitting
from sinks.mrkdwn import code, cut
from sinks.slack_buttons import About, Press, about
from sinks.words import clean

CALLBACK: Final = "stormfold"
"""The `callback_id` of our modals."""
OPTIONS_MOST: Final = 100
LABEL_CHARS: Final = 75
LENGTHS: Final = (
    ("30m", 1_800_000),
    ("1h", 3_600_000),
    ("2h", 7_200_000),
    ("4h", 14_400_000),
    ("8h", 28_800_000),
    ("1d", 86_400_000),
    ("3d", 259_200_000),
    ("7d", 604_800_000),
)
"""How long a silence may be, as it is offered."""
THIS: Final = "this"
SERVICE: Final = "service:"
"""Before the name of a service of which everything is to be silent."""

_TITLES: Final = {
    Press.SILENCE: ("Silence", "Silence"),
    Press.ASSIGN: ("Assign", "Assign"),
    Press.SPLIT: ("Not part of this", "Take out"),
    Press.MERGE: ("Merge into", "Merge"),
}


class Asked(msgspec.Struct, frozen=True):
    """What a modal is about."""

    press: Press
    value: str
    """As the button carried it."""
    channel: str = ""
    """Where it was pressed."""
    thread_ts: str = ""
    environment: str = ""
    """Its name, once it was read."""

    @property
    def about(self) -> About:
        """Return what the button was about."""
        found = about(self.value)
        assert found is not None, "a modal is opened by a button of ours"
        return found


class Filled(msgspec.Struct, frozen=True):
    """What somebody filled in."""

    asked: Asked
    length_ms: int = 0
    what: str = THIS
    why: str = ""
    text: str = ""
    """Whom, or which incident."""


class Choice(msgspec.Struct, frozen=True):
    """One entry to choose."""

    value: str
    label: str


def asked_of(view: Mapping[str, Any]) -> Asked | None:
    """Return what a modal is about, None where it is none of ours."""
    if view.get("callback_id") != CALLBACK:
        return None
    try:
        found = msgspec.json.decode(str(view.get("private_metadata") or ""), type=Asked)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return found if about(found.value) is not None and found.press in _TITLES else None


def silence_view(
    asked: Asked,
    *,
    would: Sequence[str] | None = None,
    services: Sequence[str] = (),
    whole: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Json:
    """Return the modal that asks how long, and what.

    Args:
        asked: what it is about.
        would: lines that say what it would mute; None where that is not read yet.
        services: whose everything may be silenced in its place.
        whole: lines that say what that would mute, of the services for which it was read.
    """
    lengths = [Choice(str(ms), text) for text, ms in LENGTHS]
    blocks = [_said(asked), _input("for", "How long", _select(lengths, "for", chosen=1))]
    if services:
        whats = [Choice(THIS, "This, under every release")]
        whats += [Choice(SERVICE + one, f"Everything of {one}") for one in services[:4]]
        radio = {
            "type": "radio_buttons",
            "action_id": "what",
            "options": [_option(one) for one in whats],
            "initial_option": _option(whats[0]),
        }
        blocks.append(_input("what", "What", radio))
    blocks.append(_input("why", "Why, for the team", _text("why", most=200), optional=True))
    if would is None:
        blocks.append(_context("Reading what it would mute…"))
    else:
        blocks.append(_context("This mutes now, of what is open:\n" + _lines(would)))
    for name, lines in whole.items():
        says = f"Everything of {code(cut(name, 40))} mutes now, of what is open:\n"
        blocks.append(_context(says + _lines(lines)))
    return _view(asked, blocks)


def assign_view(asked: Asked, *, name: str = "") -> Json:
    """Return the modal that asks for a team or a person; `name` stands there already."""
    field = _text("text", most=120) | ({"initial_value": name} if name else {})
    return _view(asked, [_said(asked), _input("text", "Team or person", field)])


def choice_view(asked: Asked, choices: Sequence[Choice] | None, *, none: str) -> Json:
    """Return the modal that asks for one of several incidents or storms.

    Args:
        asked: what it is about.
        choices: what there is; None where that is not read yet.
        none: what is said where there is nothing to choose.
    """
    if choices is None:
        return _view(asked, [_said(asked), _context("Reading what is open…")], asks=False)
    if not choices:
        return _view(asked, [_said(asked), _context(none)], asks=False)
    label = "Which one" if asked.press is Press.SPLIT else "Into which one"
    select = _select(choices[:OPTIONS_MOST], "text")
    return _view(asked, [_said(asked), _input("text", label, select)])


def told_view(asked: Asked, text: str) -> Json:
    """Return the modal as it is when nothing is left to ask: it says what happens."""
    return _view(asked, [{"type": "section", "text": _markup(text)}], asks=False)


def filled(asked: Asked, state: Mapping[str, Any]) -> Filled:
    """Return what was filled in; what is not there is as if nothing had been said.

    Args:
        asked: as `asked_of` gives it.
        state: the `state` of the view that was sent.
    """
    values = state.get("values")
    blocks: Mapping[str, Any] = values if isinstance(values, dict) else {}
    length = _value(blocks, "for")
    return Filled(
        asked=asked,
        length_ms=next((ms for _, ms in LENGTHS if str(ms) == length), 0),
        what=_value(blocks, "what") or THIS,
        why=_value(blocks, "why"),
        text=_value(blocks, "text").strip(),
    )


def _value(blocks: Mapping[str, Any], name: str) -> str:
    block = blocks.get(name)
    field = block.get(name) if isinstance(block, dict) else None
    if not isinstance(field, dict):
        return ""
    chosen = field.get("selected_option")
    found = chosen.get("value") if isinstance(chosen, dict) else field.get("value")
    return clean(found) if isinstance(found, str) else ""


def _view(asked: Asked, blocks: list[Json], *, asks: bool = True) -> Json:
    title, submit = _TITLES[asked.press]
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": msgspec.json.encode(asked).decode(),
        "title": _plain(title),
        "close": _plain("Cancel" if asks else "Close"),
        "blocks": blocks,
        **({"submit": _plain(submit)} if asks else {}),
    }


def _said(asked: Asked) -> Json:
    where = f" in {code(asked.environment)}" if asked.environment else ""
    return {"type": "section", "text": _markup(f"{code(asked.about.id)}{where}")}


def _input(name: str, label: str, element: Json, *, optional: bool = False) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": _plain(label),
        "element": element,
        "optional": optional,
    }


def _text(name: str, *, most: int) -> Json:
    return {"type": "plain_text_input", "action_id": name, "max_length": most}


def _select(choices: Sequence[Choice], name: str, *, chosen: int | None = None) -> Json:
    options = [_option(one) for one in choices]
    first = {"initial_option": options[chosen]} if chosen is not None else {}
    return {"type": "static_select", "action_id": name, "options": options, **first}


def _option(choice: Choice) -> Json:
    label = choice.label[: LABEL_CHARS - 1] + "…" if len(choice.label) > LABEL_CHARS else ""
    return {"text": _plain(label or choice.label), "value": choice.value}


def _lines(lines: Sequence[str]) -> str:
    text = "\n".join(str(code(cut(one.strip(), 200))) for one in lines)
    return fitting(text, SECTION_CHARS - 100, [])


def _context(text: str) -> Json:
    return {"type": "context", "elements": [_markup(text)]}


def _markup(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}
