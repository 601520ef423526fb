"""Closing: what follows in the state when an incident is over, and how a person ends things.

Lives here: who leads then, whose page is left, and all that ends together by hand. Not here: when
an incident is over by itself (`correlate`), what an incident goes through (`incidents`), and how
its end is told (`incident_telling`, `people_telling`).
"""

from __future__ import annotations

import msgspec

from correlators import aliases, incidents, lifecycle, settled, storm_life
from correlators.acts import FalseAlarm, Resolve, Unacknowledge
from correlators.entries import NOBODY, key_of
from correlators.gathering import Gatherer
from correlators.incidents import Closed, Incident
from correlators.judging import Config
from correlators.left_pages import by, leave, let_go
from correlators.state import State
from correlators.storms import Storm
from correlators.telling import Teller


class Closing:
    """Closes the incidents of one state."""

    def __init__(self, config: Config, state: State, gatherer: Gatherer, teller: Teller) -> None:
        """Args: config: the limits; state: read and written; gatherer: told who leads; teller:
        tells what a person ends."""
        self._config = config
        self._state = state
        self._gatherer = gatherer
        self._teller = teller
        self._environments: set[str] = set()

    def take(self) -> list[str]:
        """Return the environments in which an incident closed since the last call, sorted."""
        taken, self._environments = sorted(self._environments), set()
        return taken

    def close(
        self, incident: Incident, tick: int, why: Closed, act: Resolve | FalseAlarm | None = None
    ) -> None:
        """Close an open incident in this tick, by itself or by this act; it is told when its turn
        comes."""
        over = incidents.closed(
            incident,
            tick=tick,
            why=why,
            settled_tick=settled.settled_tick(act, tick) if act is not None else -1,
            by=(act.actor, act.source) if act is not None else NOBODY,
        )
        self._state.put(over)
        self._environments.add(incident.key.environment)
        episode = self._state.episode(incident.key)
        if episode is not None and episode.lead == incident.id:
            rest = self._state.open_of_episode(incident.key)
            lead = rest[0] if rest else None
            self._state.put(msgspec.structs.replace(episode, lead=lead.id if lead else ""))
            if lead is not None:
                self._state.put(msgspec.structs.replace(lead, tell_tick=tick))
                self._gatherer.lead(lead, tick)
        if why is Closed.QUIET:
            leave(self._state, incident, self._config.pages)
        lifecycle.ended(self._state, over, tick, self._config.windows)
        aliases.part(self._state, incident.key, tick)

    def by_hand(self, found: Incident | Storm, act: Resolve | FalseAlarm, tick: int) -> bool:
        """End it because a person says so, told at once; return whether that changed anything.

        A storm ends with all its incidents. An incident ends with the other releases that are told
        with it; inside a storm, which goes on and says so. What is over already lets its page go.
        It is told before the deltas of the tick, so that what comes back in the same one is told
        as back.
        """
        alarm = isinstance(act, FalseAlarm) and self._remember(found)
        if not found.open:
            if found.page_left:
                now = msgspec.structs.replace(found, false_alarm=alarm or found.false_alarm)
                self._state.put(let_go(now, by(act), tick=tick))
                self._settle(found, act, tick)
            return alarm or found.page_left
        if isinstance(found, Storm):
            self._end_storm(found, act, tick)
        else:
            self._end_incident(found, act, tick)
        return True

    def let_go(self, found: Incident | Storm, act: Unacknowledge, tick: int) -> bool:
        """Let the page of what is over go, since nobody has it any more; return whether it was
        left.

        Nobody is woken for what is over: a pager that nobody has answered would ring again.
        """
        if not found.page_left:
            return False
        now = let_go(found, by(act), tick=tick)
        if isinstance(now, Storm):
            now = msgspec.structs.replace(now, ack=None)
        self._state.put(now)
        return True

    def _end_storm(self, storm: Storm, act: Resolve | FalseAlarm, tick: int) -> None:
        members = self._of_storm(storm)
        for one in members:
            self._close(one, act, tick)
        # A lead that closes may have brought it a page.
        now = self._state.storm(storm.id) or storm
        now = msgspec.structs.replace(now, doubt=None)
        self._state.put(storm_life.ended(now, tick=tick, why=Closed.HAND))
        self._tell(storm.id, members, act, tick)

    def _end_incident(self, incident: Incident, act: Resolve | FalseAlarm, tick: int) -> None:
        storm = self._state.storm_of(incident)
        together = [
            one.id
            for one in self._state.open_of_episode(incident.key)
            if self._state.storm_of(one) == storm
        ]
        for one in self._leads_last(together):
            self._close(one, act, tick)
        if storm is not None:
            self._teller.person(storm, act, tick, incident)
        self._tell("", together, act, tick)

    def _close(self, id: str, act: Resolve | FalseAlarm, tick: int) -> None:
        self.close(self._state.incident(id), tick, Closed.HAND, act)

    def _settle(self, found: Incident | Storm, act: Resolve | FalseAlarm, tick: int) -> None:
        """Note that what is over already is over up to the moment of this act."""
        until = settled.settled_tick(act, tick)
        by = (act.actor, act.source)
        listed = (found.id,) if isinstance(found, Incident) else found.members
        for id in listed:
            one = self._state.find_incident(id)
            if one is not None and not one.open and one.settled_tick < until:
                self._state.put(msgspec.structs.replace(one, settled_tick=until, ended_by=by))

    def _tell(self, storm_id: str, ids: list[str], act: Resolve | FalseAlarm, tick: int) -> None:
        storm = self._state.storm(storm_id) if storm_id else None
        if storm is not None:
            self._teller.over(storm, act, tick)
        over = [self._state.incident(one) for one in ids]
        # As in a tick: whoever was told of ends the page of them all.
        for one in sorted(over, key=lambda one: (not one.told.revision, one.id)):
            self._teller.over(self._state.incident(one.id), act, tick)

    def _of_storm(self, storm: Storm) -> list[str]:
        """Return the open incidents of a storm, also those that it does not list."""
        found = self._state.open_in(storm.environment, None, None)
        inside = [(one, self._state.storm_of(one)) for one in found]
        return self._leads_last(
            [one.id for one, its in inside if its is not None and its.id == storm.id]
        )

    def _leads_last(self, ids: list[str]) -> list[str]:
        """Return them so that no lead hands over to one that closes in a moment."""
        episodes = ((one, self._state.episode(self._state.incident(one).key)) for one in ids)
        leads = {one for one, episode in episodes if episode is not None and episode.lead == one}
        return sorted(ids, key=lambda one: (one in leads, one))

    def _remember(self, found: Incident | Storm) -> bool:
        """Note that it was a false alarm, once; return whether that is new."""
        if found.false_alarm:
            return False
        self._state.put(msgspec.structs.replace(found, false_alarm=True))
        listed = (found.id,) if isinstance(found, Incident) else found.members
        members = [one for id in listed if (one := self._state.find_incident(id)) is not None]
        episodes = [self._state.episode(one.key) for one in members]
        errors = {key_of(one): one for one in episodes if one is not None}
        for error in errors.values():
            self._state.put(msgspec.structs.replace(error, false_alarms=error.false_alarms + 1))
        return True
