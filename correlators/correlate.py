"""CORRELATE as a pure step: one tick of deltas and state changes in, changed entries and digests
out.

The order inside a tick is written once, in `Correlator.apply`: acts, acknowledgements that end,
changes, deltas in key order,
links, ends, tellings, reports, forgetting. When a tick is complete is decided in `ticks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from correlators import (
    alerts,
    aliases,
    decisions_of_tick,
    ignoring,
    incidents,
    lifecycle,
    metric_alerts,
    sets,
    settled,
    storm_life,
    storm_times,
)
from correlators.acting import Acting, Outcomes
from correlators.acts import Act, ActDone
from correlators.answering import Answering
from correlators.asking import Asking
from correlators.baseline import Baseline
from correlators.closing import Closing
from correlators.comments import comments_of
from correlators.days import Day
from correlators.decisions import Decision
from correlators.dependencies import Neighbours
from correlators.entries import (
    KNOWN_FOR_TICKS,
    RELEASES_KEPT,
    TOUCH_TICKS,
    DeployTold,
    Entry,
    Episode,
    Frozen,
    Heard,
    Hour,
    Ignored,
    Membership,
    Service,
    key_of,
)
from correlators.gathering import Gatherer
from correlators.hearing import one_name
from correlators.incidents import Closed, Incident, LetGo, ticks
from correlators.judging import Judgement
from correlators.left_pages import left, let_go
from correlators.links import Near
from correlators.meetings import Meetings
from correlators.names import named
from correlators.personal_telling import PersonalTelling
from correlators.quiet import Quiet
from correlators.reporting import Reporting
from correlators.responses import Response
from correlators.rulings import tried
from correlators.scheduled import Coming
from correlators.shadow import noted, report, turned
from correlators.silences import Silence
from correlators.sources import Sources
from correlators.state import State
from correlators.storms import Storm, Stretch
from correlators.suppressions import Suppressed
from correlators.telling import Config, Teller
from correlators.ticks import Work
from correlators.types import (
    ChangeKind,
    Delta,
    Digest,
    IncidentKey,
    PageOver,
    PageReason,
    StateChange,
    tick_of,
)
from correlators.usual import Usual
from correlators.waves import SILENT_TICKS, may_part


class Decided(msgspec.Struct, frozen=True):
    """What a tick decided."""

    digests: list[Digest]
    suppressed: Suppressed
    pages: Counter[PageReason]
    acts: Outcomes
    decisions: list[Decision] = msgspec.field(default_factory=list)
    """In the words of `explain`, where they are asked for."""
    responses: list[Response] = msgspec.field(default_factory=list)
    """How fast people were."""


class Correlator:
    """The step of CORRELATE over one state."""

    def __init__(
        self, config: Config, entries: Iterable[Entry] = (), *, explains: bool = False
    ) -> None:
        """Args: config: what decides; entries: the restored state, without `@progress`; explains:
        whether `apply` says in words what it decided."""
        self._config = config
        self._explains = explains
        sources = Sources(config.holding.inhibitions, config.rate_ticks)
        self.state = State(config, entries, sources)
        self._teller = Teller(config, self.state)
        self._usual = Usual(self.state)
        self._quiet = Quiet(config, self.state)
        self._gatherer = Gatherer(config, self.state, self._teller)
        self._meetings = Meetings(config.linking, self.state)
        self._closing = Closing(config, self.state, self._gatherer, self._teller)
        self._asking = Asking(config, self.state)
        self._answering = Answering(config, self.state)
        self._personal = PersonalTelling(config, self.state)
        self._reporting = Reporting(config, self.state)
        self._acting = Acting(
            self.state,
            self._gatherer,
            self._teller,
            self._closing,
            self._asking,
            self._answering,
            self._personal,
            config.pages.ack_for_ms,
        )
        self._rate_ticks = config.rate_ticks
        self._counts_users = config.counts_users
        self._touched: set[str] = set()
        self._reports: list[Digest] = []
        self.due_key = ""
        """Key of the due entry that is worked on; when `apply` raises, the one to blame, if any."""

    def apply(self, work: Work) -> Decided:
        """Apply one tick and return what it decided.

        The same work on the same entries gives the same entries and digests, byte for byte.
        """
        tick = work.tick
        self._touched = set()
        self.due_key = ""
        self._quiet.hear(work.heard, tick, blind=work.blind)
        for act in work.acts:
            self._acting.act(act, tick)
        for key in self.state.people.acks_over(tick):
            # After the acts: whoever says more in the same tick is in time.
            self.due_key = key
            self._teller.lapse(key, tick)
        self.due_key = ""
        for change in work.changes:
            self._change(change, tick)
        for delta in work.deltas:
            self._delta(delta, tick)
        self._gatherer.plan_extended(tick)
        self._gatherer.link(self._touched, tick)
        self._gatherer.part_waves(tick)
        for entry in sorted(self.state.due(tick), key=self._leads):
            # Leads last: what they hand over goes to somebody who stays.
            self.due_key = key_of(entry)
            self._end(entry, tick)
        for environment in self._closing.take():
            self._teller.released(environment, tick)
        for entry in sorted(self.state.due(tick), key=self._turn):
            self.due_key = key_of(entry)
            self._tell(entry, tick)
        responses = self._report(work)
        for entry in self.state.due(tick):
            self.due_key = key_of(entry)
            self._forget(entry, tick)
        digests, suppressed, pages = self._teller.take()
        reports, empty = self._reporting.take()
        digests, suppressed = [*digests, *reports], suppressed + empty
        issues = self._asking.take(tick)
        personal = self._personal.take()
        cast = [*self._cast(work, digests), *issues, *self._answering.take(tick), *personal]
        judged, acts = self._teller.take_judged(), self._acting.take()
        near, not_told = self._gatherer.take_near(), self._teller.take_not_told()
        if not self._explains:
            return Decided(cast, suppressed, pages, acts, responses=responses)
        said = self._in_words([*digests, *issues, *personal], judged, not_told, near, tick)
        return Decided(cast, suppressed, pages, acts, said, responses)

    def _report(self, work: Work) -> list[Response]:
        """Tell the reports that are due, before anything of their time is forgotten; return how
        fast people were."""
        self.due_key = ""
        responses = self._acting.take_responses()
        self._reporting.heard(work)
        self._reporting.note(responses, work.tick)
        for entry in self.state.due(work.tick):
            if isinstance(entry, Coming):
                self.due_key = key_of(entry)
                self._reporting.due(entry, work.tick)
        return responses

    def _cast(self, work: Work, digests: list[Digest]) -> list[Digest]:
        """Return what is told in the end: in shadow mode all of it to one destination."""
        reports, self._reports = self._reports, []
        if self._config.shadow is None:
            return digests
        noted(self.state, self._config.shadow, work, digests, self.state.changed_since())
        return [*turned(digests, self._config.shadow.to), *reports]

    def _in_words(
        self,
        digests: Sequence[Digest],
        judged: Iterable[tuple[str, Judgement]],
        not_told: Iterable[tuple[str, str, str]],
        near: Iterable[tuple[str, Near]],
        tick: int,
    ) -> list[Decision]:
        rules, teams = self._config.decides, self._config.teams
        asked = [
            decisions_of_tick.ruled(subject, judgement.ruling, tried(rules, judgement.facts, teams))
            for subject, judgement in judged
        ]
        changed = self.state.changed_since()
        return decisions_of_tick.of_tick(tick, changed, digests, asked, not_told, near)

    def set_aside(self, acts: Iterable[Act], tick: int) -> list[Digest]:
        """Return what whoever pressed is told of acts of this tick that could not be carried
        out."""
        return self._answering.set_aside(acts, tick)

    def forget_decided(self) -> None:
        """Drop what was decided in a tick that is undone."""
        self._quiet.forget_noted()
        self._teller.take()
        self._asking.forget()
        self._answering.forget()
        self._personal.forget()
        self._teller.take_judged()
        self._reports = []
        self._acting.take()
        self._acting.take_responses()
        self._reporting.take()
        self._closing.take()
        self._gatherer.take_near()
        self._teller.take_not_told()

    # Changes and deltas

    def _change(self, change: StateChange, tick: int) -> None:
        if change.kind is ChangeKind.DEPLOY:
            self._teller.deploy(change, tick)
            self._deploy(change, tick)
        if change.kind is ChangeKind.METRIC_ALERT:
            self._alert(change, tick)
        if not change.issue_id:
            return
        for comment in comments_of(self.state, change):
            self._acting.act(comment, tick)
        ignores = ignoring.heard(self.state, change, tick)
        for incident in self.state.of_issue(change.issue_id):
            if change.environment not in ("", incident.key.environment):
                continue
            if change.kind is ChangeKind.ISSUE_RESOLVED:
                if self._asking.heard_back(incident, change.issue_id, tick):
                    continue
                if incident.open:
                    self._closing.close(incident, tick, Closed.SENTRY)
                elif incident.page_left:
                    self.state.put(let_go(incident, LetGo(PageOver.SENTRY), tick=tick))
            elif incident.open:
                told = incidents.told_by_sentry(incident, change)
                if told is not incident:
                    self.state.put(told)
                    self._personal.assigned_in_sentry(incident, told, change, tick)
                    self._plan(told, tick)
                if ignores:
                    ignoring.tell_again(self.state, self.state.incident(incident.id), tick)

    def _alert(self, change: StateChange, tick: int) -> None:
        """Open, change or close the incident that stands for a metric alert."""
        found = self.state.of_key(alerts.key_of(change))
        windows = self._config.windows
        incident = metric_alerts.heard(found, change, tick=tick, windows=windows)
        if incident is None:
            return
        was_open = any(one.open for one in found if one.id == incident.id)
        self.state.put(incident)
        if change.action == alerts.RESOLVED:
            if incident.open:
                self._closing.close(incident, tick, Closed.SENTRY)
            return
        self._note_episode(incident, tick)
        if not was_open:
            incident = lifecycle.began(self.state, incident, tick, windows)
        self._plan(incident, tick)

    def _delta(self, delta: Delta, tick: int) -> None:
        sets.check(delta.users)
        name = one_name(delta.key, delta.aliases)
        found = aliases.known(self.state, delta)
        if delta.belated_tick >= 0:
            joined = self._belated(delta, found, tick)
        else:
            joined = self._on_time(delta, found, tick)
        begins = joined is None or (joined.open and not self.state.incident(joined.id).open)
        if joined is not None:
            delta = named(delta, joined.key.fingerprint)
            incident = self._joined_by(joined, delta, tick)
        else:
            incident = self._opened(delta, tick)
        self.state.put(incident)
        if begins:
            aliases.inherit(self.state, incident, delta, tick)
        self._note_service(delta.key, tick)
        self._note_episode(incident, tick)
        if delta.belated_tick < 0:
            self._quiet.hear_service(delta.key, delta.tick, name)
        if begins:
            incident = lifecycle.began(self.state, incident, tick, self._config.windows)
        incident = lifecycle.went_on(self.state, incident, tick)
        began = {one.id: one.onset_tick for one in found}.get(incident.id) != incident.onset_tick
        self._usual.heard(incident, tick, began=began and incident.onset_tick == tick)
        if not incident.open:
            return
        if tick - incident.onset_tick <= ticks(self._config.linking.link_within_ms):
            self._touched.add(incident.id)
        self._touched |= self._meetings.of(incident, tick)
        storm = self.state.storm_of(incident)
        if storm is None or may_part(incident, tick):
            self._note_stretch(incident, delta, tick)
        elif self.state.stretch(incident.id) is not None:
            self.state.drop(f"stretch:{incident.id}")
        if storm is None:
            storm = self._gatherer.join_lead(incident, tick)
        else:
            before = {one.id: one.last_tick for one in found}.get(incident.id, tick)
            came_back = tick - before > SILENT_TICKS
            self._gatherer.extend(storm, incident, delta, tick, came_back=came_back)
        if storm is None:
            self._plan(incident, tick)
            self._plan_lead(incident, tick)

    def _on_time(self, delta: Delta, found: Sequence[Incident], tick: int) -> Incident | None:
        """Return the incident that goes on, open again if it was closed, or None for a new one; a
        closed one where a person's end has settled these events."""
        windows = self._config.windows
        last = aliases.standing(found, delta.key, tick=tick, windows=windows)
        if last is None or not last.open:
            over = settled.holding(found, delta.tick)
            if over is not None:
                return over
        if last is None or last.open:
            return last
        return incidents.reopened(last, tick=tick, windows=windows)

    def _belated(self, delta: Delta, found: Sequence[Incident], tick: int) -> Incident | None:
        """Return the incident whose life covers the events' own tick, else the open one, else
        None."""
        windows = self._config.windows
        for one in reversed(found):
            if incidents.covers(one, delta.belated_tick, windows=windows):
                return one
        over = settled.holding(found, delta.belated_tick)
        if over is not None:
            return over
        still_open = [one for one in found if one.open]
        return aliases.standing(still_open, delta.key, tick=tick, windows=windows)

    def _opened(self, delta: Delta, tick: int) -> Incident:
        return incidents.opened(
            delta,
            tick=tick,
            windows=self._config.windows,
            rate_ticks=self._rate_ticks,
            counts_users=self._counts_users,
        )

    def _joined_by(self, incident: Incident, delta: Delta, tick: int) -> Incident:
        return incidents.joined_by(
            incident,
            delta,
            tick=tick,
            windows=self._config.windows,
            anew=self.state.spent(incident),
            rate_ticks=self._rate_ticks,
            counts_users=self._counts_users,
            trace_ticks=ticks(self._config.linking.link_within_ms),
        )

    def _plan(self, incident: Incident, tick: int) -> None:
        """Set when the incident is told next, if it has news."""
        told = incident.told
        planned = incident.tell_tick
        if planned < 0 and told.mark != incident.changes:
            planned = incident.onset_tick + ticks(self._config.windows.settle_ms)
            if told.tick >= incident.onset_tick:
                planned = max(planned, self._teller.next_update(told, tick))
        if self._teller.must_tell_now(incident, tick):
            planned = tick
        if planned != incident.tell_tick:
            self.state.put(msgspec.structs.replace(incident, tell_tick=max(planned, tick)))

    def _plan_lead(self, incident: Incident, tick: int) -> None:
        """Tell the lead at once when another release of its episode makes it page."""
        episode = self.state.episode(incident.key)
        lead = self.state.find_incident(episode.lead) if episode is not None else None
        if lead is not None and lead.id != incident.id and self._teller.must_tell_now(lead, tick):
            self.state.put(msgspec.structs.replace(lead, tell_tick=tick))

    def _note_service(self, key: IncidentKey, tick: int) -> None:
        known = self.state.service(key.environment, key.service)
        if known is None:
            known = Service(environment=key.environment, service=key.service, last_tick=tick)
        releases = dict(known.releases)
        heard = not key.release or key.release in releases
        if heard and 0 < tick - known.last_tick < TOUCH_TICKS:
            return
        if key.release and key.release not in releases:
            releases[key.release] = tick
        ordered = sorted(releases.items(), key=lambda item: (item[1], item[0]))[-RELEASES_KEPT:]
        last = tick if tick - known.last_tick >= TOUCH_TICKS else known.last_tick
        self.state.put(msgspec.structs.replace(known, releases=tuple(ordered), last_tick=last))

    def _deploy(self, change: StateChange, tick: int) -> None:
        """Note a deploy: when it was, by whoever told it, but not later than it was told."""
        known = self.state.service(change.environment, change.service) or Service(
            environment=change.environment, service=change.service, last_tick=tick
        )
        deploys = dict(known.deploys)
        deploys[change.release] = min(tick_of(change.at_ms), tick)
        ordered = sorted(deploys.items(), key=lambda item: (item[1], item[0]))[-RELEASES_KEPT:]
        self.state.put(msgspec.structs.replace(known, deploys=tuple(ordered), last_tick=tick))

    def _note_episode(self, incident: Incident, tick: int) -> None:
        key = incident.key
        episode = self.state.episode(key)
        known = episode
        if episode is None:
            episode = Episode(
                environment=key.environment,
                service=key.service,
                fingerprint=key.fingerprint,
                first_tick=tick,
                last_tick=tick,
            )
        lead = self.state.find_incident(episode.lead) if episode.lead else None
        if incident.open and (lead is None or not lead.open):
            episode = msgspec.structs.replace(episode, lead=incident.id)
        if incident.open and episode.page_left_by == incident.id:
            episode = msgspec.structs.replace(episode, page_left_by="")
        if tick - episode.last_tick >= TOUCH_TICKS:
            episode = msgspec.structs.replace(episode, last_tick=tick)
        if episode is not known:
            self.state.put(episode)

    def _note_stretch(self, incident: Incident, delta: Delta, tick: int) -> None:
        """Keep what the present stretch counts while the incident may be linked, or linked anew.

        The first stretch needs none: the incident's own sets are its counts.
        """
        if incident.onset_tick == incident.opened_tick:
            return
        known = self.state.stretch(incident.id)
        if known is None or incident.onset_tick == tick:
            known = Stretch(
                incident_id=incident.id,
                first_ms=delta.first_ms,
                events=sets.EMPTY,
                users=sets.EMPTY,
            )
        self.state.put(
            msgspec.structs.replace(
                known,
                first_ms=min(known.first_ms, delta.first_ms),
                events=sets.union(known.events, delta.events),
                users=sets.union(known.users, delta.users),
            )
        )

    # What is due

    def _end(self, entry: Entry, tick: int) -> None:
        windows = self._config.windows
        if isinstance(entry, Storm) and entry.open:
            linking, life_ms = self._config.linking, windows.max_life_ms
            if storm_times.is_over(entry, linking, tick=tick, max_life_ms=life_ms):
                self._end_storm(entry, tick)
        elif isinstance(entry, Incident) and entry.open:
            if tick - entry.opened_tick >= ticks(windows.max_life_ms):
                self._closing.close(entry, tick, Closed.MAX_LIFE)
            elif self._is_quiet(entry, tick) and self._quiet.incident(entry, tick):
                self._closing.close(entry, tick, Closed.QUIET)
        elif isinstance(entry, Incident | Storm) and entry.page_left:
            self._end_page(entry, tick)

    def _end_page(self, entry: Incident | Storm, tick: int) -> None:
        if tick - entry.opened_tick >= ticks(self._config.windows.max_life_ms):
            self.state.put(let_go(entry, LetGo(PageOver.MAX_LIFE), tick=tick))

    def _is_quiet(self, incident: Incident, tick: int) -> bool:
        quiet = incidents.quiet_tick(incident, windows=self._config.windows)
        return incident.alert is None and tick >= quiet

    def _end_storm(self, storm: Storm, tick: int) -> None:
        if tick - storm.opened_tick >= ticks(self._config.windows.max_life_ms):
            self.state.put(storm_life.ended(storm, tick=tick, why=Closed.MAX_LIFE))
        elif self._quiet.storm(storm, tick):
            over = storm_life.ended(msgspec.structs.replace(storm, doubt=None), tick=tick)
            self.state.put(left(over, self._config.pages))

    def _turn(self, entry: Entry) -> int:
        """Return whose turn it is to tell: storms, those that are over last, incidents that a lead
        tells for, leads; of what is over, who was told of before the others. Metric alerts come
        last: others may tell them.

        So a lead tells in one message what the others have handed to it in the same tick, and ends
        the page of them all.
        """
        if not isinstance(entry, Incident):
            return 0 if isinstance(entry, Storm) and not entry.open else -1
        if entry.alert is not None:
            return 3
        if not entry.open:
            return 1 if entry.told.revision else 2
        return 2 if self._leads(entry) else 1

    def _leads(self, entry: Entry) -> bool:
        """Return whether this is the incident that tells for its episode."""
        if not isinstance(entry, Incident):
            return False
        episode = self.state.episode(entry.key)
        return episode is not None and episode.lead == entry.id

    def _tell(self, entry: Entry, tick: int) -> None:
        """Storms are told before incidents, so that one that joins a storm is told after it."""
        if not isinstance(entry, Storm | Incident) or not 0 <= entry.tell_tick <= tick:
            return
        if isinstance(entry, Storm):
            self._teller.storm(entry, tick)
        else:
            self._teller.incident(entry, tick)
        self._asking.told(entry)

    def _forget(self, entry: Entry, tick: int) -> None:
        match entry:
            case Incident() | Storm() if not entry.open:
                self.state.drop(key_of(entry))
            case Day():
                if self._config.shadow is not None:
                    self._reports.append(report(entry, self._config.shadow, tick))
                self.state.drop(key_of(entry))
            case (
                Stretch()
                | Membership()
                | Frozen()
                | Hour()
                | Heard()
                | Ignored()
                | Silence()
                | ActDone()
            ):
                self.state.drop(key_of(entry))
            case DeployTold():
                self.state.drop(key_of(entry))
            case Episode() | Service() | Baseline() | Neighbours() if (
                tick - entry.last_tick >= KNOWN_FOR_TICKS
            ):
                self.state.drop(key_of(entry))
            case _:
                raise AssertionError(f"still due after everything was done: {key_of(entry)}")
