"""The digests that were decided of one incident, storm or report, of a recording or live."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from correlators.types import Digest
from streams import codec
from streams.codec import CodecError
from streams.local import Pipeline, TooMuchHeld
from streams.recording import BadLine, Recording, RecordingError
from streams.settings import Settings
from streams.stories import StoryError
from streams.topics import TopicsError, names, partitions_of, said_by

WITHIN_S: Final = 60.0
"""How long reading the live topic may take."""
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
    from streams.stage.state import committed

    topic, bootstrap = names(settings.namespace).deliveries, settings.kafka.bootstrap
    found: list[Digest] = []
    try:
        async with asyncio.timeout(WITHIN_S):
            for partition in (await partitions_of(settings, [topic]))[topic]:
                async with aclosing(committed(bootstrap, topic, partition)) as fetches:
                    async for records in fetches:
                        digests = (codec.digest(one.value) for one in records if one.value)
                        found += (one for one in digests if _is_of(one, subject))
                        del found[:-KEPT_MOST]
    except TopicsError as error:
        raise StoryError(str(error)) from None
    except TimeoutError:
        raise StoryError(f"{topic} cannot be read within {WITHIN_S:.0f} s") from None
    except (KafkaError, OSError) as error:
        raise StoryError(f"Kafka at {bootstrap} cannot be read: {said_by(error)}") from None
    except CodecError as error:
        raise StoryError(f"{topic} cannot be read: {error}; another version wrote it") from None
    return sorted(found, key=lambda one: (one.at_ms, one.revision))
