"""What is told of incidents and storms, when, and why not: every digest and every suppression is
decided here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from correlators import digest
from correlators.dependencies import Depends
from correlators.digest import Page, Telling
from correlators.fingerprint import DEFAULT_VERSION
from correlators.incidents import Incident, ticks
from correlators.rules import Pages, Routes, episode_page, storm_page
from correlators.state import Correlation, State
from correlators.storm_life import gained, paged
from correlators.storms import Storm
from correlators.told import Told
from correlators.types import Digest, DigestKind, PageAction, PageReason, Suppression


class Config(Correlation, frozen=True, kw_only=True):
    """All that decides what CORRELATE does with a log."""

    pages: Pages = Pages()
    routes: Routes = Routes()
    signature_version: int = DEFAULT_VERSION
    """The version under which deltas are taken, whatever the one that their FINGERPRINT had."""
    depends: Depends = msgspec.field(default_factory=dict)
    """What each service needs, as declared; cycles are allowed."""


class Teller:
    """Decides the digests of one state. Digests and suppressions gather until they are taken."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: routes and limits; state: read and written."""
        self._config = config
        self._state = state
        self._digests: list[Digest] = []
        self._suppressed: Counter[Suppression] = Counter()
        self._pages: Counter[PageReason] = Counter()

    def take(self) -> tuple[list[Digest], Counter[Suppression], Counter[PageReason]]:
        """Return what was decided since the last call."""
        taken = self._digests, self._suppressed, self._pages
        self._digests, self._suppressed, self._pages = [], Counter(), Counter()
        return taken

    # Incidents

    def incident(self, incident: Incident, tick: int) -> None:
        """Decide the digest that waits for this incident, in this tick."""
        decision = self._decide(incident)
        page = self._incident_page(incident, tick)
        if decision is Suppression.UNCHANGED and page.action is PageAction.TRIGGER:
            decision = DigestKind.UPDATED
        if isinstance(decision, Suppression):
            self._suppressed[decision] += 1
            told = msgspec.structs.replace(incident.told, mark=incident.changes, tick=tick)
            incident = msgspec.structs.replace(incident, told=told, tell_tick=-1)
            self._state.put(incident)
            if decision is Suppression.TOLD_BY_OTHER_RELEASE:
                self._hand_to_lead(incident, tick)
            if page.action is PageAction.RESOLVE:
                self._tell_incident(incident, DigestKind.RESOLVED, page, tick, chats=False)
            return
        self._tell_incident(incident, decision, page, tick)

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
        if not told.revision:
            return DigestKind.OPENED
        if told.resolved or told.joined:
            return DigestKind.REOPENED
        if told.mark == incident.changes:
            return Suppression.UNCHANGED
        return DigestKind.UPDATED

    def _decide_closed(self, incident: Incident) -> DigestKind | Suppression:
        told = incident.told
        if told.revision and not told.resolved and not told.joined:
            return DigestKind.RESOLVED
        if incident.storm_id:
            return Suppression.TOLD_BY_STORM
        if not told.revision:
            heard = told.tick >= incident.onset_tick
            return Suppression.TOLD_BY_OTHER_RELEASE if heard else Suppression.NEVER_TOLD
        return Suppression.UNCHANGED

    def _hand_to_lead(self, incident: Incident, tick: int) -> None:
        """Let the lead of the episode tell what this incident has to tell."""
        episode = self._state.episode(incident.key)
        lead = self._state.find_incident(episode.lead) if episode is not None else None
        if lead is None or lead.told.mark != lead.changes or self._state.storm_of(lead) is not None:
            return
        planned = max(tick + 1, self.next_update(lead.told, tick))
        self._state.put(
            msgspec.structs.replace(
                lead,
                changes=lead.changes + 1,
                tell_tick=planned if lead.tell_tick < 0 else lead.tell_tick,
            )
        )

    def _incident_page(self, incident: Incident, tick: int) -> Page:
        episode = self._state.episode(incident.key)
        if episode is None:
            return Page()
        storm = self._state.storm_of(incident)
        leads = episode.lead == incident.id
        if episode.page_key:
            moved = storm is not None and leads
            over = moved or not self._state.open_of_episode(incident.key)
            after = storm.page_key if storm is not None else ""
            return Page(PageAction.RESOLVE, episode.page_key, after=after) if over else Page()
        if storm is not None or not incident.open or not leads:
            return Page()
        told = [incident, *self._also(incident)]
        reason = episode_page(told, self._config.pages, tick=tick)
        if reason is None or not self._config.routes.page:
            return Page()
        return Page(PageAction.TRIGGER, f"{incident.id}.{incident.told.revision + 1}", reason)

    def _tell_incident(
        self, incident: Incident, kind: DigestKind, page: Page, tick: int, *, chats: bool = True
    ) -> None:
        also = self._also(incident) if incident.open else []
        storm = self._state.storm_of(incident)
        telling = Telling(
            kind=kind,
            revision=incident.told.revision + 1,
            tick=tick,
            resolved=kind is DigestKind.RESOLVED,
            new_release=self.news(incident),
            storm_id=storm.id if storm is not None else "",
            page=page,
        )
        content = digest.of_incident(incident, also, telling)
        routes = self._config.routes
        self._emit(digest.for_destinations(content, routes.tell if chats else (), routes.page))
        told = Told(
            revision=telling.revision,
            tick=tick,
            mark=incident.changes,
            resolved=telling.resolved,
            joined=telling.storm_id if kind is DigestKind.JOINED else "",
        )
        self._state.put(msgspec.structs.replace(incident, told=told, tell_tick=-1))
        self._note_page(incident, page)

    def _also(self, incident: Incident) -> list[Incident]:
        """Return the open incidents of its episode under other releases that no storm tells."""
        return [
            one
            for one in self._state.open_of_episode(incident.key)
            if one.id != incident.id and self._state.storm_of(one) is None
        ]

    def _note_page(self, incident: Incident, page: Page) -> None:
        episode = self._state.episode(incident.key)
        if page.action is PageAction.NONE or episode is None:
            return
        key = page.key if page.action is PageAction.TRIGGER else ""
        self._state.put(msgspec.structs.replace(episode, page_key=key, acked_by=("", "")))
        if page.reason is not None:
            self._pages[page.reason] += 1

    # Storms

    def storm(self, storm: Storm, tick: int) -> None:
        """Decide the digest that waits for this storm, in this tick."""
        told = storm.told
        if storm.merged_into:
            into = self._state.storm(storm.id)
            assert into is not None
            page = _resolve(storm.page_key, after=into.page_key)
            chats = bool(told.revision)
            if not chats:
                self._suppress_storm(storm, Suppression.TOLD_BY_STORM)
            if chats or storm.page_key:
                self._tell_storm(storm, DigestKind.JOINED, page, tick, into=into.id, chats=chats)
        elif not storm.open:
            page = _resolve(storm.page_key)
            self._tell_storm(storm, DigestKind.RESOLVED, page, tick)
        else:
            page = self._storm_page(storm, tick)
            kind = DigestKind.UPDATED if told.revision else DigestKind.OPENED
            if told.mark == storm.changes and page.action is PageAction.NONE:
                self._suppress_storm(storm, Suppression.UNCHANGED)
            else:
                self._tell_storm(storm, kind, page, tick)

    def _storm_page(self, storm: Storm, tick: int) -> Page:
        """Return the page to open, if any.

        An acknowledged storm pages anew for what the acknowledgement does not cover; what opened
        pages before asks no rule again.
        """
        pages = self._config.pages
        if not self._config.routes.page or storm.environment not in pages.environments:
            return Page()
        if storm.ack is not None:
            reason = gained(storm)
        elif storm.page_key:
            return Page()
        else:
            reason = storm_page(storm, pages, tick=tick)
        if reason is None:
            return Page()
        key = f"{storm.id}.{storm.generation + 1}"
        return Page(PageAction.TRIGGER, key, reason, replaces=storm.page_key)

    def _suppress_storm(self, storm: Storm, why: Suppression) -> None:
        self._suppressed[why] += 1
        self._state.put(msgspec.structs.replace(storm, tell_tick=-1))

    def _tell_storm(
        self,
        storm: Storm,
        kind: DigestKind,
        page: Page,
        tick: int,
        *,
        into: str = "",
        chats: bool = True,
    ) -> None:
        members = [
            found for one in storm.members if (found := self._state.find_incident(one)) is not None
        ]
        assert members, "a storm outlived all its incidents"
        telling = Telling(
            kind=kind,
            revision=storm.told.revision + 1,
            tick=tick,
            resolved=kind is DigestKind.RESOLVED,
            new_release=next(filter(None, map(self.news, members)), None),
            storm_id=into,
            page=page,
        )
        content = digest.of_storm(storm, members, telling)
        routes = self._config.routes
        self._emit(digest.for_destinations(content, routes.tell if chats else (), routes.page))
        if page.reason is not None:
            self._pages[page.reason] += 1
        told = Told(
            revision=telling.revision,
            tick=tick,
            mark=storm.changes,
            resolved=telling.resolved,
            joined=into,
            members=len(storm.members),
            services=len(storm.services),
        )
        storm = msgspec.structs.replace(storm, told=told, tell_tick=-1)
        if page.action is PageAction.TRIGGER:
            storm = paged(storm, page.key)
        elif page.action is PageAction.RESOLVE and page.key == storm.page_key:
            storm = msgspec.structs.replace(storm, page_key="")
        self._state.put(storm)
        if page.replaces:
            # Its successor is on the way: nobody is left with two pages of one storm, or none.
            gone = _resolve(page.replaces, after=page.key)
            self._tell_storm(storm, DigestKind.UPDATED, gone, tick, chats=False)

    # Both

    def news(self, incident: Incident) -> tuple[str, int] | None:
        """Return the incident's release and its first tick when it was first seen shortly before
        the onset."""
        return release_news(self._state, self._config, incident)

    def must_tell_now(self, found: Incident | Storm, tick: int) -> bool:
        """Return whether something urgent may not wait for the next update: it must page and has
        not."""
        if not self._config.routes.page or not found.told.revision:
            return False
        if isinstance(found, Storm):
            return self._storm_page(found, tick).action is PageAction.TRIGGER
        return self._incident_page(found, tick).action is PageAction.TRIGGER

    def next_update(self, told: Told, tick: int) -> int:
        """Return the tick in which an update may be told."""
        return max(tick, told.tick + ticks(self._config.windows.update_every_ms))

    def _emit(self, digests: Sequence[Digest]) -> None:
        self._digests.extend(digests)


def _resolve(key: str, *, after: str = "") -> Page:
    """Return the end of a page, if there is one, once the page that goes on for it is there."""
    return Page(PageAction.RESOLVE, key, after=after) if key else Page()


def release_news(state: State, config: Config, incident: Incident) -> tuple[str, int] | None:
    """Return (release, its first tick) when it is news to a service that was seen under another one
    before.

    The first release ever seen of a service tells nothing: it may be months old.
    """
    release = incident.key.release
    service = state.service(incident.key.environment, incident.key.service)
    if not release or service is None:
        return None
    first = dict(service.releases).get(release)
    if first is None or min(tick for _, tick in service.releases) >= first:
        return None
    news = incident.onset_tick - first <= ticks(config.linking.release_news_ms)
    return (release, first) if news else None
