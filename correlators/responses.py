"""How fast people respond: what an act took, from the begin of what it is about; for metrics.

Read off the state before the act is carried out; it decides nothing.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from correlators import acknowledging
from correlators.acts import Acknowledge, Act, FalseAlarm, Resolve, kind_of
from correlators.incidents import Incident
from correlators.people_told import acknowledged_by, was_paged
from correlators.state import State
from correlators.storms import Storm
from correlators.types import Level, tick_of


class Asked(StrEnum):
    """Whether somebody had been woken for it."""

    PAGE = "page"
    ALERT = "alert"


class Response(msgspec.Struct, frozen=True):
    """One act that had an effect, and what it took."""

    act: str
    """`acknowledge`, `resolve` or `false_alarm`."""
    level: Level
    urgency: Asked
    seconds: int
    """Since the storm, or the present stretch of the incident, began."""
    environment: str = ""
    subject: str = ""
    """Id of the storm or incident."""


def response(state: State, found: Storm | Incident | None, act: Act, tick: int) -> Response | None:
    """Return what it takes if this act has an effect in this tick; None for acts that are not
    measured, for an acknowledgement of what somebody has or had before, and for the resolve of what
    is over.

    Args:
        state: as it is before the act.
        found: what the act is about, open or over; None where that is not known.
        act: what somebody did.
        tick: the tick being applied.
    """
    if found is None or not isinstance(act, Acknowledge | Resolve | FalseAlarm):
        return None
    if isinstance(act, Acknowledge):
        found = acknowledging.told_by(state, found)
        if acknowledged_by(state, found)[1] or _had(state, found):
            return None
    elif isinstance(act, Resolve) and not found.open:
        return None  # its page was left: what it was opened for had ended by quiet
    began = found.opened_tick if isinstance(found, Storm) else found.onset_tick
    # Where CORRELATE is behind, the act was later than the tick in which it takes effect.
    ends = max(tick, tick_of(act.at_ms)) if found.open else found.closed_tick
    return Response(
        act=kind_of(act),
        level=found.level,
        urgency=Asked.PAGE if was_paged(state, found) else Asked.ALERT,
        seconds=max(0, ends - began),
        environment=found.environment if isinstance(found, Storm) else found.key.environment,
        subject=found.id,
    )


def _had(state: State, found: Storm | Incident) -> bool:
    """Return whether somebody had it since it began, though nobody has it any more."""
    if isinstance(found, Storm):
        return found.had_tick >= 0
    episode = state.episode(found.key)
    return episode is not None and episode.had_tick >= found.onset_tick
