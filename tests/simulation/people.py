"""People in a simulated run: they look at what is stored, decide something about it, and write that
as an act, once or twice, where the desk, the command line or a pager's webhook would.

Nobody waits for anybody: an act may be about what is over by the time that it takes effect, two may
decide at once, and whoever writes it may not know where it belongs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, Final, NamedTuple

from correlators.acts import (
    Acknowledge,
    Act,
    AddSilence,
    Assign,
    Comment,
    ExpireSilence,
    FalseAlarm,
    Ignore,
    MergeInto,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
)
from correlators.conditions import When
from correlators.entries import PROGRESS_KEY, Entry, Episode
from correlators.incidents import Incident
from correlators.page_acts import is_page
from correlators.personal import By, Deed
from correlators.personal_acts import TellMe
from correlators.pressed import Pressed
from correlators.silences import Silence
from correlators.storms import Storm
from streams import codec
from streams.agents.batches import target_of
from tests.simulation.cluster import Cluster
from tests.simulation.producer import SimProducer, start_at_last

SECOND_MS: Final = 1_000
LONG_MS: Final = 3_600 * SECOND_MS
"""Longer than any run."""
TWICE: Final = 0.3
"""Share of acts that are written again: a webhook sent again, a second click."""
NAMES: Final = ("", "payments", "ada", "ben", "cy")
"""To whom something is assigned."""
ASTRAY: Final = 0.05
"""Share of acts that are written where nobody knows what they are about."""


class Moment(NamedTuple):
    """When somebody decides something."""

    at_s: float
    again_s: float = -1.0
    """So long after it the same is written once more; below 0 for never."""
    ahead_ms: int = 0
    """How far its clock is ahead of the cluster's, as where FINGERPRINT is behind."""


def moments(random: Random, span_s: float) -> tuple[Moment, ...]:
    """Return when people decide something in a run that lasts about so long."""
    found = []
    for _ in range(random.choice((4, 12, 40))):
        again_s = random.choice((0.0, 0.01, 0.5, 5.0)) if random.random() < TWICE else -1.0
        ahead_ms = random.choice((0, 0, 0, 400, 6_000, 30_000))
        found.append(Moment(random.random() * span_s, again_s, ahead_ms))
    return tuple(sorted(found))


class People:
    """All of them, with one producer."""

    def __init__(
        self,
        cluster: Cluster,
        moments: Sequence[Moment],
        seed: int,
        state: str,
        deltas: str,
    ) -> None:
        """Args: moments: in order; seed: of the run; state: the topic that they look at; deltas:
        where they write."""
        self._cluster = cluster
        self._moments = moments
        self._random = Random(f"people of {seed}")
        self._state = state
        self._deltas = deltas
        self._left = len(moments)
        self._deciding: list[asyncio.Task[None]] = []
        self._process = cluster.loop.process("people")
        self._producer = SimProducer(cluster, self._process, {})

    @property
    def done(self) -> bool:
        """Whether all that they decided is written."""
        return not self._left

    def start(self) -> None:
        """Begin to live, if there is anybody."""
        if not self._moments:
            return
        loop = self._cluster.loop
        context = loop.enter(self._process)
        context.run(lambda: loop.create_task(self._live(), context=context))

    async def _live(self) -> None:
        await start_at_last(self._producer, self._cluster)
        loop = self._cluster.loop
        for number, moment in enumerate(self._moments):
            await asyncio.sleep(max(0.0, moment.at_s - loop.time()))
            self._deciding.append(loop.create_task(self._decide(number, moment)))

    async def _decide(self, number: int, moment: Moment) -> None:
        found = self.found()
        act = drawn(self._random, found, number, self._cluster.now_ms() + moment.ahead_ms)
        places = self._to(act, found)
        await self._write(act, places)
        if moment.again_s >= 0:
            await asyncio.sleep(moment.again_s)
            await self._write(act, places)
        self._left -= 1

    async def _write(self, act: Act, places: Sequence[int]) -> None:
        sent = [
            await self._producer.send(self._deltas, value=codec.encode(act), partition=partition)
            for partition in places
        ]
        await asyncio.gather(*sent)

    def _to(self, act: Act, found: Sequence[Entry]) -> list[int]:
        """Return the partitions that it is written to."""
        every = list(range(self._cluster.counts[self._deltas]))
        if is_page(act.subject) or isinstance(act, TellMe):
            return every
        if self._random.random() < ASTRAY:
            return [self._random.choice(every)]
        return [target_of(environment_of(act, found), len(every))]

    def found(self) -> list[Entry]:
        """Return all that is stored now, by key."""
        stored: dict[str, bytes] = {}
        for log in self._cluster.of_topic(self._state):
            for entry in log.committed():
                assert entry.message is not None
                key = (entry.message.key or b"").decode()
                if entry.message.value is None:
                    stored.pop(key, None)
                elif key != PROGRESS_KEY:
                    stored[key] = entry.message.value
        return [codec.entry(raw) for _, raw in sorted(stored.items())]


def environment_of(act: Act, found: Sequence[Entry]) -> str:
    """Return the environment of what an act is about; any where that is not known."""
    if isinstance(act, AddSilence) and not act.subject:
        return act.environment
    for one in found:
        if isinstance(one, Incident) and one.id == act.subject:
            return one.key.environment
        if isinstance(one, Storm | Silence) and one.id == act.subject:
            return one.environment
    return "production"


def drawn(random: Random, found: Sequence[Entry], number: object, at_ms: int) -> Act:
    """Return what somebody decides who sees this.

    Args:
        random: what it is drawn from.
        found: what is stored now.
        number: of this act; no two say the same.
        at_ms: when it is.
    """
    things = [one for one in found if isinstance(one, Incident | Storm)]
    going = [one for one in things if one.open] or things
    ids = [one.id for one in random.choice((going, going, going, things))] or ["inc-0"]
    silences = [one.id for one in found if isinstance(one, Silence)]
    pages = [one.page_key for one in found if isinstance(one, Episode | Storm) and one.page_key]
    who: dict[str, Any] = {
        "actor": random.choice(("ada", "ben")),
        "source": random.choice(("slack", "slack", "cli")),
        "at_ms": at_ms,
        "subject": random.choice(ids),
    }
    if pages and random.random() < 0.3:
        who |= {"source": "pagerduty", "subject": random.choice(pages)}
    if who["source"] == "slack":
        who["pressed"] = Pressed(f"U{who['actor'].upper()}", "C0INC")
    if who["source"] == "pagerduty":
        kinds = (Acknowledge, Acknowledge, Unacknowledge, Resolve)
        if random.random() < 0.3:
            return Comment(**who, text=text_of(number, random))
        return random.choice(kinds)(**who)
    to_ms = at_ms + random.choice((1 * SECOND_MS, 4 * SECOND_MS, LONG_MS))
    match random.randrange(20):
        case 0 | 1:
            for_ms = random.choice((0, 0, 1 * SECOND_MS, 5 * SECOND_MS, LONG_MS))
            return Acknowledge(**who, for_ms=for_ms)
        case 2:
            return Unacknowledge(**who)
        case 3 | 4 | 5:
            return Resolve(**who)
        case 6:
            return FalseAlarm(**who)
        case 7:
            return Assign(**who, assignee=random.choice(NAMES))
        case 8:
            return PageNow(**who)
        case 9:
            return Separate(**who)
        case 10:
            return MergeInto(**who, into=random.choice(ids))
        case 11:
            return AddSilence(**who, to_ms=to_ms)
        case 12 if silences:
            return ExpireSilence(**{**who, "subject": random.choice(silences)})
        case 12 | 13:
            when = random.choice((When(service=("pay*",)), When(error_type=("Key*",))))
            del who["subject"]
            environment = random.choice(("production", "staging"))
            return AddSilence(**who, environment=environment, when=when, to_ms=to_ms)
        case 14:
            return Ignore(**who)
        case 15:
            del who["subject"]
            who.pop("pressed", None)
            by, of = random.choice((None, *By)), random.choice((None, *Deed))
            return TellMe(**who, subject=who["actor"], by=by, of=of)
        case _:
            return Comment(**who, text=text_of(number, random))


def text_of(number: object, random: Random) -> str:
    """Return what a comment says, that no other says; some mention somebody."""
    mentions = random.choice(("", "", "@ada: ", "@Ben, @cy: ", "@cy: "))
    return f"{mentions}comment {number} of the run"
