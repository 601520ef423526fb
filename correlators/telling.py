"""Telling as the rest of CORRELATE sees it: of incidents, storms and deploys, when, and why not.

Lives here: the one face before its parts. Not here: how an incident (`incident_telling`) or a storm
(`storm_telling`) is told, what waits (`waiting`), and what was decided (`tellings`).
"""

from __future__ import annotations

from collections import Counter

from correlators import muting
from correlators.acts import ActOutcome, FalseAlarm, PageNow, Resolve
from correlators.conditions import Lifecycle
from correlators.deploy_news import DeployNews
from correlators.incident_news import told_with
from correlators.incident_telling import IncidentTelling
from correlators.incidents import Incident
from correlators.judging import Config, Judge, Judgement
from correlators.lapsing import Lapsing
from correlators.people_telling import Alone, PeopleTelling
from correlators.people_told import NOBODY_HAD, Had
from correlators.services import described
from correlators.silences import Silence
from correlators.state import State
from correlators.storm_telling import StormTelling
from correlators.storms import Storm
from correlators.suppressions import Suppressed, named
from correlators.tellings import Tellings
from correlators.told import Told
from correlators.types import Digest, Level, PageReason, StateChange
from correlators.waiting import Waiting

__all__ = ["Config", "Teller"]


class Teller:
    """Decides the digests of one state. Digests and suppressions gather until they are taken."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: routes and limits; state: read and written."""
        self._judge = judge = Judge(config, state)
        self._state = state
        self._config = config
        self._tellings = Tellings(config, state)
        self._incidents = IncidentTelling(config, state, judge, self._tellings)
        self._storms = StormTelling(config, state, judge, self._tellings)
        self._people = PeopleTelling(config, state, judge, self._incidents, self._storms)
        self._lapsing = Lapsing(state, judge, self._incidents, self._storms)
        self._waiting = Waiting(config.windows, state, judge, self._tellings)
        self._deploys = DeployNews(config, state)

    def take(self) -> tuple[list[Digest], Suppressed, Counter[PageReason]]:
        """Return what was decided since the last call."""
        return self._tellings.take()

    def take_judged(self) -> list[tuple[str, Judgement]]:
        """Return what was judged for a telling since the last call, each with the id of what was to
        be told."""
        return self._tellings.take_judged()

    def take_not_told(self) -> list[tuple[str, str, str]]:
        """Return (subject, suppression, rule) of what was not told since the last call."""
        return self._tellings.take_not_told()

    def incident(self, incident: Incident, tick: int) -> None:
        """Decide the digest that waits for this incident, in this tick."""
        self._incidents.decide(incident, tick)

    def storm(self, storm: Storm, tick: int) -> None:
        """Decide the digest that waits for this storm, in this tick."""
        self._storms.decide(storm, tick)

    def person(
        self,
        found: Incident | Storm,
        act: Alone,
        tick: int,
        part: Incident | None = None,
        had: Had = NOBODY_HAD,
    ) -> None:
        """Tell at once what a person has just done about it, or about one incident of it; of an
        acknowledgement with who had it until then."""
        self._people.person(found, act, tick, part, had)

    def over(self, found: Incident | Storm, act: Resolve | FalseAlarm, tick: int) -> None:
        """Tell at once that a person has ended it."""
        self._people.over(found, act, tick)

    def page_now(self, found: Incident | Storm, act: PageNow, tick: int) -> ActOutcome:
        """Page whoever is on call for it, and tell that; return what became of that."""
        return self._people.page_now(found, act, tick)

    def lapse(self, key: str, tick: int) -> None:
        """End the acknowledgement of this entry, whose time is over, and tell that."""
        self._lapsing.lapse(key, tick)

    def silenced(self, silence: Silence, tick: int) -> None:
        """Have what a silence begins to mute say so in this tick, if it was told before."""
        most = self._config.holding.most_per_hour
        muting.plan(self._judge, self._state, silence, tick, most)

    def level_of(self, incident: Incident, tick: int) -> Level:
        """Return the level of all that is told with an incident, as the rules see it."""
        told = [incident, *told_with(self._state, incident)]
        return self._judge.of_incidents(told, Lifecycle.UPDATED, tick, only_page=True).facts.level

    def deploy(self, change: StateChange, tick: int) -> None:
        """Decide the digest of a deploy, which is told at once or never."""
        judgement = self._deploys.judged(change, tick)
        if judgement is not None:
            self._tell_deploy(change, judgement, tick)
        self._emit_deploy(self._deploys.kept(change, tick))

    def _tell_deploy(self, change: StateChange, judgement: Judgement, tick: int) -> None:
        if judgement.hold is not None:
            self._tellings.suppress(named(judgement.hold.why, judgement.hold.name))
            return
        self._tellings.note_spike(change.environment, judgement, tick)
        self._emit_deploy(self._deploys.told(change, judgement, tick))

    def _emit_deploy(self, digests: list[Digest]) -> None:
        known = self._config
        self._tellings.emit([described(one, (), known.services, known.owners) for one in digests])

    def must_tell_now(self, found: Incident | Storm, tick: int) -> bool:
        """Return whether it may not wait for its time."""
        return self._waiting.must_tell_now(found, tick)

    def next_update(self, told: Told, tick: int) -> int:
        """Return the tick in which an update may be told."""
        return self._waiting.next_update(told, tick)

    def released(self, environment: str, tick: int) -> None:
        """Tell at once what was held back by something open, now that something has closed."""
        self._waiting.released(environment, tick)
