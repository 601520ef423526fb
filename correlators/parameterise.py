"""Text without its variable parts: mails, ids, numbers, dates become `<email>`, `<uuid>`, `<int>`.

Lives here: the patterns, their order, and the bounds. They serve two ends: messages that differ
only in variable text become equal, and what is personal or secret in a text does not reach a title.
Not here: which texts count for sameness (`fingerprint`).

One combined pass: at each position the first kind that fits wins. Every pattern either begins where
no character of its own kind stands before it, or has a bounded length, and its runs are possessive;
so no text makes the pass worse than linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

TEXT_READ: Final = 8192
"""Characters of a text that are read; the rest is dropped. Sentry itself cuts messages here."""

MESSAGE_CHARS: Final = 500
"""Longest line that stands for a message."""

READ_CHARS: Final = 65_536
"""Characters that are searched for the two lines of a message."""

_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}+"
_DAY_NAME: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DAY: Final = rf"(?:{_DAY_NAME}[a-z]{{0,6}}+,? )?"
_CLOCK: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9}+)?+)?+(?: ?[AaPp][Mm]\b)?+"
_ZONE: Final = r"(?: ?(?:Z\b|UTC|GMT|[+-]\d{2}:?\d{2}))?+"
_HEX4: Final = r"[0-9A-Fa-f]{1,4}"
_END: Final = r"(?![0-9A-Za-z_])"
_SIGN: Final = r"(?:(?<![\w)\]])[+-])?"
_UNIT: Final = (
    r"(?:[nuµm]?s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?"
    r"|(?:milli|micro|nano)seconds?)"
)
_SECRET_NAMES: Final = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_\-]?key|authorization|cookie"
    r"|session[_\-]?id|signature)"
)

_IPV4: Final = r"(?<!\d)(?<!\d\.)(?:\d{1,3}+\.){3}\d{1,3}+(?![0-9A-Za-z_]|\.\d)(?::\d{1,5}+)?+"

_INSIDE: Final = (
    ("inner_ip", _IPV4),
    ("digits", r"(?<=[A-Za-z_])\d{4,}+(?![A-Za-z])"),
    ("address", r"@[0-9a-f]{4,16}+" + _END),
    ("marks", r"“[^”“\n]*+”|\u2018[^\u2018\u2019\n]*+\u2019|«[^»«\n]*+»"),
)
"""Patterns that may begin inside a word."""

_AT_WORD: Final = (
    (
        "email",
        "a0.",
        r"(?<![\w.+\-])(?<![\w.+\-]')[\w.+\-]++(?:'[\w.+\-]++)*+"
        r"@(?![0-9a-f]{4,16}+(?![\w.\-]))[\w\-]++(?:\.[\w\-]++)*+",
    ),
    (
        "quoted",
        "a.",
        r"(?<!\\)[bBuUrR]?(?:'[^'\n]*+'(?![0-9A-Za-z_])"
        r"|\"(?:[^\"\\\n]|\\.)*+\"(?![0-9A-Za-z_])|`[^`\n]*+`)",
    ),
    (
        "path",
        ".",
        r"(?<![\w.@%+~$/\-])(?:~|\.{1,2})?(?:/[\w.@%+~$\-]++)++/?+|\\\\[\w.$\-]++(?:\\[\w.$\-]++)++",
    ),
    (
        "secret",
        "a",
        r"(?i:(?:set-)?cookie\"?\s{0,2}[:=][^\n]++"
        rf"|(?:(?:[a-z0-9]{{1,20}}+[_\-]){{0,4}}{_SECRET_NAMES}\"?\s{{0,2}}(?:=|(?<!token):(?!:))\s{{0,2}}"
        r"|(?:bearer|basic)\s{1,2})[^\s,;&<]++)",
    ),
    ("uuid", "a0", r"[0-9A-Fa-f]{8}(?:[\-_][0-9A-Fa-f]{4}){3}[\-_][0-9A-Fa-f]{12}" + _END),
    ("traceparent", "a0", r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}" + _END),
    ("url", "a", r"[A-Za-z][A-Za-z0-9+.\-]{1,15}+://[^\s\"'<>`)\]}]++|www\.[^\s\"'<>`)\]}]++"),
    (
        "ip6",
        "a0.",
        rf"(?:{_HEX4}:){{7}}{_HEX4}(?![\w:])"
        rf"|(?:{_HEX4}(?::{_HEX4}){{0,6}})?::(?:{_HEX4}(?::{_HEX4}){{0,6}}+)?+(?:(?:\.\d{{1,3}}+){{3}})?+(?![\w(:])",
    ),
    ("ip", "0", _IPV4),
    (
        "kept",
        "a",
        r"(?i:utf-?\d{1,2}|sha-?\d{1,3}|iso-8859-\d{1,2}|http/\d(?:\.\d)?+|x86_64)" + _END,
    ),
    ("drive", "a", r"[A-Za-z]:[\\/][^\s\"'<>|:*?;,)]++"),
    (
        "date",
        "0",
        rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_CLOCK}{_ZONE})?+(?!\d)|\d{{8}}T\d{{6}}Z?+"
        rf"|{_CLOCK}{_ZONE}(?![\d:])"
        rf"|\d{{1,4}}/\d{{1,2}}/\d{{1,4}}(?:,? {_CLOCK}{_ZONE})?+(?!\d)"
        rf"|\d{{1,2}}[ \-]{_MONTH}[ \-]\d{{2,4}}(?: {_CLOCK}{_ZONE})?+",
    ),
    (
        "day",
        "a",
        rf"(?=[JFMASONDTW]){_DAY}\d{{1,2}}[ \-]{_MONTH}[ \-]\d{{2,4}}(?: {_CLOCK}{_ZONE})?+"
        rf"|(?=[JFMASONDTW]){_DAY}{_MONTH} \d{{1,2}}(?:,? {_CLOCK}{_ZONE})?"
        rf"(?:,? \d{{4}})?+(?: {_CLOCK}{_ZONE})?+"
        r"|datetime\.\w{4,9}+\([^()]{0,120}+\)",
    ),
    ("duration", "0.", rf"{_SIGN}\d++(?:\.\d++)?+ ?{_UNIT}{_END}"),
    ("hex", "a0", rf"0[xX][0-9A-Fa-f]++|(?=[0-9]*+[a-f])(?=[a-f]*+[0-9])[0-9a-f]{{7,}}+{_END}"),
    ("HEX", "a0", rf"(?=[0-9]*+[A-F])(?=[A-F]*+[0-9])[0-9A-F]{{7,}}+{_END}"),
    (
        "version",
        "a0",
        rf"[vV]?\d{{1,9}}+\.\d{{1,9}}+\.\d{{1,9}}+(?:[.\-+][0-9A-Za-z.\-+]{{1,40}}+)?+{_END}",
    ),
    (
        "float",
        "0.",
        rf"{_SIGN}(?:\d{{1,3}}(?:,\d{{3}})++|\d++)(?:\.\d++(?:[eE][+-]?\d++)?+|[eE][+-]?\d++){_END}",
    ),
    ("int", "0.", rf"{_SIGN}(?:\d{{1,3}}(?:,\d{{3}})++{_END}|\d++{_END})"),
    (
        "token",
        "a0.",
        r"eyJ[\w\-]++(?:\.[\w\-]++)*+"
        r"|(?=[A-Za-z]*+\d++[A-Za-z]++\d)[A-Za-z0-9]{10,}+"
        + _END
        + r"|(?<![/+])(?=[A-Za-z/+]*+\d)[A-Za-z0-9/+]{40,}+={0,2}"
        r"|(?=(?:[a-z]*+[A-Z]++){6})[A-Za-z]{24,}+"
        r"|(?<![\w\-])(?=[A-Za-z_\-]*+\d[A-Za-z_\-]*+\d)[\w\-]{20,}+",
    ),
)
"""Kind, what it may begin with (`a` a letter, `0` a digit, `.` anything else), pattern.

They begin where no ASCII letter, digit or underscore stands before them.
"""

_PLAIN: Final = (
    rf"(?:(?!(?i:{_SECRET_NAMES}|set-|bearer|basic)|{_MONTH}|{_DAY_NAME})"
    r"[A-Za-z]{1,23}+(?:[ ,;=()\[\]>]|: |\Z))++"
)
"""Ordinary words, taken as they are and many at once: most of a message, so most of the speed."""

_WORDS: Final = {
    "HEX": "<hex>",
    "address": "@<hex>",
    "day": "<date>",
    "digits": "<int>",
    "drive": "<path>",
    "inner_ip": "<ip>",
    "ip6": "<ip>",
    "marks": "<quoted>",
    "token": "<id>",
}


def _any_of(kinds: Iterable[tuple[str, str]], suffix: str = "") -> str:
    """Return the alternation of these patterns, each a group named after its kind."""
    return "(?:" + "|".join(f"(?P<{kind}{suffix}>{pattern})" for kind, pattern in kinds) + ")"


def _starting(mark: str) -> str:
    """Return the alternation of what may begin with this sort of character, first kinds first."""
    return _any_of(((kind, made) for kind, marks, made in _AT_WORD if mark in marks), _SUFFIX[mark])


_SUFFIX: Final = {"a": "", "0": "_0", ".": "_1"}
_PATTERN: Final = re.compile(
    rf"(?<![0-9A-Za-z_])(?=[\w'\"`/~.\\+\-:])(?:(?=[A-Za-z])(?:(?P<plain>{_PLAIN})|{_starting('a')})"
    rf"|(?=\d){_starting('0')}|(?=[^0-9A-Za-z]){_starting('.')})|(?=[\d@“\u2018«]){_any_of(_INSIDE)}"
)
_PUT: Final = {
    group: _WORDS.get(kind := group.removesuffix("_0").removesuffix("_1"), f"<{kind}>")
    for group in _PATTERN.groupindex
}
_NAME: Final = re.compile(r"[bBuUrR]?(.)[A-Za-z_$][A-Za-z_$.]{0,39}(.)")
_ROOT: Final = re.compile(
    r"app|bin|boot|build|code|data|dev|etc|home|lib|lib64|media|mnt|opt|private|proc|root|run|sbin"
    r"|src|srv|sys|tmp|usr|var|workspace|Applications|Library|Users|System|Volumes|~|\.|\.\."
)
"""First folders of a path in a file system, as against a route."""

_EXTENSION: Final = re.compile(r"\.[A-Za-z]\w{0,4}\Z")


def parameterise(text: str, *, names: bool = False) -> str:
    """Return the text with every variable part replaced by its kind in angle brackets.

    Two texts that differ only in mails, URLs, addresses, ids, numbers, dates, durations, absolute
    paths or quoted strings come out equal. Takes time linear in the text whatever stands in it. A
    route such as `/orders/17` is no file: only its variable segments are replaced.

    Args:
        text: any Unicode text; only the first `TEXT_READ` characters are read.
        names: keep a quoted string that is a plain name, such as `'quantity'`; for titles.

    Source: kinds after Sentry's parameterization, docs.sentry.io, "Event grouping".
    """
    return _PATTERN.sub(_named if names else _word, text[:TEXT_READ])


def message_line(text: str, *, chars: int = MESSAGE_CHARS, names: bool = False) -> str:
    """Return the first two lines that say something, parameterised, joined and cut.

    Source: two lines as in Sentry's message grouping, docs.sentry.io, "Event grouping".
    """
    if not text:
        return ""
    if "\n" in text:
        text = "\n".join([line for line in text[:READ_CHARS].splitlines() if line.strip()][:2])
    return " ".join(parameterise(text, names=names).split())[:chars]


def _word(match: re.Match[str]) -> str:
    """Return what stands for one variable part."""
    kind = match.lastgroup or ""
    if kind in ("plain", "kept"):
        return match.group()
    if kind == "path_1":
        return _path(match.group())
    return _PUT[kind]


def _named(match: re.Match[str]) -> str:
    """Return what stands for one variable part, leaving plain names in quotes as they are."""
    if match.lastgroup in ("quoted", "quoted_1") and _NAME.fullmatch(match.group()):
        return match.group()
    return _word(match)


def _path(text: str) -> str:
    """Return `<path>` for a file's path; a route keeps its constant segments."""
    if text.startswith("\\"):
        return "<path>"
    segments = text.rstrip("/").split("/")
    if _ROOT.fullmatch(segments[0] or segments[1]) or _EXTENSION.search(segments[-1]):
        return "<path>"
    return "/".join(_PATTERN.sub(_word, segment) for segment in text.split("/"))
