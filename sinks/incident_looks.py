"""Whether pages became incidents: which to look for, when, and what that says. Pure.

A pager that takes a page need not wake anybody: a rule of its own may suppress it, or its service
be disabled. So some time after a page was taken it is looked for, a few times, and what is then not
there is told. This stands beside the outbox: nothing waits for it and nothing is sent for it.

Who owns it: whoever owns the outbox, and nothing is written down. A new owner looks for every page
that is open by its entries, so each is looked for at least once while it is open, and after a crash
perhaps again; what is over before anybody looked is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

import msgspec

from correlators.types import Digest
from sinks.agenda import Agenda
from sinks.base import Attempt, CannotTell, Delivered, Found, NotFound, Outcome, Step
from sinks.entries import Delivery

AFTER_MS: Final = (20_000, 60_000, 180_000)
"""When a page is looked for, from when it was taken: it takes a service a moment to decide."""
PAGES_MOST: Final = 5_000
"""Pages that wait to be looked for; of more the one that would be looked for last is left out."""
EVERY_MS: Final = 200
"""At most one look-up in this time: 300 a minute, a third of what PagerDuty's REST API takes."""
AT_ONCE: Final = 2
UNSAID_MS: Final = 10_000
"""How long nothing is looked for after a look-up that could not be made."""


class Look(StrEnum):
    """What became of looking for a page. The word is the metric label."""

    INCIDENT = "incident"
    NO_INCIDENT = "no_incident"
    """It was taken, and no incident came of it: perhaps nobody was woken."""
    CANNOT_TELL = "cannot_tell"
    LEFT_OUT = "left_out"
    """Too many were waiting to be looked for."""


class Looked(msgspec.Struct, frozen=True):
    """A page that is looked for no more, and why."""

    destination: str
    key: str
    """The pager's own key."""
    look: Look
    reason: str = ""
    trigger: Digest | None = None
    """What paged, where that is known: a new owner knows only that the page is open."""


class Page(msgspec.Struct, frozen=True):
    """A page that a pager has taken."""

    destination: str
    key: str


@runtime_checkable
class Looks(Protocol):
    """A sink that can look for its pages, beside what every sink can."""

    def looks_at(self, destination: str) -> bool:
        """Return whether it can look for pages of this destination."""

    async def look(self, page: Page) -> Found:
        """Return whether an incident came of a page, without changing anything."""


def looking(sink: object, destination: str) -> Looks | None:
    """Return the sink as one that can look for pages of this destination, None where it cannot."""
    return sink if isinstance(sink, Looks) and sink.looks_at(destination) else None


class IncidentLooks:
    """The pages that are looked for, and what was found."""

    def __init__(self, *, pages_most: int = PAGES_MOST) -> None:
        """Args: pages_most: that wait at the same time, >= 1."""
        assert pages_most >= 1
        self._most = pages_most
        self._pages: dict[str, tuple[Page, int, int]] = {}
        """Page, when it was taken, and look-ups that found nothing."""
        self._triggers: dict[str, Digest] = {}
        self._agenda: Agenda[tuple[int]] = Agenda()
        self._running = 0
        self._free_ms = 0
        self._looked: list[Looked] = []

    def taken(self, page: Page, now_ms: int, trigger: Digest | None = None) -> None:
        """Note that a pager has taken a page now. One that is known is looked for as it was."""
        name = _name(page)
        if name in self._pages:
            return
        if len(self._pages) >= self._most:
            self._looked.append(Looked(page.destination, page.key, Look.LEFT_OUT))
            return
        self._pages[name] = (page, now_ms, 0)
        self._agenda.put(name, (now_ms + AFTER_MS[0],))
        if trigger is not None:
            self._triggers[name] = trigger

    def due(self, now_ms: int) -> list[Page]:
        """Return the pages to look for now; each is answered by `heard`."""
        found: list[Page] = []
        while self._running < AT_ONCE and now_ms >= self._free_ms:
            first = self._agenda.first()
            if first is None or first[0][0] > now_ms:
                break
            self._agenda.discard(first[1])
            self._running += 1
            self._free_ms = now_ms + EVERY_MS
            found.append(self._pages[first[1]][0])
        return found

    def heard(self, page: Page, found: Found, now_ms: int) -> None:
        """Take in what a look-up found."""
        self._running -= 1
        name = _name(page)
        _, taken_ms, before = self._pages[name]
        if isinstance(found, CannotTell):
            self._free_ms = max(self._free_ms, now_ms + max(UNSAID_MS, found.after_ms))
        if isinstance(found, Delivered):
            self._end(page, Look.INCIDENT)
        elif before + 1 < len(AFTER_MS):
            self._pages[name] = (page, taken_ms, before + 1)
            again_ms = max(now_ms + EVERY_MS, taken_ms + AFTER_MS[before + 1])
            self._agenda.put(name, (again_ms,))
        elif isinstance(found, NotFound):
            self._end(page, Look.NO_INCIDENT)
        else:
            self._end(page, Look.CANNOT_TELL, found.reason)

    def take(self) -> list[Looked]:
        """Return what was found since the last call, once."""
        looked, self._looked = self._looked, []
        return looked

    def __len__(self) -> int:
        return len(self._pages)

    def _end(self, page: Page, look: Look, reason: str = "") -> None:
        del self._pages[_name(page)]
        trigger = self._triggers.pop(_name(page), None)
        self._looked.append(Looked(page.destination, page.key, look, reason, trigger))


def opened(attempt: Attempt, outcome: Outcome | NotFound | CannotTell) -> Page | None:
    """Return the page that this answer says was taken; None where it says nothing like it."""
    if attempt.step is not Step.TRIGGER or not isinstance(outcome, Delivered):
        return None
    return Page(attempt.destination, outcome.receipt.id)


def open_pages(entries: Iterable[Delivery]) -> list[Page]:
    """Return the pages that are open by their entries, the newest first."""
    found = [one for one in entries if one.root is not None and not one.ended]
    found.sort(key=lambda one: (-one.changed_ms, one.key))
    return [Page(one.destination, one.root.id) for one in found if one.root is not None]


def _name(page: Page) -> str:
    return f"{page.destination}|{page.key}"
