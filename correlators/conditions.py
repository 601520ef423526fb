"""What a rule looks at, and whether it holds: facts about one telling, conditions over them.

Lives here: the conditions and what each asks. Not here: what follows when they hold (`rules`), and
which conditions can never hold (`rule_check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import translate
from functools import cached_property, lru_cache
from typing import Final

import msgspec

from correlators.incidents import ticks
from correlators.rates import Rate, rate_within
from correlators.types import LEVEL_RANK, TICK_MS, Level

PATTERN_CHARS: Final = 200
PATTERNS_KEPT: Final = 4_096
"""Finished patterns that are remembered; no result depends on it."""

LONGEST_MS: Final = 86_400_000


class Lifecycle(StrEnum):
    """What happened that may be told. The words are those of the configuration."""

    OPENED = "opened"
    UPDATED = "updated"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    DEPLOY = "deploy"


class Asked(StrEnum):
    """A part of a condition. The word is the key in the configuration and the `explain` text."""

    ENVIRONMENT = "environment"
    SERVICE = "service"
    RELEASE = "release"
    LEVEL = "level"
    MIN_LEVEL = "min_level"
    ERROR_TYPE = "error_type"
    TEXT = "text"
    TAG = "tag"
    OWNER = "owner"
    LIFECYCLE = "lifecycle"
    FIRST_SEEN = "first_seen"
    REGRESSION = "regression"
    ESCALATING = "escalating"
    EVENTS = "events"
    USERS = "users"
    METRIC_ALERT = "metric_alert"
    STORM = "storm"
    STORM_SERVICES = "storm_services"


class AtLeast(msgspec.Struct, frozen=True):
    """So many within so long.

    Raises:
        ValueError: fewer than one, or a time outside one tick to one day.
    """

    count: int
    within_ms: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("at least 1 must be asked for")
        if not TICK_MS <= self.within_ms <= LONGEST_MS:
            raise ValueError(f"the time must lie between {TICK_MS} and {LONGEST_MS} ms")


class When(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All parts that are given must hold; of several values of a part, one. Nothing given always
    holds.

    Texts are patterns with `*`, `?` and `[...]`, and case counts but in `text`.
    """

    environment: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    """Of a storm: one of its services."""
    release: tuple[str, ...] = ()
    level: tuple[Level, ...] = ()
    min_level: Level | None = None
    error_type: tuple[str, ...] = ()
    """One exception type of the chain."""
    text: tuple[str, ...] = ()
    """The title, which holds the parameterised message."""
    tag: tuple[str, ...] = ()
    """`name=pattern`, as FINGERPRINT has marked them."""
    owner: tuple[str, ...] = ()
    lifecycle: tuple[Lifecycle, ...] = ()
    first_seen: bool | None = None
    """The error was never seen before in this service and environment."""
    regression: bool | None = None
    """It was seen before and had been resolved."""
    escalating: bool | None = None
    """It comes much more often than it used to."""
    events: AtLeast | None = None
    users: AtLeast | None = None
    metric_alert: bool | None = None
    """It is a metric alert of Sentry, or tells one that stands."""
    storm: bool | None = None
    storm_services: int = 0
    """A storm over at least this many services."""

    @cached_property
    def given(self) -> tuple[Asked, ...]:
        """The parts that are asked for, in the order in which they are looked at."""
        default = _ANYTHING
        return tuple(one for one in Asked if getattr(self, one) != getattr(default, one))


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an incident or a storm at the moment of deciding."""

    environment: str
    services: tuple[str, ...]
    releases: tuple[str, ...] = ()
    level: Level
    types: tuple[str, ...] = ()
    """Exception types of the signature."""
    titles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """The `tag` conditions that hold for some of its events, as they are written."""
    owners: tuple[str, ...] = ()
    lifecycle: Lifecycle
    first_seen: bool = False
    regression: bool = False
    escalating: bool = False
    metric_alert: bool = False
    storm: bool = False
    tick: int
    rate_ticks: int
    """How far back the rates reach; no condition may ask for more."""
    event_rates: tuple[Rate, ...] = ()
    user_rates: tuple[Rate, ...] = ()
    parts: tuple[Facts, ...] = ()
    """Each incident that is told, where what drops all of it has to fit each of them."""
    unlisted: bool = False
    """Incidents are told that nobody can look at any more."""
    pagers: tuple[str, ...] = ()
    """Who is paged for the service, or for the one in which a storm likely began, by what is said
    of it."""


_OF_EACH: Final = (
    Asked.SERVICE,
    Asked.RELEASE,
    Asked.LEVEL,
    Asked.MIN_LEVEL,
    Asked.ERROR_TYPE,
    Asked.TEXT,
    Asked.TAG,
    Asked.OWNER,
)
"""What an incident is by itself, whatever it is told with."""

_ANYTHING: Final = When()


def why_not(when: When, facts: Facts) -> Asked | None:
    """Return the first part that does not hold, None when all do."""
    return next((asked for asked in when.given if not holds(asked, when, facts)), None)


def why_not_all(when: When, facts: Facts) -> Asked | None:
    """Return the first part that does not hold for all of it, each incident by itself; None when
    all do.

    For what takes all of it away: one harmless incident must not hide an outage that it is part of.
    """
    failed = why_not(when, facts)
    if failed is not None:
        return failed
    asked = [one for one in _OF_EACH if one in when.given]
    if facts.unlisted and asked:
        return asked[0]
    return next((one for part in facts.parts for one in asked if not holds(one, when, part)), None)


def holds(asked: Asked, when: When, facts: Facts) -> bool:
    """Return whether this part of the condition holds; it must be one that is given."""
    match asked:
        case Asked.ENVIRONMENT:
            return matches(when.environment, [facts.environment])
        case Asked.SERVICE:
            return matches(when.service, facts.services)
        case Asked.RELEASE:
            return matches(when.release, facts.releases)
        case Asked.LEVEL:
            return facts.level in when.level
        case Asked.MIN_LEVEL:
            return LEVEL_RANK[facts.level] >= LEVEL_RANK[when.min_level or Level.DEBUG]
        case Asked.ERROR_TYPE:
            return matches(when.error_type, facts.types)
        case Asked.TEXT:
            lower = [[one.lower() for one in texts] for texts in (when.text, facts.titles)]
            return matches(*lower)
        case Asked.TAG:
            return bool({*when.tag} & {*facts.tags})
        case Asked.OWNER:
            return matches(when.owner, facts.owners)
        case Asked.LIFECYCLE:
            return facts.lifecycle in when.lifecycle
        case Asked.EVENTS:
            return _often(when.events, facts.event_rates, facts)
        case Asked.USERS:
            return _often(when.users, facts.user_rates, facts)
        case Asked.STORM_SERVICES:
            return facts.storm and len(facts.services) >= when.storm_services
        case (
            Asked.FIRST_SEEN
            | Asked.REGRESSION
            | Asked.ESCALATING
            | Asked.METRIC_ALERT
            | Asked.STORM
        ):
            return bool(getattr(facts, asked) is getattr(when, asked))


def matches(patterns: Iterable[str], texts: Iterable[str]) -> bool:
    """Return whether one of the patterns fits all of one of the texts."""
    found = list(texts)
    return any(_pattern(one).match(text) for one in patterns for text in found)


@lru_cache(maxsize=PATTERNS_KEPT)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern[:PATTERN_CHARS]))


def _often(asked: AtLeast | None, rates: tuple[Rate, ...], facts: Facts) -> bool:
    assert asked is not None
    return often(asked, rates, tick=facts.tick, rate_ticks=facts.rate_ticks)


def often(asked: AtLeast, rates: Iterable[Rate], *, tick: int, rate_ticks: int) -> bool:
    """Return whether so many came within so long, over all of these rates.

    Args:
        asked: how many, and within how long.
        rates: the slots of each.
        tick: the last one that counts.
        rate_ticks: how far back the rates reach.
    """
    within = min(ticks(asked.within_ms), rate_ticks)
    found = sum(
        [rate_within(rate, tick=tick, rate_ticks=rate_ticks, within=within) for rate in rates]
    )
    return found >= asked.count
