"""Gathering: incidents become storms, storms grow and merge, and whatever is linked is told as
one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from correlators import evidence, handover, incidents, links, origin, storm_life
from correlators.company import Company, witnesses_each
from correlators.entries import Membership, episode_key, key_of
from correlators.evidence import Piece
from correlators.incidents import Incident, ticks
from correlators.links import Group, Near
from correlators.meetings import Meetings
from correlators.members import Members
from correlators.state import State
from correlators.storms import GAIN_TICKS, Storm, Stretch, storm_id
from correlators.telling import Config, Teller
from correlators.types import Delta
from correlators.usual import Usual
from correlators.waves import WAVE_TICKS, is_new_wave, may_part
from correlators.witnesses import Witnesses
from correlators.young import Place


class Gatherer:
    """Links the incidents of one state."""

    def __init__(self, config: Config, state: State, teller: Teller) -> None:
        """Args: config: the limits; state: read and written; teller: asked when updates may be
        told."""
        self._config = config
        self._state = state
        self._teller = teller
        self._members = Members(state)
        self._witnesses = Witnesses(config, state, self._members)
        self._extended: set[str] = set()
        self._company = Company(config, state)
        self._usual = Usual(state)
        self._meetings = Meetings(config.linking, state)
        self._rate_ticks = config.rate_ticks
        self._near: list[tuple[str, Near]] = []

    def link(self, touched: AbstractSet[str], tick: int) -> None:
        """Link the young incidents of every environment in which one of `touched` lies, and those
        of `touched` that are told by themselves."""
        if not touched:
            return
        environments = {self._state.incident(one).key.environment for one in touched}
        since = tick - ticks(self._config.linking.link_within_ms)
        alone = self._meetings.lingering(touched)
        for environment in sorted(environments):
            young = self._state.young.since(environment, since) or Place()
            lingering = [
                one
                for one in alone
                if one.key.environment == environment and one.id not in young.ids
            ]
            open_storms = [
                one for one in self._state.open_storms() if one.environment == environment
            ]
            divided = self._company.divided(young)
            if not (divided.loose or divided.inside or lingering):
                continue
            if len(divided.loose) + len(lingering) + len(open_storms) < 2:
                continue  # one incident, or one storm that has them all: nothing to link
            apart: dict[str, tuple[str, ...]] = {}
            for storm in open_storms:
                for episode in storm.apart:
                    apart[episode] = (*apart.get(episode, ()), storm.id)
            anchors = [self._witnesses.lingering(one, apart) for one in lingering]
            most = witnesses_each(len(open_storms))
            here = divided.loose | divided.members
            for storm in open_storms:
                if divided.loose or anchors or divided.inside.keys() - {storm.id}:
                    anchors += self._witnesses.anchors(storm, here, tick, most)
            compared = self._company.compared(environment, young, divided, anchors, tick)
            candidates = self._witnesses.candidates(environment, compared, apart) + anchors
            around = self._witnesses.around(environment, candidates, open_storms, tick)
            linked = links.link(candidates, around, self._config.linking)
            for one, two in sorted(linked.met):
                self._usual.meet(environment, one, two, tick)
            for group in linked.groups:
                self._gather(environment, group, tick)
            self._note_near(linked.near, tick)

    def _note_near(self, near: Mapping[str, Near], tick: int) -> None:
        """Keep, for `explain`, what was too little to tie those that begin now to any other."""
        for id, found in near.items():
            incident = self._state.incident(id)
            if incident.onset_tick == tick and self._state.storm_of(incident) is None:
                self._near.append((id, found))

    def take_near(self) -> list[tuple[str, Near]]:
        """Return which incidents stayed out of every storm since the last call, and what was
        nearest."""
        taken, self._near = self._near, []
        return taken

    def _gather(self, environment: str, group: Group, tick: int) -> None:
        """Make the group one storm: a new one, or the oldest of those that its members are in."""
        # As it is by now: a group before may have brought some of them with their lead.
        now = [self._state.storm_of(self._state.incident(one.id)) for one in group.members]
        refused = {one for member in group.members for one in member.apart}
        storms = {one.id: one for one in now if one is not None and one.id not in refused}
        # Of storms as old as each other, the one whose error comes first: not by their ids.
        found = sorted(storms.values(), key=lambda storm: storm.opened_tick)
        if not found and None not in now:
            return  # all of them are told by a storm that one of them was taken out of
        storm = found[0] if found else self._new_storm(environment, self._first(group), tick)
        self._witness(storm, group.pieces)
        for other in found[1:]:
            self._merge(storm.id, other, tick)
        for candidate in group.members:
            incident = self._state.incident(candidate.id)
            if self._state.storm_of(incident) is None:
                self._join(incident, storm.id, tick)
        self._settle(storm.id, tick)

    def _first(self, group: Group) -> str:
        """Return the member whose stretch began first; of several the one that is named first."""
        ids = [one.id for one in group.members]
        return min(ids, key=lambda one: self._state.incident(one).onset_tick)

    def _new_storm(self, environment: str, first: str, tick: int) -> Storm:
        settle = ticks(self._config.windows.settle_ms)
        incident = self._state.incident(first)
        id = storm_id(environment, first, incident.onset_tick)
        if self._state.storm(id) is not None:
            # The stretch began a storm before, which people took apart: this is another one.
            id = storm_id(environment, first, tick)
        return storm_life.opened(id, environment, incident, tick=tick, settle_ticks=settle)

    def _witness(self, storm: Storm, pieces: Iterable[Piece]) -> None:
        """Store the storm with more evidence."""
        kept = evidence.kept((*storm.evidence, *pieces))
        self._state.put(msgspec.structs.replace(storm, evidence=kept))

    def _open(self, storm_id: str) -> Storm:
        storm = self._state.storm(storm_id)
        assert storm is not None
        assert storm.open
        return storm

    def _settle(self, storm_id: str, tick: int) -> None:
        """Work out anew where the storm began, and when it is told."""
        storm = self._open(storm_id)
        found = origin.likely(storm, self._members.of(storm).firsts, self._config.depends)
        if found != storm.origin:
            storm = msgspec.structs.replace(storm, origin=found)
            self._state.put(storm)
        self._plan_storm(storm, tick)

    def unite(self, one: Storm | Incident, two: Storm | Incident, said: Piece, tick: int) -> None:
        """Make one storm of two things because a person says so; the older storm goes on."""
        storms_ = sorted(
            (part for part in (one, two) if isinstance(part, Storm)),
            key=lambda storm: (storm.opened_tick, storm.id),
        )
        loose = sorted(
            (part for part in (one, two) if isinstance(part, Incident)),
            key=lambda part: (part.onset_tick, part.id),
        )
        if storms_:
            storm = storms_[0]
        else:
            storm = self._new_storm(loose[0].key.environment, loose[0].id, tick)
        self._witness(storm, [said])
        for other in storms_[1:]:
            self._merge(storm.id, other, tick)
        for incident in loose:
            key = incident.key
            place = episode_key(key.environment, key.service, key.fingerprint)
            now = self._open(storm.id)
            allowed = tuple(one for one in now.apart if one != place)
            self._state.put(msgspec.structs.replace(now, apart=allowed))
            self._join(self._state.incident(incident.id), storm.id, tick)
        self._settle(storm.id, tick)

    def part(self, storm_id: str, incident: Incident, episode: str, tick: int) -> None:
        """Take an incident out of its storm for good; it is told and judged by itself again.

        A storm that has fewer than two left is none: it ends, and what is left is told by itself.
        """
        storm = self._open(storm_id)
        left = [
            found
            for one in storm.members
            if one != incident.id and (found := self._state.find_incident(one)) is not None
        ]
        self._state.put(storm_life.parted(storm, incident, episode, left))
        self._release(incident, tick)
        if len(left) > 1 or storm.joined > len(storm.members):
            self._settle(storm_id, tick)
            self._state.put(storm_life.said_now(self._open(storm_id), tick=tick))
            return
        # What is left tells and pages first.
        over = storm_life.dissolved(self._open(storm_id), tick=tick, tell_tick=tick + 1)
        for one in left:
            over = handover.given_back(self._state, over, one)
        self._state.put(over)
        for one in left:
            if one.open:
                self._release(one, tick)

    def _release(self, incident: Incident, tick: int) -> None:
        """Let an incident be told by itself again, from this tick on."""
        self._state.drop(f"member:{incident.id}:{incident.onset_tick}")
        self._state.put(msgspec.structs.replace(incident, storm_id="", tell_tick=tick))
        self._usual.count(incident, 1)

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
        if not may_part(incident, tick):
            self._state.drop(key_of(stretch))
        storm = handover.taken_over(self._state, storm, incident, tick)
        storm = storm_life.joined(storm, incident, stretch, tick=tick, rate_ticks=self._rate_ticks)
        self._state.put(storm)
        self._plan_storm(storm, tick)
        if tick - storm.opened_tick <= storm_life.UNFOLDS_TICKS:
            # What trickles in for hours is usual, whatever storm it is put into.
            self._usual.count(incident, -1)
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

    def lead(self, incident: Incident, tick: int) -> None:
        """Bring the page of an episode to the storm that tells the incident which leads it now."""
        storm = self._state.storm_of(incident)
        if storm is not None:
            storm = handover.taken_over(self._state, storm, incident, tick)
            self._state.put(storm)
            self._plan_storm(storm, tick)

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
            self._settle(storm.id, tick)
        return storm

    def _merge(self, into_id: str, other: Storm, tick: int) -> None:
        into, over = storm_life.merged(
            self._open(into_id), other, tick=tick, rate_ticks=self._rate_ticks
        )
        self._state.put(over)
        self._state.put(into)
        self._plan_storm(into, tick)

    def part_waves(self, tick: int) -> None:
        """End every storm on which a new wave breaks in several services: what begins or comes back
        in it is linked anew."""
        for storm in map(self._open, self._state.gaining.since(tick - GAIN_TICKS)):
            if not is_new_wave(storm, tick=tick):
                continue
            since = tick - WAVE_TICKS
            found = (self._state.find_incident(one) for one in storm.members)
            members = [one for one in found if one is not None]
            wave = [one for one in members if one.last_tick > since]
            if len({one.key.service for one in wave}) < self._config.linking.burst_services:
                continue
            gone = [one for one in wave if one.open and may_part(one, tick)]
            left = [one for one in members if one not in gone]
            if left:
                storm = storm_life.without(storm, gone, left)
            settled = tick + ticks(self._config.windows.settle_ms)
            self._state.put(storm_life.dissolved(storm, tick=tick, tell_tick=settled + 1))
            for one in gone:
                self._release(one, settled)

    def extend(
        self, storm: Storm, incident: Incident, delta: Delta, tick: int, *, came_back: bool
    ) -> None:
        """Count a delta of one of its incidents for the storm."""
        goes_on = incidents.extends(incident, delta, tick=tick, windows=self._config.windows)
        storm = storm_life.extended(
            storm,
            delta,
            tick=tick,
            goes_on=goes_on,
            came_back=came_back and goes_on,
            rate_ticks=self._rate_ticks,
        )
        self._state.put(storm)
        self._extended.add(storm.id)

    def plan_extended(self, tick: int) -> None:
        """Set when the storms that were extended in this tick are told next, by what they are once
        all its deltas are counted."""
        extended, self._extended = sorted(self._extended), set()
        for one in extended:
            storm = self._state.storm(one)
            if storm is not None and storm.id == one and storm.open:
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
