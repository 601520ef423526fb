"""A fire drill: a simulated production incident through the real chain, followed hop by hop.

A signed webhook goes to the running intake; from there on it is an error as any other. What becomes
of it is read from Kafka, and in the end it is resolved by an act, so that its page is resolved and
its messages say that it is over, also where somebody stops the drill.

    DrillError      what is needed is not there, or nobody can tell what became of it
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from correlators.acts import Resolve
from streams import acts_topic
from streams.agents.batches import target_of
from streams.codec import CodecError
from streams.drill_event import body_of, mark_of, signature_of
from streams.drill_heard import Heard, Hop
from streams.intake_checks import RESOURCE_HEADER, SIGNATURE_HEADER
from streams.processes import StageName
from streams.settings import Clock, Settings
from streams.status import make_status
from streams.status_kafka import StatusError
from streams.status_kafka import read as read_status
from streams.topics import names, partitions_of, said_by

ANSWER_S: Final = 10.0
"""How long intake may take for an answer."""
MORE_MS: Final = 3_000
"""After `incidents.settle`, how long another destination may still be told for the first time."""
CLEAN_UP_S: Final = 60.0
"""How long its end may take to be decided, and again to be told."""
LATE_S: Final = 10.0
"""How long an incident that has not opened yet is waited for, to resolve it."""


class DrillError(Exception):
    """One line says what is missing, or how far it is known."""


class Drilled(NamedTuple):
    """What became of a drill."""

    mark: str
    incident: str
    """Empty where none opened in time."""
    paged: tuple[str, ...]
    missing: tuple[str, ...]
    """What did not happen, a line each; empty where everything did."""


async def drill(
    settings: Settings,
    *,
    service: str,
    environment: str,
    intake: str,
    within_s: float,
    hold_s: float,
    by: str,
    told: Callable[[Hop], None],
) -> Drilled:
    """Run a drill and return what became of it, cleaned up.

    Args:
        settings: which installation; its first webhook secret signs.
        service: as Sentry calls the project.
        environment: where it happens.
        intake: its address, without a path.
        within_s: how long it may take until everybody has it.
        hold_s: how long it stays open after that, for whoever is to be woken.
        by: who asked for it.
        told: is called with every hop, as soon as it is there.

    Raises:
        DrillError: intake or a stage is not there, so nothing was sent; or the end is not known.
        SettingsError: the webhook secret is not there.
    """
    if settings.clock is not Clock.WALL:
        raise DrillError("a drill needs `clock: wall`: by another clock no time passes in it")
    secret = settings.intake.secrets[0].reveal()
    await _all_there(settings, intake)
    mark = mark_of(secrets.token_bytes(32))
    body = body_of(
        mark,
        event_id=secrets.token_hex(16),
        service=service,
        environment=environment,
        at_ms=time.time_ns() // 1_000_000,
    )
    try:
        async with _Followed.of(settings, mark, told) as followed:
            await followed.sent(intake, body, secret)
            try:
                await followed.until(followed.all_have_it, within_s)
                await followed.until(lambda: False, hold_s)
            finally:
                missing = await followed.cleaned_up(environment, by)
    except (KafkaError, OSError, CodecError) as error:
        raise DrillError(f"Kafka at {settings.kafka.bootstrap}: {said_by(error)}") from None
    heard = followed.heard
    return Drilled(mark, heard.incident, tuple(sorted(heard.paged)), tuple(missing))


async def _all_there(settings: Settings, intake: str) -> None:
    """Return if intake and every stage are up. Raises: DrillError."""
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{intake}/readyz") as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        raise DrillError(
            f"no intake answers at {intake}: start `stormfold intake`, or name another by --intake"
        ) from None
    if status != 200:
        raise DrillError(f"intake at {intake} is not ready (status {status}): is Kafka up?")
    try:
        readings = await read_status(settings, list(StageName))
    except StatusError as error:
        raise DrillError(str(error)) from None
    found = make_status(
        settings.namespace, settings.clock, readings.at_ms, readings.reports, readings.standings
    )
    if not found.ok:
        why = found.troubles[0] if found.troubles else "a stage is not there"
        raise DrillError(f"`stormfold run` is not up and going: {why}; `stormfold status` has all")


class _Followed:
    """One drill on its way."""

    def __init__(
        self, settings: Settings, mark: str, told: Callable[[Hop], None], consumer: AIOKafkaConsumer
    ) -> None:
        self._settings = settings
        self._topics = names(settings.namespace)
        self._consumer = consumer
        self._told = told
        self._shown = 0
        self._began = time.monotonic()
        self.heard = Heard(self._topics, mark)

    @classmethod
    @asynccontextmanager
    async def of(
        cls, settings: Settings, mark: str, told: Callable[[Hop], None]
    ) -> AsyncIterator[_Followed]:
        """Give one that reads from where the topics end now."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka.bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=50,
        )
        made = cls(settings, mark, told, consumer)
        topics = made._topics
        wanted = [
            *(topics.events, topics.deltas, topics.incidents, topics.deliveries, topics.decisions)
        ]
        there = await partitions_of(settings, wanted)
        parts = [TopicPartition(topic, one) for topic, all_ in there.items() for one in all_]
        await consumer.start()
        try:
            consumer.assign(parts)
            for part, end in (await consumer.end_offsets(parts)).items():
                consumer.seek(part, end)
            yield made
        finally:
            await consumer.stop()

    async def sent(self, intake: str, body: bytes, secret: str) -> None:
        """Send the webhook. Raises: DrillError."""
        headers = {
            "Content-Type": "application/json",
            RESOURCE_HEADER: "error",
            "Sentry-Hook-Timestamp": str(time.time_ns() // 1_000_000_000),
            SIGNATURE_HEADER: signature_of(body, secret),
        }
        self._began = time.monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=ANSWER_S)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(f"{intake}/sentry", data=body, headers=headers) as answer,
            ):
                status, says = answer.status, (await answer.text())[:200]
        except (aiohttp.ClientError, TimeoutError):
            raise DrillError(
                "intake gave no answer to the webhook: if it has it, it is told as a drill, and "
                "ends by quiet"
            ) from None
        if status != 200:
            raise DrillError(f"intake refused the webhook: {status} {' '.join(says.split())}")
        self._told(Hop("webhook taken by intake", self._ms()))

    def all_have_it(self) -> bool:
        """Return whether everybody has it whom CORRELATE tells at first."""
        told_by_ms = self.heard.opened_ms + self._settings.incidents.settle_ms + MORE_MS
        return self.heard.arrived and self._ms() >= told_by_ms

    async def until(self, done: Callable[[], bool], within_s: float) -> bool:
        """Read until it is done; return whether it was in time."""
        ends = time.monotonic() + within_s
        while not done():
            if time.monotonic() >= ends:
                return False
            for part, records in (await self._consumer.getmany(timeout_ms=50)).items():
                for record in records:
                    if record.value is not None:
                        self.heard.record(part.topic, record.value, self._ms())
            for hop in self.heard.hops[self._shown :]:
                self._told(hop)
            self._shown = len(self.heard.hops)
        return True

    async def cleaned_up(self, environment: str, by: str) -> list[str]:
        """Resolve it, wait until everybody has the end, and return what did not happen."""
        heard = self.heard
        # Stopped at once, it is on its way yet: nothing can be resolved that has not opened.
        await self.until(lambda: bool(heard.incident), LATE_S)
        if not heard.incident:
            return [
                "no incident opened: `stormfold why-not` says where it stopped; one that opens "
                "later says that it is a drill, and ends by quiet"
            ]
        missing = [
            f"{to} does not have it: {heard.refused.get(to, 'no answer yet')}"
            for to in sorted(heard.told - heard.has)
        ]
        if not heard.told:
            missing.append(
                f"nobody was told: `stormfold explain --incident {heard.incident}` says why"
            )
        act = Resolve(
            actor=by,
            source="cli",
            at_ms=time.time_ns() // 1_000_000,
            subject=heard.incident,
        )
        owner = target_of(environment, self._settings.kafka.partitions)
        try:
            await acts_topic.tell(self._settings, owner, act, within_s=CLEAN_UP_S)
        except acts_topic.ActError as error:
            return [*missing, f"it is not resolved yet: {error}"]
        self._told(Hop("resolved by an act", self._ms()))
        await self.until(lambda: heard.ended, CLEAN_UP_S)
        missing += [f"{to} does not have its end yet" for to in sorted(heard.has - heard.has_end)]
        return missing

    def _ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)
