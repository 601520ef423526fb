"""A Sentry of its own on loopback for programs that are run one case at a time.

Keeps what the SDKs send, by project number, and serves the page and the scripts of the browser
cases, so that page and Sentry have one origin. What is made of the events lives in `stored`.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

from aiohttp import web

from recordings.capture import events_of

JsonObject = dict[str, Any]

LARGEST_BODY = 16 * 1024 * 1024


class Collector:
    """The server; `events[project]` grows in the order of arrival."""

    def __init__(self, static: Path | None = None) -> None:
        self.events: dict[int, list[JsonObject]] = {}
        self.done: dict[int, asyncio.Event] = {}
        self._static = static
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Return the port of loopback that the server listens on from now on."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/api/{project}/envelope/", self._envelope)
        app.router.add_post("/api/{project}/store/", self._store)
        app.router.add_post("/done/{project}", self._done)
        if self._static is not None:
            app.router.add_get("/{path:.*}", self._file)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _envelope(self, request: web.Request) -> web.Response:
        body = await request.read()  # already unpacked: aiohttp undoes Content-Encoding
        return self._keep(request, events_of(body))

    async def _store(self, request: web.Request) -> web.Response:
        """The endpoint of older SDKs: one event, plain or as base64 of zlib."""
        body = await request.read()
        if not body.lstrip().startswith(b"{"):
            body = zlib.decompress(b64decode(body))
        return self._keep(request, [json.loads(body)])

    def _keep(self, request: web.Request, events: list[JsonObject]) -> web.Response:
        project = int(request.match_info["project"])
        self.events.setdefault(project, []).extend(events)
        return web.json_response({"id": events[0]["event_id"] if events else ""})

    async def _done(self, request: web.Request) -> web.Response:
        """A page tells that its SDK has sent all it had."""
        self.done.setdefault(int(request.match_info["project"]), asyncio.Event()).set()
        return web.Response()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        assert self._static is not None
        file = (self._static / request.match_info["path"]).resolve()
        if not file.is_file() or self._static.resolve() not in file.parents:
            raise web.HTTPNotFound
        return web.FileResponse(file, headers={"Cache-Control": "no-store"})
