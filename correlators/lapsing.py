"""Lapsing: an acknowledgement that was to last for some time ends, and nobody said more.

Told as acknowledged by nobody. A page that is open goes on as a new one, so that whoever is paged
is woken or reminded again; without a page the rules are asked anew. While a silence or maintenance
mutes it, or Sentry ignores it, nobody is to be woken: then it ends with that. Lives here: all of
it. Not here: how long one lasts (`acknowledging`), and who has the page then (`incident_telling`,
`storm_telling`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from correlators import paging
from correlators.conditions import Lifecycle
from correlators.coverage import lapse_words
from correlators.digest import Page
from correlators.entries import NOBODY, Episode
from correlators.holds import Hold
from correlators.incident_news import told_with
from correlators.incident_telling import IncidentTelling
from correlators.incidents import Incident, LetGo
from correlators.judging import Judge
from correlators.left_pages import let_go
from correlators.people_told import Said
from correlators.state import State
from correlators.storm_telling import StormTelling
from correlators.storms import Storm
from correlators.types import TICK_MS, DigestKind, PageOver, Suppression

_MUTES: Final = (*paging.MUTES, Suppression.IGNORED)

_ENDED: Final = LetGo(PageOver.ACK_ENDED)

LATER_TICKS: Final = 60
"""What is muted for an unknown time is looked at again after this."""


class Lapsing:
    """Ends the acknowledgements of one state."""

    def __init__(
        self, state: State, judge: Judge, incidents: IncidentTelling, storms: StormTelling
    ) -> None:
        """Args: state: read and written; judge: says what mutes; incidents, storms: tell."""
        self._state = state
        self._judge = judge
        self._incidents = incidents
        self._storms = storms

    def lapse(self, key: str, tick: int) -> None:
        """End the acknowledgement of the storm or the episode of this entry key, in this tick."""
        entry = self._state.get(key)
        if isinstance(entry, Storm):
            self._storm(entry, tick)
        elif isinstance(entry, Episode):
            self._episode(entry, tick)

    def _storm(self, storm: Storm, tick: int) -> None:
        assert storm.ack is not None
        judgement = self._judge.of_storm(storm, Lifecycle.UPDATED, tick) if storm.open else None
        later = _later(judgement.hold if judgement is not None else None, tick)
        if later:
            ack = msgspec.structs.replace(storm.ack, until_tick=later)
            self._state.put(msgspec.structs.replace(storm, ack=ack))
            return
        why = lapse_words(storm.ack.for_ticks)
        storm = msgspec.structs.replace(storm, ack=None)
        if judgement is None:
            self._state.put(let_go(storm, _ENDED, tick=tick))
            return
        self._state.put(storm)
        if not storm.page_key:
            self._storms.alone(storm, DigestKind.UNACKNOWLEDGED, Page(), Said(text=why), tick)
            self._ask(self._state.storm(storm.id), tick)
            return
        key = f"{storm.id}.{storm.generation + 1}"
        page = paging.anew(key, (storm.page_key, storm.page_to), why)
        kind = DigestKind.UNACKNOWLEDGED
        self._storms.tell(storm, kind, page, tick, None, storm.told.to)

    def _episode(self, episode: Episode, tick: int) -> None:
        lead = self._state.find_incident(episode.lead) if episode.lead else None
        free = msgspec.structs.replace(episode, acked_by=NOBODY, acked_until=-1)
        if lead is None or not lead.open or self._state.storm_of(lead) is not None:
            self._state.put(free)
            left = self._state.find_incident(episode.page_left_by)
            if left is not None and left.page_left:
                self._state.put(let_go(left, _ENDED, tick=tick))
            return
        told = [lead, *told_with(self._state, lead)]
        judgement = self._judge.of_incidents(told, Lifecycle.UPDATED, tick)
        later = _later(judgement.hold, tick)
        if later:
            self._state.put(msgspec.structs.replace(episode, acked_until=later))
            return
        why = lapse_words(episode.acked_for)
        self._state.put(free)
        if not episode.page_key or episode.page_left_by:
            self._incidents.alone(lead, DigestKind.UNACKNOWLEDGED, Page(), Said(text=why), tick)
            self._ask(self._state.incident(lead.id), tick)
            return
        key = f"{lead.id}.{lead.told.revision + 1}"
        page = paging.anew(key, (episode.page_key, episode.page_to), why)
        kind = DigestKind.UNACKNOWLEDGED
        self._incidents.tell(lead, kind, page, tick, None, lead.told.to)

    def _ask(self, found: Incident | Storm | None, tick: int) -> None:
        """Have the rules asked in this tick whether it pages, now that nobody has it."""
        if found is not None and found.told.revision:
            self._state.put(msgspec.structs.replace(found, tell_tick=tick))


def _later(hold: Hold | None, tick: int) -> int:
    """Return the tick until which something mutes it, 0 where nothing does."""
    if hold is None or hold.why not in _MUTES:
        return 0
    ends = -(-hold.until_ms // TICK_MS) if hold.until_ms else tick + LATER_TICKS
    return max(ends, tick + 1)
