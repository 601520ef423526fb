"""An outbox in virtual time: a service that fails as told, a store that survives crashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from correlators.types import Digest
from sinks.base import Answer, Attempt, Retry, Scope, Target
from sinks.entries import Changes, decode, encode
from sinks.outbox import Outbox
from tests.sinks.make import TARGETS, Service

START_MS = 1_790_000_000_000


class World:
    """One outbox, a service, a store that survives crashes, and virtual time."""

    def __init__(
        self,
        service: Service,
        crashes: Iterable[int] = (),
        targets: Mapping[str, Target] = TARGETS,
    ) -> None:
        self.targets = targets
        self.service = service
        self.crashes = set(crashes)
        self.now_ms = START_MS
        self.outbox = Outbox(self.targets, started_ms=START_MS)
        self.store: dict[str, bytes] = {}
        self.answers: list[tuple[int, Answer]] = []
        self.written: list[Changes] = []
        self.turns = 0
        self.written_down: list[Attempt] = []

    def commit(self) -> None:
        changes = self.outbox.take_changes()
        self.written.append(changes)
        for key, entry in changes.entries.items():
            if entry is None:
                self.store.pop(key, None)
            else:
                self.store[key] = encode(entry)
        live = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert live == self.store

    def restart(self) -> None:
        """The process dies: answers are lost, the store stays."""
        self.outbox = Outbox(self.targets, started_ms=self.now_ms)
        self.outbox.load(decode(entry) for entry in self.store.values())
        self.answers.clear()
        restored = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert restored == self.store

    def run(self, schedule: list[tuple[int, Digest]]) -> None:
        """Play the schedule and go on until nothing is waiting."""
        pending = sorted(schedule, key=lambda one: one[0])
        for _ in range(3_000):
            while pending and pending[0][0] <= self.now_ms:
                self.outbox.accept(pending.pop(0)[1], self.now_ms)
            for at_ms, answer in [one for one in self.answers if one[0] <= self.now_ms]:
                self.answers.remove((at_ms, answer))
                self._hear(answer)
                self.outbox.receive(answer, self.now_ms)
            attempts = self.outbox.due(self.now_ms, room=8)
            self.commit()
            self.written_down += attempts
            self.turns += 1
            if self.turns in self.crashes and self.turns % 2:
                self.restart()
                attempts = []
            for one in attempts:
                said = self.service.call(self.now_ms, one)
                if said is not None:
                    self.answers.append((self.now_ms + 150, said))
            if self.turns in self.crashes:
                self.restart()
            times = [one[0] for one in [*pending[:1], *self.answers]]
            due_ms = self.outbox.next_due_ms(self.now_ms)
            if due_ms is not None:
                times.append(due_ms)
            if not pending and not self.answers and not sum(self.outbox.waiting().values()):
                return
            assert times, "something is waiting and nothing will ever wake it"
            self.now_ms = max(self.now_ms + 1, min(times))
        raise AssertionError("the outbox did not come to rest")

    def _hear(self, answer: Answer) -> None:
        outcome = answer.outcome
        if isinstance(outcome, Retry) and outcome.scope is not None:
            destination = answer.key.partition("|")[0]
            call = [one for _, one in self.service.calls if one.key == answer.key][-1]
            method = self.targets[destination].plan.steps[call.step][0].name
            whose = self.targets[destination].account
            if outcome.scope is Scope.DESTINATION:
                whose = destination
            until_ms = self.now_ms + outcome.after_ms
            self.service.silent.append((self.now_ms, until_ms, outcome.scope, whose, method))
