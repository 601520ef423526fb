"""Quiet: whether what sends nothing any more is over, or merely not heard.

Quiet counts only where we would have heard. While a source is left out as stalled, or no webhook of
any kind came for longer than was usual before, nothing is over by quiet; nor while a service that
was usually heard before sends nothing at all. When that ends, quiet begins to count anew. What is
usual is judged by what else was heard in the day before it opened; an error that was all there was
leaves nobody to be missed. Of less than an hour nothing is known to be usual: then quiet is the
end.

The whole intake is asked, not an environment: that others are heard shows that we hear. A service
that alone is missing is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from correlators.entries import Heard, heard_key
from correlators.hearing import error_hash
from correlators.incidents import Incident, ticks
from correlators.presence import (
    Presence,
    heard_from,
    known_before,
    longest_silence,
    noted,
    others,
    slot_of,
    slots,
    usually_heard,
)
from correlators.state import Correlation, State
from correlators.storms import Storm
from correlators.types import Doubt, IncidentKey

NOTED_MOST: Final = 10_000
"""So many errors of a slot are known to be noted without a look into the state."""

INTAKE: Final = ("", "")
"""Environment and service under which the whole intake is noted; no event has an empty
environment."""


class Since(NamedTuple):
    """From when quiet counts, and why not from the last event."""

    tick: int
    why: Doubt | None = None


class Quiet:
    """What was heard in one state, and what that says of quiet."""

    def __init__(self, correlation: Correlation, state: State) -> None:
        """Args: correlation: the lengths; state: read and written."""
        self._quiet_ticks = ticks(correlation.windows.quiet_for_ms)
        self._storm_ticks = ticks(correlation.linking.storm_quiet_ms)
        self._state = state
        self._noted: set[tuple[str, str, str]] = set()
        self._noted_slot = -1

    # What is heard

    def hear(self, heard: Iterable[tuple[int, int]], tick: int, *, blind: bool) -> None:
        """Note in which slots webhooks came, and whether a source is left out now."""
        before = self._heard(*INTAKE)
        after = before or Heard(environment="", service="")
        for slot, what in heard:
            after = msgspec.structs.replace(after, presence=noted(after.presence, slot, what))
        if blind and slot_of(tick) != slot_of(after.blind_tick):
            after = msgspec.structs.replace(after, blind_tick=tick)
        if after is not before and after.last_tick >= 0:
            self._state.put(after)

    def hear_service(self, key: IncidentKey, tick: int, name: str) -> None:
        """Note that a service sent the error of this name in this tick."""
        error = (key.environment, key.service, name)
        if slot_of(tick) != self._noted_slot or len(self._noted) >= NOTED_MOST:
            self._noted, self._noted_slot = set(), slot_of(tick)
        if error not in self._noted:
            self._noted.add(error)
            self._note(key, tick, name)

    def forget_noted(self) -> None:
        """Take nothing as noted any more: a tick was undone."""
        self._noted_slot = -1

    def _note(self, key: IncidentKey, tick: int, name: str) -> None:
        slot, what = slot_of(tick), error_hash(key.environment, key.service, name)
        known = self._heard(key.environment, key.service)
        before = known.presence if known is not None else Presence()
        after = noted(before, slot, what)
        if after is not before:
            self._state.put(Heard(environment=key.environment, service=key.service, presence=after))
        episode = self._state.episode(key)
        if episode is not None:
            own = noted(episode.presence, slot, what)
            if own is not episode.presence:
                self._state.put(msgspec.structs.replace(episode, presence=own))

    def _heard(self, environment: str, service: str) -> Heard | None:
        found = self._state.get(heard_key(environment, service))
        return found if isinstance(found, Heard) else None

    # What that says

    def incident(self, incident: Incident, tick: int) -> bool:
        """Return whether the incident is over by quiet; else it waits, and that is told once."""
        episode = self._state.episode(incident.key)
        since = self._since(
            incident.key.environment,
            [incident.key.service],
            (incident.opened_tick, incident.last_tick, tick),
            self._quiet_ticks,
            episode.presence if episode is not None else Presence(),
        )
        if tick - since.tick >= self._quiet_ticks:
            return True
        doubt = since.why if since.tick >= tick else incident.doubt
        incident = self._state.incident(incident.id)
        self._state.put(
            msgspec.structs.replace(
                incident, doubt=doubt, check_tick=since.tick + self._quiet_ticks
            )
        )
        if doubt is not None and incident.doubt is None:
            self._tell(incident.key, tick)
        return False

    def storm(self, storm: Storm, tick: int) -> bool:
        """Return whether the storm is over by quiet; else it waits, and that is told once.

        One whose incidents have all ended otherwise needs nobody to be heard.
        """
        since = self._since(
            storm.environment,
            storm.services,
            (storm.opened_tick, storm.last_tick, tick),
            self._storm_ticks,
            Presence(),
        )
        members = map(self._state.find_incident, storm.members)
        if tick - since.tick >= self._storm_ticks or not any(
            one is not None and one.open for one in members
        ):
            return True
        doubt = since.why if since.tick >= tick else storm.doubt
        tells = doubt is not None and storm.doubt is None and storm.told.revision > 0
        self._state.put(
            msgspec.structs.replace(
                storm,
                doubt=doubt,
                check_tick=since.tick + self._storm_ticks,
                changes=storm.changes + (1 if tells else 0),
                tell_tick=tick if tells else storm.tell_tick,
            )
        )
        return False

    def _since(
        self,
        environment: str,
        services: Iterable[str],
        when: tuple[int, int, int],
        quiet_ticks: int,
        own: Presence,
    ) -> Since:
        """Return from when quiet counts.

        Args:
            environment: where.
            services: that have to be heard, if they usually are.
            when: ticks in which it opened and had its last event, and now.
            quiet_ticks: how long it has to be quiet.
            own: when it was heard itself, which makes nothing usual.
        """
        opened, last, tick = when
        found = [Since(last)]
        intake = self._heard(*INTAKE)
        if intake is not None and intake.blind_tick >= last:
            found.append(Since(min(intake.blind_tick + 1, tick), Doubt.SOURCE_STALLED))
        if intake is not None and known_before(intake.presence, opened):
            # A pause that takes less than half of the quiet leaves enough to go by.
            half = max(1, slots(quiet_ticks) // 2)
            if heard_from(intake.presence, last, tick, half) > last:
                usual = longest_silence(others(intake.presence, own), opened)
                least = max(half, usual + 1)
                at = heard_from(intake.presence, last, tick, least)
                found.append(Since(at, Doubt.INTAKE_SILENT))
        for service in services:
            heard = self._heard(environment, service)
            if heard is None:
                continue
            if not usually_heard(others(heard.presence, own), opened, quiet_ticks):
                continue
            at = heard_from(heard.presence, last, tick, max(1, slots(quiet_ticks) - 1))
            found.append(Since(at, Doubt.SERVICE_SILENT))
        return max(found, key=lambda one: one.tick)

    def _tell(self, key: IncidentKey, tick: int) -> None:
        """Let the lead tell that all which it tells of is quiet and not confirmed, if people think
        that it goes on."""
        episode = self._state.episode(key)
        lead = self._state.find_incident(episode.lead) if episode is not None else None
        if lead is None or self._state.storm_of(lead) is not None:
            return
        together = [
            one for one in self._state.open_of_episode(key) if self._state.storm_of(one) is None
        ]
        told = lead.told
        if (
            told.revision
            and not told.resolved
            and not told.joined
            and all(one.doubt is not None for one in together)
        ):
            self._state.put(msgspec.structs.replace(lead, changes=lead.changes + 1, tell_tick=tick))
