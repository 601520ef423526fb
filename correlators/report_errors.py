"""The errors and storms of a report, each worked out once however many reports of it are due.

An error is an episode: all releases of it are one line. Reads the state as it is; what was worked
out holds until something else is applied, and is forgotten then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from correlators import sets
from correlators.history import HOUR_TICKS
from correlators.incidents import Closed, Incident, ticks
from correlators.judging import Config
from correlators.owners import owners_of
from correlators.reported import ReportLine
from correlators.rulings import URGENCY_RANK, Urgency
from correlators.service_lines import url_of
from correlators.services import declared_owners
from correlators.state import State
from correlators.storms import Storm
from correlators.told import Told

TITLE_CHARS: Final = 200

_SAID: Final = (Closed.SENTRY, Closed.HAND)
_by_begin = attrgetter("opened_tick", "key.release", "id")


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One error as a report counts it."""

    line: ReportLine
    paged: bool
    """Somebody was paged for it, by itself."""
    had: bool
    """Somebody said that they have it, or it is assigned."""
    back: bool
    """It came back after it was over; what is new in that time, after somebody resolved it."""
    flaps: bool


class Error(msgspec.Struct, kw_only=True):
    """One error with its incidents since some tick, not none of them."""

    incidents: list[Incident]
    urgency: Urgency | None
    """How urgently any of them was told; None: none was."""
    owners: tuple[str, ...]
    counted: Counted | None = None
    """Once it was asked for."""


class Since(msgspec.Struct, frozen=True):
    """What there is of an environment since some tick."""

    errors: list[Error]
    storms: list[Storm]
    """Those that began in it, by id."""


class Errors:
    """The errors of one state."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: who owns what; state: read only."""
        self._owners = config.owners
        self._declared = declared_owners(config.services)
        self._settle = ticks(config.windows.settle_ms)
        self._state = state
        self._kept: dict[str, list[Incident | Storm]] = {}
        self._found: dict[tuple[str, int], Since] = {}
        self._owned: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    @property
    def owned(self) -> bool:
        """Whether the configuration says who owns what."""
        return bool(self._owners or self._declared)

    def forget(self) -> None:
        """Drop what was worked out: the state is another one from now on."""
        self._kept.clear()
        self._found.clear()
        self._owned.clear()

    def since(self, environment: str, since: int) -> Since:
        """Return what is open, or ended in this tick or after it, and the storms that began."""
        known = self._found.get((environment, since))
        if known is None:
            known = self._found[environment, since] = self._since(environment, since)
        return known

    def _since(self, environment: str, since: int) -> Since:
        self._kept = self._kept or self._state.by_environment()
        groups: dict[tuple[str, str], list[Incident]] = {}
        storms: list[Storm] = []
        for one in self._kept.get(environment, ()):
            if isinstance(one, Storm):
                storms += [one] if _began(one, since - self._settle) else []
            elif one.open or one.closed_tick >= since:
                episode = self._state.episode(one.key)
                name = episode.fingerprint if episode is not None else one.key.fingerprint
                groups.setdefault((one.key.service, name), []).append(one)
        errors = [
            Error(
                incidents=sorted(group, key=_by_begin) if len(group) > 1 else group,
                urgency=_most(self.urgency(one) for one in group),
                owners=self.of_incidents(group),
            )
            for group in groups.values()
        ]
        return Since(errors, sorted(storms, key=attrgetter("id")))

    def counted(self, error: Error, since: int) -> Counted:
        """Return what a report of the time since this tick counts of an error."""
        if error.counted is None:
            error.counted = self._counted(error, since)
        return error.counted

    def urgency(self, incident: Incident) -> Urgency | None:
        """Return how urgently it was told, by itself or by its storm; None: to nobody."""
        own = urgency_of(incident.told)
        storm = self._state.storm(incident.storm_id) if incident.storm_id else None
        return own if storm is None else _most((own, urgency_of(storm.told)))

    def owners_of(self, subject: str) -> tuple[str, ...]:
        """Return the teams that own the incident or storm of this id; nobody where it is
        forgotten."""
        storm = self._state.storm(subject)
        if storm is not None:
            return self.of_storm(storm)
        incident = self._state.find_incident(subject)
        return self.of_incidents([incident]) if incident is not None else ()

    def of_incidents(self, group: Sequence[Incident]) -> tuple[str, ...]:
        """Return the teams that own one error."""
        if not self.owned:
            return ()
        marks = group[0].marks
        if len(group) > 1:
            marks = tuple(sorted({mark for one in group for mark in one.marks}))
        asked = group[0].key.service, marks
        known = self._owned.get(asked)
        if known is None:
            known = owners_of(self._owners, asked[:1], marks, self._declared)
            self._owned[asked] = known
        return known

    def of_storm(self, storm: Storm) -> tuple[str, ...]:
        """Return the teams that own some of a storm."""
        members = map(self._state.find_incident, storm.members)
        marks = {mark for one in members if one is not None for mark in one.marks}
        return owners_of(self._owners, storm.services, marks, self._declared)

    def _counted(self, error: Error, since: int) -> Counted:
        group = error.incidents
        newest, episode = group[-1], self._state.episode(group[-1].key)
        first = episode.first_tick if episode is not None else group[0].opened_tick
        users = newest.users
        for one in group[:-1]:
            users = sets.union(users, one.users)
        events = [_events(one, since) for one in group]
        people = sets.count(users)
        # What began is told a settle time later, so it is news of the time in which that is.
        new = first >= since - self._settle
        back = any(one.regressed and one.opened_tick >= since - self._settle for one in group)
        had = episode is not None and episode.had_tick >= group[0].opened_tick
        storm = self._state.storm(newest.storm_id) if newest.storm_id else None
        line = ReportLine(
            id=newest.id,
            service=newest.key.service,
            title=newest.sample.title[:TITLE_CHARS],
            events=sum(count for count, _ in events),
            users=people.value,
            about=people.about or any(about for _, about in events),
            incidents=len(group),
            new=new,
            back=back and not new,
            open=any(one.open for one in group),
            release=next((one.key.release for one in reversed(group) if one.key.release), ""),
            owner=next(iter(error.owners), ""),
            url=url_of(newest.sample),
        )
        return Counted(
            line=line,
            paged=any(one.told.paged for one in group),
            had=had
            or any(one.assignee for one in group)
            or bool(storm and (storm.assignee or storm.had_tick >= 0)),
            back=back and (not new or any(one.closed in _SAID for one in group[:-1])),
            flaps=episode is not None and episode.flapping_since >= since,
        )


def urgency_of(told: Told) -> Urgency | None:
    """Return how urgently that was told; None: to nobody."""
    if told.paged:
        return Urgency.PAGE
    if told.revision:
        return Urgency.ALERT
    return Urgency.DIGEST if told.report else None


def _most(found: Iterable[Urgency | None]) -> Urgency | None:
    said = [one for one in found if one is not None]
    return max(said, key=URGENCY_RANK.__getitem__) if said else None


def _began(storm: Storm, since: int) -> bool:
    return storm.opened_tick >= since and not (storm.merged_into or storm.dissolved)


def _events(incident: Incident, since: int) -> tuple[int, bool]:
    """Return how many events an incident had since this tick, and whether that is an estimate."""
    all_of_it = sets.count(incident.events)
    if incident.opened_tick >= since:
        return all_of_it
    # Its hours are whole ones: one that the time begins in counts where most of it lies in it.
    counts: Mapping[int, int] = dict(incident.hours)
    first = -(-(since - HOUR_TICKS // 2) // HOUR_TICKS)
    found = sum(count for hour, count in counts.items() if hour >= first)
    return found, all_of_it.about or since % HOUR_TICKS != 0
