"""A file's text cut into blocks of whole lines, in order and in bounded memory.

Cutting looks at ends of lines only, so that one process can cut what others read. What a line says
is `recording`'s work.

Errors: none of its own; what the stream raises is raised after every whole line before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import IO, Final, Protocol, cast

import msgspec

LINE_BYTES: Final = 96 * 1024 * 1024
"""Longest line that is read; a longer one is a bad line. In base64 the largest body that intake can
be told to take fits."""

BLOCK_BYTES: Final = 512 * 1024
"""A block is as long as this, and not much longer unless one line is."""

_READ_BYTES: Final = 512 * 1024
_BLANKS_AT_ONCE: Final = 10_000


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


class Block(msgspec.Struct, frozen=True, array_like=True):
    """Some lines that follow one another in one file: a text, or lines of one problem."""

    file: str
    number: int
    """Of its first line, 1-based, in the file."""
    line: int
    """Of its first line, 1-based, over all files."""
    lines: int
    text: bytes = b""
    problem: Problem | None = None
    """What all its lines are, where they have no text."""

    def texts(self) -> list[bytes]:
        """Return its lines without their end."""
        texts = self.text.split(b"\n")
        if self.text.endswith(b"\n"):
            texts.pop()
        return texts


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def blocks(
    stream: IO[bytes], file: str, line: int, line_bytes: int, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Yield all lines of one file. Blank lines at its end are no lines.

    Args:
        stream: the file's text; it must have `read1`.
        file: how it is named.
        line: number of its first line over all files.
        line_bytes: longest line that is kept, without its end.
        block_bytes: about how long a block is.
    """
    number, blank = 1, 0

    def made(lines: int, text: bytes, problem: Problem | None) -> Block:
        nonlocal number, line
        block = Block(file, number, line, lines, text, problem)
        number, line = number + lines, line + lines
        return block

    for piece in _pieces(cast(_Readable, stream), line_bytes, block_bytes):
        end = len(piece.rstrip(b"\r\n")) if piece is not None else 0
        if piece is not None and not end:
            blank += piece.count(b"\n")
            continue
        while blank:
            at_once = min(blank, _BLANKS_AT_ONCE)
            blank -= at_once
            yield made(at_once, b"", Problem.BLANK)
        if piece is None:
            yield made(1, b"", Problem.TOO_LONG)
            continue
        end = piece.find(b"\n", end) + 1 or len(piece)
        blank = piece.count(b"\n", end)
        text = piece[:end]
        yield made(text.count(b"\n") + (not text.endswith(b"\n")), text, None)


def _pieces(stream: _Readable, line_bytes: int, block_bytes: int) -> Iterator[bytes | None]:
    """Yield whole lines, many at once; None for one that is too long."""
    parts: list[bytes] = []
    size = 0
    whole = skips = False
    failed: Exception | None = None
    while failed is None:
        try:
            got = stream.read1(_READ_BYTES)
        except Exception as error:
            # What was read before counts as read.
            failed, got = error, b""
        if skips and got:
            end = got.find(b"\n")
            if end < 0:
                continue
            yield None
            skips, got = False, got[end + 1 :]
            if not got:
                continue
        if not got:
            break
        parts.append(got)
        size += len(got)
        whole = whole or b"\n" in got
        if size > line_bytes or (whole and size >= block_bytes):
            text, rest = _cut(parts)
            if text:
                yield text
            if len(rest) > line_bytes:
                skips, rest = True, b""
            parts, size, whole = [rest], len(rest), False
    text, rest = _cut(parts)
    if text:
        yield text
    if failed is not None:
        raise failed
    if skips:
        yield None
    if rest:
        yield rest


def _cut(parts: list[bytes]) -> tuple[bytes, bytes]:
    """Return the whole lines, and the beginning of the next one."""
    text = b"".join(parts)
    end = text.rfind(b"\n") + 1
    return text[:end], text[end:]
