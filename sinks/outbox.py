"""The outbox: which call is due, in which order, and what must be written down first.

Pure: no clock, I/O or chance; `now_ms` comes in, changed entries and effects come out. It holds the
entries of one partition, an ordered index over them, the buckets, and nothing that a restore does
not rebuild. What becomes of one entry is decided in `sinks.delivery`.

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
from sinks.agenda import Places
from sinks.base import Answer, Attempt, Scope, Target
from sinks.buckets import BucketKey, Buckets
from sinks.delivery import GRACE_MS
from sinks.entries import (
    FINISHED,
    Changes,
    DeadLetter,
    DeadReason,
    Delivery,
    Dropped,
    DropReason,
    Penalty,
    Status,
    Turn,
    letter,
    orphaned,
)
from sinks.marks import Redrive, RedriveOutcome, Taken
from sinks.redrive import redriven, taken
from sinks.steps import limits_of, name_of, urgency
from sinks.successors import Successors

__all__ = ["Changes", "Outbox"]

MAX_ENTRIES: Final = 200_000
"""Entries held; at the cap the longest finished one is forgotten early, or the digest refused."""

FOUND_MS: Final = 8 * 86_400_000
"""How long the entry of a destination that is no longer configured is kept."""


class Outbox:
    """Every delivery of some accounts, and the next calls to make for them.

    Args:
        destinations: every destination that may be sent to.
        started_ms: now; buckets start empty at this moment.
        max_entries: entries held, >= 1.
    """

    def __init__(
        self,
        destinations: Mapping[str, Target],
        *,
        started_ms: int,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        assert max_entries >= 1
        self._targets = dict(destinations)
        self._buckets = Buckets(started_ms)
        self._now_ms = started_ms
        self._max_entries = max_entries
        self._entries: dict[str, Delivery] = {}
        self._calls: dict[str, tuple[int, tuple[BucketKey, ...]]] = {}
        self._places = Places()
        self._successors = Successors(self._entries.get, self._places.keep)
        self._waiting: dict[str, int] = dict.fromkeys(self._targets, 0)
        self._changed: dict[str, Delivery | None] = {}
        self._dead: list[DeadLetter] = []
        self._dropped: list[Dropped] = []
        self._taken: list[Taken] = []
        self.stale_answers = 0
        """Answers to a call that nobody waits for any more."""

    # ---------------------------------------------------------------- in

    def load(self, entries: Iterable[Delivery]) -> None:
        """Take over the entries of the owner before, unchanged; to be called before anything else.

        An entry that was `attempting` is looked up only after its deadline. A penalty still stands.
        """
        for entry in sorted(entries, key=lambda one: one.key):
            if entry.destination not in self._targets and entry.status not in FINISHED:
                entry, dead = orphaned(entry, self._now_ms)
                self._dead.append(dead)
                self._changed[entry.key] = entry
            elif entry.penalty is not None and entry.destination in self._targets:
                self._penalise(entry.destination, entry.penalty)
            self._place(entry)
        self._successors.take()  # noted by the owner before

    def accept(self, digest: Digest, now_ms: int, redrive: Redrive | None = None) -> None:
        """Take in one digest revision. A repeated or older one changes nothing but a count.

        With `redrive` it is a dead letter that is sent again.
        """
        now_ms = self._advance(now_ms)
        target = self._targets.get(digest.destination)
        if target is None:
            self._dead.append(letter(digest, DeadReason.UNKNOWN_DESTINATION, now_ms))
            self._refuse(digest, redrive, RedriveOutcome.UNKNOWN_DESTINATION)
            return
        if target.plan.pages and digest.page in (PageAction.NONE, PageAction.ACKNOWLEDGE):
            self._dropped.append(Dropped(digest.destination, DropReason.NO_PAGE))
            self._refuse(digest, redrive, RedriveOutcome.NO_PAGE)
            return
        key = f"{digest.destination}|{name_of(digest, target.plan)}"
        known = self._entries.get(key)
        if known is None and not self._make_room():
            self._dead.append(letter(digest, DeadReason.OUTBOX_FULL, now_ms))
            self._refuse(digest, redrive, RedriveOutcome.OUTBOX_FULL)
            return
        if redrive is not None:
            self._apply(redriven(known, digest, redrive, target.plan, now_ms))
            return
        self._apply(transitions.accept(known, digest, target.plan, now_ms))

    def _refuse(self, digest: Digest, redrive: Redrive | None, why: RedriveOutcome) -> None:
        if redrive is not None:
            self._taken.append(taken(digest, redrive, why, self._now_ms))

    def receive(self, answer: Answer, now_ms: int) -> None:
        """Take in what became of a call. An answer that nobody waits for is only counted."""
        now_ms = self._advance(now_ms)
        call = self._calls.get(answer.key)
        if call is None or call[0] != answer.number:
            self.stale_answers += 1
            return
        self._end_call(answer.key)
        entry = self._entries[answer.key]
        plan = self._targets[entry.destination].plan
        scope: Scope | None = getattr(answer.outcome, "scope", None)
        if scope is not None:
            until_ms: int = now_ms + getattr(answer.outcome, "after_ms", 0)
            method = limits_of(entry, plan)[0].name
            self._penalise(entry.destination, Penalty(scope, method, until_ms))
        self._apply(transitions.answered(entry, answer, plan, now_ms))

    # ---------------------------------------------------------------- out

    def due(self, now_ms: int, room: int) -> list[Attempt]:
        """Return the calls to make now, most urgent first, at most `room`; they count as made."""
        now_ms = self._advance(now_ms)
        attempts: list[Attempt] = []
        while len(attempts) < room:
            found = self._first_ready(now_ms)
            if found is None:
                break
            entry = self._entries[found]
            target = self._targets[entry.destination]
            changed, attempt = transitions.begin(entry, target.plan, now_ms)
            held = self._buckets.take(
                limits_of(changed, target.plan),
                destination=entry.destination,
                account=target.account,
                now_ms=now_ms,
            )
            if entry.under:
                above = self._entries.get(entry.under)
                attempt = msgspec.structs.replace(attempt, root=above.root if above else None)
            self._calls[found] = (attempt.number, held)
            self._apply(Turn(changed))
            attempts.append(attempt)
        return attempts

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return when to ask again, at or after now; None while only an answer or digest helps."""
        now_ms = max(self._now_ms, now_ms)
        ready = (self._ready_ms(key) for _, key in self._places.firsts())
        times = [one for one in (self._places.next_ms(), *ready) if one is not None]
        return max(now_ms, min(times)) if times else None

    def take_changes(self) -> Changes:
        """Return everything changed since the last call, once."""
        changes = Changes(
            entries=self._changed,
            dead=tuple(self._dead),
            dropped=tuple(self._dropped),
            held=self._successors.take(),
            taken=tuple(self._taken),
        )
        self._changed, self._dead, self._dropped, self._taken = {}, [], [], []
        return changes

    def entries(self) -> dict[str, Delivery]:
        """Return every entry by key, as it stands."""
        return dict(self._entries)

    def waiting(self) -> dict[str, int]:
        """Return, per destination, how many deliveries are not finished."""
        return dict(self._waiting)

    @property
    def running(self) -> int:
        """How many calls have been handed out and not answered."""
        return len(self._calls)

    # ---------------------------------------------------------------- the index

    def _apply(self, turn: Turn) -> None:
        for effect in turn.effects:
            if isinstance(effect, DeadLetter):
                self._dead.append(effect)
            elif isinstance(effect, Taken):
                self._taken.append(effect)
            else:
                self._dropped.append(effect)
        entry = turn.delivery
        if self._entries.get(entry.key) is not entry:
            self._changed[entry.key] = entry
            self._place(entry)

    def _place(self, entry: Delivery) -> None:
        """Store the entry and set when it is looked at next, and what waits for it."""
        before = self._entries.get(entry.key)
        self._count(before, -1)
        self._count(entry, 1)
        self._entries[entry.key] = entry
        self._index(entry)
        self._index_after(entry.key)

    def _index_after(self, key: str) -> None:
        for one in self._successors.after(key):
            self._index(self._entries[one])

    def _index(self, entry: Delivery) -> None:
        key = entry.key
        self._successors.leave(key, over=entry.status in FINISHED)
        target = self._targets.get(entry.destination)
        if entry.status in FINISHED:
            keep_ms = target.plan.keep_ms if target else FOUND_MS
            self._places.rest(key, entry.changed_ms, entry.changed_ms + keep_ms)
            return
        assert target is not None, "what has no destination is finished"
        if entry.status is Status.ATTEMPTING:
            self._places.wake(key, entry.deadline_ms + GRACE_MS)
            return
        free_ms: int | None = entry.not_before_ms
        if entry.not_before_ms <= self._now_ms:
            free_ms = self._successors.free_ms(entry, target.plan, self._now_ms)
        if free_ms is None:
            self._places.leave(key)
        elif free_ms > self._now_ms:
            self._places.wake(key, free_ms)
        else:
            lane = (entry.destination, limits_of(entry, target.plan)[0].name)
            self._places.enter(key, lane, (urgency(entry, target.plan), entry.since_ms))

    def _advance(self, now_ms: int) -> int:
        """Bring every entry whose time has come where it belongs; time never goes back."""
        self._now_ms = now_ms = max(self._now_ms, now_ms)
        while (key := self._places.woken(now_ms)) is not None:
            entry = self._entries[key]
            if entry.status in FINISHED:
                self._forget(key)
                continue
            plan = self._targets[entry.destination].plan
            if key in self._calls:
                self._end_call(key)
            if entry.status is Status.ATTEMPTING:
                self._apply(transitions.expired(entry, plan, now_ms))
            elif entry.status is Status.UNKNOWN and entry.finds >= plan.finds:
                self._apply(transitions.unfindable(entry, plan, now_ms))
            else:
                self._index(entry)
        return now_ms

    def _first_ready(self, now_ms: int) -> str | None:
        """Return the most urgent entry at the head of a lane whose call may be made now."""
        for _, key in sorted(self._places.firsts()):
            ready_ms = self._ready_ms(key)
            if ready_ms is not None and ready_ms <= now_ms:
                return key
        return None

    def _ready_ms(self, key: str) -> int | None:
        entry = self._entries[key]
        target = self._targets[entry.destination]
        return self._buckets.ready_ms(
            limits_of(entry, target.plan),
            destination=entry.destination,
            account=target.account,
        )

    def _penalise(self, destination: str, penalty: Penalty) -> None:
        account = self._targets[destination].account
        self._buckets.penalise(
            penalty.scope,
            penalty.method,
            destination=destination,
            account=account,
            until_ms=penalty.until_ms,
        )

    def _end_call(self, key: str) -> None:
        self._buckets.release(self._calls.pop(key)[1])

    def _count(self, entry: Delivery | None, by: int) -> None:
        if entry is not None and entry.status not in FINISHED:
            self._waiting[entry.destination] = self._waiting.get(entry.destination, 0) + by

    def _make_room(self) -> bool:
        if len(self._entries) < self._max_entries:
            return True
        oldest = self._places.longest_rested()
        if oldest is None:
            return False
        destination = self._entries[oldest].destination
        self._dropped.append(Dropped(destination, DropReason.FORGOTTEN_EARLY))
        self._forget(oldest)
        return True

    def _forget(self, key: str) -> None:
        del self._entries[key]
        self._places.leave(key)
        self._changed[key] = None
        self._index_after(key)
