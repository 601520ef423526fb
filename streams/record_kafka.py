"""What `stormfold record` reads beside the events: how far CORRELATE is, and what was told.

Nothing is written and no group is joined, so a running installation does not notice. The state must
be read before the end of the events is looked up: then all that was applied lies before that end.
The events are read in `record_events`.

Errors:
    RecordError     it cannot be read
    └── WrongUse    it is not there, or another configuration wrote it
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from correlators.acts import ActDone, ActOutcome
from correlators.beats import RESOURCE as HEARTBEAT
from correlators.channel_links import ChannelLink
from correlators.deltas import tick_end_ms
from correlators.types import Digest
from sinks.marks import REDRIVE_HEADER
from streams import codec
from streams.agents.stored import Installation, StateRefused, read_state
from streams.codec import CodecError
from streams.replay_results import Results
from streams.settings import Settings
from streams.stage.state import committed, restore
from streams.topics import names, said_by

STATE_WITHIN_S: Final = 300.0
"""How long reading one partition of the state, or of what was told, may take."""


class RecordError(Exception):
    """It cannot be recorded; the text says why and what to do."""


class WrongUse(RecordError):
    """It was asked for in a way that cannot work."""


class Applied(NamedTuple):
    """How far CORRELATE is."""

    tick: int
    """The last tick that every partition has applied; -1 before the first."""
    late: int
    """Deltas that came after their tick, since the birth of the state."""
    acts: int = 0
    """Decisions of people that had an effect and are remembered."""
    links: int = 0
    """Links of destinations that stand, however long ago people made them."""

    @property
    def end_ms(self) -> int:
        """The first moment after that tick; digests of a tick bear it."""
        return tick_end_ms(self.tick)


async def applied(settings: Settings, partitions: Sequence[int], results: Results) -> Applied:
    """Return how far CORRELATE is; `results` learns the state entries.

    Args:
        settings: which installation.
        partitions: of the state.
        results: what is known of incidents and storms goes there.

    Raises:
        WrongUse: another configuration wrote the state.
        RecordError: it cannot be read.
    """
    topic = names(settings.namespace).incidents
    installation = Installation(settings.installation, len(partitions))
    applied_ticks = []
    late = 0
    acts: set[str] = set()
    links: set[str] = set()
    for partition in partitions:
        async with reading(settings, within_s=STATE_WITHIN_S):
            stored = await restore(settings.kafka.bootstrap, topic, partition)
        try:
            progress, entries = read_state(f"{topic}-{partition}", stored, installation)
        except StateRefused as error:
            raise WrongUse(str(error)) from None
        results.entries(entries)
        applied_ticks.append(progress.applied_tick if progress is not None else -1)
        late += progress.late if progress is not None else 0
        # What concerns every partition stands in each.
        links |= {one.id for one in entries if isinstance(one, ChannelLink)}
        acts |= {
            one.id for one in entries if isinstance(one, ActDone) and one.outcome is ActOutcome.DONE
        }
    return Applied(min(applied_ticks), late, len(acts), len(links))


async def told(
    settings: Settings, partitions: Sequence[int], results: Results, first_ms: int, up_to: Applied
) -> tuple[int, int]:
    """Return how many digests were decided, and how many stand there again; `results` gets them.

    Args:
        settings: which installation.
        partitions: of `deliveries`.
        results: gets every revision once.
        first_ms: stream time of the first record; what was told before it is left out.
        up_to: what was told in later ticks is left out.

    Raises:
        RecordError: it cannot be read.
    """
    topic = names(settings.namespace).deliveries
    known: set[tuple[str, str, int]] = set()
    repeated = 0
    for partition in partitions:
        async with (
            reading(settings, within_s=STATE_WITHIN_S),
            aclosing(committed(settings.kafka.bootstrap, topic, partition)) as fetches,
        ):
            async for records in fetches:
                for record in records:
                    if any(name == REDRIVE_HEADER for name, _ in record.headers):
                        continue  # decided once, and sent again by hand
                    if any(name == HEARTBEAT for name, _ in record.headers):
                        continue  # it is told to nobody
                    digest = _digest(record)
                    if not first_ms < digest.at_ms <= up_to.end_ms or digest.handed_by:
                        continue  # what DELIVER hands on is no part of what is decided
                    revision = (digest.destination, digest.id, digest.revision)
                    if revision in known:
                        repeated += 1
                    else:
                        known.add(revision)
                        results.digest(digest)
    return len(known), repeated


def _digest(record: ConsumerRecord[Any, Any]) -> Digest:
    try:
        return codec.digest(record.value or b"")
    except CodecError as error:
        where = f"{record.topic}-{record.partition} offset {record.offset}"
        raise RecordError(f"{where}: {error}") from None


@asynccontextmanager
async def reading(settings: Settings, *, within_s: float | None = None) -> AsyncIterator[None]:
    """Turn what goes wrong with Kafka inside into a `RecordError`."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except OffsetOutOfRangeError:
        raise RecordError(
            "records were deleted before they could be read: they are as old as the topic keeps "
            "them; --since leaves out the oldest"
        ) from None
    except (KafkaError, OSError) as error:
        at = settings.kafka.bootstrap
        raise RecordError(f"Kafka at {at} cannot be read: {said_by(error)}") from None
