"""The outbox: which call is due, in which order, and what must be written down first.

Pure: no clock, I/O or chance; `now_ms` comes in, changed entries and effects come out. The entries
of one partition stand in a `Ledger`; what becomes of one is decided in `sinks.delivery`, what is
told together in `sinks.rollups`, how fast calls may be made in `sinks.pace`.

How to drive it: hand in digests (`accept`) and answers (`receive`); ask for calls (`due`); write
what `take_changes` gives in one transaction with the input offsets; only then make the calls. Each
call is answered with exactly one `Answer`; one whose deadline passed before it began with
`Retry(EXPIRED)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from correlators.types import Digest, PageAction
from sinks import delivery as transitions
from sinks.agenda import Lane
from sinks.base import Answer, Attempt, Target
from sinks.covered import foldable
from sinks.entries import (
    FINISHED,
    Changes,
    DeadReason,
    Delivery,
    Dropped,
    DropReason,
    Status,
    Turn,
    letter,
)
from sinks.ledger import Ledger
from sinks.marks import Redrive, RedriveOutcome
from sinks.pace import Pace, says_nothing
from sinks.page_watch import REMIND_EVERY_MS
from sinks.questions import TALK
from sinks.redrive import redriven, taken
from sinks.settle import orphaned, rested
from sinks.steps import limits_of, name_of, urgency

__all__ = ["Changes", "Outbox"]

MAX_ENTRIES: Final = 200_000
"""Entries held. At the cap the longest finished one is forgotten early; where none is finished, a
message that waits gives way into a roll-up."""

MOST_URGENT: Final = 0
"""The urgency of a page."""


class Outbox:
    """Every delivery of some accounts, and the next calls to make for them.

    Args:
        destinations: every destination that may be sent to.
        started_ms: now; buckets start empty at this moment.
        remind_every_ms: between two reminders of a page at a chat, >= 1.
        max_entries: entries held, >= 1.
    """

    def __init__(
        self,
        destinations: Mapping[str, Target],
        *,
        started_ms: int,
        max_entries: int = MAX_ENTRIES,
        remind_every_ms: int = REMIND_EVERY_MS,
    ) -> None:
        assert max_entries >= 1
        self._ledger = Ledger(
            destinations,
            started_ms=started_ms,
            max_entries=max_entries,
            remind_every_ms=remind_every_ms,
        )
        self._targets = self._ledger.targets
        self._pace = Pace(self._targets, started_ms=started_ms)
        self.stale_answers = 0
        """Answers to a call that nobody waits for any more."""

    # ---------------------------------------------------------------- in

    def load(self, entries: Iterable[Delivery]) -> None:
        """Take over the entries of the owner before, unchanged; to be called before anything else.

        An entry that was `attempting` is looked up only after its deadline. Until then its call may
        still be made by that owner, so it holds its place in the buckets. A penalty still stands.
        """
        now_ms = self._ledger.now_ms
        for entry in sorted(entries, key=lambda one: one.key):
            for one in entry.penalties:
                self._pace.penalise(one)
            if entry.destination not in self._targets and entry.status not in FINISHED:
                assert entry.newest is not None, "an unfinished delivery has something to send"
                if entry.question:
                    self._ledger.pages.left(entry)
                    self._ledger.apply(Turn(rested(entry, Status.DELIVERED, now_ms)))
                    continue
                lost, dead = orphaned(entry, now_ms)
                # What a roll-up covers is a letter each.
                covers = entry.is_rollup and entry.absorbed is None and not entry.redriven
                self._ledger.apply(Turn(lost, () if covers else (dead,)))
                continue
            self._ledger.load(entry)
            if entry.status not in FINISHED and entry.deadline_ms > now_ms:
                self._pace.inherit(entry)
        self._ledger.loaded()

    def accept(self, digest: Digest, now_ms: int, redrive: Redrive | None = None) -> None:
        """Take in one digest revision. A repeated or older one changes nothing but a count.

        With `redrive` it is a dead letter that is sent again.
        """
        now_ms = self._advance(now_ms)
        ledger = self._ledger
        if digest.kind in TALK:
            ledger.pages.hear(digest)
            return
        target = self._targets.get(digest.destination)
        if target is None:
            ledger.pages.accept_unserved(digest)
            self._refuse(digest, redrive, RedriveOutcome.UNKNOWN_DESTINATION)
            return
        plan = target.plan
        if plan.pages and digest.page is PageAction.NONE:
            ledger.dropped.append(Dropped(digest.destination, DropReason.NO_PAGE))
            self._refuse(digest, redrive, RedriveOutcome.NO_PAGE)
            return
        if ledger.pages.too_late(digest):
            ledger.dropped.append(Dropped(digest.destination, DropReason.SUPERSEDED))
            return
        key = f"{digest.destination}|{name_of(digest, plan)}"
        known = ledger.entries.get(key)
        folds = plan.rollup and not plan.pages and foldable(digest) and redrive is None
        if known is None and not ledger.make_room(must=not folds):
            if folds:
                ledger.rollups.absorb(digest, now_ms)
                return
            ledger.dead.append(letter(digest, DeadReason.OUTBOX_FULL, now_ms))
            ledger.pages.without_place(digest)
            self._refuse(digest, redrive, RedriveOutcome.OUTBOX_FULL)
            return
        if redrive is not None:
            ledger.apply(redriven(known, digest, redrive, plan, now_ms), heard=digest)
        else:
            ledger.apply(transitions.accept(known, digest, plan, now_ms), heard=digest)
        ledger.pages.withdraw_reminder(key)
        if ledger.entries[key].status is Status.COVERED:
            ledger.rollups.heard(key)

    def _refuse(self, digest: Digest, redrive: Redrive | None, why: RedriveOutcome) -> None:
        if redrive is not None:
            self._ledger.taken.append(taken(digest, redrive, why, self._ledger.now_ms))

    def receive(self, answer: Answer, now_ms: int) -> None:
        """Take in what became of a call. An answer that nobody waits for is only counted.

        No time passes here: of several answers that come at once, each counts, also where the call
        would be over by now without it. Where nobody can be asked it would be told again.
        """
        self._ledger.now_ms = now_ms = max(self._ledger.now_ms, now_ms)
        if self._pace.number(answer.key) != answer.number:
            self.stale_answers += 1
            return
        self._pace.end(answer.key)
        entry = self._ledger.entries[answer.key]
        plan = self._targets[entry.destination].plan
        heard = self._pace.hear(answer, entry, now_ms)
        works = self._pace.works(entry.destination, now_ms)
        if entry.status is Status.UNKNOWN and says_nothing(answer):
            self._ledger.failing(answer.key)
        self._ledger.apply(
            transitions.answered(entry, answer, plan, now_ms, heard=heard, works=works)
        )

    # ---------------------------------------------------------------- out

    def due(self, now_ms: int, room: int, *, kept: int = 0) -> list[Attempt]:
        """Return the calls to make now, most urgent first, at most `room`; they count as made.

        Args:
            now_ms: now.
            room: how many calls may be added to those that run.
            kept: how many of these are for pages only: whoever hangs must not keep a page waiting.
        """
        now_ms = self._advance(now_ms)
        attempts: list[Attempt] = []
        while len(attempts) < room:
            found = self._next(now_ms, pages_only=room - len(attempts) <= kept)
            if found is None:
                break
            entry = self._ledger.entries[found]
            plan = self._targets[entry.destination].plan
            changed, attempt = transitions.begin(entry, plan, now_ms)
            self._pace.begin(changed, now_ms)
            if entry.under:
                above = self._ledger.entries.get(entry.under)
                attempt = msgspec.structs.replace(attempt, root=above.root if above else None)
            self._ledger.apply(Turn(changed))
            attempts.append(attempt)
        return attempts

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return when to ask again, at or after now; None while only an answer or digest helps."""
        now_ms = max(self._ledger.now_ms, now_ms)
        ready = (self._ready_ms(key) for _, _, key in self._ledger.places.lanes.firsts())
        firsts = (self._ledger.places.next_ms(), self._ledger.pages.next_ms(), *ready)
        times = [one for one in firsts if one is not None]
        return max(now_ms, min(times)) if times else None

    def take_changes(self) -> Changes:
        """Return everything changed since the last call, once."""
        return self._ledger.take_changes()

    def entries(self) -> dict[str, Delivery]:
        """Return every entry by key, as it stands."""
        return dict(self._ledger.entries)

    def waiting(self) -> dict[str, int]:
        """Return, per destination, how many deliveries are not finished."""
        return dict(self._ledger.waiting)

    @property
    def running(self) -> int:
        """How many calls have been handed out and not answered."""
        return self._pace.running

    # ---------------------------------------------------------------- whose turn it is

    def _next(self, now_ms: int, *, pages_only: bool) -> str | None:
        """Return the entry whose call is to be made now, if any.

        Before one of many is told by itself, a roll-up takes them in.
        """
        while (found := self._first_ready(now_ms)) is not None:
            lane, key = found
            entry = self._ledger.entries[key]
            plan = self._targets[entry.destination].plan
            if pages_only and urgency(entry, plan) > MOST_URGENT:
                return None
            if entry.status is Status.UNKNOWN:
                return key
            late = plan.rollup and self._ledger.rollups.late(lane, limits_of(entry, plan), now_ms)
            if entry.is_rollup:
                self._ledger.rollups.fill(entry, lane, now_ms, widen=late)
                return key
            if not late or key not in self._ledger.places.lanes.foldable(lane):
                return key
            made = self._ledger.rollups.gather(lane, now_ms)
            if made in self._ledger.places.lanes and self._may_now(made, now_ms):
                return made  # what it did not take in waits for the next one
        return None

    def _first_ready(self, now_ms: int) -> tuple[Lane, str] | None:
        """Return the most urgent entry at the head of a lane whose call may be made now.

        Of equally urgent ones of one account it is the turn of the destination that was served
        longest ago, so that nobody's long queue is another's wait.
        """
        heads = self._ledger.places.lanes.firsts()
        for lane, _, key in sorted(heads, key=self._rank):
            if self._may_now(key, now_ms):
                return lane, key
        return None

    def _rank(self, head: tuple[Lane, tuple[int, int], str]) -> tuple[int, int, int, str]:
        (destination, _), (urgent, since_ms), key = head
        return (urgent, self._pace.turn(destination), since_ms, key)

    def _may_now(self, key: str, now_ms: int) -> bool:
        return (ready_ms := self._ready_ms(key)) is not None and ready_ms <= now_ms

    def _ready_ms(self, key: str) -> int | None:
        return self._pace.ready_ms(self._ledger.entries[key])

    def _advance(self, now_ms: int) -> int:
        """Bring every entry whose time has come where it belongs; time never goes back."""
        ledger = self._ledger
        ledger.now_ms = now_ms = max(ledger.now_ms, now_ms)
        while (key := ledger.places.woken(now_ms)) is not None:
            entry = ledger.entries[key]
            if ledger.over(entry):
                ledger.forget(key)
                continue
            if entry.status in FINISHED:
                ledger.index(entry)
                continue
            plan = self._targets[entry.destination].plan
            if self._pace.number(key) and entry.status is Status.UNKNOWN:
                ledger.failing(key)  # a look-up that was never answered
            self._pace.end(key)
            until_ms = ledger.ask_until_ms(entry)
            if entry.status is Status.ATTEMPTING:
                ledger.apply(transitions.expired(entry, plan, now_ms))
            elif until_ms is not None and until_ms <= now_ms:
                ledger.apply(transitions.unfindable(entry, plan, now_ms))
            elif not ledger.pages.speak(entry, plan):
                ledger.index(entry)
        ledger.pages.look()
        return now_ms
