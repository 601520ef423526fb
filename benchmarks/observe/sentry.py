"""What Sentry tells while it is watched: a steady error, new ones, a deploy, a replayed outage."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp

from benchmarks.wayback import happening

RECORDING: Final = Path(__file__).parents[2] / "recordings" / "shop-outage.jsonl.gz"
STEADY_S: Final = 0.25
FRESH_S: Final = 1.0
GOES_ON_S: Final = 5.0


def recorded() -> list[dict[str, Any]]:
    """Return the lines of the recorded outage."""
    return [json.loads(line) for line in gzip.decompress(RECORDING.read_bytes()).splitlines()]


def issues() -> set[str]:
    """Return the ids of the issues that the recorded outage is about."""
    said = (line["body"]["data"] for line in recorded())
    events = (data.get("error") or data.get("event") or {} for data in said)
    return {str(event["issue_id"]) for event in events if event.get("issue_id")}


class Sentry:
    """Tells intake. Whether it is answered 200 is Prometheus's to say.

    Args:
        http: for the calls.
        origin: of intake.
    """

    def __init__(self, http: aiohttp.ClientSession, origin: str) -> None:
        self._http = http
        self._origin = origin
        self._number = 0
        self.told = 0
        self.silent = False
        self.forged = False
        """Whether what is told is signed with another secret."""
        self._tasks = [asyncio.create_task(self._steady())]

    async def close(self) -> None:
        """Tell no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def say(self, resource: str, body: bytes) -> None:
        """Tell one thing, and let be what becomes of it."""
        signed = b"forged" if self.forged else body
        headers = {
            "Content-Type": "application/json",
            "Sentry-Hook-Resource": resource,
            "Sentry-Hook-Timestamp": str(int(time.time())),
            "Sentry-Hook-Signature": hmac.new(
                happening.SECRET.encode(), signed, hashlib.sha256
            ).hexdigest(),
        }
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            timeout = aiohttp.ClientTimeout(total=5.0)
            async with self._http.post(
                f"{self._origin}/sentry", data=body, headers=headers, timeout=timeout
            ):
                self.told += 1

    @contextlib.asynccontextmanager
    async def goes_on(self, *, level: str, environment: str) -> AsyncIterator[None]:
        """Have something new fail, and fail on, so that it is not over by itself."""
        self._number += 1
        told = asyncio.create_task(self._goes_on(self._number, level, environment))
        try:
            yield
        finally:
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)

    async def _goes_on(self, number: int, level: str, environment: str) -> None:
        while True:
            kind, service = f"Failing{number}", f"shop{number}"
            body = happening.error(environment, service, kind, "it is", level=level)
            await self.say("error", body)
            await asyncio.sleep(GOES_ON_S)

    async def fresh(self, *, level: str = "error", environment: str = "") -> None:
        """Tell an error that is new: in an environment of its own, where none is named."""
        self._number += 1
        where = environment or f"preview-{self._number}"
        body = happening.error(
            where, f"shop{self._number}", f"Broken{self._number}", "it is", level=level
        )
        await self.say("error", body)

    @contextlib.asynccontextmanager
    async def keeps_breaking(self) -> AsyncIterator[None]:
        """Have something new break every second meanwhile."""

        async def go_on() -> None:
            while True:
                await self.fresh()
                await asyncio.sleep(FRESH_S)

        task = asyncio.create_task(go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def deploys(self, key: str, service: str, release: str) -> None:
        """Tell that a release was deployed."""
        told = {"service": service, "release": release, "environment": "production"}
        body = json.dumps(told | {"at": time.time()}).encode()
        at = str(int(time.time()))
        secret = base64.b64decode(key.removeprefix("whsec_"))
        signed = hmac.new(secret, f"d1.{at}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "webhook-id": "d1",
            "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(signed).decode(),
        }
        async with self._http.post(f"{self._origin}/deploys", data=body, headers=headers) as reply:
            assert reply.status == 200, await reply.text()

    async def replay(self, speed: float) -> int:
        """Tell a recorded outage as if it were now, and return how much that was.

        Args:
            speed: how many times as fast as it was.
        """
        lines = recorded()
        first, began = lines[0]["at_ms"], time.monotonic()
        for line in lines:
            due = (line["at_ms"] - first) / 1_000 / speed
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            data = line["body"]["data"]
            event = data.get("error") or data.get("event")
            if event is not None:
                event["timestamp"] = time.time()
                event.pop("datetime", None)
            await self.say(line["resource"], json.dumps(line["body"]).encode())
        return len(lines)

    async def _steady(self) -> None:
        while True:
            if not self.silent:
                await self.say("error", happening.error("steady", "steady", "Steady", "it is"))
            await asyncio.sleep(STEADY_S)
