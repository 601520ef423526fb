"""A source partition as FINGERPRINT reads it: its fold, its stream time, how far it is flushed.

Pure of Kafka's clients: records in, and back those that cannot be read. Who sends and commits is
`fingerprint`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Any

from aiokafka import ConsumerRecord

from correlators.fingerprinter import Fingerprinter, RecordKind
from correlators.types import TICK_MS
from streams.metrics import Metrics
from streams.settings import Clock
from streams.stream_time import seen, seen_of_sentry

Unreadable = tuple[ConsumerRecord[Any, Any], str]
"""A record, and why it cannot be read."""


class Lane:
    """One source partition: its fold, its stream time, how far it is read and flushed."""

    def __init__(
        self, fingerprinter: Fingerprinter, offset: int, stream_ms: int, since_ms: int = 0
    ) -> None:
        """Args: what reads, where it begins and at what time; since_ms: of a foreign one."""
        self.fingerprinter = fingerprinter
        self.offset = offset
        self.stream_ms = stream_ms
        self.since_ms = since_ms
        self.watermark_ms = -1
        self.told_ms = -1
        """The watermark that Kafka has from here."""
        self.sent_ms = -1
        """The one that it has or is about to."""
        self.committed = offset
        self.flushed = offset
        """What was read up to there is flushed, or on its way."""
        self.busy_tick = -1
        """The host's own tick in which the last records or mark came from here: not idle in it."""
        self.quarantine: list[Awaitable[Any]] = []

    @property
    def ended(self) -> bool:
        """Whether a tick is over that no flush has taken."""
        return self.watermark_ms // TICK_MS > self.sent_ms // TICK_MS

    @property
    def foreign(self) -> bool:
        """Whether somebody else writes it: then we never do."""
        return self.since_ms > 0

    def take(
        self, records: Sequence[ConsumerRecord[Any, Any]], clock: Clock, metrics: Metrics
    ) -> list[Unreadable]:
        """Fold records, and return those that cannot be read, in order.

        Args:
            records: the next ones of this partition, at least one.
            clock: whose time counts.
            metrics: where they are counted, once for all of them.
        """
        unreadable: list[Unreadable] = []
        kinds: Counter[str] = Counter()
        events = raised = 0
        take, foreign = self.fingerprinter.take, self.foreign
        for record in records:
            found = seen_of_sentry(record) if foreign else seen(record, clock)
            if found.at_ms > self.stream_ms:
                self.stream_ms = found.at_ms
            elif found.at_ms < self.stream_ms:
                raised += 1
            if found.mark:
                kinds["mark"] += 1
                self.watermark_ms = max(self.watermark_ms, found.at_ms)
                continue
            read = take(found.resource, found.body, self.stream_ms)
            if read.kind is RecordKind.EVENT:
                events += 1
                continue
            kinds[read.kind.value] += 1
            if read.kind is RecordKind.UNREADABLE:
                unreadable.append((record, read.reason))
        if clock is Clock.WALL:
            self.watermark_ms = self.stream_ms
        self.offset = records[-1].offset + 1
        kinds[RecordKind.EVENT.value] = events
        for kind, count in kinds.items():
            if count:
                metrics.events.labels(kind=kind).inc(count)
        if raised:
            metrics.raised_times.inc(raised)
        return unreadable
