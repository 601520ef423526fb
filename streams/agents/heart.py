"""The heartbeat, beside DELIVER: the one process that owns its account sends a made-up event to
intake, and pings the heartbeat address when DELIVER has it back.

When a beat is sent and when it came back is decided in `streams.beating`. Here are the calls: tasks
beside the agent, of which nothing waits and no delivery hangs. What comes back counts only after
the transaction that moved the offset past it, so also DELIVER must be able to write.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Coroutine, Iterable
from typing import Any, Final

import msgspec
import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from correlators.beats import DESTINATION, RESOURCE, Passed
from sinks.http import Http, Reply
from streams.accounts import partition_of_account
from streams.addresses import heartbeat_intake
from streams.beating import Beaten, Beating
from streams.drill_event import signature_of
from streams.intake_checks import SIGNATURE_HEADER
from streams.metrics import Metrics
from streams.settings import Settings
from streams.settings_types import Heartbeat
from streams.stage.source import Source
from streams.stage.state import partitions_of
from streams.topics import names

CALL_MS: Final = 10_000
LOOK_UP_S: Final = 10.0

_passed: Final = msgspec.msgpack.Decoder(Passed)

log = structlog.get_logger(__name__)


class Heartless:
    """The part of DELIVER where no heartbeat is configured: it passes over those of others."""

    def start(self, source: Source, partitions: int) -> None:
        """Take in the source, and how many partitions `deliveries` has."""

    async def stop(self) -> None:
        """Let go of every call."""

    def assigned(self, partition: int) -> None:
        """Note that this process owns a partition of `deliveries`."""

    def revoked(self, partition: int) -> None:
        """Note that it owns it no more."""

    def takes(self, record: ConsumerRecord[Any, Any]) -> bool:
        """Return whether a record of `deliveries` is of a heartbeat, and take it in then."""
        return any(name == RESOURCE for name, _ in record.headers)

    def written(self) -> None:
        """Ping if a beat came back: everything that was taken in is behind us."""

    def turn(self, now_ms: int) -> None:
        """Send a beat when it is time; say aloud that one did not come back."""

    def told(self) -> tuple[object, ...]:
        """Return all that it was configured by."""
        return ()

    async def replaced(
        self, heart: Heartless, source: Source, partitions: int, owned: Iterable[int]
    ) -> Heartless:
        """Return the heart that goes on: this one where nothing changes, else the other, started.

        Args:
            heart: of the new configuration, not started.
            source: of this process.
            partitions: of `deliveries`.
            owned: those of them that this process owns.
        """
        if heart.told() == self.told():
            await heart.stop()
            return self
        await self.stop()
        heart.start(source, partitions)
        for partition in owned:
            heart.assigned(partition)
        return heart


class Heart(Heartless):
    """The heartbeat of one process: it beats where this one owns its account."""

    def __init__(self, config: Heartbeat, settings: Settings, metrics: Metrics) -> None:
        """Args: config: of the settings; settings: of the installation; metrics: of this process.

        Raises:
            SettingsError: the heartbeat address, or the secret that signs, is not there.
        """
        self._metrics = metrics
        self._topics = names(settings.namespace)
        self._tasks: set[asyncio.Task[None]] = set()
        self._every_ms = config.every_ms
        self._beating = Beating(config.every_ms)
        self.intake = heartbeat_intake(settings) + "/heartbeat"
        self._url = config.url.reveal()
        self._secret = settings.intake.secrets[0].reveal()
        self._http = Http(timeout_ms=CALL_MS)
        for outcome in Beaten:
            metrics.heartbeats.labels(outcome=outcome.value)

    @property
    def busy(self) -> bool:
        """Return whether a call is under way."""
        return bool(self._tasks)

    def start(self, source: Source, partitions: int) -> None:
        """Take in the source, and how many partitions `deliveries` has."""
        self._source = source
        self._host = source.stage.host
        self._partition = partition_of_account(DESTINATION, partitions)

    async def stop(self) -> None:
        """Let go of every call."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.close()

    def assigned(self, partition: int) -> None:
        """Beat from the next slot on, if it is the partition of the heartbeat."""
        if partition == self._partition:
            self._beating.own(self._host.now_ms())

    def revoked(self, partition: int) -> None:
        """Beat no more, if it is that partition."""
        if partition == self._partition:
            self._beating.disown()

    def takes(self, record: ConsumerRecord[Any, Any]) -> bool:
        """Return whether a record is of a heartbeat, and note what it has passed then."""
        for name, value in record.headers:
            if name == RESOURCE:
                try:
                    self._beating.passed(_passed.decode(value))
                except msgspec.DecodeError:
                    log.warning("heartbeat not understood", offset=record.offset)
                return True
        return False

    def written(self) -> None:
        """Ping if a beat came back: everything that was taken in is behind us."""
        if self._beating.arrived(self._host.now_ms()):
            self._do(self._ping())

    def turn(self, now_ms: int) -> None:
        """Send a beat when it is time; say aloud that one did not come back."""
        missing = self._beating.lost(now_ms)
        if missing:
            log.warning("heartbeat lost", missing=missing)
            self._count(Beaten.LOST)
        if self._beating.due(now_ms):
            self._do(self._beat())

    def told(self) -> tuple[object, ...]:
        """Return all that it was configured by."""
        return (self._every_ms, self.intake, self._url, self._secret)

    def _do(self, call: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)  # at most a beat and a ping of a slot, each with an end
        task.add_done_callback(self._tasks.discard)

    def _count(self, outcome: Beaten) -> None:
        self._metrics.heartbeats.labels(outcome=outcome.value).inc()

    async def _beat(self) -> None:
        """Send a beat to intake."""
        beat = secrets.token_hex(16)
        stage = self._source.stage
        try:
            async with asyncio.timeout(LOOK_UP_S):
                topics = (self._topics.events, self._topics.deltas)
                sources, partitions = await partitions_of(stage, *topics)
        except (KafkaError, OSError, TimeoutError) as error:
            self._not_sent(type(error).__name__)
            return
        now_ms = self._host.now_ms()
        self._beating.sent(beat, now_ms, sources, partitions)
        body = body_of(beat, now_ms)
        signed = {SIGNATURE_HEADER: signature_of(body, self._secret)}
        answer = await self._http.post(self.intake, body, headers=signed)
        if not (isinstance(answer, Reply) and answer.status == 200):
            self._beating.dropped(beat)
            self._not_sent(_why(answer))

    def _not_sent(self, why: str) -> None:
        log.warning("heartbeat not sent", why=why)
        self._count(Beaten.NOT_SENT)

    async def _ping(self) -> None:
        """Ping the heartbeat address."""
        answer = await self._http.get(self._url, headers={"User-Agent": "stormfold"})
        if isinstance(answer, Reply) and 200 <= answer.status < 300:
            self._count(Beaten.PINGED)
            self._metrics.heartbeat_time_seconds.set(self._host.now_ms() / 1000)
            log.debug("heartbeat pinged")
            return
        log.warning("heartbeat not pinged", why=_why(answer))
        self._count(Beaten.NOT_PINGED)


def heart_of(settings: Settings, metrics: Metrics) -> Heartless:
    """Return the heart as configured. Raises: SettingsError, as of `Heart`."""
    config = settings.heartbeat
    return Heart(config, settings, metrics) if config is not None else Heartless()


def _why(answer: Any) -> str:
    return f"status {answer.status}" if isinstance(answer, Reply) else answer.reason.value


def body_of(beat: str, at_ms: int) -> bytes:
    """Return the body of a heartbeat: an error as Sentry sends it, of no project and no user.

    Args:
        beat: its id, 32 hex digits.
        at_ms: when it is sent.
    """
    event = {
        "event_id": beat,
        "project": 0,
        "url": f"https://sentry.invalid/api/0/projects/stormfold/heartbeat/events/{beat}/",
        "platform": "other",
        "level": "info",
        "environment": "stormfold-heartbeat",
        "timestamp": at_ms / 1000,
        "logger": "stormfold.heartbeat",
        "exception": {"values": [{"type": "Heartbeat", "value": "it is on its way"}]},
    }
    return json.dumps({"action": "created", "data": {"error": event}}).encode()
