"""How an incident is told: what waits for it in a tick becomes a digest, a hold or a suppression.

Lives here: the order in which life, rules, flapping and holds are asked, and what the state keeps
of it; also whom an incident hands its news to. Not here: what it has to tell (`incident_news`), its
page (`paging`), how long it waits (`waiting`), and storms (`storm_telling`).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from correlators import digest, left_pages, lifecycle, muting, paging
from correlators.background import new_release, title_of
from correlators.conditions import Lifecycle
from correlators.deltas import tick_end_ms
from correlators.digest import Page, Telling
from correlators.entries import NOBODY
from correlators.folds import Folds
from correlators.holds import Hold
from correlators.incident_news import news_of, told_with
from correlators.incidents import Incident
from correlators.judging import Config, Judge, Judgement
from correlators.people_told import NOTHING_SAID, Said, with_people
from correlators.state import State
from correlators.suppressions import HeldBack, counted, named
from correlators.tellings import LIFECYCLE, Tellings, destinations, rule_of, told_after
from correlators.told import Told
from correlators.types import DigestKind, PageAction, Suppression
from correlators.waiting import Waiting, held_now

_GOES_ON: Final = (DigestKind.UPDATED, DigestKind.PARTED, Suppression.UNCHANGED)
"""What there is to tell of what was told, goes on and is told by itself."""


class IncidentTelling:
    """Decides the digests of the incidents of one state."""

    def __init__(self, config: Config, state: State, judge: Judge, tellings: Tellings) -> None:
        """Args: config: the limits; state: read and written; judge: says what the rules say;
        tellings: take what is decided."""
        self._windows = config.windows
        self._linking = config.linking
        self._state = state
        self._judge = judge
        self._tellings = tellings
        self._folds = Folds(state, config.windows, config.rate_ticks)
        self._waiting = Waiting(config.windows, state, judge, tellings)

    def decide(self, incident: Incident, tick: int) -> None:
        """Decide the digest that waits for this incident, in this tick."""
        if incident.alert is not None:
            if self._told_elsewhere(incident, tick):
                return
            incident = self._state.incident(incident.id)
        decision = news_of(self._state, incident)
        judgement = self._judged(incident, decision, tick)
        if judgement is not None and decision is not DigestKind.RESOLVED:
            # Who hears of an end is whoever was told; the rules may only drop it.
            self._tellings.judged(incident.id, judgement)
        page = paging.of_incident(self._state, incident, judgement)
        hold = judgement.hold if judgement is not None else None
        if decision in _GOES_ON and hold is not None and hold.why is Suppression.SILENCED:
            self._tell_silenced(incident, hold, tick, judgement)
            return
        if decision is Suppression.UNCHANGED and page.action is PageAction.TRIGGER:
            decision = DigestKind.UPDATED
        if isinstance(decision, Suppression):
            self._tellings.suppress(counted(decision, incident.told.held), incident.id)
            to, said = left_pages.heard(incident), left_pages.said(incident)
            told = msgspec.structs.replace(
                incident.told, mark=incident.changes, tick=tick, held="", held_until=-1
            )
            incident = msgspec.structs.replace(incident, told=told, tell_tick=-1, let_go=None)
            self._state.put(incident)
            if decision is Suppression.TOLD_BY_OTHER_RELEASE:
                self._hand_to_lead(incident, tick)
            if page.action is PageAction.RESOLVE:
                self.tell(incident, DigestKind.RESOLVED, page, tick, judgement, to, said=said)
            return
        if decision is DigestKind.JOINED:
            self.tell(incident, decision, page, tick, judgement, incident.told.to)
            return
        if hold is not None and hold.why is Suppression.IGNORED and incident.open:
            self._tell_ignored(incident, hold, tick, judgement)
            return
        known, until = lifecycle.flapping(self._state, incident, tick, self._windows)
        waited = not incident.open and 0 <= incident.told.held_until <= tick
        if waited and incident.told.held.startswith(Suppression.FLAPPING):
            until = None  # it is over, and was held long enough, whatever another incident does
        if until is not None and incident.told.revision and page.action is not PageAction.TRIGGER:
            if known:
                flaps = Hold(Suppression.FLAPPING, "", tick_end_ms(until))
                self._waiting.hold(incident, flaps, tick)
            else:
                # Its end is told when it no longer flaps; a page stays open until then.
                lifecycle.told_flapping(self._state, incident, tick)
                to = incident.told.to
                self.tell(incident, DigestKind.UPDATED, Page(), tick, judgement, to, flapping=until)
        elif decision is DigestKind.RESOLVED:
            # How it ended is told to whoever heard of it; only a rule that drops ends is heeded.
            dropped = hold is not None and hold.why is Suppression.DROPPED
            to = () if dropped else incident.told.to
            if hold is not None and dropped:
                self._tellings.suppress(named(hold.why, hold.name))
            self.tell(incident, decision, page, tick, judgement, to)
        elif hold is not None:
            self._waiting.hold(incident, hold, tick)
        else:
            assert judgement is not None
            self._tellings.note_spike(incident.key.environment, judgement, tick)
            to = destinations(incident.told, judgement)
            self.tell(incident, decision, page, tick, judgement, to)

    def _told_elsewhere(self, alert: Incident, tick: int) -> bool:
        """Return whether something else tells this metric alert, and let it tell what is new."""
        assert alert.alert is not None
        elsewhere, teller = self._folds.decide(alert, tick)
        if teller is not None:
            self._tellings.suppress(HeldBack(Suppression.TOLD_BY_INCIDENT), alert.id)
            teller = msgspec.structs.replace(teller, changes=teller.changes + 1)
            self._state.put(teller)
            first = not alert.alert.told_by or self._waiting.must_tell_now(teller, tick)
            planned = (
                tick + 1 if first else max(tick + 1, self._waiting.next_update(teller.told, tick))
            )
            if teller.tell_tick >= 0:
                planned = min(planned, max(tick + 1, teller.tell_tick))
            self._state.put(msgspec.structs.replace(teller, tell_tick=planned))
        return elsewhere

    def _judged(
        self, incident: Incident, decision: DigestKind | Suppression, tick: int
    ) -> Judgement | None:
        """Return what the rules say, where they are asked: of what is told, or might page."""
        if isinstance(decision, Suppression) and decision is not Suppression.UNCHANGED:
            return None
        if decision is Suppression.UNCHANGED and not incident.open:
            return None
        kind = Lifecycle.UPDATED if isinstance(decision, Suppression) else LIFECYCLE[decision]
        told = [incident, *(told_with(self._state, incident) if incident.open else ())]
        return self._judge.of_incidents(told, kind, tick)

    def _tell_ignored(
        self, incident: Incident, hold: Hold, tick: int, judgement: Judgement | None
    ) -> None:
        """Tell once that somebody ignores it in Sentry, which ends its page; then hold the rest."""
        told = incident.told
        if not told.revision or told.resolved or told.held.startswith(Suppression.IGNORED):
            self._waiting.hold(incident, hold, tick)
            return
        episode = self._state.episode(incident.key)
        page = paging.resolve(episode.page_key, episode.page_to) if episode is not None else Page()
        kind = DigestKind.UPDATED
        self.tell(incident, kind, page, tick, judgement, told.to, ignored=True)
        incident = self._state.incident(incident.id)
        told = held_now(incident.told, hold, tick)
        self._state.put(msgspec.structs.replace(incident, told=told))

    def _tell_silenced(
        self, incident: Incident, hold: Hold, tick: int, judgement: Judgement | None
    ) -> None:
        """Tell once whose silence mutes what was told before, and until when, also where it says
        that no storm tells it any more; then hold the rest."""
        if not muting.begins(incident, hold):
            self._waiting.hold(incident, hold, tick)
            return
        kind = DigestKind.PARTED if incident.told.joined else DigestKind.SILENCED
        to = incident.told.to
        self.tell(incident, kind, Page(), tick, judgement, to, said=Said(hold.name))
        self._state.put(muting.muted(self._state.incident(incident.id), hold, tick))

    def alone(self, one: Incident, kind: DigestKind, page: Page, said: Said, tick: int) -> None:
        """Tell this at once, to whoever was told or holds its page. What else there is to tell
        waits for its time as before."""
        told = one.told
        if not told.to and not page.to:
            return
        telling = self._telling(one, kind, page, tick)
        paged = self._say(one, telling, told.to, said)
        told = msgspec.structs.replace(told, revision=telling.revision, paged=paged)
        self._state.put(msgspec.structs.replace(one, told=told))

    def over(self, incident: Incident, said: Said, tick: int) -> None:
        """Tell that a person has ended it, to whoever heard of it, and end its page."""
        if incident.alert is not None and self._told_elsewhere(incident, tick):
            return
        incident = self._state.incident(incident.id)
        if news_of(self._state, incident) is not DigestKind.RESOLVED:
            self.decide(incident, tick)
            return
        page = paging.of_incident(self._state, incident, None)
        self.tell(incident, DigestKind.RESOLVED, page, tick, None, incident.told.to, said=said)

    def _hand_to_lead(self, incident: Incident, tick: int) -> None:
        """Let the lead of the episode tell what this incident has to tell."""
        episode = self._state.episode(incident.key)
        lead = self._state.find_incident(episode.lead) if episode is not None else None
        if lead is None or self._state.storm_of(lead) is not None:
            return
        if lead.told.mark != lead.changes and lead.tell_tick >= 0:
            return
        # A lead that only a storm told of, now over, has told nothing yet.
        waits = lead.told.revision and not self._waiting.must_tell_now(lead, tick)
        planned = max(tick + 1, self._waiting.next_update(lead.told, tick) if waits else 0)
        self._state.put(
            msgspec.structs.replace(
                lead,
                changes=lead.changes + 1,
                tell_tick=planned if lead.tell_tick < 0 else lead.tell_tick,
            )
        )

    def tell(
        self,
        incident: Incident,
        kind: DigestKind,
        page: Page,
        tick: int,
        judgement: Judgement | None,
        to: tuple[str, ...],
        *,
        flapping: int = -1,
        ignored: bool = False,
        said: Said = NOTHING_SAID,
    ) -> None:
        """Tell all that there is to tell, and keep what people have heard then."""
        telling = self._telling(
            incident,
            kind,
            page,
            tick,
            rule=rule_of(judgement),
            flapping=flapping >= 0,
            ignored=ignored,
        )
        paged = self._say(incident, telling, to, said)
        told = told_after(incident.told, telling, incident.changes, to, paged=paged)
        if kind is DigestKind.JOINED:
            told = msgspec.structs.replace(told, joined=telling.storm_id)
        if flapping >= 0:
            told = msgspec.structs.replace(
                told, held=f"{Suppression.FLAPPING}:", held_until=flapping
            )
        incident = msgspec.structs.replace(incident, told=told, tell_tick=flapping, let_go=None)
        self._state.put(incident)
        before = self._note_telling(incident, page, told)
        if page.replaces:
            # As with storms: the page that was left ends when its successor is on the way.
            gone = paging.resolve(page.replaces, before, after=(page.key, page.to))
            self.tell(incident, DigestKind.UPDATED, gone, tick, judgement, ())

    def _telling(
        self, incident: Incident, kind: DigestKind, page: Page, tick: int, **more: Any
    ) -> Telling:
        """Return what the next digest of an incident is beside its counts."""
        storm = self._state.storm_of(incident)
        if kind is DigestKind.PARTED:
            storm = self._state.storm(incident.told.joined)
        release, deployed = new_release(self._state, [incident], self._linking)
        return Telling(
            kind=kind,
            revision=incident.told.revision + 1,
            tick=tick,
            resolved=kind is DigestKind.RESOLVED,
            new_release=release,
            deployed=deployed,
            storm_id=storm.id if storm is not None else "",
            storm_title=title_of(self._state, storm),
            page=page,
            **more,
        )

    def _say(self, incident: Incident, telling: Telling, to: tuple[str, ...], said: Said) -> bool:
        """Emit the digest, and return whether it says that somebody was paged."""
        also = told_with(self._state, incident) if incident.open else []
        content = digest.of_incident(incident, also, telling)
        content = with_people(self._state, content, incident, telling.page, said)
        self._tellings.tell(content, incident, [incident, *also], telling, to)
        return content.paged

    def _note_telling(self, incident: Incident, page: Page, told: Told) -> tuple[str, ...]:
        """Note in its episode what holds for all its incidents; return who was paged before."""
        episode = self._state.episode(incident.key)
        if episode is None:
            return ()
        before = episode.page_to
        left = None
        triggers = page.action is PageAction.TRIGGER
        if triggers or (page.action is PageAction.RESOLVE and page.key == episode.page_key):
            left = left_pages.forget(self._state, episode.page_left_by, anew=triggers)
            key, to = (page.key, page.to) if triggers else ("", ())
            episode = msgspec.structs.replace(
                episode, page_key=key, page_to=to, acked_by=NOBODY, page_left_by=""
            )
        self._state.put(msgspec.structs.replace(episode, said_tick=told.said_tick))
        if left is not None and (to := left_pages.heard(left)):
            said = left_pages.said(left)
            self.tell(left, DigestKind.RESOLVED, Page(), told.tick, None, to, said=said)
        return before
