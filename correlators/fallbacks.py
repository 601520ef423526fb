"""Who stands in for whoever is paged, over all rules: for the check of a configuration, and for a
page that goes on at destinations which no rule names any more.

Not here: who it is for one telling (`rulings`), and when it is paged (`sinks.page_watch`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from correlators.owners import OWNER, SERVICE, Team
from correlators.rulings import Rule, fallback_of, places_of


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """One destination that a rule pages, and who is paged when it cannot be."""

    rule: int
    """Index of the rule."""
    team: str = ""
    """Name of the team whose destination it is; empty for one that the rule names itself."""
    service: str = ""
    """Name of the service whose destination it is."""
    paged: str
    fallback: str
    """Empty where nobody is."""


def stand_ins(
    rules: tuple[Rule, ...],
    teams: Mapping[str, Team],
    services: Mapping[str, tuple[str, ...]],
    default: str,
) -> list[Stands]:
    """Return every destination that a rule may page, rule by rule.

    Args:
        rules: in the order of the configuration.
        teams: by name.
        services: who is paged for a service of its own.
        default: `pages.fallback`.
    """
    found: list[Stands] = []
    for at, rule in enumerate(rules):
        found += _of(rule, at, [], (), default)
        for name, team in teams.items() if OWNER in rule.page else ():
            found += _of(rule, at, [team], (), default, team=name)
        for name, pagers in services.items() if SERVICE in rule.page else ():
            found += _of(rule, at, [], pagers, default, service=name)
    return found


def _of(
    rule: Rule,
    at: int,
    owners: list[Team],
    pagers: tuple[str, ...],
    default: str,
    *,
    team: str = "",
    service: str = "",
) -> Iterator[Stands]:
    """Yield what the rule pages, of a team's or a service's only what the rule does not name."""
    to, page = places_of(rule, owners, pagers)
    for paged in page:
        if (team or service) and paged not in (*pagers, *(p for one in owners for p in one.page)):
            continue
        fallback = fallback_of(rule, to, page, paged, owners, default)
        yield Stands(rule=at, team=team, service=service, paged=paged, fallback=fallback)
