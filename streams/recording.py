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

import base64
import contextlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

import msgspec

from correlators.event_parts import LAST_MS, occurred_ms
from streams.decompress import BreaksOff, decompressed

LINE_BYTES: Final = 96 * 1024 * 1024
"""Longest line that is read; a longer one is a bad line. In base64 the largest body that intake can
be told to take fits."""

EVENT: Final = "event"
"""The resource of a line that holds a bare Sentry event."""


class RecordingError(Exception):
    """A recording cannot be opened, or breaks off; the text names the file and why."""


class Problem(StrEnum):
    """Why a line is no record."""

    BLANK = "the line is empty"
    TOO_LONG = f"the line is longer than {LINE_BYTES} bytes"
    NOT_JSON = "the line is not one JSON object in UTF-8"
    NO_RECORD = 'expected {"at_ms", "resource", "body" or "body_base64"} or {"event": {...}}'
    BAD_AT_MS = "at_ms: expected whole milliseconds since 1970"
    BAD_RESOURCE = "resource: expected a text"
    BAD_BODY = "body: expected an object or a text"
    BAD_BASE64 = "body_base64: expected bytes in base64"
    TWO_BODIES = "expected body or body_base64, found both"
    BAD_EVENT = "event: expected an object"
    NO_TIME = "the first line must have a time"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line that can be replayed."""

    line: int
    """1-based, over all files."""
    at_ms: int
    """Stream time, not below that of any line before."""
    resource: str
    body: bytes
    """Exactly as recorded."""
    label: str = ""
    """What belongs together, where the recording knows; for measuring, never for deciding."""


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line that cannot; `file` and `number` say where it stands, nothing says what is in it."""

    line: int
    file: str
    number: int
    """1-based, in its file."""
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.problem}"


_NULL: Final = b"null"
_NONE: Final = msgspec.Raw(_NULL)


class _WireLine(msgspec.Struct):
    at_ms: msgspec.Raw = _NONE
    resource: msgspec.Raw = _NONE
    body: msgspec.Raw = _NONE
    body_base64: msgspec.Raw = _NONE
    event: msgspec.Raw = _NONE
    label: msgspec.Raw = _NONE


class _WireTime(msgspec.Struct):
    timestamp: msgspec.Raw = _NONE


_line: Final = msgspec.json.Decoder(_WireLine)
_time: Final = msgspec.json.Decoder(_WireTime)
_moment: Final = msgspec.json.Decoder(int | float | str | None)
_text: Final = msgspec.json.Decoder(str)
_integer: Final = msgspec.json.Decoder(int)


class _NoRecord(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class Recording:
    """The lines of several files as one log. Iterate over it once; counts grow meanwhile."""

    def __init__(self, files: Sequence[Path], *, line_bytes: int = LINE_BYTES) -> None:
        """Args: files: read in this order; line_bytes: longest line that is read.

        Raises:
            RecordingError: one of them cannot be read.
        """
        self._files = tuple(files)
        self._line_bytes = line_bytes
        self._at_ms = -1
        self._line = 0
        self._position: IO[bytes] | None = None
        self._bytes_before = 0
        self.bytes_total = sum(_size(path) for path in self._files)
        """What the files take on disk."""
        self.raised = 0
        """Lines whose time went back and was raised to the highest before it."""
        self.skipped = 0
        """Bad lines."""

    @property
    def bytes_read(self) -> int:
        """How much of `bytes_total` has been read."""
        return self._bytes_before + (self._position.tell() if self._position is not None else 0)

    @property
    def lines(self) -> int:
        """How many lines have been read."""
        return self._line

    def __iter__(self) -> Iterator[Record | BadLine]:
        """Yield every line in order. Blank lines at the end of a file are no lines.

        Raises:
            RecordingError: a file cannot be read to its end.
        """
        for path in self._files:
            try:
                yield from self._file(path)
            except OSError as error:
                raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from None
            except BreaksOff:
                where = f"{path}: the compressed data breaks off after line {self._line}"
                raise RecordingError(where) from None

    def _file(self, path: Path) -> Iterator[Record | BadLine]:
        with contextlib.ExitStack() as stack:
            raw = stack.enter_context(path.open("rb"))
            self._position = raw
            stream = stack.enter_context(decompressed(raw))
            blank = 0
            for number, text in enumerate(self._texts(stream), start=1):
                if text == b"":
                    blank += 1
                    continue
                for before in range(number - blank, number):
                    yield self._bad(path, before, Problem.BLANK)
                blank = 0
                yield self._read(path, number, text)
            self._position = None
            self._bytes_before += _size(path)

    def _texts(self, stream: IO[bytes]) -> Iterator[bytes | None]:
        """Yield lines without their end; None for one that is too long."""
        while text := stream.readline(self._line_bytes + 1):
            if len(text) > self._line_bytes and not text.endswith(b"\n"):
                while text and not text.endswith(b"\n"):
                    text = stream.readline(self._line_bytes)
                yield None
            else:
                yield text.rstrip(b"\r\n")

    def _read(self, path: Path, number: int, text: bytes | None) -> Record | BadLine:
        if text is None:
            return self._bad(path, number, Problem.TOO_LONG)
        try:
            at_ms, resource, body, label = _parsed(text)
            if at_ms < 0 and self._at_ms < 0:
                raise _NoRecord(Problem.NO_TIME)
        except _NoRecord as error:
            return self._bad(path, number, error.problem)
        if 0 <= at_ms < self._at_ms:
            self.raised += 1
        self._at_ms = max(self._at_ms, at_ms)
        self._line += 1
        return Record(line=self._line, at_ms=self._at_ms, resource=resource, body=body, label=label)

    def _bad(self, path: Path, number: int, problem: Problem) -> BadLine:
        self._line += 1
        self.skipped += 1
        return BadLine(line=self._line, file=str(path), number=number, problem=problem)


def parse(text: bytes) -> tuple[str, bytes] | Problem:
    """Return (resource, body) of one line, or why it is no record; its time is not looked at."""
    try:
        _, resource, body, _ = _parsed(text)
    except _NoRecord as error:
        return error.problem
    return resource, body


def _parsed(text: bytes) -> tuple[int, str, bytes, str]:
    """Return (at_ms, resource, body, label) of a line; at_ms is -1 where it has no time."""
    try:
        line = _line.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _NoRecord(Problem.NOT_JSON) from None
    label = _text_of(line.label) or ""
    event = _bytes(line.event)
    if event != _NULL:
        if not event.startswith(b"{"):
            raise _NoRecord(Problem.BAD_EVENT)
        return _event_ms(event), EVENT, event, label
    if _NULL in (_bytes(line.at_ms), _bytes(line.resource)):
        raise _NoRecord(Problem.NO_RECORD)
    return _at_ms(line.at_ms), _resource(line.resource), _body(line), label


def _event_ms(event: bytes) -> int:
    try:
        return occurred_ms(_moment.decode(_time.decode(event).timestamp)) or -1
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return -1


def _at_ms(raw: msgspec.Raw) -> int:
    with contextlib.suppress(msgspec.DecodeError):
        at_ms = _integer.decode(raw)
        if 0 <= at_ms <= LAST_MS:
            return at_ms
    raise _NoRecord(Problem.BAD_AT_MS)


def _resource(raw: msgspec.Raw) -> str:
    resource = _text_of(raw)
    if resource is None:
        raise _NoRecord(Problem.BAD_RESOURCE)
    return resource


def _body(line: _WireLine) -> bytes:
    given, coded = _bytes(line.body), _bytes(line.body_base64)
    if coded != _NULL:
        if given != _NULL:
            raise _NoRecord(Problem.TWO_BODIES)
        return _from_base64(line.body_base64)
    if given == _NULL:
        raise _NoRecord(Problem.NO_RECORD)
    if given.startswith(b"{"):
        return given
    text = _text_of(line.body)
    if text is None:
        raise _NoRecord(Problem.BAD_BODY)
    return text.encode()


def _from_base64(raw: msgspec.Raw) -> bytes:
    text = _text_of(raw)
    if text is not None:
        with contextlib.suppress(ValueError):
            return base64.b64decode(text, validate=True)
    raise _NoRecord(Problem.BAD_BASE64)


def _text_of(raw: msgspec.Raw) -> str | None:
    """Return the JSON string's text, or None when the value is no string."""
    try:
        return _text.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _bytes(raw: msgspec.Raw) -> bytes:
    """Return the value's bytes without the blanks that stand around it in the line."""
    return bytes(raw).strip(b" \t\r\n")


def _size(path: Path) -> int:
    try:
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from None
