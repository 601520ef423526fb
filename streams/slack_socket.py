"""Socket Mode: what Slack would send to `POST /slack` comes over a socket that we opened, so that
no address of ours has to be reached from outside.

The desk behind it is the same. An envelope is acknowledged by its id with what the desk answers;
one that nothing became of is not, and Slack sends it again. Slack ends sockets now and then; each
time another is asked for. (The client of slack_sdk asks for one address and tries that one for ever
after a failure, and says in its log what people said.)

Source: docs.slack.dev, using Socket Mode: apps.connections.open, hello, disconnect, envelopes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from typing import Any, Final

import aiohttp
import msgspec

from sinks.base import Step
from sinks.slack_client import SlackClient
from streams.metrics import Metrics
from streams.slack_desk import Desk
from streams.slack_inbound import (
    NOT_TAKEN,
    Json,
    Kind,
    Outcome,
    Reply,
    envelope,
    retry_of,
    text_in,
)

OPEN_WITHIN_S: Final = 10.0
HEARTBEAT_S: Final = 15.0
"""Between two pings; one that is not answered in half of it ends the socket."""
ENVELOPE_BYTES: Final = 1_048_576
AT_ONCE: Final = 64
"""Envelopes in hand; more wait in the socket."""
ANSWERED_WITHIN_S: Final = 3.0
"""For what is in hand, once Slack ends the socket: it waits no longer for an answer."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 60.0

_log = logging.getLogger(__name__)


class SlackSocket:
    """One socket of the app, kept open.

    Args:
        token: app-level, `xapp-...`.
        base_url: ends with `/api/`.
        desk: takes what comes.
        metrics: of this process.
        first_pause_s: before the second try; each further one waits up to twice as long.
    """

    def __init__(
        self,
        *,
        token: str,
        base_url: str,
        desk: Desk,
        metrics: Metrics,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        timeout_ms = int(OPEN_WITHIN_S * 1000)
        self._client = SlackClient(token=token, base_url=base_url, timeout_ms=timeout_ms)
        self._desk, self._metrics = desk, metrics
        self._first_pause_s = self._pause_s = first_pause_s
        self._running: asyncio.Task[None] | None = None
        self._room = asyncio.Semaphore(AT_ONCE)
        self._in_hand: set[asyncio.Task[None]] = set()
        self._said = ""

    def __repr__(self) -> str:
        return "SlackSocket(token=***)"

    def start(self) -> None:
        """Begin to open it; it is tried until Slack opens it."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Finish what is in hand and close it."""
        if self._in_hand:
            await asyncio.wait(set(self._in_hand), timeout=OPEN_WITHIN_S)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._client.close()

    async def _run(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                why = await self._once(session)
                if why != self._said:
                    self._said = why
                    _log.warning("Socket Mode: %s; it is opened anew", why)
                # Jitter, so that several processes do not come at once.
                await asyncio.sleep(self._pause_s * random.uniform(0.5, 1.0))
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    async def _once(self, session: aiohttp.ClientSession) -> str:
        """Keep one socket until it ends; return why it ended, without its address."""
        url = await self._address()
        if not url:
            return "Slack does not open one (look at slack_in.app_token)"
        try:
            async with (
                asyncio.timeout(OPEN_WITHIN_S) as opening,
                session.ws_connect(
                    url, heartbeat=HEARTBEAT_S, max_msg_size=ENVELOPE_BYTES
                ) as socket,
            ):
                opening.reschedule(None)
                return await self._listen(socket)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"it broke ({type(error).__name__})"

    async def _address(self) -> str:
        token = self._client.web.token or ""
        made = self._client.web.apps_connections_open(app_token=token)
        answer = await self._client.call(Step.EDIT, made)
        url = getattr(answer, "get", lambda _: "")("url")
        return url if isinstance(url, str) else ""

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            told = _object(message.data)
            match told.get("type"):
                case "hello":
                    self._pause_s, self._said = self._first_pause_s, ""
                    _log.info("Socket Mode is open")
                case "disconnect":
                    # It is still there for a moment: who pressed just now has their answer by it.
                    if self._in_hand:
                        await asyncio.wait(set(self._in_hand), timeout=ANSWERED_WITHIN_S)
                    return "Slack ended it"
                case _:
                    arrived_s = asyncio.get_running_loop().time()
                    await self._room.acquire()
                    task = asyncio.create_task(self._take(socket, told, arrived_s))
                    self._in_hand.add(task)
                    task.add_done_callback(self._given_back)
        return "it ended"

    def _given_back(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        self._room.release()

    async def _take(
        self, socket: aiohttp.ClientWebSocketResponse, told: Json, arrived_s: float
    ) -> None:
        """Take one envelope, and acknowledge it unless Slack is to send it again."""
        payload = told.get("payload")
        got = envelope(text_in(told, "type"), payload if isinstance(payload, dict) else {})
        retry = retry_of(told.get("retry_attempt"))
        got = msgspec.structs.replace(got, arrived_s=arrived_s, retry=retry)
        try:
            reply = await self._desk.handle(got)
        except Exception as error:
            # A bug of ours: not acknowledged, and nothing of what somebody said in the log.
            _log.error("an envelope could not be taken: %s", type(error).__name__)
            return
        kind, outcome = got.kind.value, reply.outcome.value
        self._metrics.slack_requests.labels(kind=kind, outcome=outcome).inc()
        if _again(got.kind, reply):
            return
        answer: Json = {"envelope_id": told.get("envelope_id")}
        if reply.body is not None and told.get("accepts_response_payload"):
            answer["payload"] = reply.body
        try:
            await socket.send_json(answer)
        except (aiohttp.ClientError, OSError):
            # Not acknowledged, so it comes again, and is the same act.
            _log.info("an answer did not reach Slack")


def _again(kind: Kind, reply: Reply) -> bool:
    event = kind is Kind.MENTION and reply.outcome in NOT_TAKEN
    return event or reply.outcome is Outcome.OVERLOADED


def _object(text: Any) -> Json:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
