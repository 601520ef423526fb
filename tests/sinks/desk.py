"""An outbox for twenty channels and a pager, whose calls are answered by hand. Virtual time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from correlators.types import Digest, DigestKind
from sinks.attempted import Attempted
from sinks.base import (
    Answer,
    Attempt,
    CannotTell,
    Delivered,
    Outcome,
    Receipt,
    Target,
)
from sinks.entries import DeadLetter, DropReason, decode, encode
from sinks.outbox import Outbox
from tests.sinks.make import CHAT, PAGER, digest

CHANNELS = {f"slack:c{number:02}": Target(account="slack", plan=CHAT) for number in range(20)}
TARGETS = {**CHANNELS, "pagerduty:p": Target(account="pagerduty:p", plan=PAGER)}
HERE = "slack:c00"


def one(id: str, to: str = HERE, *, users: int = 1, events: int = 10, **more: object) -> Digest:
    """Return the digest of an incident that is no storm."""
    made = digest(to, id=id, revision=int(str(more.pop("revision", 1))))
    return msgspec.structs.replace(made, storm=False, users=users, events=events, **more)


class Desk:
    """An outbox whose calls are answered by hand, and a store that is compared with it."""

    def __init__(self, max_entries: int = 200_000) -> None:
        self.outbox = Outbox(TARGETS, started_ms=0, max_entries=max_entries)
        self.now_ms = 100_000
        self.stored: dict[str, bytes] = {}
        self.dropped: list[DropReason] = []
        self.dead: list[DeadLetter] = []
        self.told: list[Attempted] = []

    def accept(self, *digests: Digest) -> None:
        for made in digests:
            self.outbox.accept(made, self.now_ms)

    def due(self, after_ms: int = 0, room: int = 64) -> list[Attempt]:
        self.now_ms += after_ms
        found = self.outbox.due(self.now_ms, room=room)
        self.write()
        return found

    def answer(self, call: Attempt, outcome: Outcome | CannotTell | None = None) -> None:
        told = Delivered(Receipt(place="C1", id=f"{call.digest.id}.{call.number}"))
        outcome = outcome if outcome is not None else told
        self.outbox.receive(Answer(key=call.key, number=call.number, outcome=outcome), self.now_ms)
        self.write()

    def write(self) -> None:
        changes = self.outbox.take_changes()
        self.dropped += [found.reason for found in changes.dropped]
        self.dead += changes.dead
        self.told += changes.told
        for key, entry in changes.entries.items():
            if entry is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = encode(entry)
        live = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert live == self.stored

    def restore(self) -> None:
        self.outbox = Outbox(TARGETS, started_ms=self.now_ms)
        self.outbox.load(decode(entry) for entry in self.stored.values())
        live = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert live == self.stored
        assert self.outbox.take_changes().entries == {}

    def rolled(self, *digests: Digest) -> Attempt:
        """Return the roll-up that tells these digests."""
        self.accept(*digests)
        (call,) = self.due()
        assert call.digest.kind is DigestKind.ROLLUP
        return call

    def drain(self, turns: int = 200) -> list[Attempt]:
        """Deliver everything; return the calls in order."""
        calls: list[Attempt] = []
        for _ in range(turns):
            for call in self.due(1_100):
                calls.append(call)
                self.answer(call)
        return calls


def many(number: int, **more: Any) -> list[Digest]:
    return [one(f"i{place:04}", users=place, **more) for place in range(number)]


def told_by(calls: Iterable[Attempt]) -> list[str]:
    return [f"{call.step.value} {call.digest.id}" for call in calls]
