"""What FINGERPRINT makes of one block of a recording, so that any process may make it.

A block is read without what came before it. Only its stream time depends on that: `floor_ms` is
what whoever hands it out knows of it, and `holds` says whether the true one gives the same portion.
Portions taken in order give what one process makes of the whole, byte for byte (law 2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from correlators.fingerprinter import Fingerprinter, Fingerprinting, RecordKind
from correlators.hearing import Hearing
from correlators.types import Delta, StateChange, tick_of
from streams.assignments import noted
from streams.local import Heard
from streams.recording_blocks import LINE_BYTES, Block
from streams.recording_lines import BadLine, Reader


class TickPart(msgspec.Struct, frozen=True, array_like=True):
    """What a block holds of one tick."""

    first_ms: int
    """Stream time of its first record in the block."""
    deltas: tuple[Delta, ...]
    """In the order of their keys."""
    changes: tuple[StateChange, ...]
    heard: Heard
    """What was heard, by slot, as far as the block tells it."""


class Folded(msgspec.Struct, frozen=True, array_like=True):
    """What one way of fingerprinting makes of a block."""

    ticks: tuple[TickPart, ...]
    kinds: dict[RecordKind, int]
    rows: bytes
    """What `assignments` keeps of every line, bad ones too; empty where nobody asked."""


class Portion(msgspec.Struct, frozen=True, array_like=True):
    """What came out of a block."""

    floor_ms: int
    """The stream time that it was read with, -1 for none."""
    first_ms: int | None
    """What the first line that could be read says itself, -1 for nothing; None without one."""
    last_ms: int
    """Stream time after it."""
    lines: int
    raised: int
    bad: tuple[BadLine, ...]
    folded: tuple[Folded, ...]
    """One for each way of fingerprinting, in the order in which they were given."""

    def holds(self, floor_ms: int) -> bool:
        """Return whether it would be the same, read with this stream time before it."""
        return self.floor_ms == floor_ms or self.first_ms is None or self.first_ms >= floor_ms


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made of every block."""

    ways: tuple[Fingerprinting, ...]
    rows: bool
    line_bytes: int = LINE_BYTES


class Portioner:
    """Makes portions; keeps nothing between them but the caches of finished signatures."""

    def __init__(self, work: Work) -> None:
        """Args: work: what is to be made.

        Raises:
            UnknownVersion: this release cannot make signatures of a version that is asked for.
        """
        self._work = work
        self._fingerprinters = tuple(Fingerprinter(way, tells=work.rows) for way in work.ways)

    def portion(self, block: Block, floor_ms: int) -> Portion:
        """Return what is in the block.

        Args:
            block: some lines.
            floor_ms: stream time before it, as far as it is known; -1 for none.
        """
        reader = Reader(floor_ms, line_bytes=self._work.line_bytes)
        bad: list[BadLine] = []
        folds = [_Fold(one, way, self._work.rows) for one, way in self._each()]
        for line in reader.read(block):
            if isinstance(line, BadLine):
                bad.append(line)
                for fold in folds:
                    fold.skip(line.line)
            else:
                for fold in folds:
                    fold.add(line.line, line.resource, line.body, line.at_ms)
        return Portion(
            floor_ms=floor_ms,
            first_ms=reader.first_ms,
            last_ms=reader.at_ms,
            lines=block.lines,
            raised=reader.raised,
            bad=tuple(bad),
            folded=tuple(fold.folded() for fold in folds),
        )

    def _each(self) -> Sequence[tuple[Fingerprinter, Fingerprinting]]:
        return tuple(zip(self._fingerprinters, self._work.ways, strict=True))


class _Fold:
    """One way of fingerprinting on its way through one block."""

    def __init__(self, fingerprinter: Fingerprinter, way: Fingerprinting, rows: bool) -> None:
        self._fingerprinter = fingerprinter
        self._belated_after_ms = way.belated_after_ms
        # What was heard before the block is not known here: `local_parallel` puts it together.
        fingerprinter.fold.heard = Hearing()
        self._first_ms = -1
        self._ticks: list[TickPart] = []
        self._kinds: Counter[RecordKind] = Counter()
        self._rows: list[bytes] | None = [] if rows else None

    def skip(self, line: int) -> None:
        if self._rows is not None:
            self._rows.append(noted(line))

    def add(self, line: int, resource: str, body: bytes, at_ms: int) -> None:
        if self._first_ms < 0:
            self._first_ms = at_ms
        elif tick_of(at_ms) > tick_of(self._first_ms):
            self._end_tick()
            self._first_ms = at_ms
        read = self._fingerprinter.take(resource, body, at_ms)
        self._kinds[read.kind] += 1
        if self._rows is not None:
            self._rows.append(noted(line, read, at_ms, self._belated_after_ms))

    def _end_tick(self) -> None:
        fold = self._fingerprinter.fold
        deltas, changes = fold.flush()
        heard = fold.heard.take()
        self._ticks.append(TickPart(self._first_ms, tuple(deltas), tuple(changes), heard))

    def folded(self) -> Folded:
        if self._first_ms >= 0:
            self._end_tick()
        return Folded(tuple(self._ticks), dict(self._kinds), b"".join(self._rows or ()))


_encoder: Final = msgspec.msgpack.Encoder()
_portion: Final = msgspec.msgpack.Decoder(Portion)


def encode(portion: Portion) -> bytes:
    """Return the portion as it travels between two processes of one release."""
    return _encoder.encode(portion)


def decode(raw: bytes) -> Portion:
    """Return the portion that `encode` made these bytes of."""
    return _portion.decode(raw)
