"""The logs that intake writes: events to `sentry.events`, and what people do, as acts, to
`incident.deltas`, by one idempotent producer that is replaced when it dies.

Knows Kafka, knows nothing of HTTP. A record is answered for only when every in-sync replica has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)

from correlators.acts import Act
from streams import codec
from streams.settings import Settings
from streams.topics import max_record_bytes, names

REQUEST_TIMEOUT_MS: Final = 10_000
BATCH_BYTES: Final = 1_048_576
STOP_WITHIN_S: Final = 5.0
READY_WITHIN_S: Final = 0.8
RENEW_PAUSE_S: Final = 1.0

_log = logging.getLogger(__name__)
_Sent = asyncio.Future[Any]
_OF_ONE_RECORD: Final = (MessageSizeTooLargeError, UnknownTopicOrPartitionError)


class Written(StrEnum):
    """What became of one record."""

    YES = "yes"
    LATE = "late"
    """Kafka did not answer in time; the record may still land."""
    REFUSED = "refused"


class ActLog(Protocol):
    """What intake needs of CORRELATE's input log."""

    async def tell_everywhere(self, acts: Sequence[Act], *, within_s: float) -> Written:
        """Return what became of the acts, in time."""
        ...


class OwnedActLog(Protocol):
    """What intake needs of it where the environment is known."""

    async def tell(self, act: Act, environment: int, *, within_s: float) -> Written:
        """Return what became of the act, in time."""
        ...


class Acts(ActLog, OwnedActLog, Protocol):
    """Both."""


class EventLog:
    """Appends raw bodies to `sentry.events`, spread evenly over its partitions, and acts to
    `incident.deltas`."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet; `start` does."""
        self._settings = settings
        self._topic = names(settings.namespace).events
        self._acts_topic = names(settings.namespace).deltas
        self._producer: AIOKafkaProducer | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once Kafka answered.

        Raises:
            KafkaError: it did not.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka.bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
            max_request_size=max_record_bytes(self._settings),
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        try:
            await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Return once everything appended is in Kafka, or after `STOP_WITHIN_S`."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        if self._producer is not None:
            await _stop(self._producer)
            self._producer = None

    async def append(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        """Return what became of the record, `within_s` seconds later at the latest."""

        async def send(producer: AIOKafkaProducer, sent: list[_Sent]) -> None:
            sent.append(await producer.send(self._topic, value=body, headers=headers))

        return await self._sent(send, within_s)

    async def append_everywhere(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        """Return what became of a record in every partition, `within_s` seconds later at the
        latest; `YES` means that it stands in all of them."""

        async def send(producer: AIOKafkaProducer, sent: list[_Sent]) -> None:
            for number in sorted(await producer.partitions_for(self._topic)):
                sent.append(
                    await producer.send(self._topic, value=body, headers=headers, partition=number)
                )

        return await self._sent(send, within_s)

    async def tell(self, act: Act, environment: int, *, within_s: float) -> Written:
        """Return what became of an act, `within_s` seconds later at the latest.

        Args:
            act: what somebody decided.
            environment: hash of the environment of what it is about: it says who owns it.
            within_s: how long Kafka may take.
        """

        async def send(producer: AIOKafkaProducer, sent: list[_Sent]) -> None:
            topic = self._acts_topic
            numbers = sorted(await producer.partitions_for(topic))
            number = numbers[environment % len(numbers)]
            sent.append(await producer.send(topic, codec.encode(act), partition=number))

        return await self._sent(send, within_s)

    async def tell_everywhere(self, acts: Sequence[Act], *, within_s: float) -> Written:
        """Return what became of acts of which nobody knows the environment, `within_s` seconds
        later at the latest: each goes to every partition, in this order.

        `YES` means that all of them stand in all of them; otherwise some may.
        """

        async def send(producer: AIOKafkaProducer, sent: list[_Sent]) -> None:
            topic = self._acts_topic
            every = sorted(await producer.partitions_for(topic))
            for value in map(codec.encode, acts):
                for number in every:
                    sent.append(await producer.send(topic, value, partition=number))

        return await self._sent(send, within_s)

    async def _sent(
        self,
        send: Callable[[AIOKafkaProducer, list[_Sent]], Awaitable[None]],
        within_s: float,
    ) -> Written:
        producer = self._producer
        if producer is None:
            return Written.REFUSED
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + within_s
        sent: list[_Sent] = []
        try:
            try:
                async with asyncio.timeout_at(deadline_s):
                    await send(producer, sent)
            finally:
                for one in sent:
                    one.add_done_callback(self._on_sent)
            # Cancelling it would leave the batch in doubt, so it is only no longer waited for.
            await asyncio.wait(sent, timeout=max(0.0, deadline_s - loop.time()))
            if not all(one.done() for one in sent):
                return Written.LATE
            for one in sent:
                one.result()
        except (TimeoutError, KafkaTimeoutError):
            return Written.LATE
        except KafkaError as error:
            self._renew(producer, error)
            return Written.REFUSED
        return Written.YES

    async def ready(self) -> bool:
        """Return whether Kafka answers and has the topic, within `READY_WITHIN_S`."""
        if self._producer is None:
            return False
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(READY_WITHIN_S):
                cluster = await self._producer.client.fetch_all_metadata()
                return bool(cluster.partitions_for_topic(self._topic))
        return False

    def _on_sent(self, sent: asyncio.Future[object]) -> None:
        """Take the outcome of a record that nobody may be waiting for any more."""
        if not sent.cancelled() and (error := sent.exception()) is not None:
            _log.warning("a record did not reach Kafka: %s", type(error).__name__)

    def _renew(self, dead: AIOKafkaProducer, error: KafkaError) -> None:
        """Replace the producer: after some errors it never sends again."""
        if dead is not self._producer or isinstance(error, _OF_ONE_RECORD):
            return
        _log.warning("the producer is replaced: %s", type(error).__name__)
        self._producer = None
        self._renewal = asyncio.get_running_loop().create_task(self._replace(dead))

    async def _replace(self, dead: AIOKafkaProducer) -> None:
        await _stop(dead)
        while True:
            try:
                await self.start()
                return
            except (KafkaError, OSError):
                await asyncio.sleep(RENEW_PAUSE_S)


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(STOP_WITHIN_S):
            await producer.stop()
