"""What a scheduled report counts: the errors and storms of one environment in some time.

Read off the state as it is when the report is due: what is open, and what ended in that time and is
remembered. An error is an episode: all releases of it are one line. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from correlators import sets
from correlators.history import HOUR_TICKS
from correlators.incidents import Closed, Incident, ticks
from correlators.judging import Config
from correlators.owners import owners_of
from correlators.report_actions import actions
from correlators.reported import TOP_MOST, Reported, ReportLine
from correlators.rulings import URGENCY_RANK, Urgency
from correlators.scheduled import Scheduled, Tally
from correlators.service_lines import url_of
from correlators.services import declared_owners
from correlators.state import State
from correlators.storms import Storm
from correlators.told import Told

TITLE_CHARS: Final = 200


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One error of a report."""

    line: ReportLine
    paged: bool
    """Somebody was paged for it, by itself."""
    had: bool
    """Somebody said that they have it, or it is assigned."""
    flaps: bool


class Counting:
    """Counts what reports of one state tell."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: who owns what; state: read only."""
        self._owners = config.owners
        self._declared = declared_owners(config.services)
        self._settle = ticks(config.windows.settle_ms)
        self._state = state

    def owners_of(self, subject: str) -> tuple[str, ...]:
        """Return the teams that own the incident or storm of this id; nobody where it is
        forgotten."""
        storm = self._state.storm(subject)
        if storm is not None:
            return self._of_storm(storm)
        incident = self._state.find_incident(subject)
        return self._of_incidents([incident]) if incident is not None else ()

    def counted(
        self, scheduled: Scheduled, environment: str, *, since: int, tick: int, people: Tally
    ) -> tuple[Reported, bool]:
        """Return the report without what names it, and whether anything happened in its time.

        Args:
            scheduled: which errors it tells.
            environment: of these.
            since: the first tick of its time.
            tick: the last one; it is being applied.
            people: how fast they were.
        """
        groups: dict[str, list[Incident]] = {}
        storms: list[Storm] = []
        for one in self._state.of_environment(environment):
            if isinstance(one, Storm):
                storms += [one] if _began(one, since - self._settle) else []
            elif one.open or one.closed_tick >= since:
                episode = self._state.episode(one.key)
                name = episode.fingerprint if episode is not None else one.key.fingerprint
                groups.setdefault(f"{one.key.service}\0{name}", []).append(one)
        found = [
            self._error(group, since)
            for _, group in sorted(groups.items())
            if self._told(scheduled, group)
        ]
        found.sort(key=lambda one: (-one.line.events, -one.line.users, one.line.id))
        storms = [one for one in storms if self._tells(scheduled, one)]
        of_report = [one for group in groups.values() for one in group]
        reported = _reported(found, storms, people)
        over = [one for one in of_report if not one.open and self._told(scheduled, [one])]
        owned = bool(self._owners or self._declared)
        return (
            msgspec.structs.replace(
                reported,
                lasted_s=_average(sum(map(_lasted, over)), len(over)),
                actions=actions(found, storms, people, owned=owned),
            ),
            any(one.last_tick >= since or one.closed_tick >= since for one in of_report)
            and bool(found or storms),
        )

    def _told(self, scheduled: Scheduled, group: Sequence[Incident]) -> bool:
        """Return whether an error stands in the report, by its urgency and who owns it."""
        urgencies = [self._urgency(one) for one in group]
        told = max((one for one in urgencies if one), key=URGENCY_RANK.__getitem__, default=None)
        return told in scheduled.urgency and scheduled.tells(
            group[0].key.environment, self._of_incidents(group)
        )

    def _tells(self, scheduled: Scheduled, storm: Storm) -> bool:
        return _urgency(storm.told) in scheduled.urgency and scheduled.tells(
            storm.environment, self._of_storm(storm)
        )

    def _urgency(self, incident: Incident) -> Urgency | None:
        """Return how urgently it was told, by itself or by its storm; None: to nobody."""
        storm = self._state.storm(incident.storm_id) if incident.storm_id else None
        found = [_urgency(incident.told)] + ([_urgency(storm.told)] if storm else [])
        return max((one for one in found if one), key=URGENCY_RANK.__getitem__, default=None)

    def _of_incidents(self, group: Iterable[Incident]) -> tuple[str, ...]:
        if not (self._owners or self._declared):
            return ()
        services = dict.fromkeys(one.key.service for one in group)
        marks = {mark for one in group for mark in one.marks}
        return owners_of(self._owners, services, marks, self._declared)

    def _of_storm(self, storm: Storm) -> tuple[str, ...]:
        members = map(self._state.find_incident, storm.members)
        marks = {mark for one in members if one is not None for mark in one.marks}
        return owners_of(self._owners, storm.services, marks, self._declared)

    def _error(self, group: Sequence[Incident], since: int) -> Counted:
        """Return one error of the report; `group`: its incidents, not empty."""
        group = sorted(group, key=lambda one: (one.opened_tick, one.key.release, one.id))
        newest, episode = group[-1], self._state.episode(group[-1].key)
        first = episode.first_tick if episode is not None else group[0].opened_tick
        users = sets.EMPTY
        for one in group:
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
            owner=next(iter(self._of_incidents(group)), ""),
            url=url_of(newest.sample),
        )
        return Counted(
            line=line,
            paged=any(one.told.paged for one in group),
            had=had
            or any(one.assignee for one in group)
            or bool(storm and (storm.assignee or storm.had_tick >= 0)),
            flaps=episode is not None and episode.flapping_since >= since,
        )


def _began(storm: Storm, since: int) -> bool:
    return storm.opened_tick >= since and not (storm.merged_into or storm.dissolved)


def _urgency(told: Told) -> Urgency | None:
    """Return how urgently that was told; None: to nobody."""
    if told.paged:
        return Urgency.PAGE
    if told.revision:
        return Urgency.ALERT
    return Urgency.DIGEST if told.report else None


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


def _lasted(incident: Incident) -> int:
    """Return how many ticks an incident that is over lasted, without the quiet before its end."""
    end = incident.last_tick if incident.closed is Closed.QUIET else incident.closed_tick
    return max(0, end - incident.opened_tick)


def _reported(found: Sequence[Counted], storms: Sequence[Storm], people: Tally) -> Reported:
    lines = [one.line for one in found]
    return Reported(
        name="",
        period="",
        from_ms=0,
        to_ms=0,
        new=sum(one.new for one in lines),
        back=sum(one.back for one in lines),
        resolved=sum(not one.open for one in lines),
        open=sum(one.open for one in lines),
        errors=len(lines),
        storms=len(storms),
        paged=sum(one.paged for one in found) + sum(one.told.paged for one in storms),
        events=sum(one.events for one in lines),
        about=any(one.about for one in lines),
        acknowledged=people.acknowledged,
        acknowledge_s=_average(people.acknowledge_s, people.acknowledged),
        resolved_by_hand=people.resolved,
        resolve_s=_average(people.resolve_s, people.resolved),
        false_alarms=people.false_alarms,
        top=tuple(lines[:TOP_MOST]),
        more=max(0, len(lines) - TOP_MOST),
    )


def _average(total: int, count: int) -> int:
    return round(total / count) if count else 0
