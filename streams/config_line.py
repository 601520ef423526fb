"""The line on which a parent hands its stage processes their configuration, and hears who takes it.

The bytes themselves are handed over, as the parent has checked them: all stages run the same, and
one that is started again while the file is broken begins with what runs. It is a pair of sockets,
so nothing of it stands in a folder, and it ends with either process. A partition that was parked
while the process runs is told on it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from streams.settings import Loaded, SettingsError, read

LINE_VARIABLE: Final = "STORMFOLD_CONFIG_FD"
"""Names the file descriptor of a stage process's end."""

FRAME_BYTES: Final = 8 * 1024 * 1024
"""More than the longest files that may be read."""

ANSWER_S: Final = 20.0
"""How long a process may take; longer, and it takes it when it comes to it."""

_LENGTH: Final = struct.Struct(">I")


class Handed(msgspec.Struct, frozen=True, tag="handed"):
    """One configuration, as it was read."""

    number: int
    path: str
    """Empty: all defaults."""
    files: dict[str, bytes]


class Parked(msgspec.Struct, frozen=True, tag="parked"):
    """A partition that ended another process of the stage again and again."""

    topic: str
    partition: int


class Answer(msgspec.Struct, frozen=True):
    """What a process made of it."""

    number: int
    refused: str = ""
    """Why it goes on with the old one; empty: it has taken it."""


_handed: Final = msgspec.msgpack.Decoder(Handed)
_told: Final = msgspec.msgpack.Decoder(Handed | Parked)
_answer: Final = msgspec.msgpack.Decoder(Answer)


class ParentsEnd:
    """The parent's end to one process."""

    def __init__(self, ours: socket.socket) -> None:
        """Args: ours: one socket of a pair, whose other one the process inherits."""
        self._socket = ours
        self._number = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Make it ready; before that nothing can be handed over."""
        self._streams = await asyncio.open_unix_connection(sock=self._socket)

    def hand(self, loaded: Loaded) -> int:
        """Hand a configuration over without waiting; returns its number."""
        assert self._streams is not None
        self._number += 1
        path = str(loaded.path) if loaded.path is not None else ""
        self._streams[1].write(_frame(Handed(self._number, path, loaded.files)))
        return self._number

    def park(self, topic: str, partition: int) -> None:
        """Have the process read this partition no more, without waiting."""
        assert self._streams is not None
        self._streams[1].write(_frame(Parked(topic, partition)))

    async def answer(self, number: int) -> Answer | None:
        """Return what the process made of it; None when it has ended, or is busy for too long."""
        assert self._streams is not None
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    found = _answer.decode(await _read(self._streams[0]))
                    if found.number == number:
                        return found
        except (OSError, EOFError, TimeoutError):
            return None

    def close(self) -> None:
        """Let go of it; the process may have ended."""
        if self._streams is not None:
            self._streams[1].close()
        else:
            self._socket.close()


def first(descriptor: int, environ: Mapping[str, str]) -> Loaded:
    """Return the configuration that a process begins with; waits until the parent has written it.

    Raises:
        SettingsError: it cannot be used here.
        EOFError: the parent is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(descriptor, _LENGTH.size))
    return _loaded(_handed.decode(_exactly(descriptor, length)), environ)


async def follow(
    descriptor: int,
    environ: Mapping[str, str],
    take: Callable[[Loaded], Awaitable[None]],
    park: Callable[[str, int], Awaitable[None]],
) -> None:
    """Take every configuration that is handed over from now on, until the parent is gone.

    Args:
        descriptor: of this end.
        environ: what references look in.
        take: goes on with it; raises SettingsError when it cannot.
        park: reads a partition no more.
    """
    theirs = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_unix_connection(sock=theirs)
    with contextlib.closing(writer):
        while True:
            try:
                told = _told.decode(await _read(reader))
            except (OSError, EOFError):
                return  # the parent is gone: who watches it ends the process
            if isinstance(told, Parked):
                await park(told.topic, told.partition)
                continue
            refused = ""
            try:
                await take(_loaded(told, environ))
            except SettingsError as error:
                refused = str(error)
            writer.write(_frame(Answer(told.number, refused)))


def _loaded(handed: Handed, environ: Mapping[str, str]) -> Loaded:
    path = Path(handed.path) if handed.path else None
    return read(path, environ, handed.files)


def _frame(value: msgspec.Struct) -> bytes:
    content = msgspec.msgpack.encode(value)
    assert len(content) <= FRAME_BYTES
    return _LENGTH.pack(len(content)) + content


async def _read(reader: asyncio.StreamReader) -> bytes:
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return await reader.readexactly(length)


def _exactly(descriptor: int, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = os.read(descriptor, length - len(parts))
        if not part:
            raise EOFError("the parent is gone")
        parts += part
    return bytes(parts)
