"""A recording through FINGERPRINT once and through CORRELATE as often as it is asked, no Kafka.

One process cuts the recording into blocks and decides; others read, fingerprint and fold. Deltas
merge in any order (law 2) and are taken by tick (law 5), so the number of processes changes no byte
of any result: assignments, digests, counts, bad lines and their order, what an error says.

For whoever compares configurations:

    old, new = Side(settings, results), Side(other_settings, other_results)
    follow(recording, [old, new], workers=4, bad_line=name)

- Each `Side` has a CORRELATE of its own and gathers into a `Results` of its own.
- Sides whose `fingerprinting()` is equal share one pass of FINGERPRINT; where they differ, every
  line is read once and fingerprinted once for each different one, in the same processes.
- `Side.correlate` is open: its state stands as it is after the last line, `on_step` hears every
  step. `Results.lives` and `Results.digest` are what a comparison is made of.
- Rows for `assignments` are made for all sides as soon as one `Results` keeps rows.

Errors: `RecordingError` as in `recording`, `TooMuchHeld` as in `local`, `WorkerDied`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from correlators.deltas import Place, merge, place_of
from correlators.partition import Step
from correlators.presence import SEVERAL
from correlators.types import Delta, StateChange, tick_of
from streams.local import Correlate, Heard, check_held
from streams.portion_workers import WorkerDied, Workers
from streams.portions import Folded, Portion, Portioner, Work
from streams.recording import BadLine, Recording, RecordingError
from streams.recording_blocks import Block
from streams.replay_results import Results
from streams.settings import Settings

__all__ = ["Side", "WorkerDied", "cores", "follow"]

ALONE_BYTES: Final = 16 * 1024 * 1024
"""Text that one process reads before others are started: a small recording is done by then."""


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Side:
    """One configuration on its way through a recording."""

    def __init__(
        self,
        settings: Settings,
        results: Results,
        on_step: Callable[[Step], None] | None = None,
        *,
        explains: bool = False,
    ) -> None:
        """Args: results: what it decides is gathered here; on_step: called as well, if given;
        explains: whether steps say in words what they decided."""
        self.fingerprinting = settings.fingerprinting()
        self.results = results
        self._on_step = on_step
        self.correlate = Correlate(settings.correlation(), self._step, explains=explains)
        self._open: dict[Place, Delta] = {}
        self._changes: list[StateChange] = []
        self._hearing = _Hearing()
        self._first_ms = self._at_ms = -1

    def take(self, folded: Folded, last_ms: int, skipped: int) -> None:
        """Take what is in the next block, of which so many lines were skipped.

        Args:
            last_ms: stream time after the block.

        Raises:
            TooMuchHeld: too many different incidents in one tick.
        """
        for part in folded.ticks:
            if self._at_ms >= 0 and tick_of(part.first_ms) > tick_of(self._at_ms):
                self.correlate.take(part.first_ms, *self._flush())
            self._at_ms = part.first_ms
            if self._first_ms < 0:
                self._first_ms = part.first_ms
            self._hearing.add(part.heard)
            for delta in part.deltas:
                place = place_of(delta)
                held = self._open.get(place)
                self._open[place] = delta if held is None else merge(held, delta)
            self._changes.extend(part.changes)
            check_held(len(self._open) + len(self._changes))
        if folded.ticks:
            self._at_ms = last_ms
        self.results.lines(folded, skipped)

    def finish(self) -> None:
        """Let time run on after the last line, until nothing is open."""
        if self._at_ms >= 0:
            self.correlate.finish(self._first_ms, self._at_ms, *self._flush())
        self.results.late = self.correlate.late

    def _step(self, step: Step) -> None:
        self.results.step(step)
        if self._on_step is not None:
            self._on_step(step)

    def _flush(self) -> tuple[list[Delta], list[StateChange], Heard]:
        deltas = [delta for _, delta in sorted(self._open.items(), key=lambda item: item[0])]
        changes = self._changes
        self._open = {}
        self._changes = []
        return deltas, changes, self._hearing.take()


class _Hearing:
    """What was heard, put together from what blocks tell: as one that heard it all would tell."""

    def __init__(self) -> None:
        self._slot, self._what = -1, SEVERAL
        self._news: dict[int, int] = {}

    def add(self, heard: Heard) -> None:
        for slot, what in heard:
            if slot > self._slot:
                self._slot, self._what = slot, what
            elif self._what not in (what, SEVERAL):
                self._what = SEVERAL
            else:
                continue
            self._news[slot] = self._what

    def take(self) -> Heard:
        news, self._news = tuple(sorted(self._news.items())), {}
        return news


def follow(
    recording: Recording,
    sides: Sequence[Side],
    *,
    workers: int,
    bad_line: Callable[[BadLine], None],
    moved: Callable[[int], None] = lambda lines: None,
    alone_bytes: int = ALONE_BYTES,
) -> None:
    """Take the whole recording through all sides; their results have everything afterwards.

    Args:
        recording: not gone over before; its counts grow.
        sides: at least one.
        workers: processes beside this one; with 1 this one does everything.
        bad_line: told every bad line, in order.
        moved: told after every block how many lines are done.
        alone_bytes: text that is read before other processes are started.

    Raises:
        RecordingError: a file breaks off.
        TooMuchHeld: more is open at once than fits.
        WorkerDied: one of the processes ended.
    """
    assert sides
    assert workers >= 1
    ways = [side.fingerprinting for side in sides]
    different = [way for place, way in enumerate(ways) if way not in ways[:place]]
    of_side = [different.index(way) for way in ways]
    work = Work(
        ways=tuple(different),
        rows=any(side.results.keeps_rows for side in sides),
        line_bytes=recording.line_bytes,
    )
    done = 0
    for portion in _portions(recording, work, workers, alone_bytes):
        recording.raised += portion.raised
        recording.skipped += len(portion.bad)
        for bad in portion.bad:
            bad_line(bad)
        for side, way in zip(sides, of_side, strict=True):
            side.take(portion.folded[way], portion.last_ms, len(portion.bad))
        done += portion.lines
        moved(done)
    for side in sides:
        side.finish()


def _portions(
    recording: Recording, work: Work, workers: int, alone_bytes: int
) -> Iterator[Portion]:
    """Yield the portions of all blocks, in order."""
    here = Portioner(work)
    blocks = recording.blocks()
    floor_ms, taken = -1, 0
    for block in blocks:
        portion = here.portion(block, floor_ms)
        floor_ms = portion.last_ms
        yield portion
        taken += len(block.text)
        if workers > 1 and taken >= alone_bytes:
            break
    else:
        return
    with Workers(work, workers) as made:
        yield from _by_workers(made, here, blocks, floor_ms)


def _by_workers(
    made: Workers, here: Portioner, blocks: Iterator[Block], floor_ms: int
) -> Iterator[Portion]:
    failed: RecordingError | None = None

    def fill() -> None:
        nonlocal failed
        while failed is None and not made.full:
            try:
                block = next(blocks, None)
            except RecordingError as error:
                # Told after what came before it, as by one process.
                failed = error
                return
            if block is None:
                return
            made.put(block, floor_ms)

    fill()
    for block, portion in made.take():
        fill()
        if not portion.holds(floor_ms):
            # Time went back between two blocks: seldom, so it is simply done again.
            portion = here.portion(block, floor_ms)
        floor_ms = max(floor_ms, portion.last_ms)
        yield portion
    if failed is not None:
        raise failed
