"""Acknowledging: what it does to a storm or an incident that a person has it, or nobody any more.

An incident inside a storm has no page of its own: the storm is what is acknowledged. What is told
of it is the telling's part (`incident_telling`, `storm_telling`).

An incident may be acknowledged whether it has a page or not: people press the button on any
message. Without a page, it opens none while the acknowledgement stands, unless its level rises
above what it was then; the acknowledgement ends with the last open incident of the episode, or
when it was to end (`lapsing`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from correlators import storm_life
from correlators.acts import Acknowledge
from correlators.coverage import covered
from correlators.entries import NOBODY, Episode
from correlators.incidents import Incident, ticks
from correlators.state import State
from correlators.storms import Storm
from correlators.types import Level

RENEWS_TICKS: Final = 60
"""An acknowledgement that lasts longer by less than this changes nothing."""


def acknowledged(
    state: State,
    found: Storm | Incident,
    act: Acknowledge,
    tick: int,
    level_of: Callable[[Incident], Level],
    ack_for_ms: int = 0,
) -> Storm | Incident | None:
    """Note who has it; return what tells that, None where nothing changed.

    Args:
        state: read and written.
        found: open, as `told_by` gives it.
        act: who says so.
        tick: the tick being applied.
        level_of: says the level of all that is told with an incident.
        ack_for_ms: how long it lasts where the act does not say; 0: until it is taken back.
    """
    for_ticks = ticks(act.for_ms or ack_for_ms)
    until = tick + for_ticks if for_ticks else -1
    if isinstance(found, Storm):
        now = storm_life.acknowledged(
            found, actor=act.actor, source=act.source, tick=tick, for_ticks=for_ticks
        )
        same = found.ack is not None and _covers(now) == _covers(found)
        if same and found.ack is not None and not _longer(found.ack.until_tick, until):
            return None
        state.put(now)
        return now
    episode = state.episode(found.key)
    if episode is None:
        return None
    lead = _lead(state, episode, found)
    level = level_of(lead)
    same = bool(episode.acked_by[1]) and bool(episode.page_key or covered(episode, level))
    if same and not _longer(episode.acked_until, until):
        return None
    by = (act.actor, act.source)
    state.put(
        msgspec.structs.replace(
            episode,
            acked_by=by,
            acked_level=level,
            acked_until=until,
            acked_for=for_ticks,
            had_tick=tick,
        )
    )
    return lead


def unacknowledged(state: State, found: Storm | Incident) -> Storm | Incident | None:
    """Note that nobody has it any more; return as `acknowledged` does."""
    if isinstance(found, Storm):
        if found.ack is None:
            return None
        now = msgspec.structs.replace(found, ack=None)
        state.put(now)
        return now
    episode = state.episode(found.key)
    if episode is None or not episode.acked_by[1]:
        return None
    state.put(msgspec.structs.replace(episode, acked_by=NOBODY))
    return _lead(state, episode, found)


def told_by(state: State, found: Storm | Incident) -> Storm | Incident:
    """Return the storm that tells this incident, or the thing itself."""
    if isinstance(found, Storm):
        return found
    return state.storm_of(found) or found


def lead(state: State, found: Storm | Incident) -> Storm | Incident:
    """Return the incident that tells for all releases of this one, or the storm itself."""
    episode = state.episode(found.key) if isinstance(found, Incident) else None
    if episode is None or not isinstance(found, Incident):
        return found
    return _lead(state, episode, found)


def _lead(state: State, episode: Episode, found: Incident) -> Incident:
    return (state.find_incident(episode.lead) if episode.lead else None) or found


def _longer(before: int, until: int) -> bool:
    """Return whether an acknowledgement lasts longer by so much that it is one more: pressed twice,
    it is not."""
    return before >= 0 and (until < 0 or until - before >= RENEWS_TICKS)


def _covers(storm: Storm) -> tuple[object, ...]:
    ack = storm.ack
    return () if ack is None else (ack.services, ack.level, ack.origin, storm.overtaken)
