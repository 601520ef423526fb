"""How a storm is told: what waits for it in a tick becomes a digest, a hold or a suppression.

Lives here: what is told while it goes on, when it ends, and when it goes on as another one; and
what the state keeps of it. Not here: its page (`paging`), how long it waits (`waiting`), what a
storm goes through (`storm_life`), and incidents (`incident_telling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from correlators import digest, handover, left_pages, muting, paging
from correlators.background import members_of, new_release, title_of
from correlators.conditions import Lifecycle
from correlators.digest import Page, Telling
from correlators.holds import Hold
from correlators.incidents import Incident
from correlators.judging import Config, Judge, Judgement
from correlators.people_told import NOTHING_SAID, Said, with_people
from correlators.returns import returned
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

_PEOPLE: Final = frozenset({DigestKind.ACKNOWLEDGED, DigestKind.UNACKNOWLEDGED, DigestKind.NOTED})
"""Tells what a person did, and nothing else."""


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
            page = paging.resolve(
                storm.page_key, storm.page_to, after=(into.page_key, into.page_to)
            )
            if not told.revision:
                self._suppress(storm, HeldBack(Suppression.TOLD_BY_STORM))
            if told.revision or storm.page_key:
                self.tell(storm, DigestKind.JOINED, page, tick, None, told.to, heir=into)
        elif not storm.open:
            self._end(storm, tick)
        else:
            kind = DigestKind.UPDATED if told.revision else DigestKind.OPENED
            judgement = self._judge.of_storm(storm, LIFECYCLE[kind], tick)
            self._tellings.judged(storm.id, judgement)
            page = paging.of_storm(storm, judgement, self._judge.fallbacks)
            quiet = page.action is PageAction.NONE
            if quiet and judgement.hold is not None and muting.begins(storm, judgement.hold):
                self._tell_silenced(storm, judgement.hold, tick, judgement)
            elif quiet and told.mark == storm.changes and not told.held:
                self._suppress(storm, HeldBack(Suppression.UNCHANGED))
            elif quiet and judgement.hold is not None:
                self._waiting.hold(storm, judgement.hold, tick)
            elif quiet and told.mark == storm.changes and told.silenced:
                free = msgspec.structs.replace(told, held="", held_until=-1, silenced="")
                self._suppress(
                    msgspec.structs.replace(storm, told=free), HeldBack(Suppression.UNCHANGED)
                )
            else:
                self._tellings.note_spike(storm.environment, judgement, tick)
                to = destinations(told, judgement)
                self.tell(storm, kind, page, tick, judgement, to)

    def _end(self, storm: Storm, tick: int) -> None:
        """Tell the end to whoever heard of it; what was held all the time ends unheard."""
        told = storm.told
        if told.resolved:
            page = paging.resolve(storm.page_key, storm.page_to)
            to, said = left_pages.heard(storm), left_pages.said(storm)
            self.tell(storm, DigestKind.RESOLVED, page, tick, None, to, said=said)
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
        self.tell(storm, DigestKind.RESOLVED, page, tick, judgement, to)

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
        self.tell(storm, DigestKind.PARTED, page, tick, None, told.to, heir=heir)

    def _tell_silenced(self, storm: Storm, hold: Hold, tick: int, judgement: Judgement) -> None:
        """Tell once whose silence mutes what was told before, and until when; then hold the
        rest."""
        kind, to = DigestKind.SILENCED, storm.told.to
        self.tell(storm, kind, Page(), tick, judgement, to, said=Said(hold.name))
        told = self._state.storm(storm.id)
        assert told is not None
        self._state.put(muting.muted(told, hold, tick))

    def alone(self, storm: Storm, kind: DigestKind, page: Page, said: Said, tick: int) -> None:
        """Tell this at once, to whoever was told or holds its page. What else there is to tell
        waits for its time as before."""
        told = storm.told
        if not told.to and not page.to:
            return
        members = members_of(self._state, storm)
        telling = self._telling(storm, kind, page, tick, members)
        paged = self._say(storm, telling, members, told.to, said)
        told = msgspec.structs.replace(told, revision=telling.revision, paged=paged)
        self._state.put(msgspec.structs.replace(storm, told=told))

    def over(self, storm: Storm, said: Said, tick: int) -> None:
        """Tell that a person has ended it, to whoever heard of it, and end its page."""
        told = storm.told
        if not told.revision or told.resolved:
            self._end(storm, tick)
            return
        page = paging.resolve(storm.page_key, storm.page_to)
        self.tell(storm, DigestKind.RESOLVED, page, tick, None, told.to, said=said)

    def _suppress(self, storm: Storm, why: HeldBack) -> None:
        self._tellings.suppress(why, storm.id)
        self._state.put(msgspec.structs.replace(storm, tell_tick=-1))

    def tell(
        self,
        storm: Storm,
        kind: DigestKind,
        page: Page,
        tick: int,
        judgement: Judgement | None,
        to: tuple[str, ...],
        *,
        heir: Storm | None = None,
        said: Said = NOTHING_SAID,
    ) -> None:
        """Tell all that there is to tell, and keep what people have heard then."""
        members = members_of(self._state, storm)
        if not storm.told.revision:
            storm = returned(storm, members, self._state.storm)
        telling = self._telling(
            storm,
            kind,
            page,
            tick,
            members,
            storm_id=heir.id if heir is not None else "",
            storm_title=title_of(self._state, heir),
            rule=rule_of(judgement),
        )
        paged_before = self._say(storm, telling, members, to, said)
        before = storm.page_to
        told = msgspec.structs.replace(
            told_after(storm.told, telling, storm.changes, to, paged=paged_before),
            joined=telling.storm_id,
            members=len(storm.members),
            services=len(storm.services),
        )
        storm = msgspec.structs.replace(storm, told=told, tell_tick=-1, left=(), let_go=None)
        if page.action is PageAction.TRIGGER:
            storm = paged(storm, page.key, page.to)
        elif page.action is PageAction.RESOLVE and page.key == storm.page_key:
            storm = msgspec.structs.replace(storm, page_key="", page_to=())
        self._state.put(storm)
        if page.replaces:
            # Its successor is on the way: nobody is left with two pages of one storm, or none.
            gone = paging.resolve(page.replaces, before, after=(page.key, page.to))
            self.tell(storm, DigestKind.UPDATED, gone, tick, judgement, ())

    def _telling(
        self,
        storm: Storm,
        kind: DigestKind,
        page: Page,
        tick: int,
        members: Sequence[Incident],
        **more: Any,
    ) -> Telling:
        """Return what the next digest of a storm is beside its counts."""
        assert members, "a storm outlived all its incidents"
        release, deployed = new_release(self._state, members, self._linking)
        return Telling(
            kind=kind,
            revision=storm.told.revision + 1,
            tick=tick,
            resolved=kind in (DigestKind.RESOLVED, DigestKind.PARTED),
            new_release=release,
            deployed=deployed,
            page=page,
            **more,
        )

    def _say(
        self,
        storm: Storm,
        telling: Telling,
        members: Sequence[Incident],
        to: tuple[str, ...],
        said: Said,
    ) -> bool:
        """Emit the digest, and return whether it says that somebody was paged."""
        content = digest.of_storm(storm, members, telling)
        content = with_people(self._state, content, storm, telling.page, said)
        if telling.kind in _PEOPLE and telling.page.action is not PageAction.TRIGGER:
            # What joined or left is told with the next update.
            content = msgspec.structs.replace(
                content, joined_incidents=0, joined_services=(), left=()
            )
        self._tellings.tell(content, storm, members, telling, to)
        return content.paged
