"""Pages that are left: what they were opened for is over by quiet, and a person has them.

Quiet closes no page that somebody acknowledged, unless `pages.resolve_acknowledged` says so:
whoever has it says when it is done. It is let go, and resolved, when Sentry says that its issue is
resolved, and at `max_life` of what it was opened for at last. What opens anew meanwhile pages anew.
Whoever was told that the page stays open is told why it does not any more.
"""

from __future__ import annotations

import msgspec

from correlators.acts import FalseAlarm, Resolve, Unacknowledge, kind_of
from correlators.incidents import Incident, LetGo
from correlators.people_told import NOTHING_SAID, Said
from correlators.rules import Pages
from correlators.state import State
from correlators.storms import Storm
from correlators.types import PageOver


def leave(state: State, incident: Incident, pages: Pages) -> None:
    """Leave the page of the incident's episode, if it is acknowledged and this was the last open
    incident of it.

    Args:
        state: the incident is closed in it.
        incident: as it was before.
        pages: whether acknowledged pages are resolved by quiet.
    """
    episode = state.episode(incident.key)
    if episode is None or pages.resolve_acknowledged or state.storm_of(incident) is not None:
        return
    acknowledged = episode.page_key and episode.acked_by[1] and not episode.page_left_by
    if not acknowledged or state.open_of_episode(incident.key):
        return
    state.put(msgspec.structs.replace(episode, page_left_by=incident.id))
    state.put(msgspec.structs.replace(state.incident(incident.id), page_left=True))


def left(storm: Storm, pages: Pages) -> Storm:
    """Return the storm that is over by quiet, its page left if it is acknowledged."""
    if pages.resolve_acknowledged or storm.ack is None or not storm.page_key:
        return storm
    return msgspec.structs.replace(storm, page_left=True)


def let_go(found: Incident | Storm, why: LetGo, *, tick: int) -> Incident | Storm:
    """Return what is over with its page left no longer: it is resolved in this tick."""
    return msgspec.structs.replace(found, page_left=False, let_go=why, tell_tick=tick)


def by(act: Resolve | FalseAlarm | Unacknowledge) -> LetGo:
    """Return that a person lets a page go that was left, and who that is."""
    if isinstance(act, Unacknowledge):
        return LetGo(PageOver.GIVEN_BACK, actor=act.actor, source=act.source)
    return LetGo(PageOver.HAND, kind_of(act), act.actor, act.source)


def said(found: Incident | Storm) -> Said:
    """Return why the page that was left is open no more; nothing where it was not left."""
    gone = found.let_go
    if gone is None:
        return NOTHING_SAID
    return Said(act=gone.act, by=(gone.actor, gone.source), page_over=gone.why)


def heard(found: Incident | Storm) -> tuple[str, ...]:
    """Return who was told that the page stays open, and is to hear that it does not any more."""
    told_end = found.told.resolved and found.told.said_tick >= found.closed_tick
    return found.told.to if found.let_go is not None and told_end else ()


def forget(state: State, incident_id: str, *, anew: bool) -> Incident | None:
    """Let the page of an incident that is over wait no longer, since what came back of its error
    has a page of its own (`anew`), or is ignored; return it if its page was left until now."""
    found = state.find_incident(incident_id)
    if found is None or not found.page_left:
        return None
    why = LetGo(PageOver.NEW_PAGE if anew else PageOver.IGNORED)
    state.put(msgspec.structs.replace(found, page_left=False, let_go=why))
    return state.incident(incident_id)
