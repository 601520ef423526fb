"""A Sentry of its own on loopback that only takes down what SDKs send, as they send it, and when.

What is made of the events afterwards lives in `webhooks`.
"""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from aiohttp import web

JsonObject = dict[str, Any]


class Captured(NamedTuple):
    """One event as the SDK sent it, with its project and its arrival in seconds since the epoch."""

    arrived_s: float
    project: int
    event: JsonObject


def events_of(envelope: bytes) -> list[JsonObject]:
    """Return the events of one envelope; sessions, reports and the like are passed over.

    Raises:
        ValueError: the bytes are no envelope.

    Source: https://develop.sentry.dev/sdk/data-model/envelopes/
    """
    _, _, rest = envelope.partition(b"\n")
    found: list[JsonObject] = []
    while rest.strip():
        head, _, rest = rest.partition(b"\n")
        item: JsonObject = json.loads(head)
        length = item.get("length")
        payload = rest.partition(b"\n")[0] if length is None else rest[:length]
        rest = rest[len(payload) :].removeprefix(b"\n")
        if item.get("type") == "event":
            found.append(json.loads(payload))
    return found


class Capture:
    """The capture server; `captured` grows in the order of arrival."""

    def __init__(self) -> None:
        self.captured: list[Captured] = []
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Return the port of loopback that the server listens on from now on."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/api/{project}/envelope/", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        arrived_s = time.time()
        body = await request.read()  # already unpacked: aiohttp undoes Content-Encoding
        project = int(request.match_info["project"])
        self.captured.extend(Captured(arrived_s, project, event) for event in events_of(body))
        return web.json_response({})
