"""Scheduled reports: begun with the first event of an environment, told when they are due.

A report is decided from the log alone: it is due in the last tick before its moment, in stream
time, whoever runs then. One is of one environment, as everything here is: no partition waits for
another, and what an environment is told does not hang on which others there are.

Whatever time passes between two ticks, a report that is due is told once, of all the time since the
one before; one in which nothing happened is told to nobody.

Lives here: when one begins, is due and goes on. Not here: what it counts (`report_counts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from correlators.deltas import tick_end_ms
from correlators.incidents import ticks
from correlators.judging import Config
from correlators.report_counts import Counting
from correlators.report_text import lines, period, title
from correlators.reported import Reported
from correlators.responses import Response
from correlators.scheduled import TOLD, Coming, Scheduled, Tally, report_id, report_key
from correlators.state import State
from correlators.suppressions import HeldBack, Suppressed
from correlators.ticks import Work
from correlators.types import TICK_MS, Digest, DigestKind, Level, Suppression, tick_of

EMPTY_MOST: Final = 14
"""After so many reports in a row without anything an environment is forgotten, until it is heard
again."""
TOLD_MOST: Final = 50
"""Environments of one partition that one scheduled report tells at one moment: the others
are held back and counted."""
_HOUR_S: Final = 3_600


class Reporting:
    """The reports of one state. Digests and suppressions gather until they are taken."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: the reports, owners and rules; state: read, and its reports written."""
        self._reports = config.holding.reports
        self._remember_ticks = ticks(config.windows.remember_ms)
        self._state = state
        self._counting = Counting(config, state)
        self._places: dict[str, tuple[tuple[str, Scheduled], ...]] = {}
        self._digests: list[Digest] = []
        self._suppressed: Suppressed = Counter()
        self._told: Counter[str] = Counter()

    def take(self) -> tuple[list[Digest], Suppressed]:
        """Return what was decided since the last call."""
        taken = self._digests, self._suppressed
        self._counting.forget()
        self._digests, self._suppressed, self._told = [], Counter(), Counter()
        return taken

    def heard(self, work: Work) -> None:
        """Begin the reports of every environment that something comes from."""
        if not self._reports:
            return
        found = {delta.key.environment for delta in work.deltas}
        found |= {change.environment for change in work.changes if change.environment}
        for environment in sorted(found):
            self._begin(environment, work.tick)

    def note(self, responses: Iterable[Response], tick: int) -> None:
        """Count how fast people were, in every report that is of what they did."""
        if not self._reports:
            return
        for one in responses:
            owners = self._counting.owners_of(one.subject)
            for key, scheduled in self._begin(one.environment, tick):
                asked = one.urgency.value in scheduled.urgency
                if asked and scheduled.tells(one.environment, owners):
                    coming = self._state.get(key)
                    assert isinstance(coming, Coming)
                    people = _with(coming.people, one)
                    self._state.put(msgspec.structs.replace(coming, people=people))

    def due(self, coming: Coming, tick: int) -> None:
        """Tell a report that is due in this tick, and begin the next one.

        Args:
            coming: as it is in the state.
            tick: the tick being applied.
        """
        key = report_key(coming.name, coming.times, coming.environment)
        scheduled = dict(self._scheduled(coming.environment)).get(key)
        if scheduled is None:  # the configuration knows it no more
            self._state.drop(key)
            return
        reported, happened = self._reported(coming, scheduled, tick)
        empty = 0 if happened else coming.empty + 1
        if not happened:
            self._suppressed[HeldBack(Suppression.NOTHING_NEW, scheduled.name)] += 1
        elif self._told[scheduled.name] >= TOLD_MOST:
            self._suppressed[HeldBack(Suppression.CAPPED, scheduled.name)] += 1
        else:
            self._told[scheduled.name] += 1
            self._digests += _digests(coming, scheduled, reported, tick)
        if empty >= EMPTY_MOST:
            self._state.drop(key)
            return
        began = coming.from_tick
        self._state.put(
            Coming(
                name=coming.name,
                times=coming.times,
                environment=coming.environment,
                from_tick=tick + 1,
                due_tick=_due_tick(scheduled, tick),
                empty=empty,
                events_before=reported.events,
                ticks_before=tick + 1 - began,
            )
        )

    def _begin(self, environment: str, tick: int) -> tuple[tuple[str, Scheduled], ...]:
        """Return the reports of an environment, by entry key; each is on its way by now."""
        found = self._scheduled(environment)
        for key, one in found:
            if self._state.get(key) is None:
                coming = Coming(
                    name=one.name,
                    times=one.at.name,
                    environment=environment,
                    from_tick=tick,
                    due_tick=_due_tick(one, tick - 1),
                )
                self._state.put(coming)
        return found

    def _scheduled(self, environment: str) -> tuple[tuple[str, Scheduled], ...]:
        known = self._places.get(environment)
        if known is None:
            if len(self._places) >= 1_000:
                self._places.clear()  # worked out anew: no result depends on it
            known = self._places[environment] = tuple(
                (report_key(one.name, one.at.name, environment), one)
                for one in self._reports
                if one.tells(environment, (one.team,))
            )
        return known

    def _reported(self, coming: Coming, scheduled: Scheduled, tick: int) -> tuple[Reported, bool]:
        """Return the report, and whether anything happened in its time."""
        # What ended before that is forgotten: a time of which it is not sure is no time of its own.
        since = max(coming.from_tick, tick - self._remember_ticks)
        counted, happened = self._counting.counted(
            scheduled, coming.environment, since=since, people=coming.people
        )
        from_ms, to_ms = since * TICK_MS, tick_end_ms(tick)
        before = coming.events_before
        made = msgspec.structs.replace(
            counted,
            name=scheduled.name,
            period=period(from_ms, to_ms, scheduled.at.zone),
            from_ms=from_ms,
            to_ms=to_ms,
            team=scheduled.team,
            urgency=() if set(scheduled.urgency) == set(TOLD) else scheduled.urgency,
            hourly=_hourly(counted.events, tick + 1 - since),
            hourly_before=_hourly(before, coming.ticks_before) if before >= 0 else -1,
        )
        return made, happened or coming.people != Tally()


def _due_tick(scheduled: Scheduled, tick: int) -> int:
    """Return the last tick before the next moment that lies after the end of this one."""
    return tick_of(scheduled.at.next_ms(tick_end_ms(tick)) - 1)


def _hourly(events: int, length: int) -> int:
    return round(events * _HOUR_S / max(1, length))


def _with(people: Tally, one: Response) -> Tally:
    match one.act:
        case "acknowledge":
            return msgspec.structs.replace(
                people,
                acknowledged=people.acknowledged + 1,
                acknowledge_s=people.acknowledge_s + one.seconds,
            )
        case "resolve":
            return msgspec.structs.replace(
                people, resolved=people.resolved + 1, resolve_s=people.resolve_s + one.seconds
            )
        case _:
            return msgspec.structs.replace(people, false_alarms=people.false_alarms + 1)


def _digests(coming: Coming, scheduled: Scheduled, one: Reported, tick: int) -> list[Digest]:
    """Return the report once per destination."""
    return [
        Digest(
            id=report_id(coming),
            revision=1,
            kind=DigestKind.REPORT,
            at_ms=tick_end_ms(tick),
            destination=destination,
            storm=False,
            resolved=False,
            environment=coming.environment,
            title=title(one, coming.environment),
            incidents=one.errors,
            events=one.events,
            users=0,
            about=one.about,
            level=Level.INFO,
            first_ms=one.from_ms,
            last_ms=one.to_ms,
            rule=scheduled.name,
            report=lines(one),
            reported=one,
        )
        for destination in scheduled.to
    ]
