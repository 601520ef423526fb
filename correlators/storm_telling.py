"""How a storm is told: what waits for it in a tick becomes a digest, a hold or a suppression.

Lives here: what is told while it goes on, when it ends, and when it goes on as another one; and
what the state keeps of it. Not here: its page (`paging`), how long it waits (`waiting`), what a
storm goes through (`storm_life`), and incidents (`incident_telling`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators import digest, handover, paging
from correlators.background import members_of, new_release, title_of
from correlators.conditions import Lifecycle
from correlators.digest import Page, Telling
from correlators.judging import Config, Judge, Judgement
from correlators.state import State
from correlators.storm_life import paged
from correlators.storms import Storm
from correlators.suppressions import HeldBack, held_back
from correlators.tellings import LIFECYCLE, Tellings, destinations, rule_of, told_after
from correlators.types import DigestKind, PageAction, Suppression
from correlators.waiting import Waiting

HEIR_TICKS: Final = 60
"""A storm whose incidents go on in another one waits no longer than this until that one is
told."""


class StormTelling:
    """Decides the digests of the storms of one state."""

    def __init__(self, config: Config, state: State, judge: Judge, tellings: Tellings) -> None:
        """Args: config: the limits; state: read and written; judge: says what the rules say;
        tellings: take what is decided."""
        self._linking = config.linking
        self._state = state
        self._judge = judge
        self._tellings = tellings
        self._waiting = Waiting(config.windows, state, judge, tellings)

    def decide(self, storm: Storm, tick: int) -> None:
        """Decide the digest that waits for this storm, in this tick."""
        told = storm.told
        if storm.merged_into:
            into = self._state.storm(storm.id)
            assert into is not None
            page = paging.resolve(storm.page_key, storm.page_to, after=into.page_key)
            if not told.revision:
                self._suppress(storm, HeldBack(Suppression.TOLD_BY_STORM))
            if told.revision or storm.page_key:
                self._tell(storm, DigestKind.JOINED, page, tick, None, told.to, heir=into)
        elif not storm.open:
            self._end(storm, tick)
        else:
            kind = DigestKind.UPDATED if told.revision else DigestKind.OPENED
            judgement = self._judge.of_storm(storm, LIFECYCLE[kind], tick)
            self._tellings.judged(storm.id, judgement)
            page = paging.of_storm(storm, judgement)
            if told.mark == storm.changes and page.action is PageAction.NONE and not told.held:
                self._suppress(storm, HeldBack(Suppression.UNCHANGED))
            elif judgement.hold is not None and page.action is PageAction.NONE:
                self._waiting.hold(storm, judgement.hold, tick)
            else:
                self._tellings.note_spike(storm.environment, judgement, tick)
                to = destinations(told, judgement)
                self._tell(storm, kind, page, tick, judgement, to)

    def _end(self, storm: Storm, tick: int) -> None:
        """Tell the end to whoever heard of it; what was held all the time ends unheard."""
        told = storm.told
        if told.resolved:
            page = paging.resolve(storm.page_key, storm.page_to)
            self._tell(storm, DigestKind.RESOLVED, page, tick, None, ())
            return
        if not told.revision and told.held and not storm.page_key:
            self._suppress(storm, held_back(told.held))
            return
        if storm.dissolved:
            self._dissolve(storm, tick)
            return
        judgement = None if told.revision else self._judge.of_storm(storm, Lifecycle.RESOLVED, tick)
        to = told.to if judgement is None else destinations(told, judgement)
        page = Page() if storm.page_left else paging.resolve(storm.page_key, storm.page_to)
        self._tell(storm, DigestKind.RESOLVED, page, tick, judgement, to)

    def _dissolve(self, storm: Storm, tick: int) -> None:
        """Tell where it went to whoever heard of it, once what goes on is told and has paged."""
        told = storm.told
        heir, after = handover.goes_on(self._state, storm)
        unsaid = heir is not None and not heir.told.revision and not heir.told.held
        if unsaid and tick < storm.closed_tick + HEIR_TICKS:
            self._state.put(msgspec.structs.replace(storm, tell_tick=tick + 1))
            return
        if not told.revision and not storm.page_key:
            self._suppress(storm, HeldBack(Suppression.NEVER_TOLD))
            return
        page = paging.resolve(storm.page_key, storm.page_to, after=after)
        self._tell(storm, DigestKind.PARTED, page, tick, None, told.to, heir=heir)

    def _suppress(self, storm: Storm, why: HeldBack) -> None:
        self._tellings.suppress(why, storm.id)
        self._state.put(msgspec.structs.replace(storm, tell_tick=-1))

    def _tell(
        self,
        storm: Storm,
        kind: DigestKind,
        page: Page,
        tick: int,
        judgement: Judgement | None,
        to: tuple[str, ...],
        *,
        heir: Storm | None = None,
    ) -> None:
        members = members_of(self._state, storm)
        assert members, "a storm outlived all its incidents"
        release, deployed = new_release(self._state, members, self._linking)
        telling = Telling(
            kind=kind,
            revision=storm.told.revision + 1,
            tick=tick,
            resolved=kind in (DigestKind.RESOLVED, DigestKind.PARTED),
            new_release=release,
            deployed=deployed,
            storm_id=heir.id if heir is not None else "",
            storm_title=title_of(self._state, heir),
            page=page,
            rule=rule_of(judgement),
        )
        content = digest.of_storm(storm, members, telling)
        self._tellings.tell(content, storm, members, telling, to)
        before = storm.page_to
        told = msgspec.structs.replace(
            told_after(storm.told, telling, storm.changes, to),
            joined=telling.storm_id,
            members=len(storm.members),
            services=len(storm.services),
        )
        storm = msgspec.structs.replace(storm, told=told, tell_tick=-1, left=())
        if page.action is PageAction.TRIGGER:
            storm = paged(storm, page.key, page.to)
        elif page.action is PageAction.RESOLVE and page.key == storm.page_key:
            storm = msgspec.structs.replace(storm, page_key="", page_to=())
        self._state.put(storm)
        if page.replaces:
            # Its successor is on the way: nobody is left with two pages of one storm, or none.
            gone = paging.resolve(page.replaces, before, after=page.key)
            self._tell(storm, DigestKind.UPDATED, gone, tick, judgement, ())
