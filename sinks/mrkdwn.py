"""Foreign text for Slack: escaped, unable to format, mention or link, and measured as Slack does.

Source: docs.slack.dev, formatting message text: &, < and > are the control characters; *, _, ~ and
backticks format at the edge of a word, > at the beginning of a line, escaped or not; `:name:` is
drawn as an emoji.
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup

from sinks.words import clean, same_day, utc

URL_CHARS: Final = 1_000
ELLIPSIS: Final = "…"

_LOOKALIKE: Final = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "'"})
_EDGE: Final = re.compile(r"(?<!\w)_+|_+(?!\w)")
_QUOTE: Final = re.compile(r"^[>\s]*>")
_UNITS: Final = {"&": 5, "<": 4, ">": 4}
_EMOJI: Final = re.compile(r":(?=[a-z0-9_+'-]{1,100}:)", re.IGNORECASE)


def neutral(text: str) -> str:
    """Return the text with what would format it replaced by signs that look the same.

    An underscore inside a word formats nothing and stays, so that names can be copied.
    """
    text = text.translate(_LOOKALIKE)
    text = _QUOTE.sub(lambda found: found[0].replace(">", "\u203a"), text)
    text = _EDGE.sub(lambda found: "\u02cd" * len(found[0]), text)
    return _EMOJI.sub("\u2236", text)


def escape(value: object) -> str:
    """Return the value as Slack shows it literally; what is markup already stays."""
    if isinstance(value, Markup):
        return str(value)
    text = neutral(clean(value))
    return entities(text)


def entities(text: str) -> str:
    """Return the text with Slack's three control characters as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(text: str) -> int:
    """Return the length by which Slack limits it: escaped, in units of UTF-16."""
    more = 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))
    return utf16(text) + more


def utf16(text: str) -> int:
    """Return the length of a text in units of UTF-16."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, chars: int) -> str:
    """Return the text, or as much of its beginning as takes no more than `chars` with "…".

    Escaped it is not longer either, so that no entity is ever cut.

    Args:
        text: unescaped.
        chars: the most, escaped, in units of UTF-16, >= 1.
    """
    if len(text) <= chars and size(text) <= chars:
        return text
    room, kept = chars - 1, 0
    if size(text[:room]) == room:
        return text[:room].rstrip() + ELLIPSIS
    for one in text[:room]:
        room -= _UNITS.get(one) or utf16(one)
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS


def when(at_ms: int, after_ms: int | None = None) -> Markup:
    """Return a moment that Slack shows in the reader's own time zone."""
    form = "{time}" if same_day(at_ms, after_ms) else "{date_short_pretty} {time}"
    return Markup(f"<!date^{at_ms // 1000}^{form}|{utc(at_ms)}>")


def code(value: object) -> Markup:
    """Return the value in code, where nothing formats."""
    return Markup("`" + (entities(clean(value).replace("`", "'")) or "?") + "`")


def strong(value: object) -> Markup:
    """Return the value in bold."""
    text = escape(value)
    return Markup(f"*{text}*" if text else "?")


def linkable(url: str, chars: int = URL_CHARS) -> bool:
    """Return True for an address that may stand in a Slack link."""
    if len(url) > chars or re.fullmatch(r"https?://[^\s<>|]+", url) is None:
        return False
    return clean(url) == url and size(url) <= chars


def link(label: str, url: str) -> Markup:
    """Return a link under one of our own words."""
    assert linkable(url)
    return Markup(f"<{entities(url)}|{label}>")


def mention(who: str) -> Markup:
    """Return the mention of a user group (S...) or a user (U..., W...)."""
    assert re.fullmatch(r"[SUW][A-Z0-9]{2,30}", who)
    return Markup(f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>")
