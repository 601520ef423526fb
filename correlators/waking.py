"""Whether any rule may wake somebody for an incident that goes on: asked at every delta.

What seldom changes of an incident refutes most rules, and is the same from one delta to the next:
its answer is remembered. Rules that it leaves ask for a number of events, mostly, so that is asked
before anything else is put together.

Lives here: what can be said without all the facts. Not here: what a condition means (`conditions`),
and what all the facts say (`judging`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Final, NamedTuple

from correlators.conditions import Asked, AtLeast, Facts, Lifecycle, When, holds, often
from correlators.deltas import worse
from correlators.entries import Episode
from correlators.incidents import Incident
from correlators.types import Level

KEPT: Final = 4_096
"""Standings of which the answer is remembered; no result depends on it."""

CHANGES: Final = frozenset(
    {Asked.EVENTS, Asked.USERS, Asked.ERROR_TYPE, Asked.TEXT, Asked.TAG, Asked.OWNER}
)
"""What a condition may ask for that is no part of a standing."""


class Standing(NamedTuple):
    """What seldom changes of incidents of one episode that are told together; as in `Facts`."""

    environment: str
    service: str
    releases: tuple[str, ...]
    level: Level
    first_seen: bool
    regression: bool
    escalating: bool
    metric_alert: bool


def standing_of(incidents: Sequence[Incident], episode: Episode | None) -> Standing:
    """Return how incidents of one episode stand that are told together, the one that tells first.

    Args:
        incidents: not empty.
        episode: theirs, if it is known.
    """
    first = incidents[0]
    if len(incidents) == 1:
        level, regression, escalating = first.level, first.regressed, first.escalated
    else:
        level = reduce(worse, (one.level for one in incidents))
        regression = any(one.regressed for one in incidents)
        escalating = any(one.escalated for one in incidents)
    return Standing(
        environment=first.key.environment,
        service=first.key.service,
        releases=tuple([one.key.release for one in incidents]),
        level=level,
        first_seen=episode is not None and episode.first_tick >= first.opened_tick,
        regression=regression,
        escalating=escalating,
        metric_alert=first.alert is not None,
    )


class Waking:
    """The conditions of the rules that wake somebody."""

    def __init__(self, conditions: Iterable[When], rate_ticks: int) -> None:
        """Args: conditions: one a rule; rate_ticks: how far back rates reach."""
        self._conditions = tuple(conditions)
        self._rate_ticks = rate_ticks
        self._left: dict[Standing, tuple[AtLeast | None, ...]] = {}

    def may(self, incidents: Sequence[Incident], standing: Standing, tick: int) -> bool:
        """Return False where none of the conditions holds for what goes on, whatever else is known;
        True where one may.

        Args:
            incidents: of one episode, told together.
            standing: how they stand.
            tick: the tick being applied.
        """
        left = self._left.get(standing)
        if left is None:
            if len(self._left) >= KEPT:
                self._left.clear()
            left = self._left[standing] = tuple(self._unrefuted(standing))
        for events in left:
            if events is None:
                return True
            rates = [one.rate for one in incidents if not one.past]
            if often(events, rates, tick=tick, rate_ticks=self._rate_ticks):
                return True
        return False

    def _unrefuted(self, standing: Standing) -> Iterable[AtLeast | None]:
        """Yield, of every condition that the standing leaves, how many events it asks for."""
        facts = Facts(
            environment=standing.environment,
            services=(standing.service,),
            releases=standing.releases,
            level=standing.level,
            lifecycle=Lifecycle.UPDATED,
            first_seen=standing.first_seen,
            regression=standing.regression,
            escalating=standing.escalating,
            metric_alert=standing.metric_alert,
            tick=0,
            rate_ticks=self._rate_ticks,
        )
        for when in self._conditions:
            if all(holds(one, when, facts) for one in when.given if one not in CHANGES):
                yield when.events
