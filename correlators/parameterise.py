"""Text without its variable parts: mails, ids, numbers, dates become `<email>`, `<uuid>`, `<int>`.

Lives here: what stands for each kind, and the bounds. They serve two ends: messages that differ
only in variable text become equal, and what is personal or secret does not reach a title.
Not here: how a kind is found (`parameterise_kinds`), which words and numbers are constant
(`parameterise_words`, `parameterise_codes`), which texts count for sameness (`fingerprint`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final

from correlators.parameterise_codes import is_code
from correlators.parameterise_kinds import KINDS, PATTERN
from correlators.parameterise_words import read_word

TEXT_READ: Final = 8192
"""Characters of a text that are read; the rest is dropped. Sentry itself cuts messages here."""

MESSAGE_CHARS: Final = 500
"""Longest line that stands for a message."""

READ_CHARS: Final = 65_536
"""Characters that are searched for the two lines of a message."""

_NAME: Final = re.compile(r"[bBuUrR]?(['\"`“\u2018«])[A-Za-z_$][A-Za-z_$.]{0,39}(['\"`”\u2019»])")
_KEY: Final = re.compile(r"['\"][A-Za-z_$@][\w$.\- ]{0,39}['\"]")
_VALUE_NEXT: Final = re.compile(r"\s?:\s{0,2}(?:[\"'\d\[{<\-]|true|false|null|None|True|False)")
_REQUEST: Final = re.compile(r"\"(?:[A-Z]{3,8} [^\n]{1,4096} HTTP/[\d.]{1,3}|<request>)\"")
"""The request in a line of an access log; the status behind it is a code."""

_OF_A_PERSON: Final = re.compile(
    r"(?i)(?:user(?:name)?|login|role|account|customer|member|owner|name|person|player|employee"
    r"|patient|author|for|by) ?[:=]? ?\Z"
)
_ROOT: Final = re.compile(
    r"app|bin|boot|build|code|data|dev|etc|home|lib|lib64|media|mnt|opt|private|proc|root|run|sbin"
    r"|src|srv|sys|tmp|usr|var|workspace|Applications|Library|Users|System|Volumes|~[\w\-]*|\.|\.\."
)
"""First folders of a path in a file system, as against a route."""

_EXTENSION: Final = re.compile(r"\.[A-Za-z]\w{0,4}\Z")
_FIELD: Final = re.compile(
    r"(?s)([^=:\s]{1,120}?[\"']?\s{0,2}(?:=>?|:)\s{0,2}|.{0,120}?code(?: is| was|:)? "
    r"|[^\s]{1,120}(?: is| was|:)? )(.*)"
)


TEXTS_REMEMBERED: Final = 2_048
"""Texts that are not read anew: an event's come again for its sample, its title and the names of
every signature version. No result depends on it."""
REMEMBERED_CHARS: Final = 512
"""Of a text that may be remembered."""


def parameterise(text: str, *, names: bool = False, chars: int = TEXT_READ) -> str:
    """Return the text with every variable part replaced by its kind in angle brackets.

    Two texts that differ only in mails, URLs, addresses, ids, numbers, dates, durations, absolute
    paths or quoted strings come out equal. Takes time linear in the text whatever stands in it. A
    route such as `/orders/17` is no file: only its variable segments are replaced. Codes that tell
    errors apart (`status 503`, `ORA-00942`) stay.

    Args:
        text: any Unicode text.
        names: keep a quoted string that is a plain name, such as `'quantity'`; for titles.
        chars: characters that are read, the rest is dropped.

    Source: kinds after Sentry's parameterization, docs.sentry.io, "Event grouping".
    """
    text = text[:chars]
    return _remembered(text, names) if len(text) <= REMEMBERED_CHARS else _made(text, names)


@functools.lru_cache(maxsize=TEXTS_REMEMBERED)
def _remembered(text: str, names: bool) -> str:
    return _made(text, names)


def forget_texts() -> None:
    """Have every text read anew, for whoever measures that."""
    _remembered.cache_clear()


def _made(text: str, names: bool) -> str:
    return PATTERN.sub(_named if names else _put, text)


def message_line(text: str, *, chars: int = MESSAGE_CHARS, names: bool = False) -> str:
    """Return the first two lines that say something, parameterised, joined and cut.

    Source: two lines as in Sentry's message grouping, docs.sentry.io, "Event grouping".
    """
    if not text:
        return ""
    if "\n" in text:
        text = "\n".join([line for line in text[:READ_CHARS].splitlines() if line.strip()][:2])
    return " ".join(parameterise(text, names=names).split())[:chars]


def _put(match: re.Match[str]) -> str:
    """Return what stands for one match."""
    kind = KINDS[match.lastindex or 0]
    if kind == "plain":
        return match[0]
    if read := _READERS.get(kind):
        return read(match)
    return f"<{kind}>"


def _named(match: re.Match[str]) -> str:
    """Return what stands for one match; a plain name in quotes stays, unless a person bears it."""
    if KINDS[match.lastindex or 0] == "quoted" and _NAME.fullmatch(match[0]):
        return "<quoted>" if _is_of_person(match) else match[0]
    return _put(match)


def _is_of_person(match: re.Match[str]) -> bool:
    """Return whether the word before says that a person, or an account, bears this name."""
    start = match.start()
    return bool(_OF_A_PERSON.search(match.string, max(0, start - 20), start))


def _word(match: re.Match[str]) -> str:
    """Return a word that fits no other kind without what varies in it."""
    return read_word(match[0])


def _code(match: re.Match[str]) -> str:
    """Return a number that is a code as it is, another one as what it is."""
    if is_code(match.string, match.start(), match.end()):
        return match[0]
    return "<hex>" if match[0].startswith(("0x", "0X")) else "<int>"


def _quoted(match: re.Match[str]) -> str:
    """Return `<quoted>`; the key of a JSON object or a dictionary stays."""
    if _REQUEST.fullmatch(match[0]):
        return '"<request>"'
    if _VALUE_NEXT.match(match.string, match.end()) and _KEY.fullmatch(match[0]):
        return "<quoted>" if _is_of_person(match) else match[0]
    return "<quoted>"


def _ip6(match: re.Match[str]) -> str:
    """Return `<ip>`, or a name in code that only looks like one: `Cafe::Bad`."""
    text = match[0]
    if text.count(":") > 3 or any(map(str.isdigit, text)):
        return "<ip>"
    return text


def _field(match: re.Match[str]) -> str:
    """Return a field by its name, without its value."""
    parts = _FIELD.fullmatch(match[0])
    kind = "person" if KINDS[match.lastindex or 0] == "person" else "secret"
    return f"{parts[1]}<{kind}>" if parts else f"<{kind}>"


def _flag(match: re.Match[str]) -> str:
    """Return the mark before a truth value, and `<bool>`."""
    return match[0].rstrip("trueTRUEfalsFALS") + "<bool>"


def _segment(text: str) -> str:
    """Return one part of a route without what varies in it."""
    plain = text.isascii() and text.isalpha() and text.islower()
    return text if plain else PATTERN.sub(_put, text)


def _route(match: re.Match[str]) -> str:
    """Return `<path>` for a file's path; a route keeps its constant segments."""
    path, mark, _ = match[0].partition("?")
    segments = path.rstrip("/").split("/")
    if _ROOT.fullmatch(segments[0] or segments[1]) or (
        "@" not in segments[-1] and _EXTENSION.search(segments[-1])
    ):
        return "<path>" + ("?<query>" if mark else "")
    return "/".join(map(_segment, path.split("/"))) + ("?<query>" if mark else "")


_READERS: Final[dict[str, Callable[[re.Match[str]], str]]] = {
    "address": lambda _: "@<hex>",
    "code": _code,
    "colour": lambda _: "",
    "field": _field,
    "flag": _flag,
    "header": _field,
    "ip6": _ip6,
    "person": _field,
    "quoted": _quoted,
    "route": _route,
    "word": _word,
}
