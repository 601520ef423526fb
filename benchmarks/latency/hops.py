"""When each error was where: read from the topics afterwards, and from what the local Slack noted.

Nothing is timed inside Stormfold. A record's time is when Kafka took it (`sentry.events`) or when
its producer was given it (all others); all are of one machine's clock.

    event     Kafka has the event
    folded    FINGERPRINT hands over the delta that holds it
    due       the tick ends in which it is to be told: `settle` after the tick in which it began
    passed    FINGERPRINT has handed over, for every source partition, that it is past that tick
    decided   CORRELATE hands over the digest, inside its transaction
    committed CORRELATE tells that the transaction stands
    written   DELIVER hands over that it will try, before it does
    told      Slack has the message
    answered  DELIVER has taken in Slack's answer
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from benchmarks.whole.world import channel, number_of
from correlators.types import TICK_MS, DeltaBatch, DigestKind
from sinks.attempted import Attempted
from sinks.peers.slack import SlackPeer
from streams import codec
from streams.agents.batches import target_of
from streams.codec import CodecError, Told
from streams.settings import Settings
from streams.stage.state import committed
from streams.topics import Names, names, partitions_of

HOPS: Final = (
    ("event to folded", "event", "folded"),
    ("due to passed", "due", "passed"),
    ("passed to decided", "passed", "decided"),
    ("decided to committed", "decided", "committed"),
    ("committed to written", "committed", "written"),
    ("written to told", "written", "told"),
    ("told to answered", "told", "answered"),
)


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One error's way to its first message: milliseconds since the epoch at each place."""

    number: int
    event: int
    folded: int
    due: int
    passed: int
    decided: int
    committed: int
    written: int
    told: float
    answered: int

    @property
    def designed_ms(self) -> int:
        """How long it waits by design: to the end of its tick, `settle`, and a whole tick."""
        return self.due - self.event

    @property
    def added_ms(self) -> float:
        """How much longer it took until Slack had it."""
        return self.told - self.due


class Written:
    """When DELIVER first wrote each delivery down, heard as it happens: the topic is compacted."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: of the installation, before its storm."""
        self._settings = settings
        self.at_ms: dict[str, int] = {}
        """By id of what is told."""

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[None]:
        """Listen while the context lasts."""
        topic = names(self._settings.namespace).outbox
        partitions = (await partitions_of(self._settings, [topic]))[topic]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka.bootstrap, enable_auto_commit=False
        )
        async with consumer:
            consumer.assign([TopicPartition(topic, one) for one in partitions])
            await consumer.seek_to_end()
            task = asyncio.create_task(self._listen(consumer))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            id = (record.key or b"").decode().partition("|")[2]
            self.at_ms.setdefault(id, record.timestamp)


class Hops:
    """Finds the ways of errors in what stands on the topics.

    Args:
        settings: of the installation, after its storm.
        began: when Kafka had each error, by its number.
        written: as `Written` heard it.
        slack: where they were told.
    """

    def __init__(
        self,
        settings: Settings,
        began: Mapping[int, int],
        written: Mapping[str, int],
        slack: SlackPeer,
    ) -> None:
        self._settings = settings
        self._began = began
        self._written = written
        self._slack = slack
        self._topics: Names = names(settings.namespace)

    async def ways(self) -> list[Way]:
        """Return the way of each error that was told by a message of its own, in order."""
        folded, passed = await self._deltas()
        digests = await self._digests()
        committed_at = await self._committed()
        answered = await self._answered()
        told = self._told()
        found: list[Way] = []
        for number, event in sorted(self._began.items()):
            if number not in digests:
                continue
            id, due, decided = digests[number]
            if id not in told or id not in answered or id not in self._written:
                continue
            target = target_of(channel(number), self._settings.kafka.partitions)
            found.append(
                Way(
                    number=number,
                    event=event,
                    folded=folded[number],
                    due=due,
                    passed=max(first_from(one, due) for one in passed[target].values()),
                    decided=decided,
                    committed=first_from(committed_at[target], due // TICK_MS - 1),
                    written=self._written[id],
                    told=told[id],
                    answered=answered[id],
                )
            )
        return found

    async def _records(self, topic: str) -> AsyncIterator[tuple[int, ConsumerRecord[Any, Any]]]:
        """Yield every committed record of a topic with its partition, partition by partition."""
        for partition in (await partitions_of(self._settings, [topic]))[topic]:
            at = (self._settings.kafka.bootstrap, topic, partition)
            async with aclosing(committed(*at)) as fetches:
                async for records in fetches:
                    for record in records:
                        yield partition, record

    async def _deltas(self) -> tuple[dict[int, int], dict[int, dict[int, list[tuple[int, int]]]]]:
        """Return when each error was folded; and by target and source, (watermark, when)."""
        folded: dict[int, int] = {}
        passed: dict[int, dict[int, list[tuple[int, int]]]] = {}
        async for target, record in self._records(self._topics.deltas):
            for batch in _batches(record.value):
                for delta in batch.deltas:
                    number = number_of(delta.sample.title)
                    if number is not None:
                        folded.setdefault(number, record.timestamp)
                if batch.watermark_ms >= 0:
                    of_source = passed.setdefault(target, {}).setdefault(batch.partition, [])
                    of_source.append((batch.watermark_ms, record.timestamp))
        return folded, passed

    async def _digests(self) -> dict[int, tuple[str, int, int]]:
        """Return of each error its incident's id, when it was due and when it was decided."""
        found: dict[int, tuple[str, int, int]] = {}
        async for _, record in self._records(self._topics.deliveries):
            digest = codec.digest(record.value)
            number = number_of(digest.title)
            if number is not None and digest.kind is DigestKind.OPENED and not digest.storm:
                found.setdefault(number, (digest.id, digest.at_ms, record.timestamp))
        return found

    async def _committed(self) -> dict[int, list[tuple[int, int]]]:
        """Return by partition of CORRELATE (applied tick, when it told that)."""
        found: dict[int, list[tuple[int, int]]] = {}
        async for _, record in self._records(self._topics.progress):
            try:
                told = codec.told(record.value)
            except CodecError:
                continue
            if isinstance(told, Told):
                found.setdefault(told.partition, []).append((told.applied_tick, record.timestamp))
        return found

    async def _answered(self) -> dict[str, int]:
        found: dict[str, int] = {}
        async for _, record in self._records(self._topics.decisions):
            said = codec.said(record.value)
            if isinstance(said, Attempted) and said.outcome == "delivered":
                found.setdefault(said.subject, said.at_ms)
        return found

    def _told(self) -> dict[str, float]:
        """Return when Slack had the first message about each incident, milliseconds."""
        found: dict[str, float] = {}
        for call in self._slack.calls:
            if call.method == "chat.postMessage" and call.outcome == "ok":
                payload = (call.args.get("metadata") or {}).get("event_payload") or {}
                found.setdefault(str(payload.get("id")).partition("@")[0], call.at * 1_000)
        return found


def _batches(raw: bytes) -> Sequence[DeltaBatch]:
    """Return the delta batches of a message; there are no acts in this storm."""
    return codec.batches(raw)


def first_from(moments: Iterable[tuple[int, int]], reached: int) -> int:
    """Return the time of the first of these that has come to `reached`.

    Args:
        moments: (how far, when), in the order in which they were told.
        reached: how far it must have come.

    Raises:
        LookupError: none of them has.
    """
    for far, at_ms in moments:
        if far >= reached:
            return at_ms
    raise LookupError(f"nothing has come to {reached}")
