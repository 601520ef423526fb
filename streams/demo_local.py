"""Stormfold in the demo without a Kafka: the same steps, outbox and sinks, in this process.

The store is memory, so a crash would lose what production keeps. Errors: those of `streams.local`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from correlators.partition import Step
from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
    Retry,
    RetryReason,
    Sink,
    Unknown,
    UnknownReason,
)
from sinks.outbox import Outbox
from sinks.targets import targets
from streams.demo_material import Material, RecordedClock
from streams.demo_services import Heard
from streams.local import Pipeline
from streams.settings import Settings
from streams.sink_config import make_sinks

CALLS_AT_ONCE: Final = 16
LOOK_EVERY_S: Final = 0.05


class LocalChain:
    """FINGERPRINT, CORRELATE and DELIVER wired together. Run `deliver` beside `feed`."""

    def __init__(self, settings: Settings, heard: Heard) -> None:
        self._heard = heard
        self._pipeline = Pipeline(settings.correlation(), settings.fingerprinting(), self._decided)
        self._sinks: dict[str, Sink] = {sink.name: sink for sink in make_sinks(settings)}
        self._outbox = Outbox(targets(self._sinks.values()), started_ms=_now_ms())
        self._running: set[asyncio.Task[Answer]] = set()

    async def start(self, first_ms: int) -> None:
        """Nothing has to come up."""

    async def feed(self, material: Material, clock: RecordedClock) -> None:
        """Run every record at its moment, then let time run on at once until nothing is open."""
        for line in material.lines:
            await clock.until(line.record.at_ms)
            record = line.record
            self._heard.line(record, self._pipeline.add(record.resource, record.body, record.at_ms))
        self._pipeline.finish()

    def _decided(self, step: Step) -> None:
        self._heard.step(step)
        for digest in step.digests:
            self._outbox.accept(digest, _now_ms())

    async def deliver(self) -> None:
        """Make the calls that are due, for as long as this runs."""
        try:
            while True:
                due = self._outbox.due(_now_ms(), room=CALLS_AT_ONCE - len(self._running))
                self._outbox.take_changes()
                self._running |= {asyncio.create_task(self._call(one)) for one in due}
                if not self._running:
                    await asyncio.sleep(LOOK_EVERY_S)
                    continue
                done, self._running = await asyncio.wait(
                    self._running, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    self._outbox.receive(task.result(), _now_ms())
        finally:
            await self._close(list(self._running))

    async def _close(self, running: Sequence[asyncio.Task[Answer]]) -> None:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for sink in self._sinks.values():
            await sink.close()

    async def _call(self, attempt: Attempt) -> Answer:
        sink = self._sinks[attempt.destination.partition(":")[0]]
        left_s = (attempt.deadline_ms - _now_ms()) / 1000
        if left_s <= 0:
            return Answer(
                key=attempt.key, number=attempt.number, outcome=Retry(RetryReason.EXPIRED)
            )
        timed_out = UnknownReason.TIMED_OUT
        try:
            async with asyncio.timeout(left_s):
                made = await (sink.find if attempt.find else sink.send)(attempt)
        except TimeoutError:
            made = CannotTell(timed_out) if attempt.find else Unknown(timed_out)
        return Answer(key=attempt.key, number=attempt.number, outcome=made)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
