"""Which resolves wait for the page that goes on for theirs, and for how long. Nothing is sent here.

A storm's new page takes the place of its old one, an incident's that of what it joined. The old one
is resolved only once the new one, its successor, is there: until then it is the only page that
somebody has. So a resolve that names a successor (`Digest.page_after`) waits while the successor's
trigger is still to be delivered; a successor that ended meanwhile holds nobody, and one that was
itself replaced hands over to its own, one that was handed on to its fallback. A successor that was
given up leaves the old page open, until it is resolved itself.

A successor that is kept elsewhere (another account) is asked about there: the question waits as a
resolve would, and its answer lets the resolve go on (`sinks.questions`). One of which nobody says
where it is, and that is not known here, is waited for no longer than `SUCCESSOR_MS`.

What waits follows from the entries alone, so a restored outbox waits for the same.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec

from sinks.base import Plan
from sinks.entries import FINISHED, Delivery, Held, HoldReason, Status
from sinks.steps import next_step

SUCCESSOR_MS: Final = 60_000
"""How long a resolve waits for a page that this outbox does not know: as long as a page has before
its fallback is paged."""

MOST_HANDED_ON: Final = 32
"""Successors of successors that are followed; the one after them counts as unknown."""


class Wait(StrEnum):
    """What a resolve waits for."""

    NOTHING = "nothing"
    DELIVERY = "delivery"
    """Its successor is on the way."""
    GIVEN_UP = "given_up"
    """Its successor was given up: the old page stays, it is the only one."""
    UNSEEN = "unseen"
    """Its successor is not known here."""
    ELSEWHERE = "elsewhere"
    """Its successor is another outbox's: to be asked about there."""


class Awaited(msgspec.Struct, frozen=True):
    """What one resolve waits for, and the entries that this was read from."""

    wait: Wait
    read: tuple[str, ...] = ()
    place: str = ""
    """The destination to ask at."""
    name: str = ""
    """The page to ask about."""


def awaited(entry: Delivery, plan: Plan, find: Callable[[str], Delivery | None]) -> Awaited:
    """Return what the entry's next call waits for; only a resolve waits, never a look-up.

    Args:
        entry: not finished, no call is running.
        plan: of its destination.
        find: the entry of a key, if there is one.
    """
    if not entry.after or entry.status is not Status.WAITING or not _holds(entry, plan):
        return Awaited(Wait.NOTHING)
    read: list[str] = []
    place, name = entry.after_at or entry.destination, entry.after
    while len(read) < MOST_HANDED_ON:
        key = f"{place}|{name}"
        if key == entry.key or key in read:
            break
        read.append(key)
        found = find(key)
        if found is None:
            known = place == entry.destination
            return Awaited(Wait.UNSEEN if known else Wait.ELSEWHERE, tuple(read), place, name)
        taken = found.acknowledged and found.status in FINISHED
        if found.root is not None or taken:
            return Awaited(Wait.NOTHING, tuple(read))
        if not found.ended:
            if found.page is not None and found.page.handed_to:
                place = found.page.handed_to
                continue
            given_up = found.status is Status.DEAD
            return Awaited(Wait.GIVEN_UP if given_up else Wait.DELIVERY, tuple(read))
        if not found.after:
            return Awaited(Wait.NOTHING, tuple(read))
        place, name = found.after_at or place, found.after
    return Awaited(Wait.UNSEEN, tuple(read), place, name)


def _holds(entry: Delivery, plan: Plan) -> bool:
    """Return whether what the entry is to tell may have to wait: a resolve, or a question."""
    if entry.question:
        return True
    return entry.ended and entry.told < entry.accepted and next_step(entry, plan) is not None


class Successors:
    """The resolves of one outbox that wait for another page, by what they wait for."""

    def __init__(self, find: Callable[[str], Delivery | None], keep: Callable[[str], None]) -> None:
        """Args: find: the entry of a key; keep: told which entry must not be forgotten early."""
        self._find = find
        self._keep = keep
        self._waiting: dict[str, set[str]] = {}
        self._read: dict[str, tuple[str, ...]] = {}
        self._noted: dict[str, HoldReason] = {}
        self._held: list[Held] = []

    def take(self) -> tuple[Held, ...]:
        """Return what was noted since the last call, once."""
        held, self._held = tuple(self._held), []
        return held

    def after(self, key: str) -> list[str]:
        """Return the resolves that wait for something that stands in this entry."""
        return sorted(self._waiting.get(key, ()))

    def leave(self, key: str, *, over: bool) -> None:
        """Let this entry wait for nothing; `over`: it is finished."""
        for one in self._read.pop(key, ()):
            waiting = self._waiting[one]
            waiting.discard(key)
            if not waiting:
                del self._waiting[one]
        if over:
            self._noted.pop(key, None)

    def awaited(self, entry: Delivery, plan: Plan) -> Awaited:
        """Return what the entry waits for now."""
        return awaited(entry, plan, self._find)

    def free_ms(self, entry: Delivery, plan: Plan, now_ms: int) -> int | None:
        """Return when the entry may go on, `now_ms` if at once; None: once its successor
        changes."""
        found = self.awaited(entry, plan)
        if found.wait is Wait.NOTHING:
            self._noted.pop(entry.key, None)
            return now_ms
        free_ms = entry.after_ms + SUCCESSOR_MS
        if found.wait is Wait.UNSEEN and free_ms <= now_ms:
            self._note(entry, HoldReason.SUCCESSOR_UNSEEN)
            return now_ms
        self._read[entry.key] = found.read
        for one in found.read:
            self._waiting.setdefault(one, set()).add(entry.key)
        if found.wait is Wait.UNSEEN:
            return free_ms
        if found.wait is Wait.GIVEN_UP:
            self._keep(found.read[-1])
            self._note(entry, HoldReason.SUCCESSOR_GIVEN_UP)
        return None

    def _note(self, entry: Delivery, why: HoldReason) -> None:
        if self._noted.get(entry.key) is not why:
            self._noted[entry.key] = why
            self._held.append(Held(entry.destination, why))
