"""What must come out: the in-process pipeline over the very log that stands on the cluster; and one
unhurried CORRELATE over its input log, with what people decided or without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from correlators.acts import Act
from correlators.entries import PROGRESS_KEY
from correlators.partition import Partition, Step
from correlators.ticks import Progress
from correlators.types import DeltaBatch
from streams import codec
from streams.local import Pipeline
from streams.settings import Clock
from tests.simulation.logs import Log
from tests.simulation.scenario import CONFIG, FINGERPRINTING


class Read(NamedTuple):
    """One record of the source, at its stream time."""

    at_ms: int
    partition: int
    offset: int
    resource: str
    body: bytes
    mark: bool


def stream_times(log: Log, clock: Clock) -> Iterator[Read]:
    """Yield the records of a source partition with their stream times: the running maximum."""
    highest_ms = 0
    for entry in log.entries:
        assert entry.message is not None
        headers = dict(entry.message.headers)
        mark = headers.get("mark")
        if clock is Clock.WALL:
            at_ms = entry.timestamp_ms
        else:
            at_ms = int(mark if mark is not None else headers.get("at_ms", b"0"))
        highest_ms = max(highest_ms, at_ms)
        yield Read(
            highest_ms,
            log.tp.partition,
            entry.offset,
            headers.get("resource", b"").decode(),
            entry.message.value or b"",
            mark is not None,
        )


@dataclass
class Expected:
    """What the pipeline made."""

    digests: list[bytes] = field(default_factory=list)
    decisions: list[bytes] = field(default_factory=list)
    state: dict[str, bytes] = field(default_factory=dict)
    suppressed: int = 0

    def take(self, step: Step) -> None:
        assert not step.poison
        self.digests += [codec.encode(digest) for digest in step.digests]
        self.decisions += [codec.encode(decision) for decision in step.decisions]
        self.suppressed += step.suppressed.total()
        for key, entry in step.entries.items():
            if entry is None:
                self.state.pop(key, None)
            elif key != PROGRESS_KEY:
                self.state[key] = codec.encode(entry)


def expected(logs: Iterable[Log], clock: Clock) -> Expected:
    """Return what one unhurried process makes of these source partitions."""
    found = Expected()
    pipeline = Pipeline(CONFIG, FINGERPRINTING, found.take, explains=True)
    for read in sorted(read for log in logs for read in stream_times(log, clock)):
        if not read.mark:
            pipeline.add(read.resource, read.body, read.at_ms)
    pipeline.finish()
    return found


def decided(
    logs: Iterable[Log], sources: Iterable[Log], *, upto: dict[int, int], people: bool
) -> Expected:
    """Return what one unhurried CORRELATE makes of its input log.

    Args:
        logs: its partitions.
        sources: those that it must hear of.
        upto: the last tick that counts, by partition.
        people: whether it takes acts, or passes them over.
    """
    found = Expected()
    every = tuple(sorted((log.tp.topic, log.tp.partition) for log in sources))
    for log in logs:
        progress = Progress(installation="reference", partitions=1, sources=every)
        partition = Partition(CONFIG, progress, explains=True)
        last = upto[log.tp.partition]
        for offset, message in messages(log):
            if not isinstance(message, Act):
                partition.receive(offset, message)
            elif not _settled(partition, found, last):
                break  # it stands behind the last tick that counts
            elif people:
                assert partition.receive_act(offset, message)
        _settled(partition, found, last)
    return found


def messages(log: Log) -> Iterator[tuple[int, DeltaBatch | Act]]:
    """Yield what can be read of a partition of CORRELATE's input log, with where it stands."""
    for entry in log.committed():
        assert entry.message is not None
        with suppress(codec.CodecError):
            message = codec.message(entry.message.value or b"")
            for one in message if isinstance(message, tuple) else (message,):
                yield entry.offset, one


def _settled(partition: Partition, found: Expected, last: int) -> bool:
    """Apply all that is complete, one tick after another; return False where the next one does not
    count any more."""
    while partition.ready():
        following = partition.next_tick()
        if following is None or following > last:
            return False
        found.take(partition.step(most_ticks=1))
    partition.ticks.pass_to(partition.ticks.complete_tick())
    return True
