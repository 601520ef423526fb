"""The acts that link a destination to a service or a team, and end such a link.

What a link does is `channel_links`. Each stands in every partition: what it fits may be anywhere.
"""

from __future__ import annotations

import re
from typing import Final

from correlators.act_base import ActBase
from correlators.conditions import PATTERN_CHARS, Asked, When

_DESTINATION: Final = re.compile(r"[a-z_]{1,40}:[A-Za-z0-9_-]{1,64}")
_LINKED_BY: Final = (
    (Asked.SERVICE,),
    (Asked.OWNER,),
    (Asked.ENVIRONMENT, Asked.SERVICE),
    (Asked.ENVIRONMENT, Asked.OWNER),
)
"""What a link may ask for, and nothing beside that."""


class AddLink(ActBase, frozen=True, kw_only=True, tag="add_link"):
    """The destination that is its subject is told, from now on, also what `when` fits.

    Raises:
        ValueError: the subject is no destination, or `when` asks for anything but one service or
            one owner, and at most one environment.
    """

    when: When

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_destination(self.subject)
        check_linked(self.when)

    @property
    def says(self) -> str:
        """What is linked, in words."""
        return linked_words(self.when)


class RemoveLink(ActBase, frozen=True, kw_only=True, tag="remove_link", omit_defaults=True):
    """The destination that is its subject is told by the rules alone again; with `when` it is
    this one link that ends.

    Raises:
        ValueError: as of `AddLink`.
    """

    when: When | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_destination(self.subject)
        if self.when is not None:
            check_linked(self.when)

    @property
    def says(self) -> str:
        """Which link ends, in words; empty: all of the destination."""
        return linked_words(self.when) if self.when is not None else ""


def linked_words(when: When) -> str:
    """Return what a link asks for, in words, such as "service checkout in production"."""
    what = f"service {when.service[0]}" if when.service else f"team {when.owner[0]}"
    return f"{what} in {when.environment[0]}" if when.environment else what


def check_linked(when: When) -> None:
    """Return if a link may ask for this. Raises: ValueError: the text says what is wrong."""
    if when.given not in _LINKED_BY:
        raise ValueError("a link asks for one service or team, and at most one environment")
    for texts in (when.environment, when.service, when.owner):
        if len(texts) > 1:
            raise ValueError("a link asks for one service or team, and at most one environment")
        if not all(0 < len(one) <= PATTERN_CHARS and one.isprintable() for one in texts):
            raise ValueError(f"expected a name or pattern of at most {PATTERN_CHARS} characters")


def _check_destination(subject: str) -> None:
    if not _DESTINATION.fullmatch(subject):
        raise ValueError("expected a destination such as slack:payments or slack:C0123456789")
