"""When something is told: what waits, for what and until when, and what may not wait.

Lives here: the time of the next update, what is held until something ends, and who must tell at
once. Not here: what holds back (`holds`), and what is told when its time comes (`incident_telling`,
`storm_telling`).
"""

from __future__ import annotations

import msgspec

from correlators import paging
from correlators.conditions import Lifecycle
from correlators.coverage import gained
from correlators.holds import Hold
from correlators.incident_news import told_with
from correlators.incidents import Incident, Windows, ticks
from correlators.judging import Judge
from correlators.state import State
from correlators.storms import Storm
from correlators.suppressions import named
from correlators.tellings import Tellings
from correlators.told import Told
from correlators.types import TICK_MS, PageAction, Suppression


class Waiting:
    """Has what one state would tell wait, or not."""

    def __init__(self, windows: Windows, state: State, judge: Judge, tellings: Tellings) -> None:
        """Args: windows: the lengths; state: read and written; judge: says what pages; tellings:
        count what is held."""
        self._windows = windows
        self._state = state
        self._judge = judge
        self._tellings = tellings

    def next_update(self, told: Told, tick: int) -> int:
        """Return the tick in which an update may be told."""
        return max(tick, told.tick + ticks(self._windows.update_every_ms))

    def hold(self, found: Incident | Storm, hold: Hold, tick: int) -> None:
        """Keep what is held for when that ends; what a rule drops waits for nothing."""
        if self._still_held(found, hold, tick):
            until = found.told.held_until
            self._state.put(msgspec.structs.replace(found, tell_tick=until))
            return
        self._tellings.suppress(named(hold.why, hold.name))
        told = held_now(found.told, hold, tick)
        if hold.why is Suppression.DROPPED:
            told = msgspec.structs.replace(told, mark=found.changes)
        self._state.put(msgspec.structs.replace(found, told=told, tell_tick=told.held_until))

    def _still_held(self, found: Incident | Storm, hold: Hold, tick: int) -> bool:
        """Return whether it waits for the same already: counted once until a known end, else once
        for every update that would have been."""
        told = found.told
        same = held_now(told, hold, tick)
        if (same.held, same.held_until) != (told.held, told.held_until):
            return False
        if told.silenced and told.tick == told.said_tick and told.mark != found.changes:
            return False  # the first that is held since it was told that it is silenced
        return told.held_until >= 0 or tick < self.next_update(told, told.tick)

    def must_tell_now(self, found: Incident | Storm, tick: int) -> bool:
        """Return whether it may not wait for its time: it must page and has not, or it has news and
        is held back, and maybe is not any more: a silenced storm that somebody joins.

        What is held is only looked at when the tick is told, once, however much came of it.
        """
        if _may_be_free(found):
            return found.open
        if not self._judge.may_page or not found.told.revision:
            return False
        if isinstance(found, Storm):
            if (found.page_key and found.ack is None) or (found.ack and not gained(found)):
                return False
            judgement = self._judge.of_storm(found, Lifecycle.UPDATED, tick, only_page=True)
            page = paging.of_storm(found, judgement, self._judge.fallbacks)
            return page.action is PageAction.TRIGGER
        episode = self._state.episode(found.key)
        if episode is None or episode.lead != found.id or not found.open:
            return False
        paged = episode.page_key and not episode.page_left_by
        if paged or self._state.storm_of(found) is not None:
            return False
        told = [found, *told_with(self._state, found)]
        judged = self._judge.waking(told, tick)
        if judged is None:
            return False
        return paging.of_incident(self._state, found, judged).action is PageAction.TRIGGER

    def released(self, environment: str, tick: int) -> None:
        """Tell at once what was held back by something open, now that something has closed."""
        for incident in self._state.inhibited(environment):
            self._state.put(msgspec.structs.replace(incident, tell_tick=tick))


def held_now(before: Told, hold: Hold, tick: int) -> Told:
    """Return what people have heard of what is held in this tick."""
    # The tick that ends with the hold is the first that is free of it.
    free = -(-hold.until_ms // TICK_MS) - 1 if hold.until_ms else -1
    until = max(free, tick + 1) if hold.until_ms else -1
    return msgspec.structs.replace(
        before,
        tick=tick,
        held=f"{hold.why}:{hold.name}",
        held_until=until,
        report=hold.report or before.report,
    )


def _may_be_free(found: Incident | Storm) -> bool:
    """Return whether it has news and waits for what may not hold it any more, as it is now."""
    told = found.told
    why = told.held.partition(":")[0]
    return told.mark != found.changes and why not in ("", Suppression.FLAPPING, Suppression.DROPPED)
