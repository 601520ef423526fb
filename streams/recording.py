"""Reading recordings: what came in once, in the order in which it came.

A recording is JSON Lines, plain, gzip or Zstandard (told by its first bytes, never by its name):
`{"at_ms", "resource", "body"}`, or `{"event": {...}, "label"?}`; other keys are let pass. A body
that is no UTF-8 stands as `body_base64` in place of `body`. Files are read in one pass and in
bounded memory, one after another as one log. What a body says is not looked at here, and nothing is
replayed here; `recording_write` writes what this reads.

Errors: `RecordingError` when a file cannot be opened or breaks off inside. A line that is no record
is a value, `BadLine`: it is named, skipped and counted by whoever reads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from streams.decompress import BreaksOff, decompressed
from streams.recording_blocks import LINE_BYTES, Block, Problem, blocks
from streams.recording_lines import EVENT, BadLine, Reader, Record, parse

__all__ = [
    "EVENT",
    "LINE_BYTES",
    "BadLine",
    "Problem",
    "Record",
    "Recording",
    "RecordingError",
    "parse",
]


class RecordingError(Exception):
    """A recording cannot be opened, or breaks off; the text names the file and why."""


class Recording:
    """The lines of several files as one log. Go over it once; counts grow meanwhile."""

    def __init__(self, files: Sequence[Path], *, line_bytes: int = LINE_BYTES) -> None:
        """Args: files: read in this order; line_bytes: longest line that is read.

        Raises:
            RecordingError: one of them cannot be read.
        """
        self._files = tuple(files)
        self.line_bytes = line_bytes
        """Longest line that is read."""
        self._position: IO[bytes] | None = None
        self._bytes_before = 0
        self.bytes_total = sum(_size(path) for path in self._files)
        """What the files take on disk."""
        self.lines = 0
        """How many lines have been read."""
        self.raised = 0
        """Lines whose time went back and was raised to the highest before it."""
        self.skipped = 0
        """Bad lines."""

    @property
    def bytes_read(self) -> int:
        """How much of `bytes_total` has been read."""
        return self._bytes_before + (self._position.tell() if self._position is not None else 0)

    def __iter__(self) -> Iterator[Record | BadLine]:
        """Yield every line in order. Blank lines at the end of a file are no lines.

        Raises:
            RecordingError: a file cannot be read to its end.
        """
        reader = Reader(line_bytes=self.line_bytes)
        for block in self.blocks():
            for line in reader.read(block):
                self.raised = reader.raised
                self.skipped += isinstance(line, BadLine)
                yield line

    def blocks(self) -> Iterator[Block]:
        """Yield the lines in blocks, for whoever reads them; `raised` and `skipped` are theirs.

        Raises:
            RecordingError: a file cannot be read to its end; after every whole line before.
        """
        for path in self._files:
            try:
                yield from self._file(path)
            except OSError as error:
                raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from None
            except BreaksOff:
                where = f"{path}: the compressed data breaks off after line {self.lines}"
                raise RecordingError(where) from None

    def _file(self, path: Path) -> Iterator[Block]:
        with contextlib.ExitStack() as stack:
            raw = stack.enter_context(path.open("rb"))
            self._position = raw
            stream = stack.enter_context(decompressed(raw))
            for block in blocks(stream, str(path), self.lines + 1, self.line_bytes):
                self.lines += block.lines
                yield block
            self._position = None
            self._bytes_before += _size(path)


def _size(path: Path) -> int:
    try:
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from None
