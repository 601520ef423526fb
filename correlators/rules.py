"""Rules: what is urgent enough to wake somebody.

Which digests are worth a message, to whom and when is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import msgspec

from correlators.deltas import worse
from correlators.incidents import Incident, ticks
from correlators.rates import Rate, rate_within
from correlators.storms import Storm
from correlators.types import TICK_MS, Level, PageReason


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """When a digest also goes to the pager.

    Raises:
        ValueError: a limit is below one, or `within_ms` outside one tick to one day.
    """

    environments: tuple[str, ...] = ("production",)
    """Only these environments page."""
    events: int = 50
    """This many events within `within_ms` page."""
    within_ms: int = 300_000
    storm_services: int = 3
    """A storm over at least this many services pages."""

    def __post_init__(self) -> None:
        if self.events < 1 or self.storm_services < 1:
            raise ValueError("events and storm_services must be at least 1")
        if not TICK_MS <= self.within_ms <= 86_400_000:
            raise ValueError(f"within_ms must lie between {TICK_MS} and 86400000")


class Routes(msgspec.Struct, frozen=True, kw_only=True):
    """Where digests go: destinations as `<sink>:<name>`, in the order of the configuration."""

    tell: tuple[str, ...] = ("console:default",)
    page: tuple[str, ...] = ()


def episode_page(incidents: Sequence[Incident], pages: Pages, *, tick: int) -> PageReason | None:
    """Return why these incidents must page now, or None. What is told as past never pages.

    Args:
        incidents: the open ones of one episode that no storm tells.
        pages: the limits.
        tick: the tick being applied.
    """
    live = [one for one in incidents if not one.past]
    if not live or live[0].key.environment not in pages.environments:
        return None
    level = reduce(worse, (one.level for one in live))
    return _loud(level, [one.rate for one in live], pages, tick=tick)


def storm_page(storm: Storm, pages: Pages, *, tick: int) -> PageReason | None:
    """Return why this storm must page now, or None."""
    if storm.environment not in pages.environments:
        return None
    if len(storm.services) >= pages.storm_services:
        return PageReason.STORM_SERVICES
    return _loud(storm.level, [storm.rate], pages, tick=tick)


def _loud(level: Level, rates: Iterable[Rate], pages: Pages, *, tick: int) -> PageReason | None:
    if level is Level.FATAL:
        return PageReason.FATAL
    rate_ticks = ticks(pages.within_ms)
    if sum(rate_within(rate, tick=tick, rate_ticks=rate_ticks) for rate in rates) >= pages.events:
        return PageReason.EVENT_RATE
    return None
