"""What the rules say of an incident or a storm as the state has it now, and what holds it back.

Lives here: the way from entries to facts, and from there to a judgement. Not here: what a rule
means (`rulings`), what holds back (`holds`), what is told then (`telling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial, reduce
from typing import Any, Final

import msgspec

from correlators.channel_links import Chats, with_links
from correlators.conditions import Asked, Facts, Lifecycle, When
from correlators.days import Shadow
from correlators.deltas import tick_end_ms, worse
from correlators.dependencies import Depends
from correlators.entries import Episode
from correlators.fallbacks import Stands, stand_ins
from correlators.fingerprint import DEFAULT_VERSION
from correlators.folds import Folds
from correlators.holds import Around, Hold, Holding, held
from correlators.ignoring import ignored
from correlators.incidents import Incident, ticks
from correlators.issue_change import IssuesChanged
from correlators.owners import OWNER, Owner, Team, owners_of
from correlators.personal import Personal
from correlators.rules import REASONS, Pages, Routes, rules_for
from correlators.rulings import Rule, Ruling, Urgency, ruled
from correlators.services import About, declared_owners, pagers_of
from correlators.silences import Part, episode_hash
from correlators.state import Correlation, State
from correlators.storms import Storm
from correlators.told import Told
from correlators.types import PageReason

_OF_MEMBERS: Final = frozenset(
    {Asked.ERROR_TYPE, Asked.TEXT, Asked.TAG, Asked.OWNER, Asked.RELEASE, Asked.USERS}
)
"""What is asked of a storm's incidents one by one."""


class Config(Correlation, frozen=True, kw_only=True):
    """All that decides what CORRELATE does with a log."""

    pages: Pages = Pages()
    routes: Routes = Routes()
    rules: tuple[Rule, ...] = ()
    """None: `pages` and `routes` decide."""
    teams: dict[str, Team] = msgspec.field(default_factory=dict)
    owners: tuple[Owner, ...] = ()
    services: dict[str, About] = msgspec.field(default_factory=dict)
    """Who owns a service, who is paged for it, and where help is when it fails."""
    holding: Holding = Holding()
    depends: Depends = msgspec.field(default_factory=dict)
    """What each service needs, as declared; cycles are allowed."""
    changes: tuple[str, ...] = ()
    """The pagers that keep a record of deploys."""
    shadow: Shadow | None = None
    """Shadow mode: everything is told to one destination alone."""
    signature_version: int = DEFAULT_VERSION
    """The version under which deltas are taken, whatever the one that their FINGERPRINT had."""
    issues: IssuesChanged | None = None
    """What is asked of Sentry; None: nothing."""
    chats: Chats | None = None
    """Where links may lead; None: anywhere."""
    personal: Personal = Personal()
    """Who is told of what is theirs."""
    name: str = ""
    """What the stored state calls it: a short hash of all that decides. Empty: it is not named."""

    @property
    def decides(self) -> tuple[Rule, ...]:
        """The rules that are read, in order."""
        by_service = any(one.page for one in self.services.values())
        return self.rules or rules_for(self.pages, self.routes, by_service=by_service)

    @property
    def stand_ins(self) -> list[Stands]:
        """Who may be paged, and who is when that one cannot be."""
        own = {name: one.page for name, one in self.services.items() if one.page}
        return stand_ins(self.decides, self.teams, own, self.pages.fallback)

    @property
    def conditions(self) -> list[When]:
        """All conditions that are asked about."""
        holding = self.holding
        return [
            *(rule.when for rule in self.decides),
            *(period.when for period in holding.periods),
            *(when for one in holding.inhibitions for when in (one.source, one.when)),
        ]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag conditions that FINGERPRINT has to look for."""
        asked = {tag for when in self.conditions for tag in when.tag}
        return tuple(sorted(asked | {one.tag for one in self.owners if one.tag}))

    @property
    def paths(self) -> tuple[str, ...]:
        """The patterns of files that FINGERPRINT has to look for."""
        return tuple(sorted({one.path for one in self.owners if one.path}))

    @property
    def rate_ticks(self) -> int:
        """How far back rates must reach."""
        asked = [one for when in self.conditions for one in (when.events, when.users) if one]
        return ticks(max([self.pages.within_ms, *(one.within_ms for one in asked)]))

    @property
    def counts_users(self) -> bool:
        """Whether a rule asks how many users were hit in some time."""
        return any(when.users is not None for when in self.conditions)


class Judgement(msgspec.Struct, frozen=True):
    """What the rules say, and what holds it back."""

    ruling: Ruling
    hold: Hold | None
    facts: Facts
    """What was looked at."""

    @property
    def pages(self) -> bool:
        """Whether somebody is to be woken now."""
        return self.hold is None and self.ruling.urgency is Urgency.PAGE

    @property
    def page_reason(self) -> PageReason:
        """Why, in a word that has a place in metrics."""
        return REASONS.get(self.ruling.rules[0], PageReason.RULE)


class Judge:
    """Judges what one state would tell."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: the rules; state: read only."""
        self._config = config
        self._state = state
        self._rules = config.decides
        self._rate_ticks = config.rate_ticks
        self._folds = Folds(state, config.windows, config.rate_ticks)
        self._asked = {asked for when in config.conditions for asked in when.given}
        self._declared = declared_owners(config.services)
        named = any(OWNER in (*rule.to, *rule.page) for rule in self._rules)
        if named or any(one.team for one in config.holding.reports):
            self._asked.add(Asked.OWNER)
        self.may_page = any(rule.urgency is Urgency.PAGE for rule in self._rules)
        """Whether any rule wakes anybody."""
        self.fallbacks = {one.paged: one.fallback for one in reversed(config.stand_ins)}
        """Who stands in for whoever is paged, as the first rule says that pages them."""

    # Facts

    def of_incidents(
        self,
        incidents: Sequence[Incident],
        lifecycle: Lifecycle,
        tick: int,
        *,
        only_page: bool = False,
    ) -> Judgement:
        """Return the judgement of incidents of one episode that are told together.

        Args:
            incidents: the one that tells first; not empty.
            lifecycle: what happened.
            tick: the tick being applied.
            only_page: what holds it back is of interest only if it pages.
        """
        first = incidents[0]
        episode = self._state.episode(first.key)
        live = [one for one in incidents if not one.past]
        facts = Facts(
            environment=first.key.environment,
            services=(first.key.service,),
            releases=tuple(one.key.release for one in incidents),
            level=reduce(worse, (one.level for one in incidents)),
            lifecycle=lifecycle,
            first_seen=episode is not None and episode.first_tick >= first.opened_tick,
            regression=any(one.regressed for one in incidents),
            escalating=any(one.escalated for one in incidents),
            metric_alert=first.alert is not None,
            pagers=pagers_of(self._config.services, first.key.service),
            tick=tick,
            rate_ticks=self._rate_ticks,
            event_rates=tuple(one.rate for one in live),
            **self._details(incidents, [first.key.service]),
        )
        facts = self._with_alerts(self._in_parts(facts, incidents), first)
        ruling = self._ruled(facts, first.told, pages=bool(live))
        if only_page and ruling.urgency is not Urgency.PAGE:
            return Judgement(ruling, None, facts)
        around = self._around(facts, ruling, [one.id for one in incidents], first.told, episode)
        if self._state.ignores:
            around = msgspec.structs.replace(around, ignored=ignored(self._state, incidents))
        return Judgement(ruling, held(facts, ruling, self._config.holding, around), facts)

    def of_storm(
        self, storm: Storm, lifecycle: Lifecycle, tick: int, *, only_page: bool = False
    ) -> Judgement:
        """Return the judgement of a storm; `only_page` as in `of_incidents`."""
        members: list[Incident] = []
        if self._looks_at_members or self._state.ignores:
            found = map(self._state.find_incident, storm.members)
            members = [one for one in found if one is not None]
        facts = Facts(
            environment=storm.environment,
            services=storm.services,
            releases=tuple(dict.fromkeys(one.key.release for one in members)),
            level=storm.level,
            lifecycle=lifecycle,
            storm=True,
            pagers=pagers_of(self._config.services, storm.origin.service or storm.services[0]),
            tick=tick,
            rate_ticks=self._rate_ticks,
            event_rates=(storm.rate,),
            **self._details(members, storm.services),
        )
        facts = self._with_alerts(self._in_parts(facts, members, storm), storm)
        ruling = self._ruled(facts, storm.told, pages=True)
        if only_page and ruling.urgency is not Urgency.PAGE:
            return Judgement(ruling, None, facts)
        around = self._around(facts, ruling, storm.members, storm.told, None)
        known = self._state.ignores and storm.joined <= len(members)
        around = msgspec.structs.replace(
            around,
            unlisted=max(0, storm.joined - len(storm.members)),
            ignored=known and ignored(self._state, members),
        )
        return Judgement(ruling, held(facts, ruling, self._config.holding, around), facts)

    @property
    def _looks_at_members(self) -> bool:
        return bool(self._asked & _OF_MEMBERS) or self._state.people.links_to_teams

    def _details(self, incidents: Sequence[Incident], services: Iterable[str]) -> dict[str, Any]:
        """Return what only some conditions ask for; nothing where none does."""
        if not self._looks_at_members:
            return {}
        parts = dict.fromkeys(part for one in incidents for part in one.signature)
        marks = {mark for one in incidents for mark in one.marks}
        return {
            "types": tuple(one.removeprefix("type ") for one in parts if one.startswith("type ")),
            "titles": tuple(dict.fromkeys(one.sample.title for one in incidents)),
            "tags": tuple(sorted(marks)),
            "owners": owners_of(self._config.owners, services, marks, self._declared),
            "user_rates": tuple(one.user_rate for one in incidents if not one.past),
        }

    def _in_parts(
        self, facts: Facts, incidents: Sequence[Incident], storm: Storm | None = None
    ) -> Facts:
        """Return the facts with those of each incident, where a rule would drop all of it."""
        ruling = ruled(self._rules, facts, self._config.teams)
        if ruling.urgency is not Urgency.DROP or not ruling.rules:
            return facts
        if storm is not None and not incidents:
            found = map(self._state.find_incident, storm.members)
            incidents = [one for one in found if one is not None]
        parts = (
            msgspec.structs.replace(
                facts,
                services=(one.key.service,),
                releases=(one.key.release,),
                level=one.level,
                **self._details([one], [one.key.service]),
            )
            for one in incidents
        )
        unlisted = storm is not None and storm.joined > len(incidents)
        return msgspec.structs.replace(facts, parts=tuple(parts), unlisted=unlisted)

    def _with_alerts(self, facts: Facts, teller: Incident | Storm) -> Facts:
        """Return the facts with the metric alerts that it tells too.

        What a rule drops is told to nobody, so it tells no alert either: noise stays noise.
        """
        alerts = self._folds.told_by(teller)
        if not alerts or ruled(self._rules, facts, self._config.teams).urgency is Urgency.DROP:
            return facts
        level = reduce(worse, (one.level for one in alerts), facts.level)
        return msgspec.structs.replace(facts, level=level, metric_alert=True)

    # Judgement

    def _ruled(self, facts: Facts, told: Told, *, pages: bool) -> Ruling:
        config = self._config
        ruling = ruled(self._rules, facts, config.teams, config.pages.fallback)
        if ruling.urgency is Urgency.PAGE and not pages:
            # What is told as past wakes nobody.
            ruling = msgspec.structs.replace(ruling, urgency=Urgency.ALERT, page=(), fallback=())
        return with_links(ruling, facts, self._state.people.links, config.chats, told.to)

    def _around(
        self,
        facts: Facts,
        ruling: Ruling,
        ids: Sequence[str],
        told: Told,
        episode: Episode | None,
    ) -> Around:
        """Return what stands around a telling of the incidents of these ids."""
        tick = facts.tick
        said = max(told.said_tick, episode.said_tick if episode is not None else -1)
        silences = self._state.silences(facts.environment)
        found = map(self._state.find_incident, ids) if silences else ()
        return Around(
            now_ms=tick_end_ms(tick),
            parts=[self.part(one, tick) for one in found if one is not None],
            silences=silences,
            sources=self._state.sources.names(facts.environment, facts.services, set(ids), tick),
            capped_until_ms=tick_end_ms(said) + ruling.every_ms if said >= 0 else 0,
            told_this_hour=self._state.told_in_hour(facts.environment, tick).told,
            waited=0 <= told.held_until <= tick,
        )

    def part(self, incident: Incident, tick: int) -> Part:
        """Return an incident as silences look at it."""
        key = incident.key
        return Part(
            episode_hash(key.service, key.fingerprint),
            partial(self._facts_and_owners, incident, tick),
        )

    def _facts_and_owners(self, incident: Incident, tick: int) -> Facts:
        services = [incident.key.service]
        owners = owners_of(self._config.owners, services, incident.marks, self._declared)
        return msgspec.structs.replace(self._facts_of(incident, tick), owners=owners)

    def _facts_of(self, one: Incident, tick: int) -> Facts:
        """Return what is known of one open incident by itself."""
        return Facts(
            environment=one.key.environment,
            services=(one.key.service,),
            releases=(one.key.release,),
            level=one.level,
            lifecycle=Lifecycle.UPDATED,
            tick=tick,
            rate_ticks=self._rate_ticks,
            event_rates=(one.rate,),
            types=tuple(part[5:] for part in one.signature if part.startswith("type ")),
            titles=(one.sample.title,),
            metric_alert=one.alert is not None,
            tags=one.marks,
            user_rates=(one.user_rate,),
        )
