"""Witnesses: incidents as they are judged when they are linked, and what is known around them.

Only reads the state; what follows is `links`' and `gathering`'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from correlators import links
from correlators.candidates import Candidate, Spread, Surroundings
from correlators.causes import cause_of
from correlators.deltas import TRACES_KEPT
from correlators.entries import Episode, Service, episode_place
from correlators.incidents import Incident, ticks
from correlators.members import Members
from correlators.releases import release_news
from correlators.state import State
from correlators.storms import Storm
from correlators.telling import Config

ENVIRONMENTS_KEPT: Final = 64
"""Environments of which candidates are remembered, those of the last look at each."""


class Witnesses:
    """Looks incidents up in one state."""

    def __init__(self, config: Config, state: State, members: Members) -> None:
        """Args: config: the limits; state: read; members: of its storms."""
        self._config = config
        self._state = state
        self._members = members
        self._made: dict[str, dict[str, _Made]] = {}
        """The candidates of the last look at an environment; no result depends on it."""

    def around(
        self,
        environment: str,
        candidates: Iterable[Candidate],
        open_storms: Sequence[Storm],
        tick: int,
    ) -> Surroundings:
        """Return what is known of the environment of these candidates."""
        found = list(candidates)
        services = ["", *sorted({one.service for one in found})]
        whole = self._state.baseline(environment, "")
        neighbours = {name: self._state.neighbours(environment, name) for name in services}
        baselines = {name: self._state.baseline(environment, name) for name in services}
        return Surroundings(
            since_tick=whole.since_tick if whole is not None else tick,
            tick=tick,
            depends=self._config.depends,
            inside=dict(pair for storm in open_storms for pair in self._inside(storm, tick)),
            services={storm.id: storm.services for storm in open_storms},
            neighbours={name: one for name, one in neighbours.items() if one is not None},
            slots={name: one.slots for name, one in baselines.items() if one is not None},
            errors=self._errors(environment, found),
            tied=frozenset(
                one.id
                for one in open_storms
                if not links.TELLS_APART.isdisjoint(piece.kind for piece in one.evidence)
            ),
        )

    def _errors(self, environment: str, candidates: Iterable[Candidate]) -> dict[str, Spread]:
        """Return how the errors are spread that several of these services have, or that others were
        raised from."""
        services: dict[str, set[str]] = defaultdict(set)
        found = list(candidates)
        causes = {one.cause for one in found if one.cause}
        several: set[str] = set()
        for one in found:
            if causes & {one.cause, one.error}:
                several.add(one.fingerprint)
            for name in (one.fingerprint, *one.aliases):
                services[name].add(one.service)
        spread: dict[str, Spread] = {}
        several.update(one for one, where in services.items() if len(where) > 1)
        for name in sorted(several):
            episodes = self._state.episodes_of(environment, name)
            slots: Counter[int] = Counter()
            for episode in episodes:
                for slot, onsets in episode.onsets:
                    slots[slot] += onsets
            if episodes:
                since = min(episode.first_tick for episode in episodes)
                spread[name] = Spread(since, tuple(sorted(slots.items())))
        return spread

    def anchors(self, storm: Storm, young: Container[str], tick: int, most: int) -> list[Candidate]:
        """Return the active members of a storm that are not young themselves, at most so many: who
        was heard of last."""
        within = ticks(self._config.linking.link_within_ms)
        found = (self._state.find_incident(one) for one in storm.members if one not in young)
        active = [
            one for one in found if one is not None and one.open and tick - one.last_tick <= within
        ]
        if len(active) > most:
            active.sort(key=lambda one: (one.last_tick, one.id))
            active = active[-most:]
        return [self._anchor(member, storm.id) for member in active]

    def lingering(self, incident: Incident, apart: Mapping[str, tuple[str, ...]]) -> Candidate:
        """Return an incident that began long ago and is told by itself: what it shares just now
        ties it to others.

        Args: apart: open storms that an episode was taken out of, by its entry key.
        """
        place = episode_place(incident.key)
        return msgspec.structs.replace(
            self._anchor(incident, ""), apart=apart.get(place, ()) if apart else ()
        )

    def _inside(self, storm: Storm, tick: int) -> Iterator[tuple[tuple[str, str], float]]:
        """Yield how many incidents per tick the storm gained in each of its services so far."""
        within = ticks(self._config.linking.link_within_ms)
        age = max(within, tick - storm.opened_tick)
        counts = self._members.of(storm).counts
        for service in storm.services:
            yield (storm.id, service), counts.get(service, 0) / age
        yield (storm.id, ""), storm.joined / age

    def _anchor(self, member: Incident, storm_id: str) -> Candidate:
        """Return one that began long ago as a witness: what it shares draws others in."""
        episode = self._state.episode(member.key)
        return Candidate(
            onset_tick=member.last_tick,
            id=member.id,
            service=member.key.service,
            fingerprint=member.key.fingerprint,
            aliases=member.aliases,
            release_news="",
            release="",
            traces=tuple(trace for trace, _ in member.traces),
            all_traces=len(member.traces) < TRACES_KEPT,
            loud=False,
            title=member.sample.title,
            fresh=episode is not None and episode.first_tick >= member.onset_tick,
            began_tick=member.onset_tick,
            error=member.signature,
            cause=cause_of(member.signature),
            storm_id=storm_id,
            anchor=True,
        )

    def candidates(
        self, environment: str, ids: Iterable[str], apart: Mapping[str, tuple[str, ...]]
    ) -> list[Candidate]:
        """Return young incidents as candidates, each made once for as long as nothing of it
        changes.

        Args:
            environment: theirs.
            ids: of them.
            apart: open storms that an episode was taken out of, by its entry key.
        """
        before, now = self._made.get(environment, {}), dict[str, _Made]()
        for one in ids:
            incident = self._state.incident(one)
            key = incident.key
            storm = self._state.storm_of(incident)
            episode = self._state.episode(key)
            made_of = _MadeOf(
                incident,
                storm.id if storm is not None else "",
                episode,
                self._state.service(key.environment, key.service),
                apart.get(episode_place(key), ()) if apart else (),
            )
            known = before.get(one)
            if known is not None and made_of.is_same(known.of):
                now[one] = known
            else:
                now[one] = _Made(made_of, self._candidate(made_of))
        if len(self._made) >= ENVIRONMENTS_KEPT:
            self._made.clear()
        self._made[environment] = now
        return [one.candidate for one in now.values()]

    def _candidate(self, of: _MadeOf) -> Candidate:
        incident, storm_id, episode, service, apart = of
        key = incident.key
        release = key.release
        since = dict(service.releases).get(release) if service is not None else None
        came_with = episode is not None and since is not None and episode.first_tick >= since
        news = release_news(service, incident, self._config.linking)
        return Candidate(
            onset_tick=incident.onset_tick,
            id=incident.id,
            service=key.service,
            fingerprint=key.fingerprint,
            aliases=incident.aliases,
            release_news=release if came_with and news is not None else "",
            release=release if came_with else "",
            traces=tuple(trace for trace, _ in incident.traces),
            all_traces=len(incident.traces) < TRACES_KEPT,
            loud=incident.events_since(incident.onset_events) > 1,
            title=incident.sample.title,
            fresh=episode is not None and episode.first_tick >= incident.onset_tick,
            error=incident.signature,
            cause=cause_of(incident.signature),
            storm_id=storm_id,
            apart=apart,
        )


class _MadeOf(NamedTuple):
    """All that a candidate is made of, beside the configuration."""

    incident: Incident
    storm_id: str
    episode: Episode | None
    service: Service | None
    apart: tuple[str, ...]

    def is_same(self, other: _MadeOf) -> bool:
        """Return whether nothing has changed: entries are never changed in place."""
        return (
            self.incident is other.incident
            and self.episode is other.episode
            and self.service is other.service
            and self.storm_id == other.storm_id
            and self.apart == other.apart
        )


class _Made(NamedTuple):
    of: _MadeOf
    candidate: Candidate
