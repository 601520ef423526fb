"""What the demo plays: the recorded outage, read once, and the clock by which it passes.

Nothing is sent from here. Errors: those of `streams.recording`.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from correlators.fingerprinter import Fingerprinter, Fingerprinting, Read
from streams.recording import BadLine, Record, Recording

SPEED: Final = 60.0
"""Recorded seconds per second."""

AMBIENT: Final = "ambient:"
"""What the label of an error begins with that is no part of the outage."""

Json = dict[str, Any]


class Line(msgspec.Struct, frozen=True):
    """One line of the recording: as it is replayed, and what it is."""

    record: Record
    read: Read


class Material(msgspec.Struct, frozen=True):
    """The whole recording."""

    lines: tuple[Line, ...]
    short_ids: dict[str, str]
    """Sentry's readable issue id, such as CHECKOUT-1, by issue id."""

    @property
    def events(self) -> list[Line]:
        """The lines that are events."""
        return [line for line in self.lines if line.read.event is not None]

    @property
    def first_ms(self) -> int:
        """Recorded time of the first line."""
        return self.lines[0].record.at_ms

    @property
    def last_ms(self) -> int:
        """Recorded time of the last line."""
        return self.lines[-1].record.at_ms


def read_material(path: Path, fingerprinting: Fingerprinting) -> Material:
    """Return the recording of this file.

    Raises:
        RecordingError: it cannot be read.
    """
    reader = Fingerprinter(fingerprinting)
    lines = tuple(
        Line(record, reader.read(record.resource, record.body))
        for record in Recording([path])
        if not isinstance(record, BadLine)
    )
    return Material(lines, _short_ids(lines))


def _short_ids(lines: tuple[Line, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        if line.record.resource == "issue":
            issue = msgspec.json.decode(line.record.body)["data"]["issue"]
            found.setdefault(issue["id"], issue["shortId"])
    return found


def event_of(record: Record) -> Json:
    """Return the event inside the body of an `error` or `event_alert` webhook."""
    data: Json = msgspec.json.decode(record.body)["data"]
    event: Json = data.get("error") or data["event"]
    return event


class RecordedClock:
    """Recorded time as it passes in the demo: faster than the real one."""

    def __init__(self, first_ms: int, speed: float = SPEED) -> None:
        """Args: first_ms: where it stands until `start`."""
        self._first_s = first_ms / 1000
        self._speed = speed
        self._began = -1.0

    def start(self) -> None:
        """Let time pass from now on."""
        self._began = time.monotonic()

    def now_s(self) -> float:
        """Return the recorded time, seconds since the epoch."""
        passed = time.monotonic() - self._began if self._began >= 0 else 0.0
        return self._first_s + passed * self._speed

    async def until(self, at_ms: int) -> None:
        """Return when this recorded moment has come."""
        await asyncio.sleep(max(0.0, (at_ms / 1000 - self.now_s()) / self._speed))
