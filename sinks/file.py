"""The file: one line of JSON per digest, for shadow mode and for looking on from a script.

Appending is at least once: after a crash the last line may stand there twice, with the same id and
revision. Only its owner may read the file.
"""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Final

import orjson

from sinks.base import (
    Attempt,
    CannotTell,
    Delivered,
    Found,
    Limit,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
)
from sinks.bounds import bounded
from sinks.render import plain_text

DESTINATION: Final = "file:default"
_NO_SPACE: Final = errno.ENOSPC
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

FULL_MS: Final = 10_000
"""A disk that is full may have room again after this."""


class FileSink:
    """Appends every digest to a file."""

    name = "file"

    def __init__(self, path: Path) -> None:
        """Args: path: of the file; it is made when the first line is written."""
        self._path = path
        limit = Limit(name="append", scope=Scope.DESTINATION, every_ms=1, burst=100, in_flight=1)
        self._plan = Plan(
            steps={Step.POST: (limit,)}, repeatable=frozenset({Step.POST}), rollup=False
        )

    @property
    def destinations(self) -> tuple[str, ...]:
        """The one destination."""
        return (DESTINATION,)

    def account(self, destination: str) -> str:
        """Return the sink's name: there is one file."""
        return self.name

    def plan(self, destination: str) -> Plan:
        """Return one step: every revision is a line."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Append the digest, and return once it is on the disk; a full disk is tried again."""
        digest = bounded(attempt.digest).digest
        line = {
            "at_ms": digest.at_ms,
            "id": digest.id,
            "revision": digest.revision,
            "kind": digest.kind.value,
            "environment": digest.environment,
            "title": digest.title,
            "possible_repeat": attempt.possible_repeat,
            "text": plain_text(attempt.digest, possible_repeat=attempt.possible_repeat),
        }
        try:
            await asyncio.to_thread(self._append, orjson.dumps(line) + b"\n")
        except OSError as error:
            if error.errno in _FULL:
                return Retry(RetryReason.UNAVAILABLE, after_ms=FULL_MS)
            return Rejected(RejectReason.NO_SUCH_PLACE, error.strerror or type(error).__name__)
        return Delivered(Receipt(id=f"{digest.id}.{digest.revision}"))

    def _append(self, line: bytes) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            written = os.write(file, line)
            if written < len(line):
                os.write(file, b"\n")  # what is cut stays a line of its own
                raise OSError(_NO_SPACE, os.strerror(_NO_SPACE))
            os.fsync(file)
        finally:
            os.close(file)

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody looks: a line that stands there twice says so by its id."""
        return CannotTell("the file is not searched")

    async def close(self) -> None:
        """Do nothing: the file is opened for every line."""
