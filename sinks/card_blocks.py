"""Lines of an Adaptive Card: runs of text in which nothing but their own marks is drawn. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from sinks.runs import Run, runs

Json = dict[str, Any]

_DATED: Final = re.compile(r"\{\{(?=(?:DATE|TIME)\()")
"""What a card's renderer replaces by a moment, in a TextRun too."""
_APART: Final = "{\u2060{"


def card_line(marked: str) -> Json:
    """Return the block of one marked line."""
    return card_block(runs(marked))


def card_block(found: Iterable[Run], **drawn: str) -> Json:
    """Return the block of runs, each drawn so beside its own marks."""
    return {
        "type": "RichTextBlock",
        "spacing": "Small",
        "inlines": [_run(one) | drawn for one in found],
    }


def _run(one: Run) -> Json:
    found: Json = {"type": "TextRun", "text": _DATED.sub(_APART, one.text)}
    if one.strong:
        found["weight"] = "Bolder"
    if one.slanted:
        found["italic"] = True
    if one.struck:
        found["strikethrough"] = True
    if one.code:
        found["fontType"] = "Monospace"
    if one.url:
        found["selectAction"] = {"type": "Action.OpenUrl", "url": one.url}
    return found
