"""The story of one incident, storm or digest: every decision about it, and every call, in order.

What was decided stands on `decisions`, or is made anew by a replay; here it is found and put into
order. How it is told is `story_words`' part.

Errors: `StoryError` when nothing of that name is known, or it cannot be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from correlators.decisions import Decision, Kind
from correlators.deltas import tick_end_ms
from correlators.types import TICK_MS
from streams import codec
from streams.codec import CodecError, Said
from streams.local import Pipeline, TooMuchHeld
from streams.recording import BadLine, Recording, RecordingError
from streams.settings import Settings
from streams.topics import TopicsError, names, partitions_of, said_by

KEPT_MOST: Final = 50_000
"""Decisions of one story, the first ones; more are counted."""

TITLE_CHARS: Final = 80
"""Of the title of an incident that another one's story names."""

WITHIN_S: Final = 60.0
"""How long reading the live topics may take."""

_STARTS: Final = frozenset({Kind.OPENED, Kind.REOPENED})

Match = Callable[[Said], bool]


class StoryError(Exception):
    """It cannot be told; the text says why and what to do."""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one thing."""

    subject: str
    said: tuple[Said, ...]
    """In the order of time; what concerns it through its storm included."""
    storms: tuple[str, ...] = ()
    """Storms that it was part of."""
    names: dict[str, str] = {}
    """What other incidents that are named here are: service and title, by id."""
    left_out: int = 0
    """More decisions than are kept."""


class Source(Protocol):
    """Where decisions are read."""

    @property
    def name(self) -> str:
        """What it is, for people."""

    def said(self, match: Match) -> Iterable[Said]:
        """Return what matches, in the order of time. Raises: StoryError."""


class Recorded:
    """Decisions made anew by a replay in this process: nothing is sent to anybody."""

    def __init__(self, settings: Settings, files: Sequence[Path]) -> None:
        """Args: files: recordings. Raises: StoryError: they cannot be read."""
        self.name = f"a replay of {', '.join(str(file) for file in files)}"
        self._said: list[Said] = []
        pipeline = Pipeline(
            settings.correlation(),
            settings.fingerprinting(),
            lambda step: self._said.extend(step.decisions),
            explains=True,
        )
        try:
            for line in Recording(tuple(files)):
                if not isinstance(line, BadLine):
                    pipeline.add(line.resource, line.body, line.at_ms)
            pipeline.finish()
        except (RecordingError, TooMuchHeld) as error:
            raise StoryError(str(error)) from None

    def said(self, match: Match) -> Iterable[Said]:
        """Return what matches, in the order of time."""
        return filter(match, self._said)


class Live:
    """Decisions as they stand on the live topics; reads only, joins no group."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: which installation."""
        self.name = f"the topics of {settings.namespace} at {settings.kafka.bootstrap}"
        self._settings = settings

    def said(self, match: Match) -> Iterable[Said]:
        """Return what matches, in the order of time. Raises: StoryError."""
        found: list[Said] = asyncio.run(self._read(match))
        return sorted(found, key=at_ms)

    async def _read(self, match: Match) -> list[Said]:
        found: list[Said] = []
        await read_topic(
            self._settings,
            names(self._settings.namespace).decisions,
            lambda records: found.extend(filter(match, map(_said, records))),
        )
        return found


async def read_topic(
    settings: Settings, topic: str, take: Callable[[Sequence[ConsumerRecord[Any, Any]]], None]
) -> None:
    """Read what is committed on a live topic, from its begin to its end of now.

    Args:
        settings: which installation.
        topic: its name.
        take: is handed the records of each fetch; may raise CodecError.

    Raises:
        StoryError: it is not there, or cannot be read whole within `WITHIN_S` seconds.
    """
    from streams.stage.state import committed

    bootstrap = settings.kafka.bootstrap
    try:
        async with asyncio.timeout(WITHIN_S):
            partitions = (await partitions_of(settings, [topic]))[topic]
            if not partitions:
                raise StoryError(f"there is no topic {topic}; `stormfold topics` makes it")
            for partition in partitions:
                async with aclosing(committed(bootstrap, topic, partition)) as fetches:
                    async for records in fetches:
                        take(records)
    except TopicsError as error:
        raise StoryError(str(error)) from None
    except TimeoutError:
        raise StoryError(f"{topic} could not be read within {WITHIN_S:.0f} s") from None
    except (KafkaError, OSError) as error:
        raise StoryError(f"Kafka at {bootstrap} cannot be read: {said_by(error)}") from None
    except CodecError as error:
        raise StoryError(f"{topic}: {error}; another version wrote it") from None


def _said(record: object) -> Said:
    return codec.said(getattr(record, "value", None) or b"")


def at_ms(said: Said) -> int:
    """Return when it was said, in milliseconds: for a decision the end of its tick."""
    return tick_end_ms(said.tick) if isinstance(said, Decision) else said.at_ms


def story_of(source: Source, subject: str, *, revision: int = 0) -> Story:
    """Return the story of an incident, a storm or a silence.

    Args:
        source: where decisions are read.
        subject: its id.
        revision: of a digest: nothing after it is told; 0 tells all.

    Raises:
        StoryError: nothing is known of it, or the source cannot be read.
    """
    own = list(source.said(lambda said: _concerns(said, subject)))
    if not own:
        raise StoryError(
            f"{subject} is not known to {source.name}: it is misspelt, or was decided before what "
            "is kept there"
        )
    storms = dict.fromkeys(
        one.other
        for one in own
        if isinstance(one, Decision)
        and one.kind in (Kind.JOINED, Kind.MERGED)
        and one.other.startswith("storm-")
    )
    said = own
    if storms and subject.startswith("inc-"):
        began = min(at_ms(one) for one in own)
        of_storms = source.said(lambda one: one.subject in storms and at_ms(one) >= began)
        seen = set(map(id, own))
        said = sorted([*own, *(one for one in of_storms if id(one) not in seen)], key=at_ms)
        said = list(dict.fromkeys(said))
    if revision:
        said = _up_to(said, subject, revision)
    return Story(
        subject=subject,
        said=tuple(said[:KEPT_MOST]),
        storms=tuple(storms),
        names=_names(source, said[:KEPT_MOST], subject),
        left_out=max(0, len(said) - KEPT_MOST),
    )


def _names(source: Source, said: Iterable[Said], subject: str) -> dict[str, str]:
    """Return what the other incidents of a story are, as they were when they opened."""
    ids = {
        one
        for decision in said
        if isinstance(decision, Decision)
        for one in (decision.other, *decision.to)
        if one.startswith("inc-") and one != subject
    }
    if not ids:
        return {}
    opened = source.said(lambda one: one.subject in ids and getattr(one, "key", None) is not None)
    return {
        one.subject: f"{one.key[1]}: {one.title[:TITLE_CHARS]}"
        for one in opened
        if isinstance(one, Decision) and one.key is not None
    }


def _concerns(said: Said, subject: str) -> bool:
    if said.subject == subject:
        return True
    return isinstance(said, Decision) and said.kind is Kind.MERGED and said.other == subject


def _up_to(said: list[Said], subject: str, revision: int) -> list[Said]:
    """Return what led to a revision, and what came of it."""
    ends = [
        at_ms(one)
        for one in said
        if isinstance(one, Decision) and one.subject == subject and one.revision == revision
    ]
    if not ends:
        raise StoryError(f"{subject} was never told in a revision {revision}")
    return [
        one
        for one in said
        if (at_ms(one) <= ends[0] if isinstance(one, Decision) else one.revision == revision)
    ]


def incidents_of(source: Source, key: tuple[str, str, str, str]) -> list[str]:
    """Return the ids of the incidents of a key, the latest last.

    Args:
        source: where decisions are read.
        key: (environment, service, release, fingerprint).

    Raises:
        StoryError: the source cannot be read.
    """
    found = source.said(lambda said: isinstance(said, Decision) and said.key == key)
    return list(dict.fromkeys(one.subject for one in found))


def covering(source: Source, ids: Sequence[str], event_ms: int) -> str:
    """Return which of some incidents an event of that moment belongs to: the last that had opened
    by then, else the first; empty where there is none.

    Args:
        source: where decisions are read, once for all of them.
        ids: of the incidents, the latest last.
        event_ms: when the event came in.

    Raises:
        StoryError: the source cannot be read.
    """
    wanted = set(ids)
    opened: dict[str, int] = {}
    for said in source.said(lambda said: said.subject in wanted):
        if isinstance(said, Decision) and said.kind in _STARTS:
            opened.setdefault(said.subject, said.tick)
    begun = [one for one in ids if one in opened and opened[one] * TICK_MS <= event_ms]
    return (begun or list(ids[:1]) or [""])[-1]
