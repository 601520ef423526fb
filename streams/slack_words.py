"""What somebody says to Stormfold in Slack: `/stormfold ...`, and `@stormfold ...` in a thread.

One grammar for both, pure: text in, what is meant out, or an error that says what was expected.

    /stormfold ack ID [2h]          silence ID 2h [why]         merge ID OTHER
    /stormfold assign ID NAME       comment ID TEXT             link NAME

An id may stand before or after the word; in a thread it may be left out, and the thread's own is
meant. What each word does is the desk's part (`slack_desk`).

    WordsError      it cannot be meant; one line says what was expected
"""

from __future__ import annotations

import difflib
import re
from enum import StrEnum
from typing import Final

import msgspec

from correlators.acts import (
    ACK_MOST_MS,
    COMMENT_CHARS,
    IGNORE_MOST_MS,
    NAME_CHARS,
    SILENCE_MOST_MS,
)
from streams.yaml_reader import duration, duration_in

TEXT_CHARS: Final = 4_000
"""Longer texts are not read."""
QUOTED_CHARS: Final = 40


class Word(StrEnum):
    """What may be said. The word is the metric label too."""

    HELP = "help"
    STATUS = "status"
    ACK = "ack"
    UNACK = "unack"
    SILENCE = "silence"
    UNSILENCE = "unsilence"
    ASSIGN = "assign"
    PAGE = "page"
    RESOLVE = "resolve"
    IGNORE = "ignore"
    UNIGNORE = "unignore"
    FALSE_ALARM = "false-alarm"
    SPLIT = "split"
    MERGE = "merge"
    WHY = "why"
    COMMENT = "comment"
    LINK = "link"
    UNLINK = "unlink"
    ME = "me"


ALSO: Final = {
    "acknowledge": Word.ACK,
    "unacknowledge": Word.UNACK,
    "mute": Word.SILENCE,
    "unmute": Word.UNSILENCE,
    "expire": Word.UNSILENCE,
    "close": Word.RESOLVE,
    "archive": Word.IGNORE,
    "unarchive": Word.UNIGNORE,
    "explain": Word.WHY,
    "show": Word.STATUS,
    "list": Word.STATUS,
    "note": Word.COMMENT,
    "page-now": Word.PAGE,
    "separate": Word.SPLIT,
    "not-part": Word.SPLIT,
}
"""Other words for the same."""

USAGE: Final = {
    Word.HELP: "help",
    Word.STATUS: "status [ID]",
    Word.ACK: "ack ID [2h]",
    Word.UNACK: "unack ID",
    Word.SILENCE: "silence ID 2h [why]",
    Word.UNSILENCE: "unsilence SILENCE",
    Word.ASSIGN: "assign ID TEAM or PERSON",
    Word.PAGE: "page ID",
    Word.RESOLVE: "resolve ID",
    Word.IGNORE: "ignore ID [2h]",
    Word.UNIGNORE: "unignore ID",
    Word.FALSE_ALARM: "false-alarm ID",
    Word.SPLIT: "split ID",
    Word.MERGE: "merge ID OTHER",
    Word.WHY: "why ID",
    Word.COMMENT: "comment ID TEXT",
    Word.LINK: "link [SERVICE or TEAM] [ENVIRONMENT]",
    Word.UNLINK: "unlink [SERVICE or TEAM] [ENVIRONMENT]",
    Word.ME: "me [dm, mail, both, off or default] [assigned or mentioned]",
}
"""How each is said."""

_ALONE: Final = frozenset({Word.STATUS})  # an id may stand there
_NO_ID: Final = frozenset({Word.HELP, Word.ME, Word.LINK, Word.UNLINK})

_ID: Final = re.compile(r"(?:inc|storm|sil)-[0-9a-f]{16}")
_LIKE_ID: Final = re.compile(r"(?:inc|storm|sil)-\S*", re.IGNORECASE)
_SPACE: Final = re.compile(r"[\s\u00a0]+")
_MENTIONED: Final = re.compile(r"\s*<@[A-Z0-9]{2,20}(?:\|[^>]{0,100})?>[\s,:]*")
_PERSON: Final = re.compile(r"<@([A-Z0-9]{2,20})(?:\|([^>]*))?>")
GROUP: Final = re.compile(r"<!subteam\^([A-Z0-9]{2,20})(?:\|@?([^>]*))?>")
_DECORATION: Final = "`*_~\u201c\u201d\u2018\u2019'\""


class WordsError(ValueError):
    """It cannot be meant; the text says what was expected, and may be shown to who said it."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody means."""

    word: Word
    subject: str = ""
    """Id of the incident, storm or silence; empty where none is needed."""
    other: str = ""
    """Of `merge`: id of what it is part of."""
    to: str = ""
    """Of `assign`: the team or person as it was written; `<@U...>` where Slack wrote a person."""
    for_ms: int = 0
    """Of `ack`, `silence`, `ignore`: how long; 0 where nothing was said."""
    text: str = ""
    """Why, or a comment; of `link`, `unlink` and `me` all that stands behind the word."""


def read(text: str, *, here: str = "") -> Said:
    """Return what a text means.

    Args:
        text: what stands behind the command or the mention, as Slack sends it.
        here: id of the incident or storm whose thread this is; empty outside of one.

    Raises:
        WordsError: the text says what was expected.
    """
    if len(text) > TEXT_CHARS:
        raise WordsError(f"expected at most {TEXT_CHARS:,} characters")
    words = [one for one in _SPACE.split(_unescaped(text)) if one]
    if not words:
        return Said(word=Word.STATUS, subject=here) if here else Said(word=Word.HELP)
    first = _id_of(words[0])
    if first and len(words) == 1:
        return Said(word=Word.STATUS, subject=first)
    word = _word(words[1] if first else words[0])
    rest = ([words[0]] if first else []) + words[2 if first else 1 :]
    if word in _NO_ID:
        text = " ".join(_id_of(one) or one for one in rest)
        return Said(word=word, text="" if word is Word.HELP else text)
    return _about(word, rest, here)


def without_mention(text: str) -> str:
    """Return a message's text without the mention that it begins with."""
    return text[found.end() :] if (found := _MENTIONED.match(text)) else text


def person_in(to: str) -> str:
    """Return the id of the person that Slack wrote as `<@U...>`, empty where it is none."""
    found = _PERSON.fullmatch(to)
    return found[1] if found else ""


def help_text(command: str) -> str:
    """Return how everything is said. Args: command: what stands before, such as `/stormfold`."""
    lines = [f"`{command} {USAGE[one]}`" for one in Word if one is not Word.HELP]
    ends = "In the thread of a message, `@stormfold` and the same words; there no ID is needed."
    return "\n".join([*lines, ends])


def _about(word: Word, rest: list[str], here: str) -> Said:
    """Return what is said of one incident, storm or silence."""
    subject = _id_of(rest[0]) if rest else ""
    rest = rest[1:] if subject else rest
    if not subject and rest and _LIKE_ID.fullmatch(_bare(rest[0])):
        raise WordsError(f'expected an id such as inc-4bb0c3f1a2d95e77, found "{_quoted(rest[0])}"')
    subject = subject or ("" if word is Word.UNSILENCE else here)
    if not subject and word not in _ALONE:
        raise WordsError(f"expected an id: `{USAGE[word]}`; `status` lists what is open")
    if word is Word.UNSILENCE and not subject.startswith("sil-"):
        raise WordsError(f"expected the id of a silence, sil-...: `{USAGE[word]}`")
    if word is not Word.UNSILENCE and subject.startswith("sil-"):
        raise WordsError(f"{subject} is a silence; `{USAGE[word]}` is about an incident or a storm")
    match word:
        case Word.ACK | Word.IGNORE:
            for_ms, rest = _length(rest, IGNORE_MOST_MS if word is Word.IGNORE else ACK_MOST_MS)
            _nothing_more(word, rest)
            return Said(word=word, subject=subject, for_ms=for_ms)
        case Word.SILENCE:
            return _silence(subject, rest)
        case Word.ASSIGN:
            return Said(word=word, subject=subject, to=_named(rest))
        case Word.MERGE:
            return _merge(subject, rest, here)
        case Word.COMMENT:
            return Said(word=word, subject=subject, text=_text(word, rest, 1_000))
    _nothing_more(word, rest)
    return Said(word=word, subject=subject)


def _silence(subject: str, rest: list[str]) -> Said:
    for_ms, rest = _length(rest, SILENCE_MOST_MS)
    if not for_ms:
        found = f', found "{_quoted(rest[0])}"' if rest else ""
        raise WordsError(f"expected how long, such as 30m, 2h, 7d{found}: a silence has an end")
    why = " ".join(rest)
    if len(why) > COMMENT_CHARS:
        raise WordsError(f"expected at most {COMMENT_CHARS} characters of why")
    return Said(word=Word.SILENCE, subject=subject, for_ms=for_ms, text=why)


def _merge(subject: str, rest: list[str], here: str) -> Said:
    """In a thread one id is enough: the thread's own is part of it."""
    other = _id_of(rest[0]) if rest else ""
    if not rest and here and here != subject:
        return Said(word=Word.MERGE, subject=here, other=subject)
    if not other or other.startswith("sil-"):
        raise WordsError(f"expected the id of what it is part of: `{USAGE[Word.MERGE]}`")
    if other == subject:
        raise WordsError("expected two ids: this is one and the same")
    _nothing_more(Word.MERGE, rest[1:])
    return Said(word=Word.MERGE, subject=subject, other=other)


def _named(rest: list[str]) -> str:
    name = " ".join(rest).strip(_DECORATION + " ")
    name = name[4:] if name.lower().startswith("to <") else name
    if found := GROUP.fullmatch(name):
        name = found[2] or found[1]
    if not name:
        raise WordsError(f"expected a team or a person: `{USAGE[Word.ASSIGN]}`")
    if len(name) > NAME_CHARS or not name.isprintable():
        raise WordsError(f"expected a name of at most {NAME_CHARS} characters")
    return name if _PERSON.fullmatch(name) else name.lstrip("@")


def _text(word: Word, rest: list[str], most: int) -> str:
    text = " ".join(rest)
    if not text:
        raise WordsError(f"expected a text: `{USAGE[word]}`")
    if len(text) > most:
        raise WordsError(f"expected at most {most:,} characters")
    return text


def _length(rest: list[str], most_ms: int) -> tuple[int, list[str]]:
    """Return the length at the front, 0 where none stands there, and what follows it."""
    words = rest[1:] if rest[:1] == ["for"] else rest
    length_ms = duration_in(_bare(words[0])) if words else None
    if length_ms is None:
        return 0, rest
    if not 0 < length_ms <= most_ms:
        raise WordsError(f'expected at most {duration(most_ms)}, found "{_quoted(words[0])}"')
    return length_ms, words[1:]


def _nothing_more(word: Word, rest: list[str]) -> None:
    if rest:
        raise WordsError(f'expected `{USAGE[word]}`, found "{_quoted(rest[0])}" behind it')


def _word(text: str) -> Word:
    said = _bare(text).lower().replace("_", "-")
    if said in ALSO:
        return ALSO[said]
    try:
        return Word(said)
    except ValueError:
        near = difflib.get_close_matches(said[:QUOTED_CHARS], [*Word, *ALSO], n=1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise WordsError(f'no word "{_quoted(text)}"; {hint}`help` lists them') from None


def _id_of(text: str) -> str:
    bare = _bare(text).lower()
    return bare if _ID.fullmatch(bare) else ""


def _bare(text: str) -> str:
    return text.strip(_DECORATION).rstrip(",.;:")


def _quoted(text: str) -> str:
    """Return what is quoted back: short, and without what Slack would mention or format."""
    kept = "".join(one for one in text if one.isprintable() and one not in "<>&`*_~|@")
    return kept[:QUOTED_CHARS]


def _unescaped(text: str) -> str:
    """Return the text without Slack's escapes, but for its mentions."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
