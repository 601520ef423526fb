"""`POST /slack`: what Slack sends is checked over its raw body, decoded, and handed to the desk.

Answered 401 with the check that failed, 200 for whatever is understood or of no interest, 503 where
Slack is to send it again; nothing of a request reaches a log.

Source: docs.slack.dev, verifying requests; interactions are a form with `payload`, commands a form,
events JSON.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from streams.arriving import Arriving, Unread
from streams.intake_log import Acts
from streams.live import Live
from streams.live import read as read_live
from streams.metrics import Metrics
from streams.settings import Settings, SettingsError, SlackIn
from streams.slack_book import Book
from streams.slack_clerk import Clerk
from streams.slack_desk import Desk
from streams.slack_inbound import NOT_TAKEN, Inbound, Kind, Outcome, Reply, envelope, retry_of
from streams.slack_office import Office
from streams.slack_signed import SAID, SIGNATURE_HEADER, TIMESTAMP_HEADER, Signed, check
from streams.slack_socket import SlackSocket

BODY_BYTES: Final = 262_144
"""Larger bodies are refused: a message and its thread are far smaller."""
BODY_WITHIN_S: Final = 2.0
ARRIVING_AT_ONCE: Final = 256
"""Bodies: nobody has signed them by then."""
REQUESTS_AT_ONCE: Final = 256
"""That Slack signed, and that are not answered yet."""
FIELDS_MOST: Final = 64
RETRY_HEADER: Final = "X-Slack-Retry-Num"
"""Nobody signs it: it chooses words, and nothing else."""

_STATUS: Final = {
    Outcome.UNREADABLE: 400,
    Outcome.TOO_LARGE: 413,
    Outcome.OVERLOADED: 503,
}
_UNREAD: Final = {Unread.TOO_LARGE: Outcome.TOO_LARGE, Unread.INCOMPLETE: Outcome.UNREADABLE}


class SlackDoor:
    """Answers `POST /slack`.

    Args:
        settings: whose signing secrets are read here.
        metrics: of this process.
        desk: takes what was checked.
        clerk: is told of other groups.
        office: is told of another token.
        look: has the state looked at as other settings say.
        socket: brings the same without an address of ours.

    Raises:
        SettingsError: a secret is not there or is empty.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        desk: Desk,
        clerk: Clerk,
        office: Office,
        look: Callable[[Settings], None] = lambda _: None,
        socket: SlackSocket | None = None,
    ) -> None:
        self.desk, self._clerk, self._office = desk, clerk, office
        self._look = look
        self._socket = socket
        self._metrics = metrics
        self._arriving = Arriving(BODY_WITHIN_S)
        self._under_way = 0
        self._app_token = _app_token(settings)
        self.prepare(settings)()

    def prepare(self, settings: Settings) -> Callable[[], None]:
        """Return what takes other secrets, groups and another token from the next request on; it
        cannot fail, and until it is called the old ones stay.

        Raises:
            SettingsError: as of the start, or the token of the socket is another one.
        """
        back = settings.slack_in or SlackIn()
        if _app_token(settings) != self._app_token:
            raise SettingsError("slack_in.app_token: only a restart of intake changes it")
        slack = settings.sinks.slack
        bot = (slack.token.reveal(), slack.base_url) if slack is not None else None
        secrets = [one.reveal().encode("utf-8", "surrogateescape") for one in back.signing_secrets]

        def take() -> None:
            if bot is not None:
                self._office.renew(*bot)
            self._secrets = secrets
            self._look(settings)
            self._clerk.know(settings.people)
            self._clerk.linker.renew(settings)
            self._clerk.mirror.renew(settings)
            self._clerk.chooser.renew(settings)
            self._clerk.renew(
                back.groups,
                settings.intake.kafka_timeout_ms / 1000,
                asks_sentry=settings.sentry is not None and settings.shadow is None,
            )

        return take

    def start(self) -> None:
        """Begin to open a socket, where one is configured."""
        if self._socket is not None:
            self._socket.start()

    async def finish(self, within_s: float) -> None:
        """Return once nothing is under way, or after this many seconds."""
        if self._socket is not None:
            await self._socket.close()
        await self.desk.finish(within_s)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take one request."""
        if not self._secrets:
            raise web.HTTPNotFound
        arrived_s = asyncio.get_running_loop().time()
        if len(self._arriving) >= ARRIVING_AT_ONCE and not self._arriving.give_up():
            return self._answer(Kind.OTHER, Reply(Outcome.OVERLOADED))
        body = await self._arriving.read(request, BODY_BYTES)
        if isinstance(body, Unread):
            return self._answer(Kind.OTHER, Reply(_UNREAD[body]))
        head = request.headers
        signed = check(
            head.get(TIMESTAMP_HEADER), head.get(SIGNATURE_HEADER), body, self._secrets, time.time()
        )
        if signed is not Signed.YES:
            self._count(Kind.OTHER, signed.value)
            return web.Response(status=401, text=SAID[signed] + "\n")
        got = decoded(request.content_type, body)
        if got is None:
            return self._answer(Kind.OTHER, Reply(Outcome.UNREADABLE))
        if self._under_way >= REQUESTS_AT_ONCE:
            return self._answer(got.kind, Reply(Outcome.OVERLOADED))
        # Signed with it, so that who plays it again does the same again, and not another thing.
        at = f"{head[TIMESTAMP_HEADER]}.0"
        retry = retry_of(head.get(RETRY_HEADER))
        got = msgspec.structs.replace(got, at=at, arrived_s=arrived_s, retry=retry)
        self._under_way += 1
        try:
            return self._answer(got.kind, await self.desk.handle(got))
        finally:
            self._under_way -= 1

    def _answer(self, kind: Kind, reply: Reply) -> web.Response:
        self._count(kind, reply.outcome.value)
        again = kind is Kind.MENTION and reply.outcome in NOT_TAKEN
        status = 503 if again else _STATUS.get(reply.outcome, 200)
        if reply.body is None:
            # Slack shows what stands in the answer to a command, so nothing does.
            return web.Response(status=status)
        return web.json_response(reply.body, status=status)

    def _count(self, kind: Kind, outcome: str) -> None:
        self._metrics.slack_requests.labels(kind=kind.value, outcome=outcome).inc()


def _app_token(settings: Settings) -> str:
    token = settings.slack_in.app_token if settings.slack_in is not None else None
    return token.reveal() if token is not None else ""


def decoded(content_type: str, body: bytes) -> Inbound | None:
    """Return what a checked body holds, None where it is not readable."""
    try:
        text = body.decode()
        if content_type != "application/x-www-form-urlencoded":
            return _event(json.loads(text))
        fields = dict(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MOST)
        )
        if "payload" in fields:
            return _interaction(json.loads(fields["payload"]))
    except (ValueError, RecursionError):
        return None
    return envelope("slash_commands", dict(fields)) if "command" in fields else None


def _event(found: object) -> Inbound | None:
    return envelope("events_api", found) if isinstance(found, dict) else None


def _interaction(found: object) -> Inbound | None:
    return envelope("interactive", found) if isinstance(found, dict) else None


def make_door(settings: Settings, metrics: Metrics, acts: Acts) -> SlackDoor | None:
    """Return what answers Slack, None where nothing comes back from it.

    Raises:
        SettingsError: a secret is not there or is empty.
    """
    slack = settings.sinks.slack
    if settings.slack_in is None or slack is None:
        return None
    office = Office(token=slack.token.reveal(), base_url=slack.base_url, now_ms=now_ms)
    book = Book(_reads(settings), now_ms)
    clerk = Clerk(office=office, acts=acts, book=book, now_ms=now_ms)
    desk = Desk(clerk, office, book)
    socket = None
    if (token := settings.slack_in.app_token) is not None:
        socket = SlackSocket(
            token=token.reveal(), base_url=slack.base_url, desk=desk, metrics=metrics
        )
    return SlackDoor(
        settings, metrics, desk, clerk, office, lambda it: book.renew(_reads(it)), socket
    )


def _reads(settings: Settings) -> Callable[[], Awaitable[Live]]:
    return lambda: read_live(settings, now_ms())


def now_ms() -> int:
    """Return what the clock shows."""
    return time.time_ns() // 1_000_000
