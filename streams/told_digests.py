"""The digests that were decided of one incident, storm or report, of a recording or live."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aiokafka import ConsumerRecord

from correlators.types import Digest
from streams import codec
from streams.local import Pipeline, TooMuchHeld
from streams.recording import BadLine, Recording, RecordingError
from streams.settings import Settings
from streams.stories import StoryError, read_topic
from streams.topics import names

KEPT_MOST: Final = 10_000
"""Digests of one thing, the newest ones."""


class NothingTold(StoryError):
    """It is readable, and nothing was told of this."""


def told_of(settings: Settings, subject: str, recordings: Sequence[Path]) -> list[Digest]:
    """Return every digest of one thing, for all destinations, oldest first.

    Args:
        settings: which installation.
        subject: the id of an incident, a storm or a scheduled report; or the name of such a report,
            which is every one of that name.
        recordings: ask a replay of these, not the live topics.

    Raises:
        NothingTold: there is none.
        StoryError: they cannot be read.
    """
    if recordings:
        found, where = _recorded(settings, subject, recordings), "this recording"
    else:
        found, where = asyncio.run(_live(settings, subject)), "what the topic keeps"
    if not found:
        raise NothingTold(f"nothing was told of {subject} in {where}")
    return found


def _is_of(digest: Digest, subject: str) -> bool:
    named = digest.reported is not None and digest.reported.name == subject
    return named or digest.id == subject


def _recorded(settings: Settings, subject: str, files: Sequence[Path]) -> list[Digest]:
    found: list[Digest] = []
    pipeline = Pipeline(
        settings.correlation(),
        settings.fingerprinting(),
        lambda step: found.extend(one for one in step.digests if _is_of(one, subject)),
    )
    try:
        for line in Recording(tuple(files)):
            if not isinstance(line, BadLine):
                pipeline.add(line.resource, line.body, line.at_ms)
        pipeline.finish()
    except (RecordingError, TooMuchHeld) as error:
        raise StoryError(str(error)) from None
    return found[-KEPT_MOST:]


async def _live(settings: Settings, subject: str) -> list[Digest]:
    found: list[Digest] = []

    def take(records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        digests = (codec.digest(one.value) for one in records if one.value)
        found.extend(one for one in digests if _is_of(one, subject))
        del found[:-KEPT_MOST]

    await read_topic(settings, names(settings.namespace).deliveries, take)
    return sorted(found, key=lambda one: (one.at_ms, one.revision))
