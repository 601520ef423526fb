"""Gathering: incidents become storms, storms grow and merge, and whatever is linked is told as
one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from correlators import incidents, links, rates, sets, storms
from correlators.deltas import worse
from correlators.entries import Membership, key_of
from correlators.incidents import Incident, ticks
from correlators.links import Candidate, Group
from correlators.state import State
from correlators.storms import Storm, Stretch
from correlators.telling import Config, Teller, release_news
from correlators.types import Delta


class Gatherer:
    """Links the incidents of one state."""

    def __init__(self, config: Config, state: State, teller: Teller) -> None:
        """Args: config: the limits; state: read and written; teller: asked when updates may be
        told."""
        self._config = config
        self._state = state
        self._teller = teller
        self._rate_ticks = ticks(config.pages.within_ms)

    def link(self, touched: AbstractSet[str], tick: int) -> None:
        """Link the young incidents of every environment in which one of `touched` lies."""
        if not touched:
            return
        environments = {self._state.incident(one).key.environment for one in touched}
        young = {one.id: one for one in self._state.young(tick) if not one.past}
        of_environment: dict[str, list[Incident]] = defaultdict(list)
        for incident in young.values():
            if incident.key.environment in environments:
                of_environment[incident.key.environment].append(incident)
        for environment, found in sorted(of_environment.items()):
            open_storms = [
                one for one in self._state.open_storms() if one.environment == environment
            ]
            if len(self._apart(found) | {one.id for one in open_storms}) < 2:
                continue  # one incident, or one storm that has them all: nothing to link
            candidates = [self._candidate(incident) for incident in found]
            for storm in open_storms:
                if any(one.storm_id != storm.id for one in candidates):
                    candidates += self._anchors(storm, young, tick)
            for group in links.groups(candidates, self._config.linking):
                self._gather(environment, group, tick)

    def _apart(self, found: Iterable[Incident]) -> set[str]:
        """Return the ids of what these incidents are told by: their open storm, or themselves."""
        storms = ((one, self._state.storm_of(one)) for one in found)
        return {storm.id if storm is not None else one.id for one, storm in storms}

    def _anchors(
        self, storm: Storm, young: Mapping[str, Incident], tick: int
    ) -> Iterator[Candidate]:
        within = ticks(self._config.linking.link_within_ms)
        for one in storm.members:
            member = None if one in young else self._state.find_incident(one)
            if member is not None and member.open and tick - member.last_tick <= within:
                yield self._anchor(member, storm)

    def _anchor(self, member: Incident, storm: Storm) -> Candidate:
        """Return an active member of a storm as a witness: what it shares draws others in."""
        return Candidate(
            onset_tick=member.last_tick,
            id=member.id,
            service=member.key.service,
            fingerprint=member.key.fingerprint,
            aliases=member.aliases,
            release_news="",
            release="",
            traces=tuple(trace for trace, _ in member.traces),
            loud=False,
            storm_id=storm.id,
            anchor=True,
        )

    def _candidate(self, incident: Incident) -> Candidate:
        storm = self._state.storm_of(incident)
        episode = self._state.episode(incident.key)
        service = self._state.service(incident.key.environment, incident.key.service)
        release = incident.key.release
        since = dict(service.releases).get(release) if service is not None else None
        came_with = episode is not None and since is not None and episode.first_tick >= since
        news = release_news(self._state, self._config, incident)
        return Candidate(
            onset_tick=incident.onset_tick,
            id=incident.id,
            service=incident.key.service,
            fingerprint=incident.key.fingerprint,
            aliases=incident.aliases,
            release_news=release if came_with and news is not None else "",
            release=release if came_with else "",
            traces=tuple(trace for trace, _ in incident.traces),
            loud=incident.events_since(incident.onset_events) > 1,
            storm_id=storm.id if storm is not None else "",
        )

    def _gather(self, environment: str, group: Group, tick: int) -> None:
        """Make the group one storm: a new one, or the oldest of those that its members are in."""
        present = {one.storm_id for one in group.members if one.storm_id}
        found = [storm for one in present if (storm := self._state.storm(one)) is not None]
        found.sort(key=lambda storm: (storm.opened_tick, storm.id))
        if len(found) == 1 and all(one.storm_id for one in group.members):
            storm = found[0]
            evidence = tuple(sorted({*storm.evidence, *group.evidence}))
            self._state.put(msgspec.structs.replace(storm, evidence=evidence))
            return
        storm = found[0] if found else self._new_storm(environment, group, tick)
        for other in found[1:]:
            storm = self._merge(storm, other, tick)
        evidence = tuple(sorted({*storm.evidence, *group.evidence}))
        self._state.put(msgspec.structs.replace(storm, evidence=evidence))
        for candidate in group.members:
            incident = self._state.incident(candidate.id)
            if self._state.storm_of(incident) is None:
                self._join(incident, storm.id, tick)

    def _new_storm(self, environment: str, group: Group, tick: int) -> Storm:
        first = group.members[0]
        incident = self._state.incident(first.id)
        return Storm(
            id=storms.storm_id(environment, first.id, first.onset_tick),
            environment=environment,
            opened_tick=first.onset_tick,
            last_tick=tick,
            first_ms=incident.last_ms,
            last_ms=incident.last_ms,
            level=incident.level,
            tell_tick=max(tick, first.onset_tick + ticks(self._config.windows.settle_ms)),
        )

    def _join(self, incident: Incident, storm_id: str, tick: int) -> None:
        """Make the incident's present stretch part of the storm, counted from its onset."""
        storm = self._state.storm(storm_id)
        assert storm is not None
        assert storm.open
        stretch = self._state.stretch(incident.id) or Stretch(
            incident_id=incident.id,
            first_ms=incident.first_ms,
            events=incident.events,
            users=incident.users,
        )
        self._state.drop(key_of(stretch))
        known = incident.id in storm.members
        rate = rates.rate_since(incident.rate, incident.onset_tick, self._rate_ticks)
        storm = msgspec.structs.replace(
            storm,
            last_tick=max(storm.last_tick, incident.last_tick),
            members=storms.kept_members((*storm.members, incident.id)),
            joined=storm.joined + (0 if known else 1),
            services=storms.kept_services((*storm.services, incident.key.service)),
            first_ms=min(storm.first_ms, stretch.first_ms),
            last_ms=max(storm.last_ms, incident.last_ms),
            level=worse(storm.level, incident.level),
            events=sets.union(storm.events, stretch.events),
            users=sets.union(storm.users, stretch.users),
            rate=rates.merge(storm.rate, rate, tick, self._rate_ticks),
            changes=storm.changes + 1,
            page_key=storm.page_key or self._page_taken_over(incident),
        )
        self._state.put(storm)
        self._plan_storm(storm, tick)
        self._state.put(
            Membership(incident_id=incident.id, from_tick=incident.onset_tick, storm_id=storm.id)
        )
        self._state.put(
            msgspec.structs.replace(
                incident,
                storm_id=storm.id,
                storm_base=incident.onset_events,
                tell_tick=tick,
            )
        )
        self._join_episode(incident, storm_id, tick)

    def _page_taken_over(self, incident: Incident) -> str:
        """Return the key of the page that was opened for the incident's episode, now the storm's.

        Only the lead brings it: while the lead is told by itself, its page is its own.
        """
        episode = self._state.episode(incident.key)
        if episode is None or episode.lead != incident.id or not episode.page_key:
            return ""
        self._state.put(msgspec.structs.replace(episode, page_key=""))
        return episode.page_key

    def _join_episode(self, lead: Incident, storm_id: str, tick: int) -> None:
        """Put what the lead told of other releases into the storm that tells the lead."""
        episode = self._state.episode(lead.key)
        if episode is None or episode.lead != lead.id:
            return
        for other in self._state.open_of_episode(lead.key):
            if not other.past and self._state.storm_of(other) is None:
                self._join(other, storm_id, tick)

    def join_lead(self, incident: Incident, tick: int) -> Storm | None:
        """Put an incident whose episode is told by a storm already into that storm."""
        episode = self._state.episode(incident.key)
        if incident.past or episode is None or episode.lead in ("", incident.id):
            return None
        lead = self._state.find_incident(episode.lead)
        storm = self._state.storm_of(lead) if lead is not None else None
        if storm is not None:
            self._join(incident, storm.id, tick)
        return storm

    def _merge(self, into: Storm, other: Storm, tick: int) -> Storm:
        page_key = into.page_key or other.page_key
        moved = page_key == other.page_key
        self._state.put(
            msgspec.structs.replace(
                other,
                closed_tick=tick,
                merged_into=into.id,
                tell_tick=tick,
                page_key="" if moved else other.page_key,
            )
        )
        both = len({*into.members} & {*other.members})
        into = msgspec.structs.replace(
            into,
            opened_tick=min(into.opened_tick, other.opened_tick),
            last_tick=max(into.last_tick, other.last_tick),
            members=storms.kept_members((*into.members, *other.members)),
            joined=into.joined + other.joined - both,
            services=storms.kept_services((*into.services, *other.services)),
            evidence=tuple(sorted({*into.evidence, *other.evidence})),
            first_ms=min(into.first_ms, other.first_ms),
            last_ms=max(into.last_ms, other.last_ms),
            level=worse(into.level, other.level),
            events=sets.union(into.events, other.events),
            users=sets.union(into.users, other.users),
            rate=rates.merge(into.rate, other.rate, tick, self._rate_ticks),
            changes=into.changes + 1,
            page_key=page_key,
        )
        self._state.put(into)
        return self._plan_storm(into, tick)

    def extend(self, storm: Storm, incident: Incident, delta: Delta, tick: int) -> None:
        """Count a delta of one of its incidents for the storm."""
        goes_on = incidents.extends(incident, delta, tick=tick, windows=self._config.windows)
        storm = storms.extended(
            storm, delta, tick=tick, goes_on=goes_on, rate_ticks=self._rate_ticks
        )
        self._state.put(storm)
        self._plan_storm(storm, tick)

    def _plan_storm(self, storm: Storm, tick: int) -> Storm:
        if storm.tell_tick >= 0 or storm.told.mark == storm.changes:
            planned = storm.tell_tick
        else:
            planned = self._teller.next_update(storm.told, tick)
        if self._teller.must_tell_now(storm, tick):
            planned = tick
        if planned != storm.tell_tick:
            storm = msgspec.structs.replace(storm, tell_tick=max(planned, tick))
            self._state.put(storm)
        return storm
