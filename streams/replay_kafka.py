"""Feeding a recording to a namespace on Kafka, straight or through intake, and waiting for the end.

Records are spread over the partitions of `sentry.events` in turn, in order; stream time moves by
marks alone, each written to every partition once all before it is acknowledged: "no later record of
this partition has a time below this". Needs a namespace that has not passed the recording's time.

Errors: those of `replay`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import time
from collections import deque
from collections.abc import Awaitable
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from correlators.fingerprinter import Fingerprinter
from correlators.types import TICK_MS, tick_of
from sinks.base import Retry, Unknown
from sinks.http import Http
from streams.local import final_mark_ms
from streams.recording import Record
from streams.replay import Options, Pace, ReplayError, Speed, Via, WrongUse
from streams.replay_lines import Lines
from streams.replay_listener import Listener
from streams.replay_results import Results
from streams.settings import Settings
from streams.topics import State, TopicsError, ensure, max_record_bytes, names, said_by

MARK_EVERY_TICKS: Final = 10
"""How far stream time moves between marks at full speed; paced, every tick is marked."""

IN_FLIGHT_MOST: Final = 5_000
"""Records not yet acknowledged."""

POSTS_AT_ONCE: Final = 8
TRIES: Final = 8
BACKOFF_S: Final = 0.1
"""Pause before the first repetition of a request; it doubles."""

ANSWER_WITHIN_MS: Final = 10_000


class Feed(Protocol):
    """How records and marks get onto Kafka."""

    async def record(self, record: Record) -> None:
        """Hand over a record; it need not be acknowledged yet."""

    async def acknowledged(self) -> None:
        """Return once everything handed over is on Kafka."""


class KafkaFeed:
    """Writes records straight to the partitions, in turn."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: set[int]) -> None:
        """Args: producer: idempotent, acks=all; partitions: of the topic."""
        self._producer = producer
        self._topic = topic
        self._partitions = itertools.cycle(sorted(partitions))
        self._sent: deque[Awaitable[Any]] = deque()

    async def record(self, record: Record) -> None:
        """Write it to the next partition."""
        headers = [
            ("resource", record.resource.encode()),
            ("received_ms", str(time.time_ns() // 1_000_000).encode()),
            ("intake", b"replay"),
            ("at_ms", str(record.at_ms).encode()),
        ]
        future = await self._producer.send(
            self._topic, value=record.body, partition=next(self._partitions), headers=headers
        )
        self._sent.append(future)
        if len(self._sent) >= IN_FLIGHT_MOST:
            await self._sent.popleft()

    async def acknowledged(self) -> None:
        """Wait for every record in flight."""
        while self._sent:
            await self._sent.popleft()


class IntakeFeed:
    """Posts records to intake, signed.

    Intake may put any two requests into one partition, so requests of different times never
    overlap: the later could come first, and the earlier would be raised to its time.
    """

    def __init__(self, settings: Settings, http: Http) -> None:
        """Args: settings: where intake listens; its first secret signs.

        Raises:
            SettingsError: the secret is not there.
            WrongUse: there is none.
        """
        intake = settings.intake
        if not intake.secrets:
            raise WrongUse("--via intake needs one of intake.secrets to sign with")
        self._secret = intake.secrets[0].reveal().encode("utf-8", "surrogateescape")
        host = "127.0.0.1" if intake.host in ("0.0.0.0", "::") else intake.host
        host = f"[{host}]" if ":" in host else host
        self._url = f"http://{host}:{intake.port}/sentry"
        self._http = http
        self._at_ms = -1
        self._posts: set[asyncio.Task[None]] = set()

    async def record(self, record: Record) -> None:
        """Post it, beside others of the same time only."""
        if record.at_ms != self._at_ms or len(self._posts) >= POSTS_AT_ONCE:
            await self.acknowledged()
        self._at_ms = record.at_ms
        self._posts.add(asyncio.create_task(self._post(record)))

    async def acknowledged(self) -> None:
        """Wait for every request under way."""
        posts, self._posts = self._posts, set()
        if posts:
            await asyncio.gather(*posts)

    async def _post(self, record: Record) -> None:
        headers = {
            "Sentry-Hook-Resource": record.resource,
            "Sentry-Hook-Signature": hmac.new(
                self._secret, record.body, hashlib.sha256
            ).hexdigest(),
            "Stormfold-At-Ms": str(record.at_ms),
        }
        why = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(BACKOFF_S * 2 ** (attempt - 1))
            reply = await self._http.post(self._url, record.body, headers=headers)
            if isinstance(reply, Retry | Unknown):
                why = reply.reason.value.replace("_", " ")
            elif reply.status == 503:
                why = "503 " + reply.text.strip()
            elif 200 <= reply.status < 300:
                return
            else:
                raise ReplayError(
                    f"line {record.line}: intake at {self._url} answered {reply.status} "
                    f"{reply.text.strip()}"
                )
        raise ReplayError(
            f"line {record.line}: intake at {self._url} did not take it in {TRIES} tries: {why}. "
            "Is `stormfold intake` up for this configuration?"
        )


class Marks:
    """Moves the stream time of every partition."""

    def __init__(
        self, producer: AIOKafkaProducer, topic: str, partitions: set[int], feed: Feed
    ) -> None:
        """Args: feed: what must be acknowledged before a mark is true."""
        self._producer = producer
        self._topic = topic
        self._partitions = sorted(partitions)
        self._feed = feed
        self.tick = -1
        """The tick that was marked last; -1 before the first mark."""

    async def write(self, at_ms: int) -> None:
        """Write a mark to every partition: no later record has a time below `at_ms`."""
        await self._feed.acknowledged()
        for partition in self._partitions:
            await self._producer.send_and_wait(
                self._topic,
                value=b"",
                partition=partition,
                headers=[("mark", str(at_ms).encode())],
            )
        self.tick = tick_of(at_ms)


async def replay(lines: Lines, settings: Settings, results: Results, options: Options) -> None:
    """Replay through Kafka; `results` has everything afterwards.

    Raises:
        WrongUse: topics are missing, or the namespace has passed the recording's time.
        ReplayError: Kafka, intake or CORRELATE fail, or stand still.
        RecordingError: a file breaks off.
        SettingsError: the secret that signs is not there.
    """
    await _check_topics(settings)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=max_record_bytes(settings),
    )
    listener = Listener(settings, results)
    http = Http(timeout_ms=ANSWER_WITHIN_MS)
    try:
        await producer.start()
        await listener.start(producer.partitions_for)
        topic = names(settings.namespace).events
        partitions = await producer.partitions_for(topic)
        feed: Feed = (
            IntakeFeed(settings, http)
            if options.via is Via.INTAKE
            else KafkaFeed(producer, topic, partitions)
        )
        marks = Marks(producer, topic, partitions, feed)
        last_ms = await feed_all(lines, settings, results, options.speed, feed, marks, listener)
        if last_ms >= 0:
            lasted_ms = last_ms - lines.first_ms
            final_ms = final_mark_ms(last_ms, settings.correlation(), lasted_ms=lasted_ms)
            await marks.write(final_ms)
            await listener.until(tick_of(final_ms) - 1)
    except KafkaError as error:
        where = settings.kafka.bootstrap
        raise ReplayError(f"Kafka at {where} failed: {said_by(error)}") from None
    finally:
        await http.close()
        await listener.stop()
        await producer.stop()


async def feed_all(
    lines: Lines,
    settings: Settings,
    results: Results,
    speed: Speed,
    feed: Feed,
    marks: Marks,
    listener: Listener,
) -> int:
    """Feed every record, with marks between; returns the last one's time, -1 for none."""
    reader = Fingerprinter(settings.fingerprinting())
    pace = Pace(speed)
    every = MARK_EVERY_TICKS if speed is Speed.MAX else 1
    last_ms = -1
    for record in lines:
        tick = tick_of(record.at_ms)
        if last_ms < 0 and tick <= listener.stream_tick:
            raise WrongUse(
                f"namespace {settings.namespace} has applied later times than this recording's: "
                "a replay needs a fresh namespace"
            )
        if speed is not Speed.MAX and last_ms >= 0:
            await _wait(pace, record.at_ms, marks)
        pace.wait_s(record.at_ms)
        if marks.tick < 0 or tick >= marks.tick + every:
            listener.check()
            await marks.write(tick * TICK_MS)
        await feed.record(record)
        results.line(record, reader.read(record.resource, record.body))
        last_ms = record.at_ms
    return last_ms


async def _wait(pace: Pace, at_ms: int, marks: Marks) -> None:
    """Wait until the moment is due; time is marked meanwhile, so that digests are not late."""
    while wait_s := pace.wait_s(at_ms):
        following_ms = (marks.tick + 1) * TICK_MS
        if following_ms > at_ms:
            await asyncio.sleep(wait_s)
            return
        await asyncio.sleep(pace.wait_s(following_ms))
        await marks.write(following_ms)


async def _check_topics(settings: Settings) -> None:
    try:
        findings = await ensure(settings, create=False)
    except TopicsError as error:
        raise ReplayError(str(error)) from None
    missing = [finding.topic for finding in findings if finding.state is State.MISSING]
    if missing:
        raise WrongUse(
            f"topics are missing ({', '.join(missing)}); `stormfold topics` makes them, "
            "and `stormfold run` must be up"
        )
