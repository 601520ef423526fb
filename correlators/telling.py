"""What is told of incidents and storms, when, and why not: every digest and every suppression is
decided here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from correlators import digest, handover, lifecycle
from correlators.conditions import Lifecycle
from correlators.coverage import gained, gained_words
from correlators.deltas import tick_end_ms
from correlators.deploy_news import DeployNews
from correlators.digest import Page, Telling
from correlators.folds import Folds
from correlators.holds import Hold
from correlators.incidents import Incident, ticks
from correlators.judging import Config, Judge, Judgement
from correlators.releases import first_tick
from correlators.rulings import Urgency
from correlators.services import described
from correlators.spikes import spike_digests
from correlators.state import State
from correlators.storm_life import paged
from correlators.storms import Storm
from correlators.suppressions import HeldBack, Suppressed, held_back, named
from correlators.told import Told
from correlators.types import (
    TICK_MS,
    Digest,
    DigestKind,
    PageAction,
    PageReason,
    StateChange,
    Suppression,
)

__all__ = ["Config", "Teller", "release_news"]


class Teller:
    """Decides the digests of one state. Digests and suppressions gather until they are taken."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: routes and limits; state: read and written."""
        self._config = config
        self._state = state
        self._judge = Judge(config, state)
        self._deploys = DeployNews(config, state)
        self._folds = Folds(state, config.windows, config.rate_ticks)
        self._digests: list[Digest] = []
        self._suppressed: Suppressed = Counter()
        self._pages: Counter[PageReason] = Counter()
        self._judged_for: list[tuple[str, Judgement]] = []

    def take(self) -> tuple[list[Digest], Suppressed, Counter[PageReason]]:
        """Return what was decided since the last call."""
        taken = self._digests, self._suppressed, self._pages
        self._digests, self._suppressed, self._pages = [], Counter(), Counter()
        return taken

    def take_judged(self) -> list[tuple[str, Judgement]]:
        """Return what was judged for a telling since the last call, each with the id of what was to
        be told."""
        taken, self._judged_for = self._judged_for, []
        return taken

    # Incidents

    def incident(self, incident: Incident, tick: int) -> None:
        """Decide the digest that waits for this incident, in this tick."""
        if incident.alert is not None:
            if self._told_elsewhere(incident, tick):
                return
            incident = self._state.incident(incident.id)
        decision = self._decide(incident)
        judgement = self._judged(incident, decision, tick)
        if judgement is not None and decision is not DigestKind.RESOLVED:
            # Who hears of an end is whoever was told; the rules may only drop it.
            self._judged_for.append((incident.id, judgement))
        page = self._incident_page(incident, judgement)
        if decision is Suppression.UNCHANGED and page.action is PageAction.TRIGGER:
            decision = DigestKind.UPDATED
        if isinstance(decision, Suppression):
            self._suppressed[_counted(decision, incident.told)] += 1
            told = msgspec.structs.replace(
                incident.told, mark=incident.changes, tick=tick, held="", held_until=-1
            )
            incident = msgspec.structs.replace(incident, told=told, tell_tick=-1)
            self._state.put(incident)
            if decision is Suppression.TOLD_BY_OTHER_RELEASE:
                self._hand_to_lead(incident, tick)
            if page.action is PageAction.RESOLVE:
                self._tell_incident(incident, DigestKind.RESOLVED, page, tick, judgement, ())
            return
        hold = judgement.hold if judgement is not None else None
        if decision is DigestKind.JOINED:
            self._tell_incident(incident, decision, page, tick, judgement, incident.told.to)
            return
        if hold is not None and hold.why is Suppression.IGNORED and incident.open:
            self._tell_ignored(incident, hold, tick, judgement)
            return
        known, until = lifecycle.flapping(self._state, incident, tick, self._config.windows)
        waited = not incident.open and 0 <= incident.told.held_until <= tick
        if waited and incident.told.held.startswith(Suppression.FLAPPING):
            until = None  # it is over, and was held long enough, whatever another incident does
        if until is not None and incident.told.revision and page.action is not PageAction.TRIGGER:
            if known:
                flaps = Hold(Suppression.FLAPPING, "", tick_end_ms(until))
                self._hold_incident(incident, flaps, tick)
            else:
                # Its end is told when it no longer flaps; a page stays open until then.
                lifecycle.told_flapping(self._state, incident, tick)
                to = incident.told.to
                self._tell_incident(
                    incident, DigestKind.UPDATED, Page(), tick, judgement, to, flapping=until
                )
        elif decision is DigestKind.RESOLVED:
            # How it ended is told to whoever heard of it; only a rule that drops ends is heeded.
            dropped = hold is not None and hold.why is Suppression.DROPPED
            to = () if dropped else incident.told.to
            if hold is not None and dropped:
                self._suppressed[named(hold.why, hold.name)] += 1
            self._tell_incident(incident, decision, page, tick, judgement, to)
        elif hold is not None:
            self._hold_incident(incident, hold, tick)
        else:
            assert judgement is not None
            self._note_spike(incident.key.environment, judgement, tick)
            to = _destinations(incident.told, judgement)
            self._tell_incident(incident, decision, page, tick, judgement, to)

    def _told_elsewhere(self, alert: Incident, tick: int) -> bool:
        """Return whether something else tells this metric alert, and let it tell what is new."""
        assert alert.alert is not None
        elsewhere, teller = self._folds.decide(alert, tick)
        if teller is not None:
            self._suppressed[HeldBack(Suppression.TOLD_BY_INCIDENT)] += 1
            teller = msgspec.structs.replace(teller, changes=teller.changes + 1)
            self._state.put(teller)
            first = not alert.alert.told_by or self.must_tell_now(teller, tick)
            planned = tick + 1 if first else max(tick + 1, self.next_update(teller.told, tick))
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
        kind = Lifecycle.UPDATED if isinstance(decision, Suppression) else _LIFECYCLE[decision]
        told = [incident, *(self._also(incident) if incident.open else ())]
        return self._judge.of_incidents(told, kind, tick)

    def _tell_ignored(
        self, incident: Incident, hold: Hold, tick: int, judgement: Judgement | None
    ) -> None:
        """Tell once that somebody ignores it in Sentry, which ends its page; then hold the rest."""
        told = incident.told
        if not told.revision or told.resolved or told.held.startswith(Suppression.IGNORED):
            self._hold_incident(incident, hold, tick)
            return
        episode = self._state.episode(incident.key)
        page = _resolve(episode.page_key, episode.page_to) if episode is not None else Page()
        kind = DigestKind.UPDATED
        self._tell_incident(incident, kind, page, tick, judgement, told.to, ignored=True)
        incident = self._state.incident(incident.id)
        told = _held(incident.told, hold, tick)
        self._state.put(msgspec.structs.replace(incident, told=told))

    def _hold_incident(self, incident: Incident, hold: Hold, tick: int) -> None:
        """Keep what is held for when that ends; what a rule drops waits for nothing."""
        if self._still_held(incident.told, hold, tick):
            until = incident.told.held_until
            self._state.put(msgspec.structs.replace(incident, tell_tick=until))
            return
        self._suppressed[named(hold.why, hold.name)] += 1
        told = _held(incident.told, hold, tick)
        if hold.why is Suppression.DROPPED:
            told = msgspec.structs.replace(told, mark=incident.changes)
        self._state.put(msgspec.structs.replace(incident, told=told, tell_tick=told.held_until))

    def _still_held(self, told: Told, hold: Hold, tick: int) -> bool:
        """Return whether it waits for the same already: counted once until a known end, else once
        for every update that would have been."""
        same = _held(told, hold, tick)
        if (same.held, same.held_until) != (told.held, told.held_until):
            return False
        return told.held_until >= 0 or tick < self.next_update(told, told.tick)

    def _decide(self, incident: Incident) -> DigestKind | Suppression:
        told = incident.told
        storm = self._state.storm_of(incident)
        if storm is not None:
            if told.revision and not told.resolved and told.joined != storm.id and incident.open:
                return DigestKind.JOINED
            return Suppression.TOLD_BY_STORM
        if not incident.open:
            return self._decide_closed(incident)
        episode = self._state.episode(incident.key)
        if episode is not None and episode.lead != incident.id:
            return Suppression.TOLD_BY_OTHER_RELEASE
        if self._ended_with_storm(incident):
            return Suppression.TOLD_BY_STORM
        if not told.revision:
            return DigestKind.OPENED
        if told.joined and handover.has_left(self._state, incident):
            return DigestKind.PARTED
        if told.resolved or told.joined:
            return DigestKind.REOPENED
        if told.mark == incident.changes:
            return Suppression.UNCHANGED
        return DigestKind.UPDATED

    def _ended_with_storm(self, incident: Incident) -> bool:
        """Return whether neither it nor another release had an event since its storm was over."""
        storm = self._state.storm(incident.storm_id) if incident.storm_id else None
        if storm is None:
            return False
        told = (incident, *self._also(incident))
        return all(one.onset_tick <= storm.closed_tick for one in told)

    def _decide_closed(self, incident: Incident) -> DigestKind | Suppression:
        told = incident.told
        if told.revision and not told.resolved and not told.joined:
            return DigestKind.RESOLVED
        if incident.storm_id:
            return Suppression.TOLD_BY_STORM
        if not told.revision:
            if told.held:
                return Suppression(told.held.partition(":")[0])
            heard = told.tick >= incident.onset_tick
            return Suppression.TOLD_BY_OTHER_RELEASE if heard else Suppression.NEVER_TOLD
        return Suppression.UNCHANGED

    def _hand_to_lead(self, incident: Incident, tick: int) -> None:
        """Let the lead of the episode tell what this incident has to tell."""
        episode = self._state.episode(incident.key)
        lead = self._state.find_incident(episode.lead) if episode is not None else None
        if lead is None or self._state.storm_of(lead) is not None:
            return
        if lead.told.mark != lead.changes and lead.tell_tick >= 0:
            return
        # A lead that only a storm told of, now over, has told nothing yet.
        waits = lead.told.revision and not self.must_tell_now(lead, tick)
        planned = max(tick + 1, self.next_update(lead.told, tick) if waits else 0)
        self._state.put(
            msgspec.structs.replace(
                lead,
                changes=lead.changes + 1,
                tell_tick=planned if lead.tell_tick < 0 else lead.tell_tick,
            )
        )

    def _incident_page(self, incident: Incident, judgement: Judgement | None) -> Page:
        episode = self._state.episode(incident.key)
        if episode is None:
            return Page()
        storm = self._state.storm_of(incident)
        leads = episode.lead == incident.id
        if episode.page_left_by == incident.id and not incident.open:
            waits = incident.page_left
            return Page() if waits else _resolve(episode.page_key, episode.page_to)
        if episode.page_key and not episode.page_left_by:
            moved = storm is not None and leads
            if not moved and self._state.open_of_episode(incident.key):
                return Page()
            after = storm.page_key if storm is not None else ""
            return _resolve(episode.page_key, episode.page_to, after=after)
        if storm is not None or not incident.open or not leads:
            return Page()
        page = _trigger(judgement, f"{incident.id}.{incident.told.revision + 1}")
        if page.action is PageAction.NONE:
            return page
        return msgspec.structs.replace(page, replaces=episode.page_key)

    def _tell_incident(
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
    ) -> None:
        also = self._also(incident) if incident.open else []
        storm = self._state.storm_of(incident)
        if kind is DigestKind.PARTED:
            storm = self._state.storm(incident.told.joined)
        telling = Telling(
            kind=kind,
            revision=incident.told.revision + 1,
            tick=tick,
            resolved=kind is DigestKind.RESOLVED,
            new_release=self.news(incident),
            deployed=self._deployed(incident),
            storm_id=storm.id if storm is not None else "",
            storm_title=self._title(storm),
            page=page,
            rule=_rule(judgement),
            flapping=flapping >= 0,
            ignored=ignored,
        )
        content = digest.of_incident(incident, also, telling)
        content = self._described(content, incident, [incident, *also], tick)
        self._emit(digest.for_destinations(content, to, page.to))
        told = _told(incident.told, telling, incident.changes, to)
        if kind is DigestKind.JOINED:
            told = msgspec.structs.replace(told, joined=telling.storm_id)
        if flapping >= 0:
            told = msgspec.structs.replace(
                told, held=f"{Suppression.FLAPPING}:", held_until=flapping
            )
        incident = msgspec.structs.replace(incident, told=told, tell_tick=flapping)
        self._state.put(incident)
        before = self._note_telling(incident, page, told)
        if page.replaces:
            # As with storms: the page that was left ends when its successor is on the way.
            gone = _resolve(page.replaces, before, after=page.key)
            self._tell_incident(incident, DigestKind.UPDATED, gone, tick, judgement, ())

    def _also(self, incident: Incident) -> list[Incident]:
        """Return the open incidents of its episode under other releases that no storm tells."""
        return [
            one
            for one in self._state.open_of_episode(incident.key)
            if one.id != incident.id and self._state.storm_of(one) is None
        ]

    def _note_telling(self, incident: Incident, page: Page, told: Told) -> tuple[str, ...]:
        """Note in its episode what holds for all its incidents: who was paged, when it was told.

        Returns who had been paged before.
        """
        episode = self._state.episode(incident.key)
        if episode is None:
            return ()
        before = episode.page_to
        triggers = page.action is PageAction.TRIGGER
        if triggers or (page.action is PageAction.RESOLVE and page.key == episode.page_key):
            self._forget_left(episode.page_left_by)
            key, to = (page.key, page.to) if triggers else ("", ())
            episode = msgspec.structs.replace(
                episode, page_key=key, page_to=to, acked_by=("", ""), page_left_by=""
            )
        self._state.put(msgspec.structs.replace(episode, said_tick=told.said_tick))
        if page.reason is not None:
            self._pages[page.reason] += 1
        return before

    def _forget_left(self, incident_id: str) -> None:
        """Let the page of an incident that is over wait no longer: it is taken care of."""
        found = self._state.find_incident(incident_id)
        if found is not None and found.page_left:
            self._state.put(msgspec.structs.replace(found, page_left=False))

    # Storms

    def storm(self, storm: Storm, tick: int) -> None:
        """Decide the digest that waits for this storm, in this tick."""
        told = storm.told
        if storm.merged_into:
            into = self._state.storm(storm.id)
            assert into is not None
            page = _resolve(storm.page_key, storm.page_to, after=into.page_key)
            if not told.revision:
                self._suppress_storm(storm, HeldBack(Suppression.TOLD_BY_STORM))
            if told.revision or storm.page_key:
                self._tell_storm(storm, DigestKind.JOINED, page, tick, None, told.to, heir=into)
        elif not storm.open:
            self._end_storm(storm, tick)
        else:
            kind = DigestKind.UPDATED if told.revision else DigestKind.OPENED
            judgement = self._judge.of_storm(storm, _LIFECYCLE[kind], tick)
            self._judged_for.append((storm.id, judgement))
            page = self._storm_page(storm, judgement)
            if told.mark == storm.changes and page.action is PageAction.NONE and not told.held:
                self._suppress_storm(storm, HeldBack(Suppression.UNCHANGED))
            elif judgement.hold is not None and page.action is PageAction.NONE:
                self._hold_storm(storm, judgement.hold, tick)
            else:
                self._note_spike(storm.environment, judgement, tick)
                to = _destinations(told, judgement)
                self._tell_storm(storm, kind, page, tick, judgement, to)

    def _end_storm(self, storm: Storm, tick: int) -> None:
        """Tell the end to whoever heard of it; what was held all the time ends unheard."""
        told = storm.told
        if told.resolved:
            page = _resolve(storm.page_key, storm.page_to)
            self._tell_storm(storm, DigestKind.RESOLVED, page, tick, None, ())
            return
        if not told.revision and told.held and not storm.page_key:
            self._suppress_storm(storm, held_back(told.held))
            return
        if storm.dissolved:
            self._dissolve(storm, tick)
            return
        judgement = None if told.revision else self._judge.of_storm(storm, Lifecycle.RESOLVED, tick)
        to = told.to if judgement is None else _destinations(told, judgement)
        page = Page() if storm.page_left else _resolve(storm.page_key, storm.page_to)
        self._tell_storm(storm, DigestKind.RESOLVED, page, tick, judgement, to)

    def _dissolve(self, storm: Storm, tick: int) -> None:
        """Tell where it went to whoever heard of it, once what goes on is told and has paged."""
        told = storm.told
        heir, after = handover.goes_on(self._state, storm)
        unsaid = heir is not None and not heir.told.revision and not heir.told.held
        if unsaid and tick < storm.closed_tick + HEIR_TICKS:
            self._state.put(msgspec.structs.replace(storm, tell_tick=tick + 1))
            return
        if not told.revision and not storm.page_key:
            self._suppress_storm(storm, HeldBack(Suppression.NEVER_TOLD))
            return
        page = _resolve(storm.page_key, storm.page_to, after=after)
        self._tell_storm(storm, DigestKind.PARTED, page, tick, None, told.to, heir=heir)

    def _hold_storm(self, storm: Storm, hold: Hold, tick: int) -> None:
        if self._still_held(storm.told, hold, tick):
            self._state.put(msgspec.structs.replace(storm, tell_tick=storm.told.held_until))
            return
        self._suppressed[named(hold.why, hold.name)] += 1
        told = _held(storm.told, hold, tick)
        if hold.why is Suppression.DROPPED:
            told = msgspec.structs.replace(told, mark=storm.changes)
        self._state.put(msgspec.structs.replace(storm, told=told, tell_tick=told.held_until))

    def _storm_page(self, storm: Storm, judgement: Judgement) -> Page:
        """Return the page to open, if any.

        An acknowledged storm pages anew for what the acknowledgement does not cover: whoever was
        paged before, whatever the rules say by now, unless it is silenced.
        """
        key = f"{storm.id}.{storm.generation + 1}"
        if storm.ack is not None:
            reason = gained(storm)
            to = storm.page_to or judgement.ruling.page
            muted = judgement.hold is not None and judgement.hold.why in _MUTES
            if reason is None or not to or muted:
                return Page()
            why = gained_words(storm)
            return Page(PageAction.TRIGGER, key, reason, to=to, replaces=storm.page_key, why=why)
        return Page() if storm.page_key else _trigger(judgement, key)

    def _suppress_storm(self, storm: Storm, why: HeldBack) -> None:
        self._suppressed[why] += 1
        self._state.put(msgspec.structs.replace(storm, tell_tick=-1))

    def _tell_storm(
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
        members = self._members(storm)
        assert members, "a storm outlived all its incidents"
        telling = Telling(
            kind=kind,
            revision=storm.told.revision + 1,
            tick=tick,
            resolved=kind in (DigestKind.RESOLVED, DigestKind.PARTED),
            new_release=next(filter(None, map(self.news, members)), None),
            deployed=next((self._deployed(one) for one in members if self.news(one)), False),
            storm_id=heir.id if heir is not None else "",
            storm_title=self._title(heir),
            page=page,
            rule=_rule(judgement),
        )
        content = digest.of_storm(storm, members, telling)
        content = self._described(content, storm, members, tick)
        self._emit(digest.for_destinations(content, to, page.to))
        if page.reason is not None:
            self._pages[page.reason] += 1
        before = storm.page_to
        told = msgspec.structs.replace(
            _told(storm.told, telling, storm.changes, to),
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
            gone = _resolve(page.replaces, before, after=page.key)
            self._tell_storm(storm, DigestKind.UPDATED, gone, tick, judgement, ())

    def _members(self, storm: Storm) -> list[Incident]:
        found = map(self._state.find_incident, storm.members)
        return [one for one in found if one is not None]

    def _title(self, storm: Storm | None) -> str:
        members = self._members(storm) if storm is not None else []
        return digest.title_of(storm, members) if storm is not None and members else ""

    def deploy(self, change: StateChange, tick: int) -> None:
        """Decide the digest of a deploy, which is told at once or never."""
        judgement = self._deploys.judged(change, tick)
        if judgement is None:
            return
        if judgement.hold is not None:
            self._suppressed[named(judgement.hold.why, judgement.hold.name)] += 1
            return
        self._note_spike(change.environment, judgement, tick)
        known = self._config
        told = self._deploys.told(change, judgement, tick)
        self._emit([described(one, (), known.services, known.owners) for one in told])

    # Both

    def news(self, incident: Incident) -> tuple[str, int] | None:
        """Return the incident's release and its first tick when it was first seen shortly before
        the onset."""
        return release_news(self._state, self._config, incident)

    def _deployed(self, incident: Incident) -> bool:
        """Return whether the deploy of the incident's release was told."""
        service = self._state.service(incident.key.environment, incident.key.service)
        return service is not None and incident.key.release in dict(service.deploys)

    def must_tell_now(self, found: Incident | Storm, tick: int) -> bool:
        """Return whether it may not wait for its time: it must page and has not, or it has news and
        is held back, and maybe is not any more: a silenced storm that somebody joins.

        What is held is only looked at when the tick is told, once, however much came of it.
        """
        if _may_be_free(found):
            return found.open
        if not self._judge.may_page or not found.told.revision:
            return False
        if isinstance(found, Storm):
            if (found.page_key and found.ack is None) or (found.ack and not gained(found)):
                return False
            judgement = self._judge.of_storm(found, Lifecycle.UPDATED, tick, only_page=True)
            return self._storm_page(found, judgement).action is PageAction.TRIGGER
        episode = self._state.episode(found.key)
        if episode is None or episode.lead != found.id or not found.open:
            return False
        paged = episode.page_key and not episode.page_left_by
        if paged or self._state.storm_of(found) is not None:
            return False
        told = [found, *self._also(found)]
        judged = self._judge.of_incidents(told, Lifecycle.UPDATED, tick, only_page=True)
        return self._incident_page(found, judged).action is PageAction.TRIGGER

    def released(self, environment: str, tick: int) -> None:
        """Tell at once what was held back by something open, now that something has closed."""
        for incident in self._state.inhibited(environment):
            self._state.put(msgspec.structs.replace(incident, tell_tick=tick))

    def _note_spike(self, environment: str, judgement: Judgement, tick: int) -> None:
        """Count a telling of the environment; the one that fills the hour says that others wait."""
        most = self._config.holding.most_per_hour
        if not most or judgement.ruling.urgency is Urgency.PAGE:
            return
        hour = self._state.told_in_hour(environment, tick)
        hour = msgspec.structs.replace(hour, told=hour.told + 1)
        if hour.told >= most and not hour.announced:
            hour = msgspec.structs.replace(hour, announced=True)
            self._emit(spike_digests(environment, most, tick, self._config.decides[-1].to))
        self._state.put(hour)

    def next_update(self, told: Told, tick: int) -> int:
        """Return the tick in which an update may be told."""
        return max(tick, told.tick + ticks(self._config.windows.update_every_ms))

    def _described(
        self, content: Digest, teller: Incident | Storm, told: Sequence[Incident], tick: int
    ) -> Digest:
        """Return the digest with what is known beside the incidents: owners, links, alerts."""
        content = described(content, told, self._config.services, self._config.owners)
        content, taken = self._folds.carried(content, teller, tick)
        if taken:
            self._suppressed[HeldBack(Suppression.TOLD_BY_INCIDENT)] += taken
        return content

    def _emit(self, digests: Sequence[Digest]) -> None:
        self._digests.extend(digests)


def release_news(state: State, config: Config, incident: Incident) -> tuple[str, int] | None:
    """Return (release, its first tick) when it is news to a service that was seen under another one
    before.

    Since when it counts as out is `releases`' part.
    """
    release = incident.key.release
    service = state.service(incident.key.environment, incident.key.service)
    first = first_tick(service, release)
    if first is None:
        return None
    news = incident.onset_tick - first <= ticks(config.linking.release_news_ms)
    return (release, first) if news else None


HEIR_TICKS = 60
"""A storm whose incidents go on in another one waits no longer than this until that one is
told."""

_MUTES = (Suppression.SILENCED, Suppression.MAINTENANCE)
"""What holds a page of an acknowledged storm too."""

_LIFECYCLE = {
    DigestKind.OPENED: Lifecycle.OPENED,
    DigestKind.UPDATED: Lifecycle.UPDATED,
    DigestKind.JOINED: Lifecycle.UPDATED,
    DigestKind.RESOLVED: Lifecycle.RESOLVED,
    DigestKind.REOPENED: Lifecycle.REOPENED,
    DigestKind.PARTED: Lifecycle.REOPENED,
}


def _trigger(judgement: Judgement | None, key: str) -> Page:
    """Return the page that the rules ask for under this key, none where they ask for none."""
    if judgement is None or not judgement.pages:
        return Page()
    return Page(PageAction.TRIGGER, key, judgement.page_reason, to=judgement.ruling.page)


def _resolve(key: str, to: tuple[str, ...], *, after: str = "") -> Page:
    """Return the end of a page, if there is one, once the page that goes on for it is there."""
    return Page(PageAction.RESOLVE, key, to=to, after=after) if key else Page()


def _rule(judgement: Judgement | None) -> str:
    return judgement.ruling.rules[0] if judgement is not None and judgement.ruling.rules else ""


def _destinations(told: Told, judgement: Judgement) -> tuple[str, ...]:
    """Return whom the rules name, and whoever was told before: they hear how it goes on."""
    return tuple(dict.fromkeys((*told.to, *judgement.ruling.to)))


def _told(before: Told, telling: Telling, mark: int, to: tuple[str, ...]) -> Told:
    return Told(
        revision=telling.revision,
        tick=telling.tick,
        mark=mark,
        resolved=telling.resolved,
        said_tick=telling.tick if to else before.said_tick,
        to=tuple(dict.fromkeys((*before.to, *to))),
    )


def _counted(why: Suppression, told: Told) -> HeldBack:
    """Return what is counted: of what was held all its life, by what."""
    held = held_back(told.held) if told.held else HeldBack(why)
    return held if held.why is why else HeldBack(why)


def _may_be_free(found: Incident | Storm) -> bool:
    """Return whether it has news and waits for what may not hold it any more, as it is now."""
    told = found.told
    why = told.held.partition(":")[0]
    return told.mark != found.changes and why not in ("", Suppression.FLAPPING, Suppression.DROPPED)


def _held(before: Told, hold: Hold, tick: int) -> Told:
    # The tick that ends with the hold is the first that is free of it.
    free = -(-hold.until_ms // TICK_MS) - 1 if hold.until_ms else -1
    until = max(free, tick + 1) if hold.until_ms else -1
    return msgspec.structs.replace(
        before, tick=tick, held=f"{hold.why}:{hold.name}", held_until=until
    )
