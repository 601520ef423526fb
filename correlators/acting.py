"""Acting: what people's decisions do to storms and incidents.

An act about something that is over, forgotten or of another environment does nothing: what it was
about is gone.
"""

from __future__ import annotations

import msgspec

from correlators import evidence, storm_life
from correlators.acts import Acknowledge, Act, MergeInto, Separate, Unacknowledge
from correlators.entries import episode_key
from correlators.evidence import both, piece
from correlators.gathering import Gatherer
from correlators.incidents import Incident
from correlators.state import State
from correlators.storms import Storm
from correlators.types import Evidence


class Acting:
    """Carries out the acts on one state."""

    def __init__(self, state: State, gatherer: Gatherer) -> None:
        """Args: state: read and written; gatherer: joins, merges and parts."""
        self._state = state
        self._gatherer = gatherer

    def act(self, act: Act, tick: int) -> bool:
        """Carry out one act in this tick and return whether it changed anything.

        The same act twice changes nothing the second time.
        """
        found = self._find(act.subject)
        if found is None:
            return False
        match act:
            case Acknowledge():
                return self._acknowledge(found, act, tick)
            case Unacknowledge():
                return self._unacknowledge(found)
            case Separate():
                return isinstance(found, Incident) and self._separate(found, tick)
            case MergeInto():
                into = self._find(act.into)
                return into is not None and self._merge(found, into, tick)

    def _find(self, subject: str) -> Storm | Incident | None:
        """Return the open storm or incident of this id; a storm that was taken over is its
        heir."""
        if subject.startswith("storm-"):
            storm = self._state.storm(subject)
            return storm if storm is not None and storm.open else None
        incident = self._state.find_incident(subject)
        return incident if incident is not None and incident.open else None

    def _told_by(self, found: Storm | Incident) -> Storm | Incident:
        """Return the storm that tells this incident, or the thing itself."""
        if isinstance(found, Storm):
            return found
        return self._state.storm_of(found) or found

    def _acknowledge(self, found: Storm | Incident, act: Acknowledge, tick: int) -> bool:
        """An incident inside a storm has no page of its own: the storm is what is acknowledged."""
        found = self._told_by(found)
        if isinstance(found, Storm):
            now = storm_life.acknowledged(found, actor=act.actor, source=act.source, tick=tick)
            changed = found.ack is None or now.ack is None or _covers(now) != _covers(found)
            if changed:
                self._state.put(now)
            return changed
        episode = self._state.episode(found.key)
        if episode is None or not episode.page_key or episode.acked_by[1]:
            return False
        by = (act.actor, act.source)
        self._state.put(msgspec.structs.replace(episode, acked_by=by))
        return True

    def _unacknowledge(self, found: Storm | Incident) -> bool:
        found = self._told_by(found)
        if isinstance(found, Storm):
            if found.ack is None:
                return False
            self._state.put(msgspec.structs.replace(found, ack=None))
            return True
        episode = self._state.episode(found.key)
        if episode is None or not episode.acked_by[1]:
            return False
        self._state.put(msgspec.structs.replace(episode, acked_by=("", "")))
        return True

    def _separate(self, incident: Incident, tick: int) -> bool:
        """Its whole episode leaves: another release of the error is no other error."""
        storm = self._state.storm_of(incident)
        if storm is None:
            return False
        key = incident.key
        episode = episode_key(key.environment, key.service, key.fingerprint)
        for one in self._state.open_of_episode(key):
            inside = self._state.storm_of(one)
            if inside is not None and inside.id == storm.id:
                self._gatherer.part(storm.id, one, episode, tick)
        return True

    def _merge(self, found: Storm | Incident, into: Storm | Incident, tick: int) -> bool:
        one, two = self._told_by(found), self._told_by(into)
        if one.id == two.id or _environment(one) != _environment(two):
            return False
        services = tuple(
            part.services[0] if isinstance(part, Storm) else part.key.service for part in (one, two)
        )
        said = piece(
            Evidence.BY_HAND, evidence.BY_HAND, services, f"{both(*services)}: a person says so"
        )
        self._gatherer.unite(one, two, said, tick)
        return True


def _environment(found: Storm | Incident) -> str:
    return found.environment if isinstance(found, Storm) else found.key.environment


def _covers(storm: Storm) -> tuple[object, ...]:
    ack = storm.ack
    return () if ack is None else (ack.services, ack.level, ack.origin, storm.overtaken)
