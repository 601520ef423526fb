"""A run that people live in: the real CORRELATE decides second by second, and whoever is told or
paged does something about it, in the chat or in the pager.

CORRELATE itself is not what is tried here: it lives in one process that nothing happens to. What
people do reaches it as acts, late, some of them twice, and what it decides then meets DELIVER among
kills and takeovers.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from correlators.acts import (
    Acknowledge,
    Act,
    Assign,
    Comment,
    FalseAlarm,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
)
from correlators.correlate import Correlator
from correlators.rules import Routes
from correlators.ticks import Work
from correlators.types import Digest, DigestKind, Level
from streams import codec
from streams.accounts import partition_of_account
from tests.correlators.score import START, Push, deltas_of, event
from tests.simulation.cluster import EPOCH_MS
from tests.simulation.deliveries.line import Call
from tests.simulation.producer import SimProducer
from tests.simulation.scenario import CONFIG
from tests.simulation.stages import TOPICS

if TYPE_CHECKING:
    from tests.simulation.deliveries.world import World

BEGIN: Final = EPOCH_MS // 1000
ENDS_S: Final = 50
"""So long after the last event everything is over: what was left to somebody ends after 40 s."""
ACTS_MOST: Final = 30
TWICE: Final = 0.25
"""Share of acts that come again: a second click, a webhook that is sent again."""


class Story(NamedTuple):
    """What happens in the environment, before anybody does anything."""

    events: tuple[Push, ...]
    tell: tuple[str, ...]
    page: tuple[str, ...]
    ends_s: int


def story(
    random: Random, channels: tuple[str, ...], pagers: tuple[str, ...], span_s: float
) -> Story:
    """Return errors of some services, most of them bad enough to page. No chat is paged: the page
    of an incident that a storm takes over has revisions of both there, which the checks of chats
    cannot order."""
    found = []
    for _ in range(random.randrange(8, 30)):
        service = random.choice(("checkout", "payment", "catalogue"))
        level = random.choice((Level.ERROR, Level.ERROR, Level.FATAL))
        error = random.choice(("TimeoutError", "KeyError"))
        trace = random.choice(("", "", "one"))
        at = random.random() * span_s + BEGIN - START + 2
        event_id = f"{random.getrandbits(128):032x}"
        found.append(
            event(at, service, error, level=level, trace=trace, event_id=event_id, user="u")
        )
    told = tuple(random.sample(channels, random.randint(1, len(channels))))
    paged = tuple(random.sample(pagers, random.randint(1, len(pagers))))
    return Story(tuple(found), told, paged, int(span_s) + ENDS_S)


class Lived:
    """CORRELATE, and the people."""

    def __init__(self, world: World, story: Story) -> None:
        """Args: world: whose messages and pages people see, and where digests are written."""
        self._world = world
        self._story = story
        self._random = Random(f"people of {world.scenario.seed}")
        reports = tuple(
            msgspec.structs.replace(one, to=story.tell) for one in CONFIG.holding.reports
        )
        config = msgspec.structs.replace(
            CONFIG,
            routes=Routes(tell=story.tell, page=story.page),
            holding=msgspec.structs.replace(CONFIG.holding, reports=reports),
        )
        self._correlator = Correlator(config)
        self._events = deltas_of(list(story.events), config=config)
        self._acts: list[Act] = []
        self._told = 0
        self.done = False
        world.workspace.heard = self._read
        world.pager.heard = self._woken

    def start(self) -> None:
        """Begin, as a process of its own that nothing happens to."""
        loop = self._world.loop
        context = loop.enter(loop.process("correlate"))
        context.run(lambda: loop.create_task(self._live(), context=context))

    async def _live(self) -> None:
        loop = self._world.loop
        settings = {"transactional_id": "correlate.0", "transaction_timeout_ms": 120_000}
        producer = SimProducer(self._world.cluster, loop.current(), settings)
        await producer.start()
        for second in range(self._story.ends_s):
            await asyncio.sleep(max(0.0, second + 1 - loop.time()))
            digests = self._decide(BEGIN + second)
            if digests:
                async with producer.transaction():
                    for one in digests:
                        await self._send(producer, one)
        self.done = True

    def _decide(self, tick: int) -> list[Digest]:
        deltas = sorted((one for one in self._events if one.tick == tick), key=lambda one: one.key)
        acts, self._acts = tuple(self._acts), []
        decided = self._correlator.apply(Work(tick, [], deltas, acts))
        self._correlator.state.take_changed()
        return decided.digests

    async def _send(self, producer: SimProducer, digest: Digest) -> None:
        partition = partition_of_account(digest.destination, self._world.scenario.partitions)
        value = codec.encode(digest)
        await (await producer.send(TOPICS.deliveries, value=value, partition=partition))

    # People

    def _acts_later(self, within_s: float, kinds: tuple[type[Act], ...], subject: str) -> None:
        """Have somebody decide something about it, in the chat."""
        if self._told < ACTS_MOST:
            self._told += 1
            kind = self._random.choice(kinds)
            self._world.later(self._random.random() * within_s, self._say, kind, subject, "slack")

    def _say(self, kind: type[Act], subject: str, source: str) -> None:
        who: dict[str, Any] = {
            "actor": self._random.choice(("ada", "ben")),
            "source": source,
            "at_ms": self._world.wall_ms(self._world.loop.time()),
            "subject": subject,
        }
        if kind is Comment:
            self._told += 1
            mentions = self._random.choice(("", "", "@ada: ", "@ben, @cy: "))
            who["text"] = f"{mentions}comment {self._told}"
        if kind is Assign:
            who["assignee"] = self._random.choice(("payments", "ada", "cy", ""))
        act = kind(**who)
        self._acts.append(act)
        if self._random.random() < TWICE:
            self._world.later(3 * self._random.random(), self._acts.append, act)

    def _read(self, call: Call) -> None:
        """Somebody reads a message, and may press something below it."""
        digest = call.attempt.digest
        # A report is nothing that anybody decides about, and who is told alone is told enough.
        pressed = digest.rollup is None and digest.kind is not DigestKind.REPORT
        if pressed and self._random.random() < 0.6:
            self._acts_later(4.0, PRESSED, digest.id)

    def _woken(self, call: Call) -> None:
        """Somebody is woken, and may answer in the pager."""
        digest = call.attempt.digest
        key = digest.destination, digest.page_key
        if self._random.random() < 0.9:
            kind = self._random.choice(ANSWERED)
            self._world.later(0.2 + 6 * self._random.random(), self._answer, key, kind)

    def _answer(self, key: tuple[str, str], kind: type[Act]) -> None:
        pager = self._world.pager
        if not pager.open.get(key, False):
            return
        if kind is Resolve:
            pager.end(key)
        self._say(kind, key[1], "pagerduty")


PRESSED: Final[tuple[type[Act], ...]] = (
    Acknowledge,
    Acknowledge,
    Unacknowledge,
    Resolve,
    FalseAlarm,
    Comment,
    Comment,
    Comment,
    Assign,
    PageNow,
    Separate,
)
ANSWERED: Final[tuple[type[Act], ...]] = (
    Acknowledge,
    Acknowledge,
    Unacknowledge,
    Resolve,
    Resolve,
    Comment,
)
