"""What is usual in an environment, as it is learnt: onsets that belong to no storm, and services
that are seen in one trace."""

from __future__ import annotations

import msgspec

from correlators.baseline import Baseline, counted, shifted
from correlators.dependencies import Neighbours, met
from correlators.entries import TOUCH_TICKS
from correlators.incidents import Incident
from correlators.state import State


class Usual:
    """Learns in one state."""

    def __init__(self, state: State) -> None:
        """Args: state: read and written."""
        self._state = state

    def heard(self, incident: Incident, tick: int, *, began: bool) -> None:
        """Count what is heard of an environment: since when, and every onset, until it is
        linked."""
        environment = incident.key.environment
        whole = self._state.baseline(environment, "")
        if whole is None:
            whole = Baseline(environment=environment, service="", since_tick=tick, last_tick=tick)
            self._state.put(whole)
        elif tick - whole.last_tick >= TOUCH_TICKS:
            self._state.put(msgspec.structs.replace(whole, last_tick=tick))
        if began and not incident.past:
            self.count(incident, 1)

    def count(self, incident: Incident, by: int) -> None:
        """Count an onset (1), or take it out again because it is part of a storm (-1)."""
        environment = incident.key.environment
        whole = self._state.baseline(environment, "")
        since = whole.since_tick if whole is not None else incident.onset_tick
        for service in ("", incident.key.service):
            known = self._state.baseline(environment, service) or Baseline(
                environment=environment,
                service=service,
                since_tick=since,
                last_tick=incident.onset_tick,
            )
            self._state.put(counted(known, incident.onset_tick, by))
        episode = self._state.own_episode(incident.key)
        if episode is not None:
            newest = max(incident.onset_tick, incident.last_tick)
            onsets = shifted(episode.onsets, incident.onset_tick, by, newest_tick=newest)
            self._state.put(msgspec.structs.replace(episode, onsets=onsets))

    def meet(self, environment: str, one: str, two: str, tick: int) -> None:
        """Learn that two services were seen in one trace."""
        for service, other in ((one, two), (two, one)):
            known = self._state.neighbours(environment, service) or Neighbours(
                environment=environment, service=service
            )
            self._state.put(met(known, other, tick))
