"""An outbox and real sinks in virtual time: an hour of retries in a moment, over real sockets.

A call is made when it is due and answered `CALL_MS` later, one that was given up at its deadline;
both are virtual. The clock of the local services is this one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from correlators.types import Digest
from sinks.attempted import Attempted
from sinks.base import Answer, Attempt, Found, Outcome, Sink, Unknown, UnknownReason
from sinks.entries import DeadLetter
from sinks.outbox import Outbox
from sinks.targets import targets

START_MS = 1_790_000_000_000
CALL_MS = 150


@dataclass
class Clock:
    """Seconds that pass only when told."""

    now_ms: int = START_MS

    def __call__(self) -> float:
        return self.now_ms / 1000


@dataclass
class Played:
    """One outbox over some sinks."""

    clock: Clock
    sinks: list[Sink]
    dead: list[DeadLetter] = field(default_factory=list)
    together: list[Attempted] = field(default_factory=list)
    """What roll-ups told of others."""
    outcomes: list[object] = field(default_factory=list)
    """What became of every call, in order."""
    given_up: Callable[[], Awaitable[None]] | None = None
    """What happens after a call that took too long, before anything else does."""

    def __post_init__(self) -> None:
        self.outbox = Outbox(targets(self.sinks), started_ms=self.clock.now_ms)
        self._by_name = {one.name: one for one in self.sinks}
        self._answers: list[tuple[int, Answer]] = []

    async def run(self, *digests: Digest, within_s: int = 3_600) -> None:
        """Deliver these digests, and return when nothing is waiting any more.

        Raises:
            AssertionError: something still waits after so many virtual seconds.
        """
        rests = await self.play(*digests, for_s=within_s)
        assert rests, f"after {within_s} s waits {self.outbox.waiting()}"

    async def play(self, *digests: Digest, for_s: int) -> bool:
        """Let so much time pass; return True, and earlier, when nothing waits any more."""
        until_ms = self.clock.now_ms + for_s * 1000
        for one in digests:
            self.outbox.accept(one, self.clock.now_ms)
        while self.clock.now_ms <= until_ms:
            await self._turn()
            if not self._answers and not sum(self.outbox.waiting().values()):
                return True
            times = [at_ms for at_ms, _ in self._answers]
            due_ms = self.outbox.next_due_ms(self.clock.now_ms)
            times += [due_ms] if due_ms is not None else []
            assert times, "something is waiting and nothing will ever wake it"
            self.clock.now_ms = max(self.clock.now_ms + 1, min(times))
        return False

    async def _turn(self) -> None:
        for due in [one for one in self._answers if one[0] <= self.clock.now_ms]:
            self._answers.remove(due)
            self.outbox.receive(due[1], self.clock.now_ms)
        attempts = self.outbox.due(self.clock.now_ms, room=8)
        self._note()
        for one in attempts:
            outcome = await self._call(one)
            self.outcomes.append(outcome)
            at_ms = self.clock.now_ms + CALL_MS
            if outcome == Unknown(UnknownReason.TIMED_OUT):
                at_ms = one.deadline_ms
                if self.given_up is not None:
                    await self.given_up()
            said = Answer(key=one.key, number=one.number, outcome=outcome)
            self._answers.append((at_ms, said))

    async def _call(self, one: Attempt) -> Outcome | Found:
        sink = self._by_name[one.destination.partition(":")[0]]
        return await (sink.find(one) if one.find else sink.send(one))

    def _note(self) -> None:
        changes = self.outbox.take_changes()
        self.dead += changes.dead
        self.together += changes.told
