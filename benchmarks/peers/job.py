"""The work that every peer does, apart from how its engine brings records and commits.

This runs in a peer's own environment: it imports `correlators`, msgspec and xxhash, and nothing of
Faust, aiokafka or the peers. A partition has a fold of its own; what gathered for 100 ms goes out,
as it does in FINGERPRINT.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks.storm.work import Stopwatch, Work, write_done
from correlators.fingerprinter import Fingerprinter, Fingerprinting, RecordKind
from streams.agents.batches import Part, batches

FLUSH_S: Final = 0.1
COMMIT_S: Final = 1.0
"""How often a peer commits or snapshots: what Arroyo's documentation calls reasonable. FINGERPRINT
commits with every flush, ten times as often."""

CONSUMER: Final[dict[str, Any]] = {
    "fetch.max.bytes": 64 * 1024 * 1024,
    "max.partition.fetch.bytes": 8 * 1024 * 1024,
    "fetch.wait.max.ms": 10,
    "fetch.queue.backoff.ms": 10,
}
"""Of librdkafka, under all three: fetches as large as FINGERPRINT's, no pause of a second (its
default) before it fetches again once its queue was full, and no half a second (its default) before
it says that a partition is read to its end."""

PRODUCER: Final[dict[str, Any]] = {
    "acks": "all",
    "enable.idempotence": True,
    "compression.type": "lz4",
    "linger.ms": 5,
}
"""Deltas are sent as FINGERPRINT sends them."""


class Form(StrEnum):
    """How an event becomes part of a delta."""

    PLAIN = "plain"
    """Typed decode, signature behind a cache, fold: the library's functions one after another."""
    GIFT = "gift"
    """FINGERPRINT's own hot path, so that only the engine around it differs."""


class Task(Work, frozen=True, kw_only=True):
    """What a peer does."""

    form: Form
    folder: str
    """For files of its own."""


class Message(NamedTuple):
    """Some deltas on their way."""

    target: int
    """The partition of the deltas' topic that owns what is in it."""
    value: bytes


class Lane:
    """One partition: its fold and its stream time."""

    def __init__(self, form: Form) -> None:
        self.fingerprinter = Fingerprinter(Fingerprinting())
        self.fold = self.fingerprinter.take if form is Form.GIFT else self.fingerprinter.add
        self.stream_ms = -1
        self.waiting = 0


class Job:
    """Folds records into deltas, and knows when all are taken."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._lanes = {partition: Lane(task.form) for partition in task.ends}
        self._unread = set(task.ends)
        self._encode = msgspec.msgpack.Encoder().encode
        self._watch = Stopwatch()
        self._flushed_at_s = 0.0
        self._events = 0

    @property
    def complete(self) -> bool:
        """Whether every event of the log was taken."""
        return not self._unread

    @property
    def due(self) -> bool:
        """Whether it is time to flush."""
        return time.monotonic() - self._flushed_at_s >= FLUSH_S

    def take(
        self,
        partition: int,
        offset: int,
        at_ms: int,
        headers: Iterable[tuple[str, bytes]],
        body: bytes,
    ) -> None:
        """Fold one record; what stands behind the end of the log is passed over.

        Args:
            partition: that it was read from.
            offset: of it.
            at_ms: its time in the log.
            headers: as written by intake.
            body: as Sentry sent it.
        """
        end = self._task.ends[partition]
        if offset < end:
            self._watch.begin()
            lane = self._lanes[partition]
            lane.stream_ms = max(lane.stream_ms, at_ms)
            resource = dict(headers)["resource"].decode()
            read = lane.fold(resource, body, lane.stream_ms)
            assert read.kind is RecordKind.EVENT
            lane.waiting += 1
            self._events += 1
        if offset >= end - 1:
            self._unread.discard(partition)

    def flush(self) -> Iterator[Message]:
        """Yield the messages of all that was folded since the last flush."""
        self._flushed_at_s = time.monotonic()
        parts = []
        for partition, lane in self._lanes.items():
            if not lane.waiting:
                continue
            lane.waiting = 0
            deltas, changes = lane.fingerprinter.fold.flush()
            source = (self._task.topic, partition)
            parts.append(Part(source, deltas, changes, lane.stream_ms))
        for target, messages in batches(parts, targets=len(self._task.ends)).items():
            for message in messages:
                yield Message(target, self._encode(message[0] if len(message) == 1 else message))

    def done(self) -> None:
        """Write down what was done until now. Asserts that nothing is left."""
        assert self.complete
        assert not any(lane.waiting for lane in self._lanes.values())
        write_done(self._task, self._watch.done(self._events))


def task_of_command_line() -> Task:
    """Return the task whose JSON is the first argument."""
    return msgspec.json.decode(sys.argv[1], type=Task)
