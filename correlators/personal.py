"""Who is told personally, of what and by what: the types, and whom a comment mentions. Pure.

Lives here: what the configuration says of each person, what they have chosen themselves, and how
both are read. Not here: when somebody is told (`personal_telling`), the act (`personal_acts`), and
where a person is found in Slack or by mail, which only the sinks know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

MENTIONED_MOST: Final = 20
"""People that one comment mentions; further ones are not told."""
NAME_CHARS: Final = 80
SLACK: Final = "person_slack"
MAIL: Final = "person_mail"

_STARTS: Final = re.compile(r"(?<![\w@.])(@?)(?=\w)")
_ENDS: Final = re.compile(r"(?<=\w)(?!\w|[-@]\w)")


class Deed(StrEnum):
    """What somebody is told of."""

    ASSIGNED = "assigned"
    MENTIONED = "mentioned"


class By(StrEnum):
    """By what somebody is told."""

    SLACK = "slack"
    EMAIL = "email"
    BOTH = "both"
    NONE = "none"

    @property
    def sinks(self) -> tuple[str, ...]:
        """The sinks that this means."""
        slack, mail = self in (By.SLACK, By.BOTH), self in (By.EMAIL, By.BOTH)
        return (*((SLACK,) if slack else ()), *((MAIL,) if mail else ()))


BY_WORD: Final = {
    **{one.value: one for one in By},
    "dm": By.SLACK,
    "mail": By.EMAIL,
    "off": By.NONE,
}
"""What people call each, in the file and in Slack alike."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of one person, and by what they can be reached."""

    assigned: By = By.NONE
    mentioned: By = By.NONE
    sinks: tuple[str, ...] = ()
    """Where they can be told: `person_slack`, `person_mail`."""


class Choice(msgspec.Struct, frozen=True, kw_only=True, tag="choice", omit_defaults=True):
    """What a person chose themselves, in place of what the configuration says. An entry."""

    name: str
    assigned: By | None = None
    mentioned: By | None = None
    """None: as the configuration says."""


class Personal(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who may be told personally, by name. Holds no address and no id."""

    people: dict[str, Wish] = {}

    def known_as(self, name: str) -> str:
        """Return the name as it is written here, whatever the case of its letters; empty for
        somebody unknown."""
        if name in self.people:
            return name
        folded = name.casefold()
        return next((one for one in self.people if one.casefold() == folded), "")

    def places(self, name: str, deed: Deed, choice: Choice | None) -> tuple[str, ...]:
        """Return the destinations at which a person is told of this; empty for none.

        By what they cannot be reached they are not told.
        """
        wish = self.people.get(name)
        if wish is None:
            return ()
        chosen = getattr(choice, deed.value) if choice is not None else None
        by: By = chosen if chosen is not None else getattr(wish, deed.value)
        return tuple(f"{sink}:{name}" for sink in by.sinks if sink in wish.sinks)

    def mentioned_in(self, text: str) -> tuple[str, ...]:
        """Return who is mentioned in a comment, in the order of the text, each once.

        `@` and a name, whatever the case of its letters; or a name of several words as it stands,
        since one of one word may be a word like any other.
        """
        if not self.people:
            return ()
        folded = {one.casefold(): one for one in self.people}
        names = dict.fromkeys(_names_in(text.casefold(), folded))
        return tuple(names)[:MENTIONED_MOST]


def _names_in(text: str, folded: dict[str, str]) -> Iterator[str]:
    done = 0
    for start in _STARTS.finditer(text):
        begin = start.end()
        if begin < done:
            continue
        ends = [end.start() for end in _ENDS.finditer(text, begin, begin + NAME_CHARS + 1)]
        for end in reversed(ends):
            name = folded.get(text[begin:end])
            if name is not None and (start[1] or " " in name):
                done = end
                yield name
                break


class ForPerson(msgspec.Struct, frozen=True):
    """Of a digest to one person: what it tells them of."""

    deed: Deed
    subject: str
    """Id of the incident or storm."""
