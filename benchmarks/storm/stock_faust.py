"""Stock Faust doing FINGERPRINT's work: a plain agent on a plain topic.

`python -m benchmarks.storm.stock_faust WORK`, with the JSON of a `Work`. Written as a user of Faust
would who has the same pure `Fingerprinter`: the agent takes events one by one, folds them, and
sends the deltas of a partition when 5,000 events or 100 ms have gathered, as FINGERPRINT does, and
waits for Kafka to have them. Faust acknowledges an event when the next is asked for, so, unlike
FINGERPRINT, a crash may lose what was not flushed yet.

Its settings are public, and none makes it slower: raw values, fetches of 8 MiB, Faust's own Cython
optimisations (off by default; with them it used a sixth to a third less processor time), the web
server and the leader topic off, deltas compressed and batched as FINGERPRINT sends them. The rest
is Faust's default. Its clock runs from the first event taken to the last delta acknowledged; what
it fetched before that does not count.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any, Final, NoReturn

import faust
import msgspec

from benchmarks.storm.loops import FETCH_BYTES
from benchmarks.storm.work import Stopwatch, Work, write_done
from correlators.fingerprinter import Fingerprinter, Fingerprinting
from streams import codec
from streams.agents.batches import Part, batches
from streams.agents.gathered import FLUSH_EVENTS, FLUSH_MS

FLUSH_S: Final = FLUSH_MS / 1_000


class Lane:
    """One partition: its fold, its stream time, and how much waits for a flush."""

    def __init__(self) -> None:
        self.fingerprinter = Fingerprinter(Fingerprinting())
        self.stream_ms = -1
        self.waiting = 0
        self.flushed_at_s = 0.0

    def due(self) -> bool:
        """Return whether enough has gathered."""
        if not self.waiting:
            return False
        waited_s = time.monotonic() - self.flushed_at_s
        return self.waiting >= FLUSH_EVENTS or waited_s >= FLUSH_S


class Agent:
    """What the agent does with its events, and when all are done."""

    def __init__(self, work: Work, deltas: faust.TopicT) -> None:
        """Args: work: what to do; deltas: where deltas go, as many partitions as the source."""
        self._work = work
        self._deltas = deltas
        self._lanes = {partition: Lane() for partition in work.ends}
        self._unread = set(work.ends)
        self._watch = Stopwatch()
        self._events = 0
        self._unacknowledged = 0

    async def take(self, event: faust.EventT[Any]) -> None:
        """Fold one event."""
        self._watch.begin()
        message: Any = event.message
        partition, offset = message.partition, message.offset
        lane = self._lanes[partition]
        if offset < self._work.ends[partition]:
            lane.stream_ms = max(lane.stream_ms, round(message.timestamp * 1000))
            headers = dict(message.headers)
            resource = headers["resource"].decode()
            lane.fingerprinter.take(resource, message.value, lane.stream_ms)
            lane.waiting += 1
            self._events += 1
        if offset >= self._work.ends[partition] - 1:
            self._unread.discard(partition)
        if lane.due():
            await self._flush(partition, lane)

    async def timer(self) -> None:
        """Flush what has waited long enough; write down what was done once all is."""
        for partition, lane in self._lanes.items():
            if lane.due():
                await self._flush(partition, lane)
        waiting = sum(lane.waiting for lane in self._lanes.values())
        if not self._unread and not waiting and not self._unacknowledged:
            write_done(self._work, self._watch.done(self._events))
            os._exit(0)

    async def _flush(self, partition: int, lane: Lane) -> None:
        deltas, changes = lane.fingerprinter.fold.flush()
        self._unacknowledged += lane.waiting
        unacknowledged, lane.waiting = lane.waiting, 0
        part = Part((self._work.topic, partition), deltas, changes, lane.stream_ms)
        messages = batches([part], targets=len(self._work.ends))
        sent = [
            await self._deltas.send(value=codec.encode_batches(one), partition=target)
            for target, of_target in messages.items()
            for one in of_target
        ]
        for future in sent:
            await future
        self._unacknowledged -= unacknowledged
        lane.flushed_at_s = time.monotonic()


def make_app(work: Work) -> faust.App:
    """Return the app, in a group of its own that begins at the beginning."""
    app = faust.App(
        f"stock-{uuid.uuid4().hex}",
        broker=f"kafka://{work.bootstrap.replace(',', ';')}",
        autodiscover=False,
        datadir=str(Path(work.out).parent / "faust"),
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES,
        cython_optimizations=True,
        producer_compression_type="lz4",
        producer_linger=0.005,
        producer_max_batch_size=256 * 1024,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    source = app.topic(work.topic, value_type=bytes, value_serializer="raw")
    deltas = app.topic(work.deltas_topic, value_type=bytes, value_serializer="raw")
    agent = Agent(work, deltas)

    @app.agent(source)
    async def fold(stream: Any) -> None:
        async for event in stream.events():
            await agent.take(event)

    app.timer(FLUSH_S / 2)(agent.timer)
    return app


def main() -> NoReturn:
    """Do the work of the command line; the process ends with it."""
    work = msgspec.json.decode(sys.argv[1], type=Work)
    worker = faust.Worker(make_app(work), quiet=True, loglevel="warning", redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
