"""A week of a small shop and its people, through a Kafka at full speed, until its report is told.

Stream time is the recording's, so two weeks pass in a minute; what people do happens in it too.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from benchmarks.everywhere import told
from benchmarks.everywhere.told import Got
from benchmarks.everywhere.world import World
from benchmarks.installation import until
from benchmarks.wayback import happening
from correlators.acts import Acknowledge, FalseAlarm, Resolve
from correlators.types import TICK_MS
from streams import acts_topic
from streams.agents.batches import target_of
from streams.recording import Record
from streams.replay_kafka import KafkaFeed, Marks
from streams.settings import load
from streams.topics import names

BEGINS: Final = datetime(2026, 11, 9, 7, 0, tzinfo=UTC)
"""A Monday, 08:00 in Berlin; the report of the week before is told then."""
ENDS: Final = BEGINS + timedelta(days=7)
MARK_MS: Final = 10 * TICK_MS
WITHIN_S: Final = 90.0
REPORTS: Final = 2
WEEKLY: Final = "shop@shop.example"


@dataclass(frozen=True)
class Deed:
    """What somebody does about the newest incident or storm of a service."""

    who: str
    source: str
    does: type[Acknowledge | Resolve | FalseAlarm]
    service: str


Happening = tuple[datetime, bytes | Deed]


def week() -> list[Happening]:
    """Return all that happens, in order of time."""
    found = [*_errors(), *_deeds()]
    return sorted(found, key=lambda one: one[0])


def _errors() -> Iterator[Happening]:
    chance = random.Random(7)

    def fails(
        day: float, service: str, kind: str, text: str, *, times: int, every_s: float,
        level: str = "error", release: str = "1.0.0",
    ) -> Iterator[Happening]:  # fmt: skip
        for number in range(times):
            at = BEGINS + timedelta(days=day, seconds=number * every_s)
            user = f"u{chance.randrange(60)}"
            yield (
                at,
                happening.error(
                    "production", service, kind, text, release=release, level=level, user=user,
                    at=at.timestamp(),
                ),
            )  # fmt: skip

    # The week before, and what goes on and off all the time.
    yield from fails(-5, "search", "SlowQuery", "took 9.2 s", times=60, every_s=240)
    yield from fails(
        -4, "labels", "PrinterGone", "printer 4 does not answer", times=56, every_s=16_500
    )
    # Tuesday: payment loses its database for twenty minutes.
    for number in range(240):
        at = BEGINS + timedelta(days=1, hours=2, seconds=number * 5)
        for body in happening.shoppers(chance, at=at.timestamp()):
            yield at, body
    # Wednesday and Friday: an index is missing, and again.
    for day in (2.1, 4.2):
        yield from fails(
            day, "search", "IndexMissing", "no index products-2026", times=70, every_s=20,
            release="3.2.0",
        )  # fmt: skip
    # Thursday night: nobody hears the page.
    yield from fails(
        2.85, "billing", "CurrencyUnknown", "no rate for XCD", times=60, every_s=10, level="fatal"
    )
    # Friday: a disk that was not full. Since Sunday: a mail server that nobody looks at.
    yield from fails(4.4, "reports", "DiskFull", "no space left on device", times=15, every_s=30)
    yield from fails(6.6, "mail", "SmtpRefused", "421 try again later", times=143, every_s=240)


def _deeds() -> Iterator[Happening]:
    def at(day: float, minutes: float) -> datetime:
        return BEGINS + timedelta(days=day, minutes=minutes)

    yield at(1, 124), Deed("ben", "pagerduty", Acknowledge, "payment")
    yield at(1, 141), Deed("ada", "slack", Resolve, "payment")
    yield at(2.1, 9), Deed("ada", "slack", Acknowledge, "search")
    yield at(2.1, 24), Deed("ada", "slack", Resolve, "search")
    yield at(4.4, 8), Deed("ada", "slack", FalseAlarm, "reports")


class Week:
    """Has it happen."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._settings = load(world.config, {})
        self._at_ms = 0

    async def play(self) -> list[Got]:
        """Play it, and return the report of the week in each service."""
        topic = names(self._world.namespace).events
        producer = AIOKafkaProducer(
            bootstrap_servers=self._world.bootstrap, acks="all", enable_idempotence=True
        )
        async with producer:
            partitions = await producer.partitions_for(topic)
            feed = KafkaFeed(producer, topic, partitions)
            marks = Marks(producer, topic, partitions, feed)
            for line, (at, what) in enumerate(week(), start=1):
                at_ms = round(at.timestamp() * 1_000)
                if isinstance(what, Deed):
                    await self._do(what, max(at_ms, self._at_ms), marks)
                    continue
                if at_ms >= self._at_ms + MARK_MS:
                    await self._mark(marks, at_ms)
                await feed.record(
                    Record(line=line, at_ms=max(at_ms, self._at_ms), resource="error", body=what)
                )
            await self._mark(marks, round(ENDS.timestamp() * 1_000) + MARK_MS)
            await until(
                lambda: len(self._told()) == 4,
                within_s=WITHIN_S,
                why=self._world.logs,
            )
        return self._told()

    async def _mark(self, marks: Marks, at_ms: int) -> None:
        self._at_ms = at_ms
        await marks.write(at_ms)

    async def _do(self, deed: Deed, at_ms: int, marks: Marks) -> None:
        """Do it in stream time, which goes on until it has taken effect."""
        await self._mark(marks, at_ms)
        subject = await self._open(deed.service)
        act = deed.does(actor=deed.who, source=deed.source, at_ms=at_ms, subject=subject)
        owner = target_of("production", self._settings.kafka.partitions)
        done = asyncio.create_task(acts_topic.tell(self._settings, owner, act, within_s=WITHIN_S))
        while not done.done():
            await asyncio.wait([done], timeout=0.2)
            await self._mark(marks, self._at_ms + TICK_MS)
        await done

    async def _open(self, service: str) -> str:
        """Return the id of what is open of a service, once CORRELATE is there."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                said = await asyncio.to_thread(self._world.run, "incidents", "list", "--json")
                found: list[dict[str, Any]] = json.loads(said.stdout or "[]")
                for one in found:
                    if service in one["services"]:
                        return str(one["id"])

    def _told(self) -> list[Got]:
        """Return the second report in each service: the first is of the week before."""
        world = self._world
        hooks = [one for one in world.board.messages.values() if one.message["type"] == "report"]
        second = slice(REPORTS - 1, REPORTS)
        return [
            *(told.of_slack(one, "#weekly") for one in world.posts("weekly")[second]),
            *map(told.of_mail, world.mails(WEEKLY)[second]),
            *map(told.of_teams, world.teams.cards("weekly")[second]),
            *map(told.of_webhook, hooks[second]),
        ]
