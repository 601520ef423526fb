"""Writing recordings, line by line, in the form that `recording` reads back to the same bytes.

How a file is compressed is told by its ending. The same lines give the same file.

    WrongEnding     the file's name says no form that a recording can have
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

import orjson
import zstandard

from streams.output_files import written
from streams.recording import LINE_BYTES

ENDINGS: Final = (".jsonl", ".gz", ".zst")
"""What the name of a recording may end in: plain, gzip, Zstandard."""

_GZIP_LEVEL: Final = 6
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
"""Of zlib: with the header and trailer of gzip."""
_ZSTD_LEVEL: Final = 3


class WrongEnding(Exception):
    """The file's name says no form that a recording can have; the text names those it can."""


class _Lines(Protocol):
    def write(self, data: bytes, /) -> int: ...


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def check_ending(path: Path) -> None:
    """Return if the name says how the file is compressed.

    Raises:
        WrongEnding: it does not.
    """
    if not path.name.endswith(ENDINGS):
        raise WrongEnding(f"{path}: a recording's name ends in .jsonl, .jsonl.gz or .jsonl.zst")


class RecordingWriter:
    """Takes the lines of one recording; `recording_file` makes one."""

    def __init__(self, stream: _Lines) -> None:
        """Args: stream: takes the bytes, compressed on their way or not."""
        self._stream = stream
        self.lines = 0
        """Lines written."""
        self.in_base64 = 0
        """Those among them whose body stands in base64."""

    def add(self, at_ms: int, resource: str, body: bytes) -> None:
        """Write one record; it reads back with the very same bytes as its body.

        Args:
            at_ms: its stream time, not below that of the line before.
            resource: what it is, as the webhook's header says; may be empty.
            body: any bytes.
        """
        line, in_base64 = line_of(at_ms, resource, body)
        self._stream.write(line)
        self.lines += 1
        self.in_base64 += in_base64


def line_of(
    at_ms: int, resource: str, body: bytes, *, line_bytes: int = LINE_BYTES
) -> tuple[bytes, bool]:
    """Return the line with its end, and whether the body stands in base64.

    It does where it is no UTF-8, or where escapes would make the line longer than is read.
    """
    try:
        line = orjson.dumps({"at_ms": at_ms, "resource": resource, "body": body.decode()})
        if len(line) <= line_bytes:
            return line + b"\n", False
    except UnicodeDecodeError:
        pass
    coded = base64.b64encode(body).decode()
    return orjson.dumps({"at_ms": at_ms, "resource": resource, "body_base64": coded}) + b"\n", True


@contextmanager
def recording_file(path: Path) -> Iterator[RecordingWriter]:
    """Give a writer whose lines become the file once the block ends well; else nothing stays.

    Only the file's owner may read it: it holds raw bodies, and with them what is personal in them.

    Raises:
        WrongEnding: the name says no form that a recording can have.
        OutputError: the file cannot be written.
    """
    check_ending(path)
    with written(path, private=True) as raw:
        packer = _packer(path.suffix)
        yield RecordingWriter(raw if packer is None else _Packed(raw, packer))
        if packer is not None:
            raw.write(packer.flush())


class _Packed:
    def __init__(self, raw: IO[bytes], packer: _Packer) -> None:
        self._raw = raw
        self._packer = packer

    def write(self, data: bytes, /) -> int:
        return self._raw.write(self._packer.compress(data))


def _packer(ending: str) -> _Packer | None:
    """Return what compresses for this ending. It writes no time and no name into the file."""
    if ending == ".gz":
        return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_BITS)
    if ending == ".zst":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    return None
