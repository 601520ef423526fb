"""Who owns what is told: teams by service, by path in a stack, or by tag.

Paths and tags are looked at where events are: FINGERPRINT marks which of the patterns that the
configuration names hold for some event (`marks_of`), so nothing else of a path or a tag goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from correlators.conditions import matches
from correlators.types import Event

MARKS_MOST: Final = 64
"""Patterns over tags and paths that one configuration may have."""

FRAMES_READ: Final = 50

_NONE: Final[Mapping[str, str]] = {}

OWNER: Final = "owner"
"""Among a rule's destinations: those of the owner's team."""

SERVICE: Final = "service"
"""Among a rule's destinations to page: those of the service itself."""

WORDS: Final = frozenset({OWNER, SERVICE})
"""What stands for destinations that differ from one thing told to the next, and may be none."""


class Team(msgspec.Struct, frozen=True):
    """Where a team hears what it owns."""

    to: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    fallback: str = ""
    """Who is paged when one of `page` cannot be."""
    slack: str = ""
    """Whom loud messages in Slack mention: a user group or a user, by id."""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ownership: exactly one of its patterns is given.

    Raises:
        ValueError: none, or more than one, is given.
    """

    owner: str
    service: str = ""
    path: str = ""
    """Of a file in an in-app frame."""
    tag: str = ""
    """`name=pattern`."""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.service, self.path, self.tag))) != 1:
            raise ValueError("exactly one of service, path and tag is given")


def owners_of(
    owners: Sequence[Owner],
    services: Iterable[str],
    marks: Iterable[str],
    declared: Mapping[str, str] = _NONE,
) -> tuple[str, ...]:
    """Return the owners, each once, the one that is nearest to the error first.

    First those of the lines by path and tag, which look at the error itself; then each service's
    own owner; then those of the lines by service, for services that have no owner of their own. All
    in the order of the configuration.

    Args:
        owners: the lines.
        services: those that are told of.
        marks: what `marks_of` found for their events.
        declared: the own owner of services that have one.
    """
    named, marked = list(services), set(marks)
    rest = [one for one in named if one not in declared]
    touched = [
        one.owner
        for one in owners
        if (one.path and path_mark(one.path) in marked) or (one.tag and one.tag in marked)
    ]
    own = [declared[one] for one in named if one in declared]
    by_service = [one.owner for one in owners if one.service and matches([one.service], rest)]
    return tuple(dict.fromkeys((*touched, *own, *by_service)))


def path_mark(pattern: str) -> str:
    """Return the mark of a path's pattern, which no tag's pattern equals."""
    return f"path:{pattern}"


def marks_of(event: Event, tags: Iterable[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return which of the configured patterns hold for the event, ascending.

    Args:
        event: any event.
        tags: patterns `name=pattern`.
        paths: patterns of files.
    """
    found = {one for one in tags if _tagged(event, one)}
    wanted = list(paths)
    if wanted:
        files = _files(event)
        found |= {path_mark(one) for one in wanted if matches([one], files)}
    return tuple(sorted(found))


def _tagged(event: Event, wanted: str) -> bool:
    name, _, pattern = wanted.partition("=")
    return any(tag == name and matches([pattern], [value]) for tag, value in event.tags)


def _files(event: Event) -> set[str]:
    stacks = [one.frames for one in event.exceptions] or [event.frames]
    return {
        file
        for frames in stacks
        for frame in frames[-FRAMES_READ:]
        if frame.in_app
        for file in (frame.filename, frame.abs_path)
        if file
    }
