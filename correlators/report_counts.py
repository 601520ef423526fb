"""What a scheduled report counts: the errors and storms of one environment in some time.

Read off the state as it is when the report is due: what is open, and what ended in that time and is
remembered. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from correlators.incidents import Closed, Incident
from correlators.judging import Config
from correlators.report_actions import actions
from correlators.report_errors import Counted, Error, Errors, urgency_of
from correlators.reported import TOP_MOST, Reported
from correlators.scheduled import Scheduled, Tally
from correlators.state import State
from correlators.storms import Storm


class Counting:
    """Counts what reports of one state tell."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: who owns what; state: read only."""
        self._errors = Errors(config, state)

    def forget(self) -> None:
        """Drop what was worked out of the state: it is another one from now on."""
        self._errors.forget()

    def owners_of(self, subject: str) -> tuple[str, ...]:
        """Return the teams that own the incident or storm of this id; nobody where it is
        forgotten."""
        return self._errors.owners_of(subject)

    def counted(
        self, scheduled: Scheduled, environment: str, *, since: int, people: Tally
    ) -> tuple[Reported, bool]:
        """Return the report without what names it, and whether anything happened in its time.

        Args:
            scheduled: which errors it tells.
            environment: of these; it is a report of it.
            since: the first tick of its time.
            people: how fast they were.
        """
        kept, errors = self._errors.since(environment, since), self._errors
        told = [one for one in kept.errors if self._tells(scheduled, one)]
        found = [errors.counted(one, since) for one in told]
        found.sort(key=lambda one: (-one.line.events, -one.line.users, one.line.id))
        storms = [
            one
            for one in kept.storms
            if urgency_of(one.told) in scheduled.urgency
            and scheduled.of_owned(errors.of_storm(one))
        ]
        over = [one for error in kept.errors for one in self._over(scheduled, error)]
        reported = msgspec.structs.replace(
            _reported(found, storms, people),
            lasted_s=_average(sum(map(_lasted, over)), len(over)),
            actions=actions(found, storms, people, owned=errors.owned),
        )
        happened = any(
            one.last_tick >= since or one.closed_tick >= since
            for error in told
            for one in error.incidents
        )
        return reported, happened or bool(storms)

    def _over(self, scheduled: Scheduled, error: Error) -> list[Incident]:
        """Return the incidents of an error that are over and stand in the report."""
        group, errors = error.incidents, self._errors
        if len(group) == 1:
            return group if not group[0].open and self._tells(scheduled, error) else []
        return [
            one
            for one in group
            if not one.open
            and errors.urgency(one) in scheduled.urgency
            and scheduled.of_owned(errors.of_incidents([one]))
        ]

    @staticmethod
    def _tells(scheduled: Scheduled, error: Error) -> bool:
        """Return whether an error stands in the report, by its urgency and who owns it."""
        return error.urgency in scheduled.urgency and scheduled.of_owned(error.owners)


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
