"""The entries of an outbox, and where each of them stands. Pure; nothing is sent from here.

Every change of an entry goes through `place`, which keeps all indexes in step with it; so what they
say follows from the entries alone, and a restored ledger stands as the one before it stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from correlators.types import Digest
from sinks.agenda import Places
from sinks.attempted import Attempted
from sinks.base import Target
from sinks.covered import coverable
from sinks.entries import (
    FINISHED,
    Changes,
    DeadLetter,
    Delivery,
    Dropped,
    DropReason,
    Status,
    Turn,
)
from sinks.issue_notices import not_made
from sinks.marks import Taken
from sinks.pages import Pages
from sinks.rollups import Rollups
from sinks.steps import GRACE_MS, ask_until_ms, free_ms, limits_of, urgency
from sinks.successors import Successors

FOUND_MS: Final = 8 * 86_400_000
"""How long the entry of a destination that is no longer configured is kept."""

OPEN_PAGE_MS: Final = 90 * 86_400_000
"""How long the entry of an open page is kept: as long as CORRELATE knows an error that is over.

An error that goes on for weeks has one page, and nothing is said of it until its end."""


class Ledger:
    """Every delivery of some accounts.

    Args:
        targets: every destination that may be sent to.
        started_ms: now.
        max_entries: entries held, >= 1; roll-ups come on top, at most two per destination.
        remind_every_ms: between two reminders of a page at a chat, >= 1.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        started_ms: int,
        max_entries: int,
        remind_every_ms: int,
    ) -> None:
        self.targets = targets
        self.now_ms = started_ms
        self.places = Places()
        self.dead: list[DeadLetter] = []
        self.dropped: list[Dropped] = []
        self.taken: list[Taken] = []
        self.told: list[Attempted] = []
        self._started_ms = started_ms
        self._failing_ms: dict[str, int] = {}
        self.waiting: dict[str, int] = dict.fromkeys(self.targets, 0)
        self.entries: dict[str, Delivery] = {}
        self.rollups = Rollups(self)
        self.pages = Pages(self, remind_every_ms)
        self._max_entries = max_entries
        self.successors = Successors(self.entries.get, self.places.keep)
        self._changed: dict[str, Delivery | None] = {}

    def load(self, entry: Delivery) -> None:
        """Take over an entry of the owner before, unchanged."""
        self.place(entry)

    def loaded(self) -> None:
        """Note that this was all: what the resolves wait for was noted by the owner before."""
        self.successors.take()
        self.rollups.loaded()

    def take_changes(self) -> Changes:
        """Return everything changed since the last call, once."""
        said = self.pages.take()
        changes = Changes(
            entries=self._changed,
            dead=tuple(self.dead),
            dropped=tuple(self.dropped),
            held=self.successors.take(),
            taken=tuple(self.taken),
            handed=(*said.handed, *not_made(self.dead)),
            pages=said.pages,
            told=tuple(self.told),
        )
        self.told = []
        self._changed, self.dead, self.dropped, self.taken = {}, [], [], []
        return changes

    def apply(self, turn: Turn, *, heard: Digest | None = None) -> None:
        """Take in a transition: the entry as it is now, and what else that meant.

        Args:
            turn: the transition.
            heard: the digest that was accepted in it, if one was.
        """
        turn = self.pages.observe(turn, heard)
        for effect in turn.effects:
            if isinstance(effect, DeadLetter):
                self.dead += self.rollups.letter(turn.delivery, effect)
            elif isinstance(effect, Taken):
                self.taken.append(effect)
            else:
                self.dropped.append(effect)
        entry = turn.delivery
        if self.entries.get(entry.key) is entry:
            return
        self.change(entry)
        if entry.is_rollup and entry.status in FINISHED:
            self.rollups.finish(entry)

    def change(self, entry: Delivery) -> None:
        """Let the entry be as it is now, and have it written."""
        self._changed[entry.key] = entry
        self.place(entry)

    def place(self, entry: Delivery) -> None:
        """Store the entry and set when it is looked at next, and what waits for it."""
        before = self.entries.get(entry.key)
        self._count(before, -1)
        self._count(entry, 1)
        self.entries[entry.key] = entry
        self.rollups.note(before, entry)
        self.index(entry)
        self._index_after(entry.key)

    def index(self, entry: Delivery) -> None:
        """Set where an entry stands now."""
        key = entry.key
        self.successors.leave(key, over=entry.status in FINISHED)
        target = self.targets.get(entry.destination)
        self.pages.place(entry)
        if entry.status in FINISHED:
            self._rest(entry, target)
            return
        assert target is not None, "what has no destination is finished"
        if entry.status is Status.COVERED:
            self.places.leave(key)
            return
        if entry.status is Status.ATTEMPTING:
            self.places.wake(key, entry.deadline_ms + GRACE_MS)
            return
        if self.pages.speaks(entry, target.plan):
            self.places.wake(key, self.now_ms)
            return
        until_ms = self.ask_until_ms(entry)
        wait_ms = free_ms(entry, target.plan)
        if until_ms is not None and entry.deadline_ms + GRACE_MS <= self.now_ms:
            wait_ms = min(max(wait_ms, self.now_ms), until_ms)
        at_ms: int | None = wait_ms
        if at_ms is not None and at_ms <= self.now_ms:
            at_ms = self.successors.free_ms(entry, target.plan, self.now_ms)
        if at_ms is None:
            self.places.leave(key)
        elif at_ms > self.now_ms:
            self.places.wake(key, at_ms)
        else:
            lane = (entry.destination, limits_of(entry, target.plan)[0].name)
            self.places.enter(
                key,
                lane,
                (urgency(entry, target.plan), entry.since_ms),
                foldable=coverable(entry, target.plan),
                until_ms=until_ms,
            )

    def ask_until_ms(self, entry: Delivery) -> int | None:
        """Return when an entry of unknown outcome is not asked about any more; None for others."""
        if entry.status is not Status.UNKNOWN:
            self._failing_ms.pop(entry.key, None)
            return None
        return ask_until_ms(
            entry,
            self.targets[entry.destination].plan,
            failing_ms=self._failing_ms.get(entry.key),
            started_ms=self._started_ms,
        )

    def failing(self, key: str) -> None:
        """Note that a look-up did not tell."""
        self._failing_ms.setdefault(key, self.now_ms)

    def make_room(self, *, must: bool) -> bool:
        """Return True once one more entry may be held; what ended longest ago goes first.

        Args:
            must: if nothing has ended, a message that a roll-up may tell gives way into one.
        """
        while self._full():
            oldest = self.places.longest_rested()
            if oldest is not None:
                destination = self.entries[oldest].destination
                self.dropped.append(Dropped(destination, DropReason.FORGOTTEN_EARLY))
                self.forget(oldest)
            elif not (must and self.rollups.give_way()):
                return False
        return True

    def _full(self) -> bool:
        return len(self.entries) - len(self.rollups.unfinished) >= self._max_entries

    def forget(self, key: str) -> None:
        """Hold the entry no longer."""
        entry = self.entries.pop(key)
        self._failing_ms.pop(key, None)
        self._count(entry, -1)
        self.rollups.note(entry, None)
        self.successors.leave(key, over=True)
        self.places.leave(key)
        self.pages.forget(key)
        self._changed[key] = None
        self._index_after(key)

    def _rest(self, entry: Delivery, target: Target | None) -> None:
        until_ms = self._kept_until_ms(entry)
        silent_ms = max((one.until_ms for one in entry.penalties), default=0)
        if silent_ms > self.now_ms:
            # Its penalty has to be known to whoever comes after, so it is not forgotten early.
            self.places.wake(entry.key, min(silent_ms, until_ms))
        elif until_ms <= self.now_ms or (target and target.plan.pages and entry.root is not None):
            # An open page is not forgotten early: nobody else knows that it is to be resolved.
            self.places.wake(entry.key, until_ms)
        else:
            self.places.rest(entry.key, entry.changed_ms, until_ms)
            if entry.page is not None and not entry.ended:
                self.places.keep(entry.key)  # its end is still to be told, here or elsewhere

    def over(self, entry: Delivery) -> bool:
        """Return True for a finished entry that was kept as long as it should be."""
        return entry.status in FINISHED and self._kept_until_ms(entry) <= self.now_ms

    def _kept_until_ms(self, entry: Delivery) -> int:
        target = self.targets.get(entry.destination)
        keep_ms = target.plan.keep_ms if target else FOUND_MS
        page = entry.page
        there = entry.root is not None or entry.maybe or (page is not None and page.handed_to)
        if page is not None and there and not entry.ended:
            keep_ms = max(keep_ms, OPEN_PAGE_MS)
        return entry.changed_ms + keep_ms

    def _index_after(self, key: str) -> None:
        for one in self.successors.after(key):
            self.index(self.entries[one])

    def _count(self, entry: Delivery | None, by: int) -> None:
        if entry is not None and entry.status not in FINISHED:
            self.waiting[entry.destination] = self.waiting.get(entry.destination, 0) + by
