"""Rules: which tellings matter, how much, and to whom. Read top to bottom; the first that holds
decides.

Lives here: rules, what they rule, and why one did not. Not here: what a condition asks
(`conditions`), and what holds a telling back although a rule wants it told (`holds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from correlators.conditions import Asked, Facts, When, why_not, why_not_all
from correlators.owners import OWNER, SERVICE, WORDS, Team
from correlators.types import TICK_MS

RULES_MOST: Final = 500
CAP_MOST_MS: Final = 86_400_000


class Urgency(StrEnum):
    """How much a telling matters. The words are those of the configuration, weakest first."""

    DROP = "drop"
    """Told to nobody; kept as a named suppression."""
    DIGEST = "digest"
    """Worth a line in a digest that comes at its time, not a message of its own."""
    ALERT = "alert"
    """Worth a message."""
    PAGE = "page"
    """Somebody is woken."""


URGENCY_RANK: Final = {urgency: rank for rank, urgency in enumerate(Urgency)}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    Raises:
        ValueError: it drops and names destinations or no reason; it tells and names none; or its
            cap lies outside one tick to one day.
    """

    name: str
    when: When = When()
    urgency: Urgency = Urgency.ALERT
    to: tuple[str, ...] = ()
    """Destinations that are told."""
    page: tuple[str, ...] = ()
    """Destinations that are paged where `urgency` is `page`."""
    page_else: tuple[str, ...] = ()
    """Destinations that are paged where those of `page` are nobody."""
    fallback: str = ""
    """Who is paged when one of `page` cannot be; empty: as the team or the configuration says."""
    reason: str = ""
    """Why it drops."""
    every_ms: int = 0
    """A frequency cap: at most one telling of an error in this time; 0 is none. Pages know none."""
    goes_on: bool = False
    """The rules below are read too: they add destinations, and may make it more urgent."""

    def __post_init__(self) -> None:
        if self.urgency is Urgency.DROP:
            if self.to or self.page or not self.reason:
                raise ValueError("a rule that drops has a reason and no destinations")
            if self.goes_on:
                raise ValueError("a rule that drops decides; it cannot go on")
        elif not self.to and not self.page:
            raise ValueError("a rule that tells has destinations")
        if (self.urgency is Urgency.PAGE) != bool(self.page):
            raise ValueError("a rule has destinations to page exactly when its urgency is page")
        if self.every_ms and not TICK_MS <= self.every_ms <= CAP_MOST_MS:
            raise ValueError(f"a cap lies between {TICK_MS} and {CAP_MOST_MS} ms")


class Tried(msgspec.Struct, frozen=True):
    """A rule that was read, and the first part of it that did not hold; None where all did."""

    rule: str
    failed: Asked | None


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say of one telling."""

    urgency: Urgency
    to: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    """For each of `page`, who is paged when it cannot be; empty text where nobody is."""
    rules: tuple[str, ...] = ()
    """Names of the rules that held, in order."""
    reason: str = ""
    every_ms: int = 0
    """The longest cap of the rules that held."""
    linked: tuple[str, ...] = ()
    """Whose link adds which of `to`, in words."""


def ruled(
    rules: tuple[Rule, ...], facts: Facts, teams: Mapping[str, Team], fallback: str = ""
) -> Ruling:
    """Return what the rules say.

    Destinations are those of every rule that held, in order and each once. Nothing that holds is
    told to nobody: without any rule it is dropped by the name of no rule, which the check of a
    configuration makes impossible.

    Args:
        rules: in the order of the configuration.
        facts: what would be told.
        teams: where the owners hear what is theirs.
        fallback: who is paged where neither rule nor team says.
    """
    held: list[Rule] = []
    fallbacks: dict[str, str] = {}
    for rule in rules:
        made = addressed(rule, facts, teams)
        if made is None or _fails(rule, facts) is not None:
            continue
        if held and rule.urgency is Urgency.DROP:
            break  # a rule above has told it to somebody: that stands
        held.append(made)
        for one in made.page:
            by_team = [teams[name] for name in facts.owners if name in teams]
            fallbacks.setdefault(one, fallback_of(rule, made.to, made.page, one, by_team, fallback))
        if not rule.goes_on:
            break
    if not held:
        return Ruling(urgency=Urgency.DROP, reason="no rule holds")
    urgency = max((rule.urgency for rule in held), key=URGENCY_RANK.__getitem__)
    return Ruling(
        urgency=urgency,
        to=tuple(dict.fromkeys(one for rule in held for one in rule.to)),
        page=tuple(fallbacks),
        fallback=tuple(fallbacks.values()),
        rules=tuple(rule.name for rule in held),
        reason=held[0].reason,
        every_ms=max(rule.every_ms for rule in held),
    )


def fallback_of(
    rule: Rule,
    to: tuple[str, ...],
    page: tuple[str, ...],
    paged: str,
    owners: Sequence[Team],
    default: str,
) -> str:
    """Return who is paged when this destination cannot be; empty where nobody is left.

    The first of: the rule's own, that of the owner's team which names the destination, the one of
    the configuration, and the chats that the rule tells. One that the rule pages anyway only counts
    where there is no other, and nobody stands in for themselves.

    Args:
        rule: as configured.
        to: whom it tells.
        page: whom it pages.
        paged: one of those.
        owners: the teams that own what is told.
        default: `pages.fallback`.
    """
    of_team = [one.fallback for one in owners if OWNER in rule.page and paged in one.page]
    known = [one for one in (rule.fallback, *of_team, default, *to) if one and one != paged]
    others = [one for one in known if one not in page]
    return next(iter([*others, *known]), "")


def _fails(rule: Rule, facts: Facts) -> Asked | None:
    """Return the first part of a rule that does not hold; what drops has to fit every incident."""
    if rule.urgency is Urgency.DROP:
        return why_not_all(rule.when, facts)
    return why_not(rule.when, facts)


def addressed(rule: Rule, facts: Facts, teams: Mapping[str, Team]) -> Rule | None:
    """Return the rule with the owners' destinations in place of `OWNER`, the service's for
    `SERVICE`.

    None where it would tell or page these alone and there is none who hears: it does not hold, and
    the rules below are read.
    """
    if WORDS.isdisjoint((*rule.to, *rule.page)):
        return rule
    known = [teams[one] for one in facts.owners if one in teams]
    to, page = places_of(rule, known, facts.pagers)
    if (rule.page and not page) or not (to or page):
        return None
    return msgspec.structs.replace(rule, to=to, page=page)


def places_of(
    rule: Rule, owners: Sequence[Team], pagers: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return whom the rule tells and whom it pages, either of which may be nobody.

    Args:
        rule: as configured.
        owners: the teams that own what is told.
        pagers: those of the service itself.
    """
    to = _with(rule.to, {OWNER: tuple(one for team in owners for one in team.to)})
    owned = tuple(one for team in owners for one in team.page)
    return to, _with(rule.page, {OWNER: owned, SERVICE: pagers}) or rule.page_else


def _with(destinations: tuple[str, ...], words: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(one for each in destinations for one in words.get(each, (each,)))


def tried(rules: tuple[Rule, ...], facts: Facts, teams: Mapping[str, Team]) -> list[Tried]:
    """Return every rule that was read, in order, and why it did not hold; for `explain`."""
    found: list[Tried] = []
    for rule in rules:
        failed = _fails(rule, facts)
        if failed is None and addressed(rule, facts, teams) is None:
            failed = Asked.OWNER if OWNER in (*rule.to, *rule.page) else Asked.SERVICE
        found.append(Tried(rule.name, failed))
        if failed is None and not rule.goes_on:
            break
    return found
