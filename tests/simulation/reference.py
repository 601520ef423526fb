"""What must come out: the in-process pipeline over the very log that stands on the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from correlators.entries import PROGRESS_KEY
from correlators.partition import Step
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
