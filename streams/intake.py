"""The door: Sentry's webhooks over HTTP, checked and written untouched to `sentry.events`.

A request is answered 200 only after Kafka has its body. Nothing is decoded here; which checks there
are is in `intake_checks`, how the log is written in `intake_log`.

    IntakeError     intake cannot start; one line says why
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from aiohttp import ClientConnectionError, ClientPayloadError, web
from aiokafka.errors import KafkaError

from streams.intake_checks import (
    AT_HEADER,
    RESOURCE_HEADER,
    SAID,
    SIGNATURE_HEADER,
    Answer,
    Repeats,
    check_headers,
    check_signature,
    resource_label,
)
from streams.intake_log import EventLog, Written
from streams.metrics import Metrics
from streams.metrics_http import metrics_handler
from streams.settings import Clock, Settings
from streams.topics import State, TopicsError, ensure, names

BODY_WITHIN_S: Final = 10.0
"""How long a body may take to arrive, in seconds."""
REQUESTS_AT_ONCE: Final = 512
BYTES_AT_ONCE: Final = 134_217_728
"""Bodies held at one time, counted by what they may grow to."""
FINISH_WITHIN_S: Final = 5.0

_WRITTEN: Final = {
    Written.YES: Answer.ACCEPTED,
    Written.LATE: Answer.KAFKA_TIMEOUT,
    Written.REFUSED: Answer.KAFKA_FAILED,
}
_log = logging.getLogger(__name__)


class IntakeError(Exception):
    """Intake cannot start."""


class Log(Protocol):
    """What intake needs of the raw log."""

    async def append(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        """Return what became of the record, in time."""
        ...

    async def ready(self) -> bool:
        """Return whether a record could be written now."""
        ...


class _Room:
    """How much may be under way at once, in requests and in bytes."""

    def __init__(self, bytes_at_once: int) -> None:
        self._requests_left = REQUESTS_AT_ONCE
        self._bytes_left = bytes_at_once
        self.empty = asyncio.Event()
        self.empty.set()

    def take(self, size: int) -> bool:
        if self._requests_left == 0 or self._bytes_left < size:
            return False
        self.empty.clear()
        self._requests_left -= 1
        self._bytes_left -= size
        return True

    def give_back(self, size: int) -> None:
        self._requests_left += 1
        self._bytes_left += size
        if self._requests_left == REQUESTS_AT_ONCE:
            self.empty.set()


class _Door:
    """Answers `POST /sentry`."""

    def __init__(self, settings: Settings, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics
        self._log = log
        self._limit = settings.intake.max_body_bytes
        self._within_s = settings.intake.kafka_timeout_ms / 1000
        self._timed = settings.clock is Clock.DATA
        self._secrets = [
            secret.reveal().encode("utf-8", "surrogateescape") for secret in settings.intake.secrets
        ]
        self._intake = uuid.uuid4().hex[:12].encode()
        self._repeats = Repeats()
        self._room = _Room(max(BYTES_AT_ONCE, 2 * self._limit))
        self._closing = False

    async def finish(self) -> None:
        """Return once nothing is under way, or after `FINISH_WITHIN_S`."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._room.empty.wait(), FINISH_WITHIN_S)

    async def sentry(self, request: web.Request) -> web.StreamResponse:
        answer = await self._answer(request)
        self._metrics.intake_requests.labels(outcome=answer.value).inc()
        status, text = SAID[answer]
        response = web.Response(status=status, text=text + "\n")
        if self._closing:
            response.force_close()
        return response

    async def _answer(self, request: web.Request) -> Answer:
        head = request.headers
        answer = check_headers(
            head.get(SIGNATURE_HEADER),
            head.get(RESOURCE_HEADER),
            head.get(AT_HEADER),
            timed=self._timed,
        )
        if answer is not Answer.ACCEPTED:
            return answer
        announced = request.content_length
        if announced is not None and announced > self._limit:
            return Answer.TOO_LARGE
        size = self._limit if announced is None else announced
        if not self._room.take(size):
            return Answer.OVERLOADED
        try:
            body = await _read(request, self._limit)
            return body if isinstance(body, Answer) else await self._write(request, body)
        finally:
            self._room.give_back(size)

    async def _write(self, request: web.Request, body: bytes) -> Answer:
        began_s = time.perf_counter()
        answer = check_signature(request.headers.get(SIGNATURE_HEADER), body, self._secrets)
        if answer is not Answer.ACCEPTED:
            return answer
        resource = request.headers[RESOURCE_HEADER].lower()
        headers = [
            ("resource", resource.encode()),
            ("received_ms", str(time.time_ns() // 1_000_000).encode()),
            ("intake", self._intake),
        ]
        if self._timed:
            headers.append(("at_ms", str(int(request.headers[AT_HEADER])).encode()))
        answer = _WRITTEN[await self._log.append(body, headers, within_s=self._within_s)]
        self._metrics.intake_answer_seconds.observe(time.perf_counter() - began_s)
        if answer is Answer.ACCEPTED:
            self._metrics.intake_resources.labels(resource=resource_label(resource)).inc()
            if self._repeats.seen(body):
                self._metrics.intake_repeats.inc()
        return answer

    async def healthz(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.StreamResponse:
        if await self._log.ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="Kafka does not answer\n")


async def _read(request: web.Request, limit: int) -> bytes | Answer:
    """Return the body exactly as sent, whatever its encodings are called."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for part in request.content.iter_any():
                size += len(part)
                if size > limit:
                    return Answer.TOO_LARGE
                parts.append(part)
    except (TimeoutError, ClientPayloadError, ClientConnectionError, OSError):
        return Answer.INCOMPLETE
    return b"".join(parts)


_DOOR: Final = web.AppKey("door", _Door)


def make_app(settings: Settings, metrics: Metrics, log: Log) -> web.Application:
    """Return the server's routes; who listens where is the caller's.

    Args:
        settings: the clock, the limits, and the secrets, which are read here.
        metrics: of this process.
        log: started.

    Raises:
        SettingsError: a configured secret is not there or is empty.
    """
    door = _Door(settings, metrics, log)
    app = web.Application()
    app[_DOOR] = door
    app.router.add_post("/sentry", door.sentry)
    app.router.add_get("/healthz", door.healthz)
    app.router.add_get("/readyz", door.readyz)
    app.router.add_get("/metrics", metrics_handler(metrics))
    return app


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event | None = None,
    listening: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; then finish what is under way.

    Args:
        settings: of the installation; its topics must exist.
        stop: ends it as a signal does.
        listening: told the address, as in `http://127.0.0.1:8080`, once requests are taken.

    Raises:
        SettingsError: a configured secret is not there or is empty.
        IntakeError: Kafka does not answer, lacks the topic, or the port is taken.
    """
    stop = stop or asyncio.Event()
    log = EventLog(settings)
    app = make_app(settings, Metrics(), log)
    await _check_topic(settings)
    try:
        await log.start()
    except (KafkaError, OSError) as error:
        at = settings.kafka.bootstrap
        raise IntakeError(f"Kafka at {at} does not answer: {type(error).__name__}") from None
    # The signature is over the raw bytes, so no encoding is undone.
    runner = web.AppRunner(
        app, access_log=None, auto_decompress=False, shutdown_timeout=FINISH_WITHIN_S
    )
    try:
        await runner.setup()
        listening(await _listen(runner, settings))
        await _until(stop)
    finally:
        for site in runner.sites:
            await site.stop()
        # The runner's own clean-up drops bodies that are still arriving.
        await app[_DOOR].finish()
        await runner.cleanup()
        await log.stop()


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    host, port = settings.intake.host, settings.intake.port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise IntakeError(f"intake cannot listen on {host}:{port}: {why}") from None
    bound = runner.addresses[0]
    return f"http://{bound[0]}:{bound[1]}"


async def _check_topic(settings: Settings) -> None:
    """Refuse a missing topic, and one that would give the events another kind of time."""
    events = names(settings.namespace).events
    try:
        findings = await ensure(settings, create=False)
    except TopicsError as error:
        raise IntakeError(str(error)) from None
    for finding in findings:
        missing = finding.topic == events and finding.state is State.MISSING
        if missing or (finding.topic == events and finding.aspect == "message.timestamp.type"):
            raise IntakeError(f"{finding}; `stormfold topics` makes what is missing")
        if finding.wrong:
            _log.warning("%s", finding)


async def _until(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for one in signals:
        loop.add_signal_handler(one, stop.set)
    try:
        await stop.wait()
    finally:
        for one in signals:
            loop.remove_signal_handler(one)
