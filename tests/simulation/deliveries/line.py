"""The way from a sink to its service and back, in virtual time, and what goes wrong on it.

A call is begun in a process, leaves it, arrives, is carried out or not, and is answered or not. The
process may die or sleep at each of these points; what has left it goes on without it. Every call
is kept as it truly went.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple, Protocol

from sinks.attempted import delivery_of, subject_of
from sinks.base import (
    Attempt,
    CannotTell,
    Found,
    Outcome,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Unknown,
    UnknownReason,
)
from tests.simulation.loop import Ended, Process, SimLoop

LATE_S: Final = 0.5
"""At most so long after its deadline a call is carried out that was never answered."""
LAG_S: Final = 0.3
"""At most so long it takes until a message can be looked up."""

CARRIED_OUT: Final = frozenset({"error done", "mute", "late", "cut done", "cut late"})
"""What goes wrong with the answer, while the call itself is carried out."""

Result = Outcome | Found


class Key(NamedTuple):
    """What names a call: its delivery by destination and name, what it told, and its number."""

    destination: str
    name: str
    id: str
    revision: int
    number: int

    def __str__(self) -> str:
        return f"{self.destination} {self.name} {self.id} r{self.revision} call {self.number}"


class Strike(NamedTuple):
    """What happens to a process at one point of one call."""

    number: int
    """Of all calls that are begun."""
    point: str
    """`begun`: written down, and connecting; `arrived`; `heard`: answered, and not written."""
    sleep_s: float = 0.0
    """How long it is suspended; 0: it is killed."""


@dataclass(frozen=True)
class Weather:
    """What goes wrong with calls."""

    faults: Mapping[str, float] = field(default_factory=dict)
    """Share of calls that meet a fault, by its name; see `Line._meet`."""
    down: tuple[tuple[float, float], ...] = ()
    """When the service is away, from and until."""
    slow_s: float = 0.2
    """At most how long a call takes when nothing goes wrong."""
    connect_s: float = 0.0
    """At most how long connecting takes, for calls that have to."""
    penalty_s: tuple[float, float] = (1.0, 8.0)


@dataclass
class Call:
    """One call as it truly went; times are the loop's, -1 for never."""

    number: int
    process: str
    attempt: Attempt
    begun_s: float
    fault: str = ""
    left_s: float = -1.0
    arrived_s: float = -1.0
    carried_s: float = -1.0
    heard_s: float = -1.0
    answer: Result | None = None
    """What its process heard."""

    @property
    def key(self) -> Key:
        """What names a call in the journal."""
        attempt, subject = self.attempt, subject_of(self.attempt.digest)
        of = delivery_of(attempt) or subject
        return Key(attempt.destination, of, subject, attempt.digest.revision, attempt.number)


class Service(Protocol):
    """Who is called."""

    weather: Weather

    def carry_out(self, call: Call) -> Result:
        """Do what the call asks for, or look it up."""

    def scope(self, attempt: Attempt, random: Random) -> Scope:
        """Return what a refusal for the rate is about."""


class Line:
    """Where the calls to every service travel."""

    def __init__(self, loop: SimLoop, random: Random, strikes: tuple[Strike, ...]) -> None:
        self._loop = loop
        self._random = random
        self._strikes = {(one.number, one.point): one for one in strikes}
        self.calls: list[Call] = []
        self.suspend: Callable[[Process, float], None] = lambda process, for_s: None

    def time(self) -> float:
        """Return the loop's time in seconds."""
        return self._loop.time()

    async def ask(self, attempt: Attempt, service: Service, now_ms: Callable[[], int]) -> Result:
        """Return what the caller hears. It may never hear anything.

        Args:
            attempt: what is asked for.
            service: who is asked.
            now_ms: the caller's wall clock.
        """
        loop = self._loop
        call = Call(len(self.calls), loop.current().name, attempt, loop.time())
        self.calls.append(call)
        await self._strike(call, "begun")
        if service.weather.connect_s and self._random.random() < 0.5:
            await asyncio.sleep(self._random.random() * service.weather.connect_s)
            await asyncio.sleep(0)  # written to in the loop's next round, after what is due
        if self._undone():
            return Retry(RetryReason.EXPIRED)
        call.fault = self._drawn(service.weather)
        if call.fault == "no connection":
            await asyncio.sleep(self._random.random() * 0.1)
            return self._heard(call, Retry(RetryReason.NOT_CONNECTED))
        call.left_s = loop.time()
        answer: asyncio.Future[Result] = loop.create_future()
        left_s = (attempt.deadline_ms - now_ms()) / 1000
        self._later(self._latency_s(), self._arrive, call, loop.current(), answer, service, left_s)
        result = await answer
        if self._undone():
            return result
        self._heard(call, result)
        await self._strike(call, "heard")
        return result

    def _undone(self) -> bool:
        """Return whether the run is over: then also the dead go on, to be undone."""
        return self._loop.ended

    def _heard(self, call: Call, result: Result) -> Result:
        call.heard_s, call.answer = self._loop.time(), result
        return result

    def _drawn(self, weather: Weather) -> str:
        now_s = self._loop.time()
        if any(since_s <= now_s < until_s for since_s, until_s in weather.down):
            return self._random.choice(("no connection", "no connection", "hang", "error"))
        draw = self._random.random()
        for fault, share in weather.faults.items():
            draw -= share
            if draw < 0:
                return fault
        return ""

    def _latency_s(self) -> float:
        return 0.005 + 0.02 * self._random.random()

    def _later(self, delay_s: float, call: Callable[..., object], *args: object) -> None:
        self._loop.call_later(max(0.0, delay_s), call, *args, context=self._loop.outside)

    async def _strike(self, call: Call, point: str) -> None:
        """Have happen to the process what was drawn for this point of this call."""
        strike = self._strikes.get((call.number, point))
        if strike is None:
            return
        self._hit(self._loop.current(), strike)
        if not strike.sleep_s:
            raise Ended
        await asyncio.sleep(0.001)

    def _hit(self, process: Process, strike: Strike) -> None:
        if strike.sleep_s:
            self.suspend(process, strike.sleep_s)
        else:
            self._loop.kill(process)

    def _arrive(
        self,
        call: Call,
        caller: Process,
        answer: asyncio.Future[Result],
        service: Service,
        left_s: float,
    ) -> None:
        call.arrived_s = self._loop.time()
        strike = self._strikes.get((call.number, "arrived"))
        if strike is not None and not caller.dead:
            self._hit(caller, strike)
        wait_s = self._random.random() ** 2 * service.weather.slow_s
        result = self._meet(call, service, wait_s, left_s)
        if result is not None:
            self._later(wait_s + self._latency_s(), self._answer, answer, result)

    @staticmethod
    def _answer(answer: asyncio.Future[Result], result: Result) -> None:
        if not answer.done():
            answer.set_result(result)

    def _meet(self, call: Call, service: Service, wait_s: float, left_s: float) -> Result | None:
        """Return the answer that is sent; None for none."""
        find, random = call.attempt.find, self._random
        if call.fault == "limited":
            after_ms = int(1000 * random.uniform(*service.weather.penalty_s))
            of = service.scope(call.attempt, random)
            if find:
                return CannotTell(RetryReason.RATE_LIMITED, after_ms, of)
            return Retry(RetryReason.RATE_LIMITED, after_ms, of)
        if find and call.fault not in ("", "hang", "mute"):
            return CannotTell("it was not answered")
        if call.fault == "rejected":
            return Rejected(RejectReason.INVALID, "drawn")
        if call.fault in ("", *CARRIED_OUT):
            carry_s = 0.0
            if call.fault in ("late", "cut late"):
                over_s = random.random() * LATE_S
                carry_s = over_s + (left_s if call.fault == "late" else wait_s)
            if carry_s:
                self._later(carry_s, service.carry_out, call)
            else:
                result = service.carry_out(call)
                if not call.fault:
                    return result
        match call.fault:
            case "hang" | "mute" | "late":
                return None
            case "error" | "error done":
                return Unknown(UnknownReason.SERVER_ERROR)
            case _:
                return Unknown(UnknownReason.CONNECTION_LOST)
