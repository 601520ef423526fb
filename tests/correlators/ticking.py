"""An input log written by hand, and the ticks that read it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from correlators.ticks import Progress, Reception, Ticks
from correlators.types import ChangeKind, Delta, DeltaBatch, StateChange
from tests.correlators.score import START, Push, deltas_of, first_progress, ms

HELD, LATE, REPEATED = Reception.HELD, Reception.LATE, Reception.REPEATED


def batch(
    source: int,
    *pushes: Push,
    mark: float = -1,
    changes: Iterable[StateChange] = (),
) -> DeltaBatch:
    """Return a message of one source, with its watermark in seconds of the score."""
    return DeltaBatch(
        topic="events",
        partition=source,
        deltas=tuple(deltas_of(pushes)) if pushes else (),
        changes=tuple(changes),
        watermark_ms=ms(mark) if mark >= 0 else -1,
    )


def change(at: int, identity: str = "x") -> StateChange:
    return StateChange(
        kind=ChangeKind.ISSUE_RESOLVED,
        resource="issue",
        action="resolved",
        identity=identity,
        issue_id="71",
        tick=START + at,
    )


class Log:
    """An input log, and the ticks that read it."""

    def __init__(self, sources: int = 2, progress: Progress | None = None) -> None:
        self.messages: list[DeltaBatch] = []
        self.ticks = Ticks(progress or first_progress(sources))

    def write(self, message: DeltaBatch) -> list[Reception]:
        self.messages.append(message)
        return self.ticks.receive(len(self.messages) - 1, message)

    def complete(self) -> int:
        """Return the last complete tick as a second of the score; -1 before the first."""
        return max(-1, self.ticks.complete_tick() - START)

    def apply(self) -> dict[int, list[Delta]]:
        """Apply every complete tick; return the deltas by second."""
        found: dict[int, list[Delta]] = {}
        while (tick := self.ticks.next_tick()) is not None and tick <= self.ticks.complete_tick():
            found[tick - START] = self.ticks.take(tick).deltas
        self.ticks.pass_to(self.ticks.complete_tick())
        return found

    def restarted(self) -> Log:
        """Return the log as a new owner has it: what is stored, and the input read again."""
        raw = msgspec.msgpack.encode(self.ticks.progress())
        again = Log(progress=msgspec.msgpack.decode(raw, type=Progress))
        again.messages = self.messages
        for offset in range(again.ticks.progress().input_offset, len(self.messages)):
            again.ticks.receive(offset, self.messages[offset])
        return again
