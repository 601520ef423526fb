"""What the rules say of an incident or a storm as the state has it now, and what holds it back.

Lives here: the way from entries to facts, and from there to a judgement. Not here: what a rule
means (`rulings`), what holds back (`holds`), what is told then (`telling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial, reduce
from typing import Any, Final

import msgspec

from correlators.channel_links import with_links
from correlators.conditions import Asked, Facts, Lifecycle, why_not
from correlators.deciding import Config
from correlators.deltas import tick_end_ms, worse
from correlators.entries import Episode
from correlators.folds import Folds
from correlators.holds import Around, Hold, held
from correlators.ignoring import ignored
from correlators.incidents import Incident
from correlators.owners import OWNER, owners_of
from correlators.rules import REASONS
from correlators.rulings import Ruling, Urgency, ruled
from correlators.services import declared_owners, pagers_of
from correlators.silences import Part, episode_hash
from correlators.state import State
from correlators.storms import Storm
from correlators.told import Told
from correlators.types import PageReason
from correlators.waking import Waking, standing_of

__all__ = ["Config", "Judge", "Judgement"]

_OF_MEMBERS: Final = frozenset(
    {Asked.ERROR_TYPE, Asked.TEXT, Asked.TAG, Asked.OWNER, Asked.RELEASE, Asked.USERS}
)
"""What is asked of a storm's incidents one by one."""


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
        self._paging = [one.when for one in self._rules if one.urgency is Urgency.PAGE]
        self._waking = Waking(self._paging, config.rate_ticks)
        self.may_page = bool(self._paging)
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
        facts = self._facts(incidents, episode, lifecycle, tick)
        facts, ruling = self._ruled(facts, incidents, first)
        live = any(not one.past for one in incidents)
        ruling = self._told_to(ruling, facts, first.told, pages=live)
        if only_page and ruling.urgency is not Urgency.PAGE:
            return Judgement(ruling, None, facts)
        around = self._around(facts, ruling, [one.id for one in incidents], first.told, episode)
        if self._state.ignores:
            around = msgspec.structs.replace(around, ignored=ignored(self._state, incidents))
        return Judgement(ruling, held(facts, ruling, self._config.holding, around), facts)

    def waking(self, incidents: Sequence[Incident], tick: int) -> Judgement | None:
        """Return the judgement of incidents of one episode if they went on now, None where no rule
        would wake anybody.

        Asked at every delta: so only the rules that wake somebody are looked at first.
        """
        first = incidents[0]
        if not self._wakes(incidents, tick) and not self._folds.told_by(first):
            return None
        return self.of_incidents(incidents, Lifecycle.UPDATED, tick, only_page=True)

    def _wakes(self, incidents: Sequence[Incident], tick: int) -> bool:
        """Return whether a rule wakes somebody for incidents that go on, whatever alerts they
        tell."""
        episode = self._state.episode(incidents[0].key)
        standing = standing_of(incidents, episode)
        if not self._waking.may(incidents, standing, tick):
            return False
        facts = self._facts(incidents, episode, Lifecycle.UPDATED, tick)
        return any(why_not(when, facts) is None for when in self._paging)

    def _facts(
        self,
        incidents: Sequence[Incident],
        episode: Episode | None,
        lifecycle: Lifecycle,
        tick: int,
    ) -> Facts:
        """Return what is known of incidents of one episode that are told together."""
        first = incidents[0]
        return Facts(
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
            event_rates=tuple(one.rate for one in incidents if not one.past),
            **self._details(incidents, [first.key.service]),
        )

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
        facts, ruling = self._ruled(facts, members, storm)
        ruling = self._told_to(ruling, facts, storm.told, pages=True)
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

    def _ruled(
        self, facts: Facts, incidents: Sequence[Incident], teller: Incident | Storm
    ) -> tuple[Facts, Ruling]:
        """Return the facts, with those of each incident where a rule would drop all of it and with
        the metric alerts that are told too, and what the rules say of them."""
        ruling = self._ask(facts)
        if ruling.urgency is Urgency.DROP and ruling.rules:
            facts = self._in_parts(facts, incidents, teller)
            ruling = self._ask(facts)
        if ruling.urgency is Urgency.DROP:
            # What a rule drops is told to nobody, so it tells no alert either: noise stays noise.
            return facts, ruling
        alerts = self._folds.told_by(teller)
        if not alerts:
            return facts, ruling
        level = reduce(worse, (one.level for one in alerts), facts.level)
        facts = msgspec.structs.replace(facts, level=level, metric_alert=True)
        return facts, self._ask(facts)

    def _ask(self, facts: Facts) -> Ruling:
        return ruled(self._rules, facts, self._config.teams, self._config.pages.fallback)

    def _in_parts(
        self, facts: Facts, incidents: Sequence[Incident], teller: Incident | Storm
    ) -> Facts:
        """Return the facts with those of each incident."""
        storm = teller if isinstance(teller, Storm) else None
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

    # Judgement

    def _told_to(self, ruling: Ruling, facts: Facts, told: Told, *, pages: bool) -> Ruling:
        """Return the ruling with whom links add; what is told as past wakes nobody."""
        if ruling.urgency is Urgency.PAGE and not pages:
            ruling = msgspec.structs.replace(ruling, urgency=Urgency.ALERT, page=(), fallback=())
        return with_links(ruling, facts, self._state.people.links, self._config.chats, told.to)

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
