"""What the `why-` commands look at: what came in, what was decided, what came back.

Read from the live topics; no group is joined and nothing written. Bounded: of what came in at most
`RECORDS_MOST` of the window are read, the latest ones of each partition.

Errors: `WhyError`, its child `WrongUse`; the text says why.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from correlators.fingerprinter import Fingerprinter
from sinks.marks import Mark
from streams import codec, letter_records
from streams.codec import CodecError, Said
from streams.letter_records import mark_of, read_letter
from streams.letters import cases, pages
from streams.processes import StageName
from streams.record import SINCE_LEAST_MS, SINCE_MOST_MS
from streams.settings import Settings
from streams.status import make_status
from streams.status_kafka import StatusError
from streams.status_kafka import read as read_status
from streams.stories import at_ms
from streams.topics import TopicsError, names, partitions_of, said_by
from streams.yaml_reader import duration, duration_in

RECORDS_MOST: Final = 20_000
DECISIONS_MOST: Final = 500_000
WITHIN_S: Final = 60.0
NAMED_MOST: Final = 1_000
"""Services and reasons that are counted by name."""


class WhyError(Exception):
    """The topics cannot be read; the text says why."""


class WrongUse(WhyError):
    """It was asked for in a way that cannot work."""


class Arrived(msgspec.Struct, kw_only=True):
    """What came in of one service."""

    events: int = 0
    changes: int = 0
    last_ms: int = 0
    environments: set[str] = msgspec.field(default_factory=set)
    resources: Counter[str] = msgspec.field(default_factory=Counter)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter."""

    destination: str
    reason: str
    detail: str
    at_ms: int
    subject: str
    id: str = ""
    page: bool = False
    """It would have woken somebody."""


class Seen(msgspec.Struct, kw_only=True):
    """Everything that is looked at, of one window."""

    since_ms: int
    now_ms: int
    arrived: dict[str, Arrived] = msgspec.field(default_factory=dict)
    records: int = 0
    """Records that were read of the sources."""
    skipped: int = 0
    """Older records of the window that were not."""
    unreadable: Counter[str] = msgspec.field(default_factory=Counter)
    said: list[Said] = msgspec.field(default_factory=list)
    dead: list[Letter] = msgspec.field(default_factory=list)
    troubles: tuple[str, ...] = ()
    """What stands still, as `stormfold status` says it."""


def since_of(text: str) -> int:
    """Return a `--since` in milliseconds. Raises: WrongUse."""
    back_ms = duration_in(text)
    if back_ms is None or not SINCE_LEAST_MS <= back_ms <= SINCE_MOST_MS:
        raise WrongUse(
            f"--since: expected a duration from {duration(SINCE_LEAST_MS)} to "
            f'{duration(SINCE_MOST_MS)}, such as 1h, found "{text}"'
        )
    return back_ms


def read(settings: Settings, since: str, *, arrivals: bool, now_ms: int) -> Seen:
    """Return what is to be looked at.

    Args:
        settings: which installation.
        since: how far back, such as `1h`.
        arrivals: whether to read what came in, too.
        now_ms: the wall clock.

    Raises:
        WhyError: the topics cannot be read.
    """
    seen = Seen(since_ms=now_ms - since_of(since), now_ms=now_ms)
    bootstrap = settings.kafka.bootstrap
    try:
        asyncio.run(_read(settings, seen, arrivals=arrivals))
    except TimeoutError:
        raise WhyError(f"Kafka at {bootstrap} gave no answer in {WITHIN_S:.0f} s") from None
    except (KafkaError, OSError) as error:
        raise WhyError(f"Kafka at {bootstrap} cannot be asked: {said_by(error)}") from None
    return seen


async def _read(settings: Settings, seen: Seen, *, arrivals: bool) -> None:
    topics = names(settings.namespace)
    try:
        readings = await read_status(settings, list(StageName))
    except StatusError as error:
        raise WhyError(str(error)) from None
    status = make_status(
        settings.namespace, settings.clock, readings.at_ms, readings.reports, readings.standings
    )
    seen.troubles = status.troubles
    sources = [topics.events, *settings.kafka.sentry_topics]
    kept = [topics.decisions, topics.quarantine, topics.dead]
    try:
        partitions = await partitions_of(settings, [*sources, *kept])
    except TopicsError as error:
        raise WhyError(str(error)) from None
    if missing := [one for one in kept if not partitions[one]]:
        raise WrongUse(f"topics are missing ({', '.join(missing)}); `stormfold topics` makes them")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            window = _Window(consumer, partitions, seen.since_ms)
            async for record in window.records([topics.decisions], most=DECISIONS_MOST):
                _decision(record, seen)
            async for record in window.records([topics.quarantine], most=RECORDS_MOST):
                reason = dict(record.headers).get("reason", b"").decode(errors="replace")
                _count(seen.unreadable, reason)
            dead = [one async for one in window.records([topics.dead], most=RECORDS_MOST)]
            seen.dead = given_up(dead)
            if arrivals:
                reader = Fingerprinter(settings.fingerprinting())
                async for record in window.records(sources, most=RECORDS_MOST):
                    _arrival(record, reader, seen)
                seen.skipped = window.skipped
    finally:
        await consumer.stop()
    seen.said.sort(key=at_ms)


class _Window:
    """Reads what topics hold since a moment."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        partitions: Mapping[str, Sequence[int]],
        since_ms: int,
    ) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._since_ms = since_ms
        self.skipped = 0

    async def records(
        self, topics: list[str], *, most: int
    ) -> AsyncIterator[ConsumerRecord[Any, Any]]:
        """Yield the records since then, at most so many over all, the latest of each partition."""
        consumer = self._consumer
        self.skipped = 0
        tps = [TopicPartition(topic, one) for topic in topics for one in self._partitions[topic]]
        ends = await consumer.end_offsets(tps)
        found = await consumer.offsets_for_times(dict.fromkeys(tps, self._since_ms))
        each = max(1, most // max(1, len(tps)))
        starts: dict[TopicPartition, int] = {}
        for tp in tps:
            start = found[tp].offset if found.get(tp) is not None else ends[tp]
            self.skipped += max(0, ends[tp] - each - start)
            starts[tp] = max(start, ends[tp] - each)
        reading = {tp for tp in tps if starts[tp] < ends[tp]}
        if not reading:
            return  # a consumer that is stopped right after it was assigned something never stops
        consumer.assign(sorted(reading))
        for tp in reading:
            consumer.seek(tp, starts[tp])
        while reading:
            fetched = await consumer.getmany(*reading, timeout_ms=200)
            for tp, records in fetched.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
            for tp in list(reading):
                if await consumer.position(tp) >= ends[tp]:
                    reading.discard(tp)


def _decision(record: ConsumerRecord[Any, Any], seen: Seen) -> None:
    try:
        seen.said.append(codec.said(record.value or b""))
    except CodecError as error:
        raise WhyError(f"{record.topic}: {error}; another version wrote it") from None


def given_up(records: Iterable[ConsumerRecord[Any, Any]]) -> list[Letter]:
    """Return the letters that nobody has sent again or dropped, the oldest first."""
    letters: list[letter_records.Letter] = []
    marks: list[Mark] = []
    for record in records:
        if (letter := read_letter(record)) is not None:
            letters.append(letter)
        elif (mark := mark_of(record)) is not None:
            marks.append(mark)
    return [_letter(one.letter) for one in reversed(cases(letters, marks)) if one.open]


def _letter(found: letter_records.Letter) -> Letter:
    return Letter(
        destination=found.destination,
        reason=found.reason,
        detail=found.detail,
        at_ms=found.at_ms,
        subject=found.digest.id if found.digest is not None else "",
        id=found.id,
        page=pages(found),
    )


def _arrival(record: ConsumerRecord[Any, Any], reader: Fingerprinter, seen: Seen) -> None:
    headers = dict(record.headers)
    if "mark" in headers:
        return
    seen.records += 1
    resource = headers.get("resource", b"").decode(errors="replace")
    found = reader.read(resource, record.value or b"")
    if found.event is not None:
        arrived = _of(seen, found.event.service)
        arrived.events += 1
        arrived.environments.add(found.event.environment)
    elif found.change is not None:
        arrived = _of(seen, found.change.service)
        arrived.changes += 1
    else:
        return
    arrived.last_ms = max(arrived.last_ms, record.timestamp)
    _count(arrived.resources, resource or "none")


def _of(seen: Seen, service: str) -> Arrived:
    if service not in seen.arrived and len(seen.arrived) >= NAMED_MOST:
        service = "other services"
    return seen.arrived.setdefault(service, Arrived())


def _count(counts: Counter[str], name: str) -> None:
    counts[name if name in counts or len(counts) < NAMED_MOST else "other"] += 1
