"""A page in one line, and texts as they stand in an event. Pure.

The first 80 characters are what a phone shows: service, what, users, since which release. They
share the room; what is short stays whole.
"""

from __future__ import annotations

from typing import Final

from correlators.types import Digest
from sinks.words import clean, many, short

HEAD_CHARS: Final = 80
BETWEEN: Final = " · "
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
    head = again + BETWEEN.join(_head(digest, HEAD_CHARS - len(again)))
    rest = [f"[{said(digest.environment, 60)}]"]
    if again:
        rest.append(said(digest.page_why, 250))
    if digest.users and not digest.metric_alert:
        rest.append(_sure(digest, about=digest.about) + many(digest.events, "event"))
    title = said(digest.title, TITLE_CHARS)
    if title and title not in head:
        rest.append(title)
    return short(clean(BETWEEN.join([head, *rest])), chars)


def _head(digest: Digest, room: int) -> list[str]:
    parts = [
        one for one in (_service(digest), _what(digest), _users(digest), _since(digest)) if one
    ]
    return fair(parts, room - len(BETWEEN) * (len(parts) - 1))


def fair(parts: list[str], room: int) -> list[str]:
    """Return the parts cut so that they take at most `room`: the longest give first."""
    found = list(parts)
    for done, at in enumerate(sorted(range(len(parts)), key=lambda at: len(parts[at]))):
        found[at] = short(parts[at], max(1, room // (len(parts) - done)))
        room -= len(found[at])
    return found


def _service(digest: Digest) -> str:
    first = digest.origin or (digest.services[0].service if digest.services else "")
    others = len(digest.services) + digest.more_services - 1
    name = said(first, 60)
    return f"{name} +{others:,}" if name and others > 0 else name


def _what(digest: Digest) -> str:
    """Return what broke; of a storm, what did where it likely began."""
    lines = {one.service: one.title for one in digest.services}
    title = lines.get(digest.origin, "") if digest.storm else ""
    return said(title or digest.title, TITLE_CHARS)


def _users(digest: Digest) -> str:
    if digest.metric_alert and digest.alerts:
        return said(digest.alerts[0].status, 40)
    if not digest.users:
        return _sure(digest, about=digest.about) + many(digest.events, "event")
    return _sure(digest, about=digest.about_users) + many(digest.users, "user")


def _sure(digest: Digest, *, about: bool) -> str:
    return "≥" if digest.at_least else "~" if about else ""


def _since(digest: Digest) -> str:
    if digest.new_release:
        return f"since {version(digest.new_release)}"
    return f"in {version(digest.releases[0])}" if digest.releases else ""


def version(release: str) -> str:
    """Return what differs between releases: without the package that Sentry puts before the @."""
    text = said(release, 200)
    return text.rpartition("@")[2] or text
