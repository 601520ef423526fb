"""The rules that decide where the configuration has none of its own: everything is told, and what
is urgent wakes somebody.

Lives here: `pages` and `routes` of the configuration, and the rules that they stand for. Not here:
how rules are read (`rulings`), and what holds a telling back (`holds`).
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from correlators.acts import ACK_MOST_MS
from correlators.conditions import AtLeast, When
from correlators.owners import SERVICE
from correlators.rulings import Rule, Urgency
from correlators.types import TICK_MS, Level, PageReason

REASONS: Final = {
    "fatal": PageReason.FATAL,
    "loud": PageReason.EVENT_RATE,
    "storm": PageReason.STORM_SERVICES,
}
"""Names of the rules here that wake somebody, and the word for it."""

REST: Final = "everything"


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """When a digest also goes to the pager.

    Raises:
        ValueError: a limit is below one, `within_ms` outside one tick to one day, or
            `remind_every_ms` shorter than a tick, or `ack_for_ms` neither 0 nor between a tick and
            seven days.
    """

    environments: tuple[str, ...] = ("production",)
    """Only these environments page."""
    events: int = 50
    """This many events within `within_ms` page."""
    within_ms: int = 300_000
    storm_services: int = 3
    """A storm over at least this many services pages."""
    resolve_acknowledged: bool = False
    """Quiet resolves a page that somebody acknowledged too."""
    fallback: str = ""
    """Who is paged where neither the rule nor the team that is paged names a fallback."""
    remind_every_ms: int = 300_000
    """A page at a chat that nobody has acknowledged is repeated this often."""
    ack_for_ms: int = 0
    """An acknowledgement that names no end of its own ends after this; 0: when it is taken back."""

    def __post_init__(self) -> None:
        if self.events < 1 or self.storm_services < 1:
            raise ValueError("events and storm_services must be at least 1")
        if not TICK_MS <= self.within_ms <= 86_400_000:
            raise ValueError(f"within_ms must lie between {TICK_MS} and 86400000")
        if self.remind_every_ms < TICK_MS:
            raise ValueError(f"remind_every_ms must be at least {TICK_MS}")
        if self.ack_for_ms and not TICK_MS <= self.ack_for_ms <= ACK_MOST_MS:
            raise ValueError(f"ack_for_ms must be 0 or lie between {TICK_MS} and {ACK_MOST_MS}")


class Routes(msgspec.Struct, frozen=True, kw_only=True):
    """Where digests go: destinations as `<sink>:<name>`, in the order of the configuration."""

    tell: tuple[str, ...] = ("console:default",)
    page: tuple[str, ...] = ()
    fallback: str = ""
    """Who is paged when one of `page` cannot be."""


def rules_for(pages: Pages, routes: Routes, *, by_service: bool = False) -> tuple[Rule, ...]:
    """Return the rules that `pages` and `routes` stand for.

    Args:
        pages: when somebody is woken; with no pager among the routes, never.
        routes: who is told, and who is woken.
        by_service: some services have pagers of their own, which take the place of the routes'.
    """
    page, page_else = ((SERVICE,), routes.page) if by_service else (routes.page, ())
    where = tuple(map(_literally, pages.environments))
    often = AtLeast(pages.events, pages.within_ms)
    urgent = {
        "storm": When(environment=where, storm_services=pages.storm_services),
        "fatal": When(environment=where, level=(Level.FATAL,)),
        "loud": When(environment=where, events=often),
    }
    paged = [
        Rule(
            name=name,
            when=when,
            urgency=Urgency.PAGE,
            to=routes.tell,
            page=page,
            page_else=page_else,
            fallback=routes.fallback,
        )
        for name, when in urgent.items()
        if page and where
    ]
    if routes.tell:
        return (*paged, Rule(name=REST, to=routes.tell))
    return (*paged, Rule(name=REST, urgency=Urgency.DROP, reason="no chat is configured"))


def _literally(text: str) -> str:
    """Return a pattern that fits this text alone."""
    return re.sub(r"([*?[])", r"[\1]", text)
