"""Several outboxes in virtual time, one per account, with the log between them; for pages.

What an outbox hands on is written to the log in the transaction that notes it, as DELIVER does. A
crash loses what was not written, and every answer that was on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from correlators.types import Digest, DigestKind, PageAction
from sinks.base import (
    Answer,
    Attempt,
    Delivered,
    NotFound,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Step,
    Target,
    Unknown,
    UnknownReason,
)
from sinks.entries import DeadLetter, Dropped, decode, encode
from sinks.outbox import Outbox
from sinks.page_watch import REMIND_EVERY_MS
from sinks.watched import PageOutcome, PageSeen
from tests.sinks.make import CHAT, PAGE, digest
from tests.sinks.world import START_MS

ACKING = Plan(
    steps={Step.TRIGGER: (PAGE,), Step.ACKNOWLEDGE: (PAGE,), Step.RESOLVE: (PAGE,)},
    repeatable=frozenset({Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE}),
)
SERVED = {
    "slack:a": Target(account="slack", plan=CHAT),
    "slack:b": Target(account="slack", plan=CHAT),
    "pagerduty:p": Target(account="pagerduty:p", plan=ACKING),
    "pagerduty:q": Target(account="pagerduty:q", plan=ACKING),
}
P, Q, A, B = "pagerduty:p", "pagerduty:q", "slack:a", "slack:b"
T, ACK, R = PageAction.TRIGGER, PageAction.ACKNOWLEDGE, PageAction.RESOLVE

LOST = Unknown(UnknownReason.CONNECTION_LOST)
AWAY = Retry(RetryReason.NOT_CONNECTED)
REFUSED = Rejected(RejectReason.NOT_AUTHORISED)

Says = Callable[[int, Attempt], Outcome | None]
"""What a service answers at this moment; None when it carries the call out and all goes well."""


def page(
    action: PageAction,
    key: str = "inc-1.1",
    second: int = 0,
    *,
    to: str = P,
    fallback: str = A,
    told: tuple[str, ...] = (A,),
) -> Digest:
    """Return a page's digest as CORRELATE decides it, a second after `START_MS` and so on."""
    kind = DigestKind.RESOLVED if action is R else DigestKind.UPDATED
    made = digest(
        to,
        id=key.partition(".")[0],
        revision=1 + second,
        resolved=action is R,
        page=action,
        at_ms=START_MS + 1_000 * second,
        kind=kind,
    )
    return msgspec.structs.replace(made, page_key=key, page_fallback=fallback, page_told=told)


@dataclass
class Done:
    """One thing that a service carried out."""

    at_ms: int
    attempt: Attempt

    @property
    def what(self) -> tuple[str, str, str]:
        """Destination, step and page."""
        one = self.attempt
        return one.destination, one.step.value, one.digest.page_key


@dataclass
class Desk:
    """One outbox with what outlives it: its store and its place in the log."""

    outbox: Outbox
    store: dict[str, bytes] = field(default_factory=dict)
    log: list[Digest] = field(default_factory=list)
    offset: int = 0
    read: int = 0
    answers: list[tuple[int, Answer]] = field(default_factory=list)


class Desks:
    """All accounts of some destinations."""

    def __init__(
        self,
        says: Says = lambda now_ms, one: None,
        targets: Mapping[str, Target] = SERVED,
        crashes: Iterable[int] = (),
        *,
        remind_every_ms: int = REMIND_EVERY_MS,
        call_ms: int = 150,
    ) -> None:
        self.now_ms = START_MS
        self.says = says
        self.targets = targets
        self.done: list[Done] = []
        self.dead: list[DeadLetter] = []
        self.dropped: list[Dropped] = []
        self.pages: list[PageSeen] = []
        self.handed: list[tuple[int, Digest]] = []
        self.turns = 0
        self._remind_every_ms = remind_every_ms
        self._call_ms = call_ms
        self._crashes = set(crashes)
        self._desks: dict[str, Desk] = {}
        for one in targets:
            self._desk(one)

    def outcomes(self) -> list[tuple[str, PageOutcome]]:
        """Return what became of pages, in order."""
        return [(one.destination, one.outcome) for one in self.pages]

    def what(self) -> list[tuple[str, str, str]]:
        """Return what the services carried out, in order."""
        return [one.what for one in self.done]

    def notices(self) -> list[str]:
        """Return what the notices said that were carried out."""
        return [one.attempt.digest.notice for one in self.done if one.attempt.digest.notice]

    def run(self, until_s: float, *digests: tuple[float, Digest]) -> None:
        """Let time run on to so many seconds after the start, with these digests at their times."""
        until_ms = START_MS + int(until_s * 1_000)
        pending = sorted(((START_MS + int(at * 1_000), one) for at, one in digests), key=_at)
        while True:
            while pending and pending[0][0] <= self.now_ms:
                one = pending.pop(0)[1]
                self._desk(one.destination).log.append(one)
            for desk in list(self._desks.values()):
                self._turn(desk)
            behind = any(desk.read < len(desk.log) for desk in self._desks.values())
            times = [at for at, _ in pending[:1]]
            for desk in self._desks.values():
                times += [at for at, _ in desk.answers]
                due_ms = desk.outbox.next_due_ms(self.now_ms)
                times += [due_ms] if due_ms is not None else []
            next_ms = self.now_ms if behind else max(self.now_ms + 1, min(times, default=until_ms))
            if next_ms >= until_ms and not behind:
                self.now_ms = max(self.now_ms, until_ms)
                return
            self.now_ms = next_ms

    def crash(self) -> None:
        """Every process dies; what was written stays."""
        for desk in self._desks.values():
            self._restart(desk)

    def _desk(self, destination: str) -> Desk:
        target = self.targets.get(destination)
        account = target.account if target else destination
        if account not in self._desks:
            self._desks[account] = Desk(self._outbox())
        return self._desks[account]

    def _outbox(self) -> Outbox:
        return Outbox(self.targets, started_ms=self.now_ms, remind_every_ms=self._remind_every_ms)

    def _restart(self, desk: Desk) -> None:
        desk.outbox = self._outbox()
        desk.outbox.load(decode(entry) for entry in desk.store.values())
        desk.answers.clear()
        desk.read = desk.offset

    def _turn(self, desk: Desk) -> None:
        self.turns += 1
        for one in desk.log[desk.read :]:
            desk.outbox.accept(one, self.now_ms)
        desk.read = len(desk.log)
        for at_ms, answer in [one for one in desk.answers if one[0] <= self.now_ms]:
            desk.answers.remove((at_ms, answer))
            desk.outbox.receive(answer, self.now_ms)
        attempts = desk.outbox.due(self.now_ms, room=8)
        if self.turns in self._crashes and self.turns % 2:
            self._restart(desk)
            return
        self._commit(desk)
        for call in attempts:
            said = self._call(call)
            if said is not None:
                answer = Answer(key=call.key, number=call.number, outcome=said)
                desk.answers.append((self.now_ms + self._call_ms, answer))
        if self.turns in self._crashes:
            self._restart(desk)

    def _commit(self, desk: Desk) -> None:
        changes = desk.outbox.take_changes()
        for key, entry in changes.entries.items():
            if entry is None:
                desk.store.pop(key, None)
            else:
                desk.store[key] = encode(entry)
        live = {key: encode(entry) for key, entry in desk.outbox.entries().items()}
        assert live == desk.store
        desk.offset = desk.read
        self.dead += changes.dead
        self.dropped += changes.dropped
        self.pages += changes.pages
        for one in changes.handed:
            self.handed.append((self.now_ms, one))
            self._desk(one.destination).log.append(one)

    def _call(self, one: Attempt) -> Outcome | NotFound | None:
        if one.find:
            found = [d for d in self.done if _name(d.attempt) == _name(one)]
            return Delivered(Receipt(place="C1", id=str(found[0].at_ms))) if found else NotFound()
        said = self.says(self.now_ms, one)
        if said is not None:
            return said
        self.done.append(Done(self.now_ms, one))
        return Delivered(Receipt(place="C1", id=str(self.now_ms)))


def _at(one: tuple[int, Digest]) -> int:
    return one[0]


def _name(one: Attempt) -> tuple[str, str, int]:
    return one.key, one.step.value, one.digest.revision


def refuses(*destinations: str, with_: Outcome = REFUSED) -> Desks:
    """Return desks of which some destinations refuse every call."""
    return Desks(lambda _, one: with_ if one.destination in destinations else None)
