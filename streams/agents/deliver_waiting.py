"""How long the oldest delivery waits that is not finished, looked at now and then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sinks.entries import FINISHED
from sinks.outbox import Outbox
from streams.agents.deliver_counting import sink_of
from streams.metrics import Metrics

LOOK_MS: Final = 5_000
"""Between two looks: each is at every entry of every outbox."""


class Waiting:
    """Measures it, for every sink."""

    def __init__(self, metrics: Metrics) -> None:
        """Args: metrics: where it is measured."""
        self._metrics = metrics
        self._next_ms = 0

    def look(self, sinks: Iterable[str], outboxes: Iterable[Outbox], now_ms: int) -> None:
        """Measure it, unless that was done within `LOOK_MS`.

        Args:
            sinks: those that are configured; one of which nothing waits has 0.
            outboxes: of the partitions that this process owns.
            now_ms: now.
        """
        if now_ms < self._next_ms:
            return
        self._next_ms = now_ms + LOOK_MS
        oldest_ms = dict.fromkeys(sinks, now_ms)
        for outbox in outboxes:
            for entry in outbox.entries().values():
                if entry.status in FINISHED or not entry.since_ms or entry.question:
                    continue
                sink = sink_of(entry.destination)
                if sink in oldest_ms:
                    oldest_ms[sink] = min(oldest_ms[sink], entry.since_ms)
        for sink, since_ms in oldest_ms.items():
            age = self._metrics.oldest_undelivered_seconds.labels(sink=sink)
            age.set(max(0, now_ms - since_ms) / 1000)
