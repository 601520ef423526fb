"""What the peers share: a server on a real socket, faults on demand, the record of calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Json = dict[str, Any]
Clock = Callable[[], float]


class Fault(StrEnum):
    """What goes wrong with one call."""

    DROP_AFTER = "drop_after"
    """Carried out, then the connection is cut without an answer."""
    DROP_BEFORE = "drop_before"
    """Not carried out, the connection is cut."""
    ERROR_500 = "error_500"
    """Not carried out, answered 500."""
    SLOW_AFTER = "slow_after"
    """Carried out, the answer comes only when the peer closes."""


@dataclass(frozen=True)
class Call:
    """One request as it arrived, and what the peer answered."""

    at: float
    """Seconds of the peer's clock."""
    method: str
    args: Json
    outcome: str
    """`ok`, else the error's word."""
    violation: str = ""
    """The rule that the caller broke, such as `inside_penalty`."""


class Peer:
    """A server with a lifetime: `async with` starts it on a free port, or on the one given."""

    def __init__(self, *, host: str, port: int, clock: Clock, max_body_bytes: int) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self._host, self._port = host, port
        self._faults: dict[str, list[Fault]] = {}
        self._closing = asyncio.Event()
        self._app = web.Application(client_max_size=max_body_bytes)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken.
        """
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Cut what is open and stop to listen."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def origin(self) -> str:
        """Return scheme, host and port."""
        return f"http://{self._host}:{self._port}"

    @property
    def rejected(self) -> list[Call]:
        """Return every call that was refused."""
        return [one for one in self.calls if one.outcome != "ok"]

    @property
    def violations(self) -> list[Call]:
        """Return every call that broke a rule which a careful caller keeps."""
        return [one for one in self.calls if one.violation]

    def fail_next(self, method: str, *faults: Fault) -> None:
        """Let the next calls of this method go wrong, in this order."""
        self._faults.setdefault(method, []).extend(faults)

    async def _answer(
        self,
        request: web.Request,
        method: str,
        carry_out: Callable[[], Awaitable[web.Response]],
    ) -> web.StreamResponse:
        """Return the answer of `carry_out`, with the fault that stands next for this method."""
        waiting = self._faults.get(method)
        fault = waiting.pop(0) if waiting else None
        if fault is Fault.ERROR_500:
            return web.Response(status=500, text="Internal Server Error")
        if fault is Fault.DROP_BEFORE:
            return self._cut(request)
        answer = await carry_out()
        if fault is Fault.DROP_AFTER:
            return self._cut(request)
        if fault is Fault.SLOW_AFTER:
            await self._closing.wait()
        return answer

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
