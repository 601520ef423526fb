"""Block Kit blocks that Slack takes, from lines: the last lines give way where all do not fit.

Pure. Source: Block Kit reference; `verbatim` has Slack link and mention nothing that is not marked
up; the sum of all text is not documented, messages of 11,300 characters were seen refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sinks.mrkdwn import ELLIPSIS, utf16

Json = dict[str, Any]

HEADER_CHARS: Final = 150
SECTION_CHARS: Final = 2_900
BLOCK_CHARS: Final = 9_000
"""The sum of all block text, with room below what Slack refuses."""
BLOCKS: Final = 50


def header(text: str) -> Json:
    """Return a header of plain text; `:name:` stays as it is."""
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def section(text: str) -> Json:
    """Return a section of markup."""
    return {"type": "section", "text": _markup(text)}


def context(text: str) -> Json:
    """Return small grey markup."""
    return {"type": "context", "elements": [_markup(text)]}


def _markup(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def fitting(text: str, room: int, cuts: list[str], limit: str = "lines") -> str:
    """Return the lines that fit, the first ones, with "…" for the rest.

    Args:
        text: markup; only whole lines are kept, since a line may not be cut inside markup.
        room: the most, in characters as Slack counts them.
        cuts: told of it where something is left out.
        limit: the name of the cut.
    """
    if length(text) <= room:
        return text
    cuts.append(limit)
    kept: list[str] = []
    left = room - len(ELLIPSIS) - 1
    for line in text.split("\n"):
        left -= length(line) + 1
        if left < 0:
            break
        kept.append(line)
    return "\n".join([*kept, ELLIPSIS])


def sections(lines: Sequence[str]) -> list[Json]:
    """Return the lines in as few sections as hold them; each line fits in one."""
    found: list[str] = []
    for line in lines:
        if found and length(found[-1]) + 1 + length(line) <= SECTION_CHARS:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return [section(one) for one in found]


def length(text: str) -> int:
    """Return the length of finished markup in units of UTF-16."""
    return utf16(text)


def chars(blocks: Sequence[Json]) -> int:
    """Return the sum of all text in the blocks."""
    return sum(
        length(one["text"]["text"])
        if "text" in one
        else sum(length(part["text"]) for part in one["elements"])
        for one in blocks
    )
