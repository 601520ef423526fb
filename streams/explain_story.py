"""`stormfold explain --incident|--storm|--digest ID`, and what became of an explained event.

Thin: the story is found in `stories` and worded in `story_words`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import msgspec

from correlators.types import Event
from streams import story_words
from streams.config_places import Places
from streams.exit_status import DONE, FAILED, WRONG_USE
from streams.explain import ExplainError, explain, given, in_json, plain, read, safe, text
from streams.settings import Settings
from streams.stories import (
    Live,
    Recorded,
    Source,
    Story,
    StoryError,
    covering,
    incidents_of,
    story_of,
)

_DIGEST: Final = re.compile(r"((?:inc|storm|rep)-[0-9a-f]{16})(?:[@.](\d{1,6}))?")
_ID: Final = re.compile(r"(inc|storm)-[0-9a-f]{16}")


class Form(StrEnum):
    """How an answer is laid out."""

    TEXT = "text"
    JSON = "json"
    SHORT = "short"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be explained."""

    incident: str = ""
    storm: str = ""
    digest: str = ""
    """An id, and after `@` the revision."""


def source_of(settings: Settings, recordings: Sequence[Path]) -> Source:
    """Return where decisions are read: a replay of these recordings, or the live topics.

    Raises:
        StoryError: a recording cannot be read.
    """
    return Recorded(settings, recordings) if recordings else Live(settings)


def asked_story(source: Source, asked: Asked) -> Story:
    """Return the story that is asked for.

    Raises:
        StoryError: the id is none, nothing is known of it, or the source cannot be read.
    """
    for named, word, form in (
        (asked.incident, "inc", "inc-"),
        (asked.storm, "storm", "storm-"),
    ):
        if named:
            found = _ID.fullmatch(named)
            if found is not None and found[1] != word:
                option = "--storm" if found[1] == "storm" else "--incident"
                raise StoryError(f"{named} is not asked for like this: explain {option} {named}")
            if found is None:
                raise StoryError(f"{named!r} is no id: expected {form} and 16 hex digits")
            return story_of(source, named)
    found = _DIGEST.fullmatch(asked.digest)
    if found is None:
        raise StoryError(
            f"{asked.digest!r} is no digest: expected its id and revision, such as "
            "storm-7f4ac26c308e979e@2; both stand in its last line"
        )
    return story_of(source, found[1], revision=int(found[2] or 0))


def of_event(source: Source, event: Event, fingerprint: str, event_ms: int) -> Story | None:
    """Return the story of the incident that an event belongs to, None where there is none.

    Args:
        source: where decisions are read.
        event: as explained.
        fingerprint: that its signature has.
        event_ms: its moment, as far as it is known.

    Raises:
        StoryError: the source cannot be read.
    """
    key = (event.environment, event.service, event.release, fingerprint)
    ids = incidents_of(source, key)
    return story_of(source, covering(source, ids, event_ms)) if ids else None


def run_event(
    settings: Settings,
    path: str,
    recordings: Sequence[Path],
    *,
    form: Form,
    stdin: BinaryIO,
    out: TextIO,
    errors: TextIO,
) -> int:
    """Print why an event has its signature and what became of it, and return the exit status.

    Without a recording the live topics are asked; where there are none, one line says so, and the
    signature is told all the same.
    """
    try:
        what = given(read(path, stdin))
        explained = explain(settings, what)
    except ExplainError as error:
        print(f"explain: {error}", file=errors)
        return WRONG_USE
    story: Story | None = None
    unknown = ""
    try:
        source = source_of(settings, recordings)
        fingerprint = explained.versions[0].fingerprint
        event_ms = what.at_ms or explained.event.occurred_ms
        story = of_event(source, explained.event, fingerprint, event_ms)
        if story is None:
            unknown = f"no incident of this error is known to {source.name}"
    except StoryError as error:
        unknown = f"{error}; --recording FILE asks a recording"
        if recordings:
            print(f"explain: {error}", file=errors)
            return FAILED
    places = Places(settings.file)
    if form is Form.JSON:
        found = plain(explained)
        found["story"] = story_words.plain(story, places) if story is not None else None
        out.write(in_json(found))
    else:
        shown = text(explained) if form is Form.TEXT else text(explained)[:4]
        out.write(
            "".join(f"{safe(line)}\n" for line in [*shown, *([] if shown[-1] == "" else [""])])
        )
        if story is not None:
            write(story, places, form, out)
    if unknown:
        print(f"what became of it: {unknown}", file=errors)
    return DONE


def run(
    settings: Settings,
    asked: Asked,
    recordings: Sequence[Path],
    *,
    form: Form,
    out: TextIO,
    errors: TextIO,
) -> int:
    """Print the story, and return the exit status: 2 where nothing of that name is known."""
    try:
        source = source_of(settings, recordings)
        story = asked_story(source, asked)
    except StoryError as error:
        print(f"explain: {error}", file=errors)
        return FAILED if "cannot be" in str(error) else WRONG_USE
    write(story, Places(settings.file), form, out)
    return DONE


def write(story: Story, places: Places, form: Form, out: TextIO) -> None:
    """Print a story."""
    if form is Form.JSON:
        out.write(in_json(story_words.plain(story, places)))
        return
    worded = story_words.short if form is Form.SHORT else story_words.lines
    out.write("".join(f"{safe(line)}\n" for line in worded(story, places)))
