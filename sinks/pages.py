"""The pages of one outbox: which are looked at by the clock, and what is said of them to others.

What becomes of a page is decided in `sinks.page_watch`; here it is looked at in time, and what it
means is kept until it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from correlators.types import Digest, DigestKind, PageAction
from sinks.agenda import Agenda
from sinks.base import Plan
from sinks.entries import FINISHED, DeadReason, Delivery, Status, Turn, letter
from sinks.page_watch import (
    NOTHING,
    UNSERVED,
    Said,
    looked_at,
    next_ms,
    observed,
    unserved,
    without_place,
)
from sinks.questions import answer, answered, kept, spoken
from sinks.settle import withdrawn
from sinks.steps import under_of

if TYPE_CHECKING:
    from sinks.ledger import Ledger


class Pages:
    """The pages among the entries of a ledger."""

    def __init__(self, ledger: Ledger, remind_every_ms: int) -> None:
        """Args: ledger: read and changed; remind_every_ms: between two reminders, >= 1."""
        assert remind_every_ms >= 1
        self._ledger = ledger
        self._remind_every_ms = remind_every_ms
        self._agenda: Agenda[tuple[int]] = Agenda()
        self._said: list[Said] = []

    def take(self) -> Said:
        """Return what is to be handed on and counted since the last call, once."""
        taken, self._said = self._said, []
        return Said(
            tuple(one for said in taken for one in said.handed),
            tuple(one for said in taken for one in said.pages),
        )

    def observe(self, turn: Turn, heard: Digest | None) -> Turn:
        """Return the turn with what its page is watched for; `heard` was accepted in it."""
        entry = turn.delivery
        before = self._ledger.entries.get(entry.key)
        plan = self._plan(entry)
        turn, said = observed(before, turn, plan, self._ledger.now_ms, heard=heard)
        self._say(said)
        return turn

    def place(self, entry: Delivery) -> None:
        """Set when this entry is looked at."""
        plan = self._plan(entry)
        at_ms = next_ms(entry, plan, self._remind_every_ms) if plan is not None else None
        if at_ms is None:
            self._agenda.discard(entry.key)
        else:
            self._agenda.put(entry.key, (at_ms,))

    def forget(self, key: str) -> None:
        """Look at this entry no more."""
        self._agenda.discard(key)

    def next_ms(self) -> int | None:
        """Return the first moment at which one is looked at."""
        first = self._agenda.first()
        return first[0][0] if first is not None else None

    def look(self) -> None:
        """Look at every page whose moment has come."""
        now_ms = self._ledger.now_ms
        while (first := self._agenda.first()) is not None and first[0][0] <= now_ms:
            self._agenda.discard(first[1])
            entry = self._ledger.entries[first[1]]
            plan = self._plan(entry)
            assert plan is not None, "what nobody serves is not looked at"
            entry, said = looked_at(entry, plan, now_ms, self._remind_every_ms)
            self._say(said)
            self._ledger.apply(Turn(entry))

    def accept_unserved(self, digest: Digest) -> None:
        """Take in what nobody here serves: a dead letter, and of a page its fallback's business."""
        ledger = self._ledger
        dead = letter(digest, DeadReason.UNKNOWN_DESTINATION, ledger.now_ms)
        if digest.page is PageAction.NONE:
            ledger.dead.append(dead)
            return
        known = ledger.entries.get(f"{digest.destination}|{digest.page_key or digest.id}")
        if known is None and not ledger.make_room(must=True):
            ledger.dead.append(dead)
            self.without_place(digest)
            return
        ledger.apply(unserved(known, digest, dead, ledger.now_ms), heard=digest)

    def without_place(self, digest: Digest) -> None:
        """Hand on what has no place in a full outbox, if it is of a page."""
        self._say(without_place(digest))

    def too_late(self, digest: Digest) -> bool:
        """Return whether it reminds of a page that somebody has taken on, or that is over."""
        if digest.kind is not DigestKind.REMINDER:
            return False
        page = self._ledger.entries.get(under_of(digest))
        return page is None or not page.stands

    def withdraw_reminder(self, key: str) -> None:
        """Send no reminder of the page of this key if somebody has taken it on meanwhile."""
        page, waits = self._ledger.entries[key], self._ledger.entries.get(f"{key}~reminder")
        if not page.stands and waits is not None and waits.status is Status.WAITING:
            self._ledger.apply(withdrawn(waits, self._ledger.now_ms))

    # What outboxes ask each other

    def speaks(self, entry: Delivery, plan: Plan) -> bool:
        """Return whether this entry has something to say to another outbox now."""
        return self._spoken(entry, plan) is not None

    def speak(self, entry: Delivery, plan: Plan) -> bool:
        """Say it; return whether there was anything."""
        spoken = self._spoken(entry, plan)
        if spoken is None:
            return False
        turn, said = spoken
        self._say(Said((said,)))
        self._ledger.apply(turn)
        return True

    def hear(self, digest: Digest) -> None:
        """Take in a question or an answer of another outbox."""
        ledger, now_ms = self._ledger, self._ledger.now_ms
        if digest.kind is DigestKind.PAGE_ANSWERED:
            waits = ledger.entries.get(f"{digest.destination}|{digest.page_key}")
            turn = answered(waits, digest, now_ms)
            if turn is not None:
                ledger.apply(turn)
            return
        asked = kept(digest, now_ms)
        known = ledger.entries.get(asked.key)
        if known is not None and known.accepted >= asked.accepted:
            if known.status in FINISHED:
                self._say(Said((answer(digest),)))  # it has gone round in a circle
            return
        if digest.destination not in ledger.targets or not ledger.make_room(must=True):
            self.left(asked)
            return
        ledger.apply(Turn(asked))

    def left(self, question: Delivery) -> None:
        """Answer a question, or pass it on, that cannot be kept here: nobody serves its page."""
        assert question.newest is not None, "a question has its words"
        found = self._ledger.successors.awaited(question, UNSERVED)
        spoken_ = spoken(question, found, self._ledger.now_ms)
        self._say(Said((spoken_[1] if spoken_ else answer(question.newest),)))

    def _spoken(self, entry: Delivery, plan: Plan) -> tuple[Turn, Digest] | None:
        if entry.status is not Status.WAITING or not entry.after:
            return None
        return spoken(entry, self._ledger.successors.awaited(entry, plan), self._ledger.now_ms)

    def _plan(self, entry: Delivery) -> Plan | None:
        target = self._ledger.targets.get(entry.destination)
        return target.plan if target is not None else None

    def _say(self, said: Said) -> None:
        if said is not NOTHING:
            self._said.append(said)
