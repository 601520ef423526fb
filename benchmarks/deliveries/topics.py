"""What stands on the topics of the show: what waits, what was given up, the journal of calls."""

from __future__ import annotations

from contextlib import aclosing

from benchmarks.deliveries.told import Named
from correlators.entries import PROGRESS_KEY
from sinks.attempted import Attempted
from sinks.entries import FINISHED, decode
from streams import codec
from streams.settings import Settings
from streams.stage.state import committed
from streams.topics import names, partitions_of


async def _records(settings: Settings, topic: str) -> list[tuple[bytes, bytes | None]]:
    """Return (key, value) of every committed record, partition after partition."""
    bootstrap = settings.kafka.bootstrap
    partitions = (await partitions_of(settings, [topic]))[topic]
    found: list[tuple[bytes, bytes | None]] = []
    for partition in partitions:
        async with aclosing(committed(bootstrap, topic, partition)) as fetches:
            async for records in fetches:
                found += [(one.key or b"", one.value) for one in records]
    return found


async def committed_values(settings: Settings, topic: str) -> list[bytes]:
    """Return the value of every committed record of a topic."""
    return [value for _, value in await _records(settings, topic) if value is not None]


async def waiting(settings: Settings) -> int:
    """Return how many deliveries are not finished."""
    newest = dict(await _records(settings, names(settings.namespace).outbox))
    newest.pop(PROGRESS_KEY.encode(), None)
    entries = [decode(value) for value in newest.values() if value]
    return sum(one.status not in FINISHED for one in entries)


def dead_letters(values: list[bytes]) -> set[Named]:
    """Return what was given up."""
    digests = map(codec.digest, values)
    return {(one.destination, one.id, one.revision) for one in digests}


def journal(values: list[bytes]) -> list[Attempted]:
    """Return what became of every call."""
    return [one for one in map(codec.said, values) if isinstance(one, Attempted)]
