"""Lines of a recording, read: a record with its time, or what is wrong with the line.

Which lines there are is said by `recording_blocks`; files are opened by `recording`. What a body
says is not looked at here.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import Final

import msgspec

from correlators.event_parts import LAST_MS, occurred_ms
from streams.recording_blocks import LINE_BYTES, Block, Problem

EVENT: Final = "event"
"""The resource of a line that holds a bare Sentry event."""


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


class Reader:
    """Blocks in, records out, at a time that never goes back."""

    def __init__(self, at_ms: int = -1, *, line_bytes: int = LINE_BYTES) -> None:
        """Args: at_ms: stream time before the first line, -1 for none; line_bytes: longest line."""
        self._line_bytes = line_bytes
        self.at_ms = at_ms
        """Stream time of the last record."""
        self.first_ms: int | None = None
        """What the first line that could be read says of its time: -1 for nothing; None before."""
        self.raised = 0
        """Lines whose time went back and was raised to the highest before it."""

    def read(self, block: Block) -> Iterator[Record | BadLine]:
        """Yield every line of the block in order."""
        if block.problem is not None:
            for after in range(block.lines):
                yield _bad(block, after, block.problem)
            return
        for after, text in enumerate(block.texts()):
            if len(text) > self._line_bytes:
                yield _bad(block, after, Problem.TOO_LONG)
            else:
                yield self._read(block, after, text.rstrip(b"\r"))

    def _read(self, block: Block, after: int, text: bytes) -> Record | BadLine:
        if not text:
            return _bad(block, after, Problem.BLANK)
        try:
            at_ms, resource, body, label = _parsed(text)
        except _NoRecord as error:
            return _bad(block, after, error.problem)
        if self.first_ms is None:
            self.first_ms = at_ms
        if at_ms < self.at_ms:
            self.raised += at_ms >= 0
            at_ms = self.at_ms
        elif at_ms < 0:
            return _bad(block, after, Problem.NO_TIME)
        self.at_ms = at_ms
        line = block.line + after
        return Record(line=line, at_ms=at_ms, resource=resource, body=body, label=label)


def _bad(block: Block, after: int, problem: Problem) -> BadLine:
    return BadLine(
        line=block.line + after, file=block.file, number=block.number + after, problem=problem
    )


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
