"""A flush of FINGERPRINT: what all its source partitions have gathered, on its way to Kafka.

It goes out beside the fold, one at a time. First everything but the last message of each target;
once Kafka has that, the last ones, which tell the watermarks: whoever hears a watermark takes what
comes again for a repetition. Once Kafka has all of it, the offsets are committed, in one request.
What fails is raised to whoever waits next, and ends the process: nothing of it was committed, so
all of it comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition

from streams import codec
from streams.agents.batches import Message, Part, batches
from streams.agents.lanes import Lane
from streams.processes import Place
from streams.stage.host import Host
from streams.stage.source import TIMER

STUCK_MS: Final = 5_000
"""A flush that takes longer is waited for, so that the watchdog of the process sees it."""

Send = Callable[[int, bytes], Awaitable[Awaitable[Any]]]
"""Sends a message to a target; the inner awaitable is done once Kafka has it."""

Commit = Callable[[Mapping[TopicPartition, tuple[Lane, int, int]]], Awaitable[bool]]
"""Commits (lane, offset, stream time) of each partition."""


Count = Callable[[Lane, Part], None]


class Taken(NamedTuple):
    """What a flush took from a lane."""

    tp: TopicPartition
    lane: Lane
    offset: int
    stream_ms: int
    part: Part
    quarantined: tuple[Awaitable[Any], ...]

    @property
    def anything(self) -> bool:
        """Whether there is anything to send or to commit."""
        part = self.part
        tells = part.deltas or part.changes or part.tells_all
        return bool(tells) or self.offset != self.lane.committed


def take(tp: TopicPartition, lane: Lane) -> Taken:
    """Return what a lane has gathered, and have it begin anew.

    The watermark is told where a tick has ended: within one it says nothing new.
    """
    fold = lane.fingerprinter.fold
    deltas, changes = fold.flush()
    heard = fold.heard.take()
    beats = fold.beats.take_all()
    watermark_ms = lane.watermark_ms if lane.ended or heard or beats else -1
    part = Part(tuple(tp), deltas, changes, watermark_ms, heard, beats)
    quarantined, lane.quarantine = tuple(lane.quarantine), []
    lane.flushed = lane.offset
    lane.sent_ms = max(lane.sent_ms, watermark_ms)
    return Taken(tp, lane, lane.offset, lane.stream_ms, part, quarantined)


class Flushing:
    """The flush that is under way."""

    def __init__(
        self, host: Host, targets: int, *, send: Send, commit: Commit, count: Count
    ) -> None:
        """Args: targets: partitions of `incident.deltas`; count: is told what was taken."""
        self._host = host
        self._targets = targets
        self._send = send
        self._commit = commit
        self._count = count
        self._running: asyncio.Task[None] | None = None
        self._began_ms = 0
        self._blamed = TIMER
        """Where the record stands that made a flush fail; else nobody is to blame."""

    @property
    def busy(self) -> bool:
        """Whether one is under way."""
        return self._running is not None and not self._running.done()

    async def begin(self, lanes: Iterable[tuple[TopicPartition, Lane]]) -> None:
        """Have all that is gathered flushed; returns once that is under way.

        One that is under way is waited for first.
        """
        await self.settle()
        taken = [found for tp, lane in lanes if (found := take(tp, lane)).anything]
        for one in taken:
            self._count(one.lane, one.part)
        if taken:
            self._began_ms = self._host.monotonic_ms()
            self._running = asyncio.create_task(self._flush(taken))

    async def settle(self) -> None:
        """Return when no flush is under way; raise what made the last one fail."""
        while (running := self._running) is not None:
            if not running.done():
                # Kafka is waited for. However long that takes, no record is to blame for it.
                self._host.working(TIMER)
            # Who waits may be cancelled: the flush may not.
            await asyncio.wait([running])
            if self._running is running:
                self._running = None
            if running.exception() is not None:
                # Not what is worked on right now.
                self._host.working(self._blamed)
            running.result()

    async def look(self) -> None:
        """Raise what made a flush fail; wait for one that takes very long."""
        stuck = self._host.monotonic_ms() - self._began_ms >= STUCK_MS
        if self._running is not None and (stuck or self._running.done()):
            await self.settle()

    async def _flush(self, taken: list[Taken]) -> None:
        found = batches([one.part for one in taken], targets=self._targets)
        before = [(target, one) for target, of in found.items() for one in of[:-1]]
        last = [(target, of[-1]) for target, of in found.items()]
        await self._sent(before)
        await self._sent(last)
        for one in taken:
            self._blamed = Place(one.tp.topic, one.tp.partition, one.lane.committed)
            for quarantined in one.quarantined:
                await quarantined
            self._blamed = TIMER
            one.lane.told_ms = max(one.lane.told_ms, one.part.watermark_ms)
        moved = {
            one.tp: (one.lane, one.offset, one.stream_ms)
            for one in taken
            if one.offset != one.lane.committed
        }
        if moved:
            await self._commit(moved)

    async def _sent(self, messages: list[tuple[int, Message]]) -> None:
        """Return once Kafka has them."""
        sent = [await self._send(target, codec.encode_batches(one)) for target, one in messages]
        for future in sent:
            await future
