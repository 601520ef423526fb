"""Rows in the order of their places, however many: sorted a part at a time, in temporary files."""

from __future__ import annotations

import contextlib
import heapq
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

import msgspec

ROWS_IN_MEMORY: Final = 10_000
RUNS_MOST: Final = 64
"""Sorted parts; when there are so many they become one."""

Place = tuple[int, str, str, int]
_Row = tuple[Place, bytes]

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Row)
_LENGTH_BYTES: Final = 4


class SortedRows:
    """Takes rows in any order and gives them by place; those of one place in the order taken."""

    def __init__(self, *, rows_in_memory: int = ROWS_IN_MEMORY, runs_most: int = RUNS_MOST) -> None:
        """Args: rows_in_memory: more go to a file; runs_most: files, at least 2."""
        self._rows_in_memory = rows_in_memory
        self._runs_most = runs_most
        self._rows: list[_Row] = []
        self._runs: list[IO[bytes]] = []

    def close(self) -> None:
        """Forget the rows."""
        for run in self._runs:
            run.close()

    def add(self, place: Place, row: bytes) -> None:
        """Take a row."""
        self._rows.append((place, row))
        if len(self._rows) >= self._rows_in_memory:
            self._spill()

    def rows(self) -> Iterator[bytes]:
        """Yield all rows in order; may be asked again."""
        for _, row in self._sorted():
            yield row

    def _spill(self) -> None:
        self._rows.sort(key=_place)
        run = _run(self._rows)
        self._rows = []
        self._runs.append(run)
        if len(self._runs) >= self._runs_most:
            merged = _run(self._sorted())
            self.close()
            self._runs = [merged]

    def _sorted(self) -> Iterator[_Row]:
        # Among equals the earlier run goes first, and so does what is older.
        return heapq.merge(
            *(_read(run) for run in self._runs), sorted(self._rows, key=_place), key=_place
        )


def _place(row: _Row) -> Place:
    return row[0]


def _run(rows: Iterable[_Row]) -> IO[bytes]:
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(tempfile.TemporaryFile())
        for row in rows:
            raw = _encoder.encode(row)
            run.write(len(raw).to_bytes(_LENGTH_BYTES, "big") + raw)
        stack.pop_all()
    return run


def _read(run: IO[bytes]) -> Iterator[_Row]:
    run.seek(0)
    while length := run.read(_LENGTH_BYTES):
        yield _decoder.decode(run.read(int.from_bytes(length, "big")))
