"""CORRELATE by hand: events and acts at seconds, and what was told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from correlators.acting import Outcomes
from correlators.acts import Act
from correlators.correlate import Correlator
from correlators.decisions import Decision
from correlators.entries import Entry
from correlators.incidents import Incident
from correlators.responses import Response
from correlators.state import State
from correlators.storms import Storm
from correlators.suppressions import Suppressed
from correlators.telling import Config
from correlators.ticks import Work
from correlators.types import Delta, Digest, Level, PageAction, tick_of
from streams import codec
from tests.correlators.law_4 import keeps_law_4
from tests.correlators.score import CHAT, PAGER, PAGING, Push, deltas_of, event, ms, second_of

ANNA: dict[str, Any] = {"actor": "anna", "source": "slack", "at_ms": 0}


class Stage:
    """CORRELATE by hand: events and acts at seconds, and what was told of them."""

    def __init__(
        self,
        *,
        restore: bool = False,
        config: Config = PAGING,
        entries: Iterable[Entry] = (),
        now: int = 0,
        explains: bool = False,
    ) -> None:
        self._config = config
        self._explains = explains
        self._correlator = Correlator(config, entries, explains=explains)
        self._restore = restore
        self._whole = not now
        self.digests: list[Digest] = []
        self.suppressed: Suppressed = Counter()
        self.acts: Outcomes = Counter()
        self.responses: list[Response] = []
        self.decisions: list[Decision] = []
        """Where it `explains`."""
        self.now = now

    @property
    def state(self) -> State:
        return self._correlator.state

    def run(self, until: int, *pushes: Push, acts: Iterable[tuple[int, Act]] = ()) -> None:
        deltas: dict[int, list[Delta]] = {}
        for delta in deltas_of(list(pushes)):
            deltas.setdefault(delta.tick, []).append(delta)
        at: dict[int, list[Act]] = {}
        for second, act in acts:
            at.setdefault(tick_of(ms(second)), []).append(act)
        for tick in self._ticks(tick_of(ms(self.now)), tick_of(ms(until)), {*deltas, *at}):
            self.state.begin()
            found = sorted(deltas.get(tick, ()), key=lambda one: one.key)
            decided = self._correlator.apply(Work(tick, [], found, tuple(at.get(tick, ()))))
            self.digests += decided.digests
            self.suppressed += decided.suppressed
            self.acts += decided.acts
            self.responses += decided.responses
            self.decisions += decided.decisions
            if self._restore:
                stored = [codec.encode(one) for _, one in self.state.entries()]
                self._correlator = Correlator(
                    self._config, map(codec.entry, stored), explains=self._explains
                )
        self.now = until
        if self._whole:
            keeps_law_4(self.digests)

    def hear_late(self, push: Push) -> None:
        """Apply an event in this tick whose own one is over: its source had been left out."""
        decided = self._correlator.apply(Work(tick_of(ms(self.now)), [], list(deltas_of([push]))))
        self.digests += decided.digests
        self.now += 1

    def _ticks(self, begin: int, end: int, given: set[int]) -> Iterator[int]:
        """Yield the ticks that have something to apply or are due, as they come up."""
        while begin < end:
            due = self.state.next_due()
            tick = min(
                [one for one in given if one >= begin]
                + [max(end if due is None else due, begin), end]
            )
            if tick < end:
                yield tick
            begin = tick + 1

    def storms(self) -> list[Storm]:
        found = [one for _, one in self.state.entries() if isinstance(one, Storm)]
        return sorted(found, key=lambda one: (one.opened_tick, one.id))

    def storm(self) -> Storm:
        (found,) = (one for one in self.storms() if one.open)
        return found

    def incident(self, service: str) -> Incident:
        entries = self.state.entries()
        found = [one for _, one in entries if isinstance(one, Incident)]
        return next(one for one in found if one.key.service == service)

    def pages(self) -> list[tuple[str, str, str, str]]:
        """Return (action, reason, key, after or replaced) of every page that opens or ends."""
        return [
            (
                one.page.value,
                one.page_reason or "",
                one.page_key,
                one.page_after or one.page_replaces,
            )
            for one in self.digests
            if one.destination == PAGER and one.page in (PageAction.TRIGGER, PageAction.RESOLVE)
        ]

    def acknowledged(self) -> list[tuple[int, str, str]]:
        """Return (second, key, by whom) of every page that the pager hears is acknowledged."""
        return [
            (second_of(one), one.page_key, one.acked_by)
            for one in self.digests
            if one.page is PageAction.ACKNOWLEDGE
        ]

    def chats(self) -> list[Digest]:
        return [one for one in self.digests if one.destination == CHAT]


def outage(at: int = 0, *, level: Level = Level.ERROR) -> list[Push]:
    """Return an outage of three services that share a trace, so that it pages."""
    return [
        event(at, "checkout", "EC", trace="t", level=level),
        event(at + 1, "payment", "EP", trace="t", level=level),
        event(at + 2, "cart", "EK", trace="t", level=level),
    ]
