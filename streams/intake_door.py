"""What becomes of one request: which checks, in which order, how much at once, and the answer.

The checks are in `intake_checks`, the log is in `intake_log`, and who listens where in `intake`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from aiohttp import web

from correlators.deploys import DEPLOY, NotADeploy, read_deploy
from correlators.events import LEGACY
from streams.arriving import Arriving, Unread
from streams.intake_checks import (
    AT_HEADER,
    DEPLOY_HEADERS,
    DEPLOY_SAID,
    RESOURCE_HEADER,
    SAID,
    SIGNATURE_HEADER,
    Answer,
    Repeats,
    check_deploy,
    check_headers,
    check_signature,
    check_time,
    check_token,
    deploy_key,
    resource_label,
)
from streams.intake_log import Written
from streams.intake_room import Place, Room
from streams.metrics import Metrics
from streams.settings import Clock, Secret, Settings, SettingsError
from streams.tracing import Tracer, trace_body

BODY_WITHIN_S: Final = 10.0
"""How long a body may take to arrive, in seconds."""
BYTES_AT_ONCE: Final = 134_217_728
"""Bodies held at one time, counted by what they may grow to."""
FINISH_WITHIN_S: Final = 5.0

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~-]{16,200}")

UNREAD: Final = {Unread.TOO_LARGE: Answer.TOO_LARGE, Unread.INCOMPLETE: Answer.INCOMPLETE}
WRITTEN: Final = {
    Written.YES: Answer.ACCEPTED,
    Written.LATE: Answer.KAFKA_TIMEOUT,
    Written.REFUSED: Answer.KAFKA_FAILED,
}


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


class Door:
    """Answers `POST /sentry`, `POST /sentry/legacy/{token}` and `POST /deploys`."""

    def __init__(
        self, settings: Settings, metrics: Metrics, log: Log, tracer: Tracer | None = None
    ) -> None:
        """Args: settings: the clock, the limits, and the secrets, which are read here; tracer: of
        this process.

        Raises:
            SettingsError: a secret is not there or is empty, or a token cannot stand in an address.
        """
        self._metrics = metrics
        self._log = log
        self._limit = settings.intake.max_body_bytes
        self._timed = settings.clock is Clock.DATA
        self.renew(settings)
        self._intake = uuid.uuid4().hex[:12].encode()
        self._repeats = Repeats()
        self._room = Room(max(BYTES_AT_ONCE, 2 * self._limit))
        self._arriving = Arriving(BODY_WITHIN_S)
        self._tracer = tracer
        self._closing = False
        metrics.last_webhook_time_seconds.set(time.time())

    def renew(self, settings: Settings) -> None:
        """Take other secrets, tokens and patience from the next request on.

        A request under way is checked by those of its end; no request is dropped.

        Raises:
            SettingsError: as of the start; the old ones stay.
        """
        intake = settings.intake
        secrets = [secret.reveal().encode("utf-8", "surrogateescape") for secret in intake.secrets]
        tokens = [_token(secret) for secret in intake.legacy_tokens]
        deploy_keys = [_deploy_key(secret) for secret in intake.deploy_secrets]
        self._secrets, self._tokens, self._deploy_keys = secrets, tokens, deploy_keys
        self.within_s = intake.kafka_timeout_ms / 1000

    async def finish(self) -> None:
        """Return once nothing is under way, or after `FINISH_WITHIN_S`."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._room.empty.wait(), FINISH_WITHIN_S)

    async def sentry(self, request: web.Request) -> web.StreamResponse:
        """Take a webhook of the integration platform, which signs its body."""
        head = request.headers
        signature = head.get(SIGNATURE_HEADER)
        answer = check_headers(
            signature, head.get(RESOURCE_HEADER), head.get(AT_HEADER), timed=self._timed
        )
        if answer is Answer.ACCEPTED:
            answer = await self._take(
                request,
                head[RESOURCE_HEADER].lower(),
                lambda body: self.signed(signature, body),
            )
        return self.say(answer)

    def signed(self, signature: str | None, body: bytes) -> Answer:
        """Return `ACCEPTED` if one of Sentry's secrets signs the body so, else what is wrong."""
        return check_signature(signature, body, self._secrets)

    async def legacy(self, request: web.Request) -> web.StreamResponse:
        """Take a webhook of the legacy plugin, which signs nothing: the address is the secret."""
        answer = check_token(request.match_info["token"], self._tokens)
        if answer is Answer.ACCEPTED:
            answer = check_time(request.headers.get(AT_HEADER), timed=self._timed)
        if answer is Answer.ACCEPTED:
            answer = await self._take(request, LEGACY, lambda _: Answer.ACCEPTED)
        return self.say(answer)

    async def deploys(self, request: web.Request) -> web.StreamResponse:
        """Take a deploy marker, signed as Standard Webhooks are; who sent it is told what is wrong
        with it."""
        if not self._deploy_keys:
            raise web.HTTPNotFound
        head = request.headers
        signed = tuple(head.get(one) for one in DEPLOY_HEADERS)
        why = ""

        def check(body: bytes) -> Answer:
            nonlocal why
            answer = check_deploy(signed, body, self._deploy_keys, time.time())
            if answer is Answer.ACCEPTED:
                try:
                    read_deploy(body)
                except NotADeploy as error:
                    why = str(error)
                    return Answer.MALFORMED_DEPLOY
            return answer

        answer = check_time(head.get(AT_HEADER), timed=self._timed)
        if answer is Answer.ACCEPTED:
            answer = await self._take(request, DEPLOY, check)
        return self.say(answer, {**SAID, **DEPLOY_SAID}, why)

    def say(
        self, answer: Answer, said: Mapping[Answer, tuple[int, str]] = SAID, why: str = ""
    ) -> web.StreamResponse:
        """Return what a request is answered, and count it."""
        self._metrics.intake_requests.labels(outcome=answer.value).inc()
        status, text = said[answer]
        text = f"{text}: {why}" if why else text
        response = web.Response(status=status, text=text + "\n")
        if self._closing:
            response.force_close()
        return response

    async def _take(
        self, request: web.Request, resource: str, check: Callable[[bytes], Answer]
    ) -> Answer:
        return await self.taken(request, check, lambda body: self._write(request, resource, body))

    async def taken(
        self,
        request: web.Request,
        check: Callable[[bytes], Answer],
        write: Callable[[bytes], Awaitable[Answer]],
        *,
        at_least: int = 0,
        measured: bool = True,
    ) -> Answer:
        """Read a body within the limits, check it, and write it; return what became of it.

        Args:
            request: not read yet.
            check: of the body as received; only an accepted one is written.
            write: returns once Kafka has it, or says why not.
            at_least: bodies of so many bytes are taken even where events of that size are not.
            measured: whether its time counts among those of what comes in.
        """
        limit = max(self._limit, at_least)
        announced = request.content_length
        if announced is not None and announced > limit:
            return Answer.TOO_LARGE
        size = limit if announced is None else announced
        while not self._room.take(size):
            if not self._arriving.give_up():
                return Answer.OVERLOADED
        place = Place(self._room, size)
        try:
            body = await self._arriving.read(request, limit, place.give_back)
            if isinstance(body, Unread):
                return UNREAD[body]
            began_s = time.perf_counter()
            answer = check(body)
            if answer is not Answer.ACCEPTED:
                return answer
            answer = await write(body)
            if measured:
                self._metrics.intake_answer_seconds.observe(time.perf_counter() - began_s)
            return answer
        finally:
            place.give_back()

    async def _write(self, request: web.Request, resource: str, body: bytes) -> Answer:
        received_ms = time.time_ns() // 1_000_000
        headers = [
            ("resource", resource.encode()),
            ("received_ms", str(received_ms).encode()),
            ("intake", self._intake),
        ]
        if self._timed:
            headers.append(("at_ms", str(int(request.headers[AT_HEADER])).encode()))
        answer = WRITTEN[await self._log.append(body, headers, within_s=self.within_s)]
        if answer is Answer.ACCEPTED:
            self._metrics.intake_resources.labels(resource=resource_label(resource)).inc()
            if self._tracer is not None:
                trace_body(self._tracer, body, received_ms)
            if resource != DEPLOY:
                self._metrics.last_webhook_time_seconds.set(time.time())
            if self._repeats.seen(body):
                self._metrics.intake_repeats.inc()
        return answer

    async def healthz(self, _: web.Request) -> web.StreamResponse:
        """Say that the process lives."""
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.StreamResponse:
        """Say whether a record could be written now."""
        if await self._log.ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="Kafka does not answer\n")


def _deploy_key(secret: Secret) -> bytes:
    try:
        return deploy_key(secret.reveal())
    except ValueError:
        says = "expected base64 behind whsec_"
        raise SettingsError(f"{secret.place}: {says}; {secret.source} is something else") from None


def _token(secret: Secret) -> bytes:
    """Return the token, which must fit into an address and be too long to be guessed."""
    token = secret.reveal()
    if not _TOKEN.fullmatch(token):
        says = "expected 16 to 200 of a-z, A-Z, 0-9, '.', '_', '~' and '-', since it is part of"
        raise SettingsError(f"{secret.place}: {says} an address; {secret.source} is something else")
    return token.encode()
