"""A Sentry that posts what was recorded as if it happened now: `python -m streams.demo_storm FILE`.

For the demo in containers, where the real clock runs: webhooks go to a running intake, signed, in
the order and at the pace of the recording, and what they say of time is moved to today; otherwise
they would be old, and what is old pages nobody. Each is posted until intake has taken it.

Exit status: 0 everything was taken, 1 not.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from streams.intake_checks import RESOURCE_HEADER, SIGNATURE_HEADER
from streams.recording import BadLine, Record, Recording, RecordingError

SECRET: Final = "SENTRY_CLIENT_SECRET"
TRIES: Final = 30
PAUSE_S: Final = 1.0
WITHIN_S: Final = 5.0
SECONDS: Final = ("timestamp", "received", "nodestore_insert")
"""Seconds since the epoch, wherever they stand in an event."""
MOMENTS: Final = ("datetime", "firstSeen", "lastSeen")
"""ISO 8601, of events and issues."""

Moved = Callable[[float], float]
"""The moment of today for one of the recording, both in seconds since the epoch."""


class NotTaken(Exception):
    """Intake did not take a webhook; the text says how it answered."""


def main() -> int:
    """Post the recording and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m streams.demo_storm", description=__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--to", default="http://127.0.0.1:8080/sentry", help="where intake listens")
    parser.add_argument("--speed", type=float, default=10.0, help="recorded seconds a second, > 0")
    options = parser.parse_args()
    secret = os.environ.get(SECRET, "")
    if not secret or options.speed <= 0:
        print(f"needed: {SECRET} in the environment, and a speed above 0", file=sys.stderr)
        return 1
    try:
        taken = asyncio.run(storm(options.recording, options.to, secret, options.speed))
    except (NotTaken, RecordingError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{taken} webhooks posted and taken")
    return 0


class Pace(msgspec.Struct, frozen=True):
    """Where the recording begins, then and now, and how fast it passes; seconds."""

    first_s: float
    began_s: float
    speed: float

    def today(self, at_s: float) -> float:
        """Return the moment of today for one of the recording."""
        return self.began_s + (at_s - self.first_s) / self.speed


async def storm(recording: Path, to: str, secret: str, speed: float) -> int:
    """Post every line at its moment; return how many were taken.

    Args:
        recording: webhooks, as `stormfold replay` takes them.
        to: intake's address for Sentry.
        secret: signs them.
        speed: recorded seconds a second, above 0.

    Raises:
        NotTaken: intake refused one, or was not there for half a minute.
        RecordingError: the recording cannot be read.
    """
    taken = 0
    pace: Pace | None = None
    limit = aiohttp.ClientTimeout(total=WITHIN_S)
    async with aiohttp.ClientSession(timeout=limit) as http:
        for record in Recording([recording]):
            if isinstance(record, BadLine):
                continue
            pace = pace or Pace(record.at_ms / 1000, time.time(), speed)
            await asyncio.sleep(max(0.0, pace.today(record.at_ms / 1000) - time.time()))
            body = moved(record, pace.today)
            await _post(http, to, record.resource, body, secret)
            taken += 1
    return taken


def moved(record: Record, to: Moved) -> bytes:
    """Return the body with every time that Stormfold, or a person, reads moved."""
    body = msgspec.json.decode(record.body)
    for thing in body["data"].values():
        if isinstance(thing, dict):
            _move(thing, to)
    return msgspec.json.encode(body)


def _move(thing: dict[str, Any], to: Moved) -> None:
    for name in SECONDS:
        if isinstance(thing.get(name), int | float):
            thing[name] = to(thing[name])
    for name in MOMENTS:
        if isinstance(thing.get(name), str):
            at = datetime.fromisoformat(thing[name].replace("Z", "+00:00"))
            told = datetime.fromtimestamp(to(at.timestamp()), UTC)
            thing[name] = told.isoformat().replace("+00:00", "Z")


async def _post(
    http: aiohttp.ClientSession, to: str, resource: str, body: bytes, secret: str
) -> None:
    headers = {
        "Content-Type": "application/json",
        RESOURCE_HEADER: resource,
        "Sentry-Hook-Timestamp": str(int(time.time())),
        SIGNATURE_HEADER: hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    said = ""
    for _ in range(TRIES):
        try:
            async with http.post(to, data=body, headers=headers) as answer:
                if answer.status == 200:
                    return
                said = f"status {answer.status}"
                if answer.status < 500:
                    break
        except (aiohttp.ClientError, TimeoutError) as error:
            said = type(error).__name__
        await asyncio.sleep(PAUSE_S)
    raise NotTaken(f"{to} did not take a webhook: {said}")


if __name__ == "__main__":
    sys.exit(main())
