"""Silencing: how a silence is made of an act, and how one ends before its time.

What a silence mutes is said in `silences`; what is told when one ends in its time is already
planned by `waiting` for that tick.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from correlators.acts import SILENCE_MOST_MS, ActOutcome, AddSilence, ExpireSilence, silence_id
from correlators.deltas import tick_end_ms
from correlators.incidents import Incident
from correlators.page_acts import holder, is_page, left
from correlators.silences import EPISODES_MOST, SILENCES_MOST, Silence, episode_hash
from correlators.state import State
from correlators.storms import Storm
from correlators.types import Suppression


def added(
    state: State, act: AddSilence, found: Storm | Incident | None, tick: int
) -> tuple[ActOutcome, str]:
    """Make the silence; return what became of the act, and the environment.

    It ends at the act's own end, but never later than 7 days after it took effect.

    Args:
        state: read and written.
        act: what was asked for.
        found: its subject, open; None where it has none or that is gone.
        tick: the tick being applied.
    """
    if found is None and act.when is None:
        return ActOutcome.GONE, ""
    environment = act.environment if found is None else environment_of(found)
    now_ms = tick_end_ms(tick)
    if act.to_ms <= now_ms:
        return ActOutcome.ENDED, environment
    if len(state.silences(environment)) >= SILENCES_MOST:
        return ActOutcome.TOO_MANY, environment
    state.put(made(state, act, found, now_ms))
    return ActOutcome.DONE, environment


def made(state: State, act: AddSilence, found: Storm | Incident | None, now_ms: int) -> Silence:
    """Return the silence that an act makes if it takes effect now, before its end."""
    episodes = episodes_of(state, found) if found is not None else ()
    return Silence(
        id=silence_id(act),
        environment=act.environment if found is None else environment_of(found),
        author=act.actor,
        source=act.source,
        from_ms=now_ms,
        to_ms=min(act.to_ms, now_ms + SILENCE_MOST_MS),
        when=act.when,
        subject=act.subject,
        episodes=episodes,
        unlisted=max(0, found.joined - len(found.members)) if isinstance(found, Storm) else 0,
        comment=act.comment,
    )


def expired(state: State, act: ExpireSilence, tick: int) -> tuple[ActOutcome, str]:
    """End a silence; what it holds back is told in this tick. Return as `added` does."""
    silence = state.silence(act.subject)
    if silence is None:
        return ActOutcome.GONE, ""
    state.drop("silence:" + silence.id)
    held = f"{Suppression.SILENCED}:{silence.id}"
    for incident in state.open_in(silence.environment, None, None):
        if incident.told.held == held:
            state.put(_heard_again(incident, silence, tick))
    for storm in state.open_storms():
        if storm.told.held == held:
            state.put(_heard_again(storm, silence, tick))
    return ActOutcome.DONE, silence.environment


def subject_of(state: State, subject: str) -> Storm | Incident | None:
    """Return the open storm or incident of this id, or that holds the page of this key; a storm
    that was taken over is its heir."""
    found = holder(state, subject) if is_page(subject) else remembered(state, subject)
    return found if found is not None and found.open else None


def remembered(state: State, subject: str) -> Storm | Incident | None:
    """Return the storm or incident of this id, open or over, or that left the page of this key; a
    storm that was taken over is its heir."""
    if is_page(subject):
        return left(state, subject)
    return state.storm(subject) if subject.startswith("storm-") else state.find_incident(subject)


def episodes_of(state: State, found: Storm | Incident) -> tuple[int, ...]:
    """Return the errors that a silence of this incident or storm mutes, ascending."""
    if isinstance(found, Incident):
        return _hashes(state.open_of_episode(found.key))
    listed = (state.find_incident(one) for one in found.members)
    members = {one.id: one for one in listed if one is not None}
    if found.joined > len(found.members):
        for one in state.open_in(found.environment, None, None):
            inside = state.storm_of(one)
            if inside is not None and inside.id == found.id and len(members) < EPISODES_MOST:
                members[one.id] = one
    return _hashes(members.values())


def environment_of(found: Storm | Incident) -> str:
    """Return the environment of a storm or an incident."""
    return found.environment if isinstance(found, Storm) else found.key.environment


def _heard_again(found: Incident | Storm, silence: Silence, tick: int) -> Incident | Storm:
    """Return what is told in this tick; that it is not muted any more is news where people heard
    that it is, until when."""
    news = found.told.silenced == silence.id
    return msgspec.structs.replace(found, tell_tick=tick, changes=found.changes + news)


def _hashes(found: Iterable[Incident]) -> tuple[int, ...]:
    return tuple(sorted({episode_hash(one.key.service, one.key.fingerprint) for one in found}))
