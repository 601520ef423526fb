"""Socket Mode of a local Slack: an app opens sockets with its own token; what people do comes in
envelopes, each to one of them, and is acknowledged by the id of its envelope.

Source: docs.slack.dev, using Socket Mode: `apps.connections.open`, at most ten sockets, `hello`,
`disconnect`, envelopes with `envelope_id` and `accepts_response_payload`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from aiohttp import WSMsgType, web

from sinks.peers.serve import Json
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_people import ANSWER_S, Answered
from sinks.peers.slack_store import Refusal

SOCKETS: Final = 10
METHOD: Final = "apps.connections.open"


class SocketApp:
    """An app that is reached over the sockets that it opened; made before the peer is started.

    Args:
        slack: serves the sockets.
        token: of the app, `xapp-...`.
    """

    def __init__(self, slack: SlackPeer, token: str) -> None:
        self._slack, self._token = slack, token
        slack.app_calls[METHOD] = self._open
        slack.also_serve("GET", "/link/{ticket}", self._serve)
        self.sockets: list[web.WebSocketResponse] = []
        self.opened = 0
        """How many there have been."""
        self._tickets: set[str] = set()
        self._requests: dict[web.WebSocketResponse, web.Request] = {}
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._changed = asyncio.Event()
        self._envelopes = 0

    def _open(self, token: str) -> Json:
        """Answer `apps.connections.open`.

        Raises:
            Refusal: the token is no app's, or there are too many sockets.
        """
        if not token:
            raise Refusal("not_authed")
        if token != self._token:
            raise Refusal("not_allowed_token_type" if token.startswith("xox") else "invalid_auth")
        if len(self.sockets) >= SOCKETS:
            raise Refusal("too_many_websockets")
        ticket = f"ticket{len(self._tickets)}"
        self._tickets.add(ticket)
        return {"url": f"{self._slack.origin.replace('http', 'ws', 1)}/link/{ticket}"}

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it ends."""
        if request.match_info["ticket"] not in self._tickets:
            return web.Response(status=408)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(
            {"type": "hello", "num_connections": len(self.sockets) + 1, "debug_info": {}}
        )
        self.sockets.append(socket)
        self._requests[socket] = request
        self.opened += 1
        self._tell()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledged(json.loads(message.data))
        finally:
            self.sockets.remove(socket)
            del self._requests[socket]
            self._tell()
        return socket

    async def send(self, kind: str, payload: Json, *, retry: int = 0) -> Answered:
        """Send it in an envelope to one socket, and return what it was acknowledged with.

        Raises:
            TimeoutError: it was not acknowledged in time.
        """
        await self.until(lambda: bool(self.sockets))
        self._envelopes += 1
        id = f"envelope-{self._envelopes}"
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[id] = answered
        socket = self.sockets[self._envelopes % len(self.sockets)]
        told: Json = {
            "envelope_id": id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if retry:
            told |= {"retry_attempt": retry, "retry_reason": "timeout"}
        try:
            await socket.send_json(told)
            async with asyncio.timeout(ANSWER_S):
                body = await answered
            return Answered(200, body, json.dumps(body) if body else "")
        finally:
            del self._waiting[id]

    async def refresh(self) -> None:
        """Ask every socket to be opened anew, as Slack does now and then, and close it."""
        for socket in list(self.sockets):
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
            await socket.close()

    def cut(self) -> None:
        """Cut every socket, without a word."""
        for socket in list(self.sockets):
            request = self._requests[socket]
            if request.transport is not None:
                request.transport.abort()

    async def close(self) -> None:
        """Close every socket."""
        for socket in list(self.sockets):
            await socket.close()

    async def until(self, condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
        """Return when the condition holds; it is looked at when a socket opens or ends.

        Raises:
            TimeoutError: it did not come to hold within the time.
        """
        async with asyncio.timeout(within_s):
            while not condition():
                await self._changed.wait()

    def _acknowledged(self, told: Json) -> None:
        waiting = self._waiting.get(str(told.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(told.get("payload") or {})

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
