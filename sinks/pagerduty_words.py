"""A page in one line, and texts as they stand in an event. Pure.

The first 80 characters are what a phone shows; they are those of every message (`lead`).
"""

from __future__ import annotations

from typing import Final

from correlators.types import Digest
from sinks.lead import BETWEEN, CHARS, lead
from sinks.words import clean, many, short

RAW: Final = 8
"""So many times its limit of a text is looked at: the rest may be megabytes."""
TITLE_CHARS: Final = 500


def said(value: str, chars: int = 2_000) -> str:
    """Return the text as one clean line of at most so many characters; what is cut ends in `…`."""
    raw = value[: chars * RAW]
    text = clean(raw)
    return short(text + "…" * (len(raw) < len(value)), chars)


def summary(digest: Digest, chars: int) -> str:
    """Return the digest in one line of at most so many characters."""
    again = "Again, " if digest.page_replaces and digest.page_why else ""
    head = again + lead(digest, CHARS - len(again), bare=True)
    rest = [f"[{said(digest.environment, 60)}]"]
    if again:
        rest.append(said(digest.page_why, 250))
    if digest.users and not digest.metric_alert:
        rest.append(_sure(digest, about=digest.about) + many(digest.events, "event"))
    title = said(digest.title, TITLE_CHARS)
    if title and title not in head:
        rest.append(title)
    return short(clean(BETWEEN.join([head, *rest])), chars)


def _sure(digest: Digest, *, about: bool) -> str:
    return "≥" if digest.at_least else "~" if about else ""
