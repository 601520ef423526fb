"""The two modelled services and their sinks: what was really said to people stands here.

The sinks keep the interface of `sinks/base.py` without HTTP; how real answers become outcomes is
tested with the local services of `sinks/peers/`. Rules as the vendors have them: a reply whose
first message is gone stands in the channel itself; a pager's trigger on an open alert pages nobody,
and what finds no open alert is accepted and does nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from correlators.types import Digest
from sinks.base import (
    Attempt,
    CannotTell,
    Delivered,
    Found,
    Gone,
    Limit,
    NotFound,
    Outcome,
    Plan,
    Receipt,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from tests.simulation.deliveries.letters import PLANS, account_of, sink_of
from tests.simulation.deliveries.line import LAG_S, Call, Line, Result, Weather

TRIES: Final = 12
POST: Final = Limit(name="post", scope=Scope.DESTINATION, every_ms=1_000)
POSTS: Final = Limit(name="post", scope=Scope.METHOD, every_ms=250, burst=10, in_flight=8)
EDIT: Final = Limit(name="edit", scope=Scope.METHOD, every_ms=1_200, burst=5)
FIND: Final = Limit(name="find", scope=Scope.METHOD, every_ms=1_200, burst=5)
PAGE: Final = Limit(name="enqueue", scope=Scope.DESTINATION, every_ms=600, burst=10, in_flight=4)

CHAT: Final = Plan(
    steps={Step.POST: (POST, POSTS), Step.REPLY: (POST, POSTS), Step.EDIT: (EDIT,)},
    find=(FIND,),
    repeatable=frozenset({Step.EDIT}),
    retry_cap_ms=20_000,
    tries=TRIES,
)
PAGER: Final = Plan(
    steps=dict.fromkeys((Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE), (PAGE,)),
    repeatable=frozenset((Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE)),
    retry_cap_ms=20_000,
    tries=TRIES,
)


@dataclass
class Message:
    """One message in a channel."""

    id: str
    digest: Digest
    step: Step
    thread: str
    """Id of the first message; empty for one that stands in the channel itself."""
    call: Call
    shown: Digest
    """What it was edited to."""
    deleted_s: float = -1.0


class Workspace:
    """A chat workspace, or the post: messages in the order in which they were posted."""

    def __init__(self, line: Line, random: Random, weather: Weather, stamp: str = "ts") -> None:
        self._stamp = stamp
        self.line = line
        self.weather = weather
        self._random = random
        self.messages: list[Message] = []
        self.heard: Callable[[Call], None] = lambda call: None
        """Called with every call that posted a message."""
        self._seen_s: dict[str, float] = {}

    def _standing(self, id: str) -> Message | None:
        found = [one for one in self.messages if one.id == id and one.deleted_s < 0]
        return found[0] if found else None

    def delete(self, number: int, now_s: float) -> None:
        """Delete a first message, as a person would."""
        first = [one for one in self.messages if one.step is Step.POST and one.deleted_s < 0]
        if first:
            first[number % len(first)].deleted_s = now_s

    def scope(self, attempt: Attempt, random: Random) -> Scope:
        """Return what a refusal is about: the channel or the workspace; of the others, all of
        them."""
        if attempt.find or attempt.step is Step.EDIT:
            return Scope.METHOD
        return random.choice((Scope.DESTINATION, Scope.DESTINATION, Scope.ACCOUNT))

    def carry_out(self, call: Call) -> Result:
        """Do what the call asks for, or look it up."""
        attempt, now_s = call.attempt, self.line.time()
        if attempt.find:
            return self._find(attempt, now_s)
        call.carried_s = now_s
        root = self._standing(attempt.root.id) if attempt.root is not None else None
        if attempt.step is Step.EDIT:
            if root is None:
                return Gone()
            root.shown = attempt.digest
            return Delivered(Receipt(place=attempt.destination, id=root.id))
        id = f"{self._stamp}{len(self.messages)}"
        thread = root.id if attempt.step is Step.REPLY and root is not None else ""
        message = Message(id, attempt.digest, attempt.step, thread, call, attempt.digest)
        self.messages.append(message)
        self.heard(call)
        self._seen_s[id] = now_s + self._random.random() * LAG_S
        return Delivered(self._receipt(message))

    @staticmethod
    def _receipt(message: Message) -> Receipt:
        top = message.step is Step.REPLY and not message.thread
        return Receipt(place=message.digest.destination, id=message.id, top=top)

    def _find(self, attempt: Attempt, now_s: float) -> Found:
        wanted = attempt.key, attempt.digest.revision, attempt.step
        for one in self.messages:
            if (
                (one.call.attempt.key, one.digest.revision, one.step) == wanted
                and one.deleted_s < 0
                and self._seen_s[one.id] <= now_s
            ):
                return Delivered(self._receipt(one))
        return NotFound()


@dataclass(frozen=True)
class Event:
    """One event that a pager took, and what it did."""

    call: Call
    did: str
    """`opened`, `logged`, `acknowledged`, `closed` or `nothing`."""


class Pager:
    """A pager's alerts by destination and dedup key."""

    def __init__(self, line: Line, weather: Weather) -> None:
        self.line = line
        self.weather = weather
        self.open: dict[tuple[str, str], bool] = {}
        self.events: list[Event] = []
        self.ended_s: dict[tuple[str, str], list[float]] = defaultdict(list)
        """When somebody resolved an alert by hand."""
        self.heard: Callable[[Call], None] = lambda call: None
        """Called with every call that opened an alert."""

    def end(self, key: tuple[str, str]) -> None:
        """Resolve an alert by hand."""
        self.open[key] = False
        self.ended_s[key].append(self.line.time())

    def scope(self, attempt: Attempt, random: Random) -> Scope:
        """Return what a refusal is about: the key."""
        return Scope.DESTINATION

    def carry_out(self, call: Call) -> Result:
        """Take one event."""
        attempt, now_s = call.attempt, self.line.time()
        if attempt.find:
            return NotFound()
        call.carried_s = now_s
        key = attempt.destination, attempt.digest.page_key
        is_open = self.open.get(key, False)
        if attempt.step is Step.TRIGGER:
            did = "logged" if is_open else "opened"
            self.open[key] = True
        elif attempt.step is Step.RESOLVE:
            did = "closed" if is_open else "nothing"
            self.open[key] = False
        else:
            did = "acknowledged" if is_open else "nothing"
        self.events.append(Event(call, did))
        if did == "opened":
            self.heard(call)
        return Delivered(Receipt(id=attempt.digest.page_key))


class SimSink:
    """A sink of one process, for one of the services."""

    def __init__(
        self,
        service: Workspace | Pager,
        destinations: tuple[str, ...],
        now_ms: Callable[[], int],
    ) -> None:
        self._service = service
        self._destinations = destinations
        self._now_ms = now_ms
        self._chat = isinstance(service, Workspace)
        self.name = sink_of(destinations[0]) if destinations else "slack"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every channel, or every key."""
        return self._destinations

    def account(self, destination: str) -> str:
        """Return what its limits are shared over."""
        return account_of(destination)

    def plan(self, destination: str) -> Plan:
        """Return steps and limits."""
        return plan_of(destination)

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the call."""
        result = await self._ask(attempt)
        assert not isinstance(result, NotFound | CannotTell)
        if not self._chat and result == Unknown(UnknownReason.SERVER_ERROR):
            return Retry(RetryReason.UNAVAILABLE)  # it does no harm twice
        return result

    async def find(self, attempt: Attempt) -> Found:
        """Look the call up."""
        result = await self._ask(attempt)
        assert isinstance(result, Delivered | NotFound | CannotTell)
        return result

    async def close(self) -> None:
        """Nothing is open."""

    async def _ask(self, attempt: Attempt) -> Result:
        return await self._service.line.ask(attempt, self._service, self._now_ms)


def plan_of(destination: str) -> Plan:
    """Return the steps and limits of a destination."""
    sink = sink_of(destination)
    return PLANS.get(sink, CHAT if sink == "slack" else PAGER)
