"""Text with marks as runs: pieces of text that a service draws as they are, with how they are
drawn beside them.

The templates of chats mark with signs (`*strong*`, `~over~`, a code's backticks, `<url|label>`).
A service whose text knows no signs, such as Teams' `TextRun`, gets runs. Foreign text is shielded:
its signs stand for themselves, so that it can neither draw a link nor format. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec
from markupsafe import Markup

from sinks.words import clean

_SIGNS: Final = "*_~`<>|"
_SHIELDS: Final = "\x11\x12\x13\x14\x15\x16\x17"
"""Control characters, of which `clean` leaves none in foreign text."""
_SHIELD: Final = str.maketrans(_SIGNS, _SHIELDS)
_BARE: Final = str.maketrans(_SHIELDS, _SIGNS)
_TOKEN: Final = re.compile(r"<(?P<url>[^|>]+)\|(?P<label>[^>]*)>|`(?P<code>[^`]*)`|(?P<sign>[*~_])")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of one line that is drawn in one way."""

    text: str
    strong: bool = False
    slanted: bool = False
    struck: bool = False
    code: bool = False
    url: str = ""
    """Where it leads; empty: nowhere."""


def shielded(value: object) -> str:
    """Return the value on one line, its signs made harmless; what is marked already stays."""
    return str(value) if isinstance(value, Markup) else clean(value).translate(_SHIELD)


def shield(text: str) -> str:
    """Return a text of our own, its spaces and line ends kept, its signs made harmless."""
    return text.translate(_SHIELD)


def strong(value: object) -> Markup:
    """Return the value marked as strong."""
    text = shielded(value)
    return Markup(f"*{text}*" if text else "?")


def code(value: object) -> Markup:
    """Return the value marked as code."""
    return Markup(f"`{shielded(value) or '?'}`")


def link(label: str, url: str) -> Markup:
    """Return a link under one of our own words; the address must be `mrkdwn.linkable`."""
    return Markup(f"<{url}|{label}>")


def runs(line: str) -> tuple[Run, ...]:
    """Return the runs of one marked line; a mark that is not ended holds to the line's end."""
    return tuple(_runs(line))


def _runs(line: str) -> Iterator[Run]:
    on = {"*": False, "~": False, "_": False}
    at = 0

    def run(text: str, *, code: bool = False, url: str = "") -> Iterator[Run]:
        if text:
            yield Run(
                text=text.translate(_BARE),
                strong=on["*"],
                slanted=on["_"],
                struck=on["~"],
                code=code,
                url=url,
            )

    for found in _TOKEN.finditer(line):
        yield from run(line[at : found.start()])
        at = found.end()
        if found["sign"]:
            on[found["sign"]] = not on[found["sign"]]
        elif found["url"]:
            yield from run(found["label"], url=found["url"])
        else:
            yield from run(found["code"], code=True)
    yield from run(line[at:])
