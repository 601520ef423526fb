"""When a storm is over, and for how long it and what it may still gain are kept."""

from __future__ import annotations

from correlators.incidents import Incident, Windows, ticks
from correlators.storms import Linking, Storm


def is_over(storm: Storm, linking: Linking, *, tick: int, max_life_ms: int) -> bool:
    """Return whether the open storm ends now: silent for `storm_quiet`, or older than any may
    be."""
    return tick >= min(quiet_tick(storm, linking), storm.opened_tick + ticks(max_life_ms))


def quiet_tick(storm: Storm, linking: Linking) -> int:
    """Return the tick in which the open storm may be over by quiet."""
    return max(storm.last_tick + ticks(linking.storm_quiet_ms), storm.check_tick)


def due_tick(storm: Storm, linking: Linking, *, max_life_ms: int, remember_ms: int) -> int:
    """Return the next tick in which something happens to the storm without a delta."""
    if not storm.open:
        forget = max(storm.closed_tick, storm.last_tick) + ticks(remember_ms)
        if storm.page_left:
            forget = storm.opened_tick + ticks(max_life_ms)
        return forget if storm.tell_tick < 0 else storm.tell_tick
    ends = min(quiet_tick(storm, linking), storm.opened_tick + ticks(max_life_ms))
    return ends if storm.tell_tick < 0 else min(ends, storm.tell_tick)


def stretch_ends(incident: Incident | None, linking: Linking, windows: Windows) -> int:
    """Return the tick in which the counts of an incident's present stretch are forgotten: when it
    can no longer be linked, neither by its onset nor, while it goes on, by a trace."""
    if incident is None:
        return 0
    young = incident.onset_tick + ticks(linking.link_within_ms)
    return max(young, incident.last_tick + ticks(windows.quiet_for_ms)) + 1
