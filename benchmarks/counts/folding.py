"""What FINGERPRINT writes and does for ten thousand events: the real handler on a recording host.

Two seconds of a storm at 5,000 events a second over four partitions, handed over in pieces as they
come, with the timer between them.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition

from benchmarks.counts.calls import Calls
from benchmarks.counts.recording import RecordingHost
from benchmarks.storm.events import RESOURCE, Traffic, events
from streams.agents.fingerprint import FingerprintHandler
from streams.metrics import Metrics
from streams.settings import load
from streams.stage import Stage
from streams.stage.source import Source
from streams.topics import max_record_bytes

EVENTS: Final = 10_000
PARTITIONS: Final = 4
PIECE: Final = 25
"""Events that come at once from one partition."""
STEP_MS: Final = 5
"""Between two pieces, from one partition after another: 5,000 events a second."""
START_MS: Final = 1_700_000_000_250
"""In the middle of a tick."""
AFTER_MS: Final = 200
TURNS: Final = 20
"""Of the event loop, so that what goes on beside the fold comes to its end."""


class Folding:
    """FINGERPRINT in this process."""

    def __init__(self) -> None:
        settings = load(None, {})
        self.host = RecordingHost(PARTITIONS, START_MS)
        self._handler = FingerprintHandler(
            settings.fingerprinting(),
            bootstrap="",
            clock=settings.clock,
            deltas_topic="deltas",
            quarantine_topic="quarantine",
            max_request_bytes=max_record_bytes(settings),
            metrics=Metrics(),
        )
        stage = Stage(
            "fingerprint", "counts", "", topics=("events",), progress_topic="", host=self.host
        )
        self._source = Source(stage, self._handler, Metrics())
        self._offsets = dict.fromkeys(range(PARTITIONS), 0)

    async def start(self) -> None:
        """Take over every partition."""
        self._source.consumer = self.host.consumer()
        await self._handler.start(self._source)
        for partition in range(PARTITIONS):
            await self._handler.assign(TopicPartition("events", partition))

    async def fold(self, bodies: Sequence[bytes]) -> None:
        """Take these events, and flush what is open in the end."""
        for number, begin in enumerate(range(0, len(bodies), PIECE)):
            self.host.at_ms += STEP_MS
            partition = number % PARTITIONS
            tp = TopicPartition("events", partition)
            records = [self._record(partition, body) for body in bodies[begin : begin + PIECE]]
            await self._handler.records(tp, records)
            if number % 10 == 9:
                await self._timer()
        self.host.at_ms += AFTER_MS
        await self._timer()

    async def _timer(self) -> None:
        await self._handler.timer(self.host.at_ms)
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _record(self, partition: int, body: bytes) -> ConsumerRecord[Any, Any]:
        offset = self._offsets[partition]
        self._offsets[partition] = offset + 1
        return ConsumerRecord(
            topic="events", partition=partition, offset=offset, timestamp=self.host.at_ms,
            timestamp_type=1, key=None, value=body, checksum=None, serialized_key_size=-1,
            serialized_value_size=len(body), headers=(("resource", RESOURCE.encode()),),
        )  # fmt: skip


def folded(traffic: Traffic, count: int = EVENTS) -> dict[str, float]:
    """Return the counts for this traffic: messages and bytes for 10,000 events, the rest for each.

    Args:
        traffic: what differs between the events.
        count: how many are folded.
    """
    return asyncio.run(_folded(traffic, count))


async def _folded(traffic: Traffic, count: int) -> dict[str, float]:
    # A process that has just begun is no measure: some come before those that count.
    every = list(events(traffic, count + count // 4, at_ms=START_MS))
    folding, calls = Folding(), Calls()
    await folding.start()
    await folding.fold(every[: count // 4])
    folding.host.sent.clear()
    gc.collect()
    blocks = sys.getallocatedblocks()
    with calls.counting():
        await folding.fold(every[count // 4 :])
    sent = [value for topic, value in folding.host.sent if topic == "deltas"]
    found = {
        "messages": len(sent) * EVENTS / count,
        "bytes": sum(map(len, sent)) * EVENTS / count,
        "calls": calls.made / count,
    }
    folding.host.sent.clear()
    del sent
    gc.collect()
    return found | {"blocks kept": (sys.getallocatedblocks() - blocks) / count}
