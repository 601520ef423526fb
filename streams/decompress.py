"""Compressed files as streams of bytes, told by their first bytes, in bounded memory.

Errors: `BreaksOff` when the data is damaged or ends inside.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Final, cast

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_READ_BYTES: Final = 16 * 1024


class BreaksOff(Exception):
    """The compressed data is damaged or ends too early."""


@contextlib.contextmanager
def decompressed(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    """Open the stream that its first bytes say it is: gzip, Zstandard, else as it stands.

    Raises:
        BreaksOff: the data is damaged or ends too early, noticed while it is read.
    """
    assert isinstance(raw, io.BufferedReader)
    head = raw.peek(4)
    try:
        if head.startswith(_GZIP):
            with gzip.open(raw, "rb") as stream:
                yield cast(IO[bytes], stream)
        elif head.startswith(_ZSTD):
            with io.BufferedReader(_Zstandard(raw), 1 << 16) as buffered:
                yield buffered
        else:
            yield raw
    except (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile) as error:
        raise BreaksOff from error


class _Zstandard(io.RawIOBase):
    """Frames one after another. The library's own reader takes a cut frame for an end."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._open = False
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Buffer, /) -> int:
        target = memoryview(into).cast("B")
        while not self._left:
            given = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._open = False
            given = given or self._raw.read(_ZSTD_READ_BYTES)
            if not given:
                if self._open:
                    raise EOFError
                return 0
            self._open = True
            self._left = memoryview(self._frame.decompress(given))
        size = min(len(target), len(self._left))
        target[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
