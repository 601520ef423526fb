"""What the peers share: a server on a real socket, faults on demand, the record of calls."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from sinks.peers.faults import ERRORS, LIMITS, UNDONE, Fault, Trouble, Troubles

__all__ = ["Call", "Clock", "Fault", "Json", "Peer", "Trouble"]

Json = dict[str, Any]
Clock = Callable[[], float]

PROXY_PAGE: Final = "<html><body><h1>It works!</h1></body></html>"


@dataclass(frozen=True)
class Call:
    """One request as it arrived, and what the peer did."""

    at: float
    """Seconds of the peer's clock when it was carried out or refused."""
    method: str
    args: Json
    """What came with it, without token, key or secret address."""
    outcome: str
    """`ok`, else the error's word, else the fault that kept it from being carried out."""
    violation: str = ""
    """The rule that the caller broke, such as `inside_penalty`."""


class Peer:
    """A server with a lifetime: `async with` starts it on a free port, or on the one given."""

    def __init__(
        self, *, host: str, port: int, clock: Clock, max_body_bytes: int, seed: int = 0
    ) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self.troubled: list[tuple[float, str, Fault]] = []
        """When which method met which fault."""
        self.heard: Callable[[Call], None] = lambda call: None
        """Told of every call as it is recorded."""
        self._host, self._port = host, port
        self._troubles = Troubles(seed)
        self._closing = asyncio.Event()
        self._released = asyncio.Event()
        self._moved = asyncio.Event()
        self._app = web.Application(client_max_size=max_body_bytes)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

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

    # ---------------------------------------------------------------- lifetime

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken.
        """
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self.listen()

    async def close(self) -> None:
        """Cut what is open and stop to listen."""
        self._closing.set()
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = self._site = None

    async def stop_listening(self) -> None:
        """Refuse connections and cut the open ones, until `listen`; nothing held is lost."""
        assert self._runner is not None, "the peer was not started"
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for one in self._runner.server.connections if self._runner.server else ():
            if one.transport is not None:
                one.transport.abort()

    async def listen(self) -> None:
        """Listen, again on the same port after `stop_listening`.

        Raises:
            OSError: the port is taken.
        """
        assert self._runner is not None, "the peer was not started"
        if self._site is None:
            self._site = web.TCPSite(self._runner, self._host, self._port)
            await self._site.start()
            self._port = self._runner.addresses[0][1]

    def also_serve(
        self,
        method: str,
        path: str,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> None:
        """Answer one more path, such as a page to look at; before `start`."""
        self._app.router.add_route(method, path, handler)

    @property
    def origin(self) -> str:
        """Return scheme, host and port."""
        return f"http://{self._host}:{self._port}"

    # ---------------------------------------------------------------- what arrived

    @property
    def taken(self) -> list[Call]:
        """Return every call that was carried out, answered or not."""
        return [one for one in self.calls if one.outcome == "ok"]

    @property
    def rejected(self) -> list[Call]:
        """Return every call that was not carried out: refused, or kept from it by a fault."""
        return [one for one in self.calls if one.outcome != "ok"]

    @property
    def violations(self) -> list[Call]:
        """Return every call that broke a rule which a careful caller keeps."""
        return [one for one in self.calls if one.violation]

    async def until(self, condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
        """Return when the condition holds; it is looked at after every call.

        Raises:
            TimeoutError: it did not come to hold within the time.
        """
        async with asyncio.timeout(within_s):
            while not condition():
                await self._moved.wait()

    def _note(self, call: Call) -> None:
        self.calls.append(call)
        self.heard(call)
        self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    # ---------------------------------------------------------------- faults

    def fail_next(self, method: str, *faults: Fault) -> None:
        """Let the next calls of this method go wrong, in this order."""
        for one in faults:
            self._troubles.add(Trouble(one, method=method, calls=1))

    def fail(self, fault: Fault, *, for_s: float | None = None, **how: Any) -> None:
        """Let calls go wrong: which ones, `how` says in the words of `Trouble`.

        Args:
            fault: what goes wrong.
            for_s: it is over after this many seconds of the peer's clock.
            how: `method`, `destination`, `calls`, `share`, `word`, `retry_after_s`, `as_date`,
                `slow_s`.

        Raises:
            ValueError: a number is out of its range.
        """
        until = None if for_s is None else self.clock() + for_s
        self._troubles.add(Trouble(fault, until=until, **how))

    def heal(self) -> None:
        """Switch every fault off; calls that wait go on."""
        self._troubles.clear()
        self.release()

    def release(self) -> None:
        """Let the calls go on that wait because of a slow fault."""
        self._released.set()
        self._released = asyncio.Event()

    async def _answer(
        self,
        request: web.Request,
        method: str,
        carry_out: Callable[[], Awaitable[web.Response]],
        *,
        destination: str = "",
        args: Json | None = None,
    ) -> web.StreamResponse:
        """Return the answer of `carry_out`, with what goes wrong with this call."""
        trouble = self._troubles.meet(method, destination, self.clock())
        if trouble is None:
            return await carry_out()
        fault = trouble.fault
        self.troubled.append((self.clock(), method, fault))
        self._move()
        if fault in LIMITS or fault is Fault.REFUSED:
            return self._refusal(trouble, method, destination, args or {})
        if fault in UNDONE:
            self._note(Call(self.clock(), method, args or {}, fault.value))
            return self._cut(request) if fault is Fault.DROP_BEFORE else _instead(fault)
        if fault is Fault.SLOW_BEFORE:
            await self._held(trouble.slow_s)
            if self._closing.is_set():
                return self._cut(request)
        answer = await carry_out()
        match fault:
            case Fault.DROP_AFTER:
                return self._cut(request)
            case Fault.SLOW_AFTER:
                await self._held(trouble.slow_s)
            case Fault.ERROR_AFTER | Fault.GARBAGE:
                return _instead(fault)
            case Fault.HALF:
                return await self._half(request, answer)
            case _:
                pass
        return answer

    def _refusal(self, trouble: Trouble, method: str, destination: str, args: Json) -> web.Response:
        """Return the answer to a call that is refused on demand, and note it."""
        self._note(Call(self.clock(), method, args, trouble.word or trouble.fault.value))
        return web.Response(
            status=429, headers=self._wait_headers(trouble.retry_after_s, trouble.as_date)
        )

    def _wait_headers(self, seconds: int, as_date: bool) -> dict[str, str]:
        """Return the header that says when to come back."""
        if not as_date:
            return {"Retry-After": str(seconds)}
        now = self.clock()
        return {
            "Retry-After": http_date(math.ceil(now + seconds)),
            "Date": http_date(int(now)),
        }

    async def _held(self, seconds: float | None) -> None:
        released = self._released
        try:
            async with asyncio.timeout(seconds):
                await released.wait()
        except TimeoutError:
            pass

    @staticmethod
    async def _half(request: web.Request, answer: web.Response) -> web.StreamResponse:
        body = answer.body if isinstance(answer.body, bytes) else b""
        cut = web.StreamResponse(status=answer.status)
        cut.content_type = answer.content_type
        cut.content_length = len(body)
        await cut.prepare(request)
        await cut.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close()
        return cut

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)


def http_date(at_s: int) -> str:
    """Return seconds since the epoch as HTTP writes a date."""
    return format_datetime(datetime.fromtimestamp(at_s, UTC), usegmt=True)


def _instead(fault: Fault) -> web.Response:
    """Return what somebody on the way answers in place of the service."""
    if fault not in ERRORS:
        return web.Response(text=PROXY_PAGE, content_type="text/html")
    return web.Response(status=ERRORS[fault], text=f"{ERRORS[fault]} from somewhere on the way")
