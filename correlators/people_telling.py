"""How it is told what people do: at once, whatever waits, to whoever was told or holds a page.

Lives here: which kind of digest tells an act, and the page that a person opens. Not here: what an
act does to the state (`acting`, `acknowledging`, `closing`), and what a digest says of people
(`people_told`).
"""

from __future__ import annotations

import msgspec

from correlators import on_call, paging
from correlators.acts import (
    Acknowledge,
    ActOutcome,
    Assign,
    Comment,
    FalseAlarm,
    PageNow,
    Resolve,
    Unacknowledge,
)
from correlators.conditions import Lifecycle
from correlators.digest import Page
from correlators.incident_news import told_with
from correlators.incident_telling import IncidentTelling
from correlators.incidents import Incident
from correlators.judging import Config, Judge, Judgement
from correlators.people_told import NOBODY_HAD, Had, Said, said_of
from correlators.state import State
from correlators.storm_telling import StormTelling
from correlators.storms import Storm
from correlators.tellings import destinations
from correlators.types import DigestKind, PageAction, PageReason, Suppression
from correlators.waiting import held_now

Alone = Acknowledge | Unacknowledge | Assign | Comment | Resolve | FalseAlarm
"""What is told by itself; the last two, of an incident in a storm that goes on."""


class PeopleTelling:
    """Tells what people do about the incidents and storms of one state."""

    def __init__(
        self,
        config: Config,
        state: State,
        judge: Judge,
        incidents: IncidentTelling,
        storms: StormTelling,
    ) -> None:
        """Args: config: who can be paged; state: read; judge: says who is told; incidents, storms:
        tell, and keep what was told."""
        self._config = config
        self._state = state
        self._judge = judge
        self._incidents = incidents
        self._storms = storms

    def person(
        self,
        found: Incident | Storm,
        act: Alone,
        tick: int,
        part: Incident | None = None,
        had: Had = NOBODY_HAD,
    ) -> None:
        """Tell what a person did, and nothing else.

        Args:
            found: open, what is told of.
            act: what they did.
            tick: the tick being applied.
            part: the incident of a storm that it was done to, where it was not the storm.
            had: of an acknowledgement, who had it until then.
        """
        page = Page()
        match act:
            case Acknowledge():
                kind, said = DigestKind.ACKNOWLEDGED, Said(had=had)
                page = paging.acknowledge(*self._open_page(found))
            case Unacknowledge():
                kind = DigestKind.UNACKNOWLEDGED
                said = Said(took_back=(act.actor, act.source))
                page = paging.unacknowledge(*self._open_page(found))
            case _:
                text = f"{part.sample.title} in {part.key.service}" if part is not None else ""
                kind, said = DigestKind.NOTED, said_of(act, text)
        if isinstance(found, Storm):
            self._storms.alone(found, kind, page, said, tick)
        else:
            self._incidents.alone(found, kind, page, said, tick)

    def over(self, found: Incident | Storm, act: Resolve | FalseAlarm, tick: int) -> None:
        """Tell that a person has ended it; it is closed."""
        if isinstance(found, Storm):
            self._storms.over(found, said_of(act), tick)
        else:
            self._incidents.over(found, said_of(act), tick)

    def page_now(self, found: Incident | Storm, act: PageNow, tick: int) -> ActOutcome:
        """Page whoever is on call for it, and tell that; return what became of that.

        Neither rules nor what holds a page back are asked: a person wants it. Whoever was not told
        yet is told only if nothing holds that back.
        """
        judgement = self._judged(found, tick)
        page = self._page(found, judgement)
        if page is None:
            return ActOutcome.UNCHANGED
        if not page.to:
            return ActOutcome.NO_PAGER
        to = found.told.to if judgement.hold is not None else destinations(found.told, judgement)
        kind = DigestKind.UPDATED if found.told.revision else DigestKind.OPENED
        if isinstance(found, Storm):
            self._storms.tell(found, kind, page, tick, None, to, said=said_of(act))
        else:
            self._incidents.tell(found, kind, page, tick, None, to, said=said_of(act))
            if judgement.hold is not None and judgement.hold.why is Suppression.IGNORED:
                # What is said once that it is ignored ends its page: that was before this one.
                now = self._state.incident(found.id)
                told = held_now(now.told, judgement.hold, tick)
                self._state.put(msgspec.structs.replace(now, told=told))
        return ActOutcome.DONE

    def _open_page(self, found: Incident | Storm) -> tuple[str, tuple[str, ...]]:
        """Return the key of its page, empty where none is open, and who holds it."""
        if isinstance(found, Storm):
            return found.page_key, found.page_to
        episode = self._state.episode(found.key)
        if episode is None or episode.page_left_by:
            return "", ()
        return episode.page_key, episode.page_to

    def _judged(self, found: Incident | Storm, tick: int) -> Judgement:
        if isinstance(found, Storm):
            return self._judge.of_storm(found, Lifecycle.UPDATED, tick)
        told = [found, *told_with(self._state, found)]
        return self._judge.of_incidents(told, Lifecycle.UPDATED, tick)

    def _page(self, found: Incident | Storm, judgement: Judgement) -> Page | None:
        """Return the page that a person opens, to nobody where nobody is on call; None while one is
        open."""
        replaces = ""
        if isinstance(found, Storm):
            if found.page_key:
                return None
            key = f"{found.id}.{found.generation + 1}"
        else:
            episode = self._state.episode(found.key)
            if episode is not None and episode.page_key:
                if not episode.page_left_by:
                    return None
                replaces = episode.page_key
            key = f"{found.id}.{found.told.revision + 1}"
        to, fallback = on_call.paged(self._config, judgement)
        return Page(
            PageAction.TRIGGER,
            key,
            PageReason.BY_HAND,
            to=to,
            fallback=fallback,
            replaces=replaces,
        )
