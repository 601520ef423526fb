"""Waves: when what breaks on a fading storm is another outage. Only the judgement."""

from __future__ import annotations

from typing import Final

from correlators.baseline import surprise_db
from correlators.incidents import Incident
from correlators.storms import GAIN_TICKS, GAINS_KEPT, Gains, Storm

WAVE_AFTER_TICKS: Final = 120
"""A storm has so long to unfold; what comes then is no other one."""
WAVE_LEAST: Final = 15
WAVE_TIMES: Final = 5
WAVE_DB: Final = 150
"""At least so many incidents within ten seconds, so many times what was usual lately, and so
unlikely, are a new wave."""
WAVE_TICKS: Final = 2 * GAIN_TICKS
"""So long ago began what a new wave takes with it."""
SILENT_TICKS: Final = 60
"""An incident that was silent for longer has come back."""


def is_new_wave(storm: Storm, *, tick: int) -> bool:
    """Return whether so many incidents begin or come back at once, far beyond what the fading storm
    had lately, that this is another outage.

    It is judged by how many different errors there are, not by their events: these rise and fall
    with the traffic and with retries.
    """
    slot = tick // GAIN_TICKS
    now = sum(gains for at, gains in storm.gains if at >= slot - 1)
    before = sum(gains for at, gains in storm.gains if slot - GAINS_KEPT < at < slot - 1)
    if now < WAVE_LEAST or tick - storm.opened_tick < WAVE_AFTER_TICKS:
        return False
    expected = max(0.5, 2 * before / (GAINS_KEPT - 2))
    return now >= WAVE_TIMES * expected and surprise_db(now, expected) >= WAVE_DB


def may_part(incident: Incident, tick: int) -> bool:
    """Return whether its present stretch began so lately that a new wave takes it out of its storm,
    to be linked anew."""
    return incident.onset_tick > tick - WAVE_TICKS


def gained_one(storm: Storm, tick: int) -> Gains:
    """Return the gains of the storm with one more in this tick."""
    slot = tick // GAIN_TICKS
    gains = dict(storm.gains)
    gains[slot] = gains.get(slot, 0) + 1
    return tuple(sorted(pair for pair in gains.items() if pair[0] > slot - GAINS_KEPT))
