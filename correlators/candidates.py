"""What is judged when incidents are linked: the candidates, and what is known around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import msgspec

from correlators.baseline import BURST_PRIOR_TICKS, PRIOR_TICKS, Slots, rate
from correlators.causes import Cause
from correlators.dependencies import Depends, Neighbours, learnt

WARM_TICKS: Final = 300
"""An environment that is watched for less is too young for anything in it to be new."""


class Candidate(msgspec.Struct, frozen=True, order=True, gc=False):
    """An incident that may be linked. Compares by onset, service and error, then id: so what an
    error is called under a signature version decides nothing."""

    onset_tick: int
    service: str
    title: str
    """Its error in one line, parameterised."""
    id: str
    fingerprint: str
    release_news: str
    """Its release where that is news and the error came with it, else empty."""
    release: str
    """Its release where the error came with it, else empty: an older error tells nothing of it."""
    traces: tuple[int, ...]
    all_traces: bool
    """These are all that it had lately, not the smallest of more."""
    loud: bool
    """It has more than a single event or user behind it, so its onset may be part of a burst."""
    fresh: bool = False
    """Its error was never seen in the service before this stretch."""
    aliases: tuple[str, ...] = ()
    """What its events are called under other signature versions."""
    storm_id: str = ""
    """The open storm that it is part of, else empty."""
    anchor: bool = False
    """It is active, but its own onset is long past; `onset_tick` is its last event."""
    apart: tuple[str, ...] = ()
    """Open storms that a person took it out of."""
    began_tick: int = -1
    """When it truly began, of one that is only active; -1 for when its onset is."""
    error: Cause = ()
    """The parts of its signature."""
    cause: Cause = ()
    """Those of what it was raised from, empty where nothing tells."""

    @property
    def since_tick(self) -> int:
        """When its present stretch began."""
        return self.onset_tick if self.began_tick < 0 else self.began_tick


class Spread(msgspec.Struct, frozen=True):
    """What is known of one error in all services of an environment."""

    since_tick: int
    """When any of them first had it."""
    slots: Slots
    """How often it began in any of them of late without being part of a storm."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is known of the environment in which candidates are linked."""

    since_tick: int = 0
    """Since when it is watched."""
    tick: int = 0
    depends: Depends = {}
    """What each service needs, as declared."""
    neighbours: Mapping[str, Neighbours] = {}
    """What was learnt from traces, by service."""
    slots: Mapping[str, Slots] = {}
    """Ordinary onsets by service."""
    errors: Mapping[str, Spread] = {}
    """Errors of several services, and causes of others, by fingerprint."""
    services: Mapping[str, tuple[str, ...]] = {}
    """The services of every open storm."""
    tied: frozenset[str] = frozenset()
    """Open storms that hold so well that they are told apart from others."""
    inside: Mapping[tuple[str, str], float] = {}
    """How many incidents an open storm gained per tick in a service, over its life so far; in all
    services where the service is empty."""
    rates: dict[tuple[str, int, int], float] = msgspec.field(default_factory=dict)
    """Rates worked out already."""

    def warm(self, tick: int) -> bool:
        """Return whether the environment was watched for long enough to know what is new then."""
        return tick - self.since_tick >= WARM_TICKS

    def prior(self, tick: int) -> int:
        """Return the time over which the one onset assumed beforehand is spread: at the start of
        the watch everything is heard for the first time."""
        return PRIOR_TICKS if self.warm(tick) else BURST_PRIOR_TICKS

    @cached_property
    def storms_in(self) -> dict[str, list[str]]:
        """The open storms that a service is part of, by service."""
        found: dict[str, list[str]] = defaultdict(list)
        for storm_id, service in self.inside:
            found[service].append(storm_id)
        return found

    def rate(self, service: str, before_tick: int, prior_ticks: int) -> float:
        """Return the onsets per tick that are ordinary in a service."""
        place = (service, before_tick, prior_ticks)
        found = self.rates.get(place)
        if found is None:
            found = self.rates[place] = rate(
                self.slots.get(service, ()),
                since_tick=self.since_tick,
                before_tick=before_tick,
                prior_ticks=prior_ticks,
            )
        return found

    def times(self, left: str, right: str) -> int:
        """Return at how many times the two were seen in one trace, 0 where it is too seldom to
        count."""
        there = learnt(self.neighbours.get(left), right, self.tick)
        return max(there, learnt(self.neighbours.get(right), left, self.tick))
