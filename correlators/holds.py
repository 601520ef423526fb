"""What holds a telling back although a rule wants it told: an issue that is ignored in Sentry,
silences, maintenance, inhibition, quiet hours, frequency caps, spike protection.

Lives here: what each asks, their order, and which of them may hold a page. Not here: the state
that they look at, and what happens when they end (`waiting`). A page waits while the issue is
ignored, for a person's silence and for planned maintenance; for quiet hours and inhibition only
where their rule says so; for a cap or a spike never. A storm is held only by what mutes all its
services.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from correlators.conditions import Facts, When, matches, why_not
from correlators.rulings import Ruling, Urgency
from correlators.scheduled import Scheduled
from correlators.schedules import Schedule, ends_ms
from correlators.silences import Part, Silence, mutes
from correlators.types import Suppression

DIGEST_EVERY_MS: Final = 4 * 3_600_000
"""What is worth no message of its own is told at these full hours of UTC."""

HOUR_MS: Final = 3_600_000


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Quiet hours, or planned maintenance: what they hold, and when.

    Raises:
        ValueError: it has no times.
    """

    name: str
    when: When = When()
    times: tuple[Schedule, ...]
    maintenance: bool = False
    pages: bool = False
    """Pages are held too. Maintenance is planned: there it is so unless the file says otherwise."""

    def __post_init__(self) -> None:
        if not self.times:
            raise ValueError("it needs times")


class Inhibition(msgspec.Struct, frozen=True, kw_only=True):
    """While something open matches `source`, what matches `when` is held back.

    Only within one environment, and unless `any_service` only within one service. What matches
    `source` too is not muted: two sources never mute each other.
    """

    name: str
    source: When
    when: When
    any_service: bool = False
    pages: bool = False


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """All that may hold back, as configured.

    Raises:
        ValueError: a spike of fewer than one an hour.
    """

    periods: tuple[Period, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    reports: tuple[Scheduled, ...] = ()
    """What is worth no message of its own is told by these, where one is of it."""
    most_per_hour: int = 0
    """Spike protection: more tellings than this in an environment and hour wait for the next one;
    0 is none."""

    def __post_init__(self) -> None:
        if self.most_per_hour < 0:
            raise ValueError("most_per_hour must not be below 0")


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around one telling, as the state has it."""

    now_ms: int
    parts: Sequence[Part] = ()
    """The incidents that are told together, where there are silences; of a storm, those that it
    lists."""
    unlisted: int = 0
    """How many further ones the storm has."""
    silences: Sequence[Silence] = ()
    """Those of the environment."""
    sources: Sequence[str] = ()
    """Names of the inhibitions whose source something open matches, other than what is told and in
    a service that counts."""
    capped_until_ms: int = 0
    """When the frequency cap of the rules lets the next telling through."""
    ignored: bool = False
    """All of it is ignored in Sentry."""
    waited: bool = False
    """It was held until now, for a time that was known."""
    told_this_hour: int = 0
    """Tellings of the environment since the full hour that were no pages."""


class Hold(msgspec.Struct, frozen=True):
    """Why a telling waits."""

    why: Suppression
    name: str
    """Of the rule, period, inhibition or silence."""
    until_ms: int = 0
    """When it ends; 0 where that is not known beforehand."""
    report: str = ""
    """The scheduled report that tells it instead."""


def held(facts: Facts, ruling: Ruling, holding: Holding, around: Around) -> Hold | None:
    """Return what holds the telling back, None when it goes out.

    The first of: dropped by a rule, ignored in Sentry, silence, maintenance, inhibition, quiet
    hours, waiting for the next digest, cap, spike.

    Args:
        facts: what is told.
        ruling: what the rules say of it.
        holding: what may hold back, as configured.
        around: what stands around it.
    """
    if ruling.urgency is Urgency.DROP:
        return Hold(Suppression.DROPPED, ruling.rules[0] if ruling.rules else "")
    if around.ignored:
        return Hold(Suppression.IGNORED, "")
    page = ruling.urgency is Urgency.PAGE
    return (
        _silenced(facts, around)
        or _in_period(facts, holding.periods, around, page=page, maintenance=True)
        or _inhibited(facts, holding.inhibitions, around, page=page)
        or _in_period(facts, holding.periods, around, page=page, maintenance=False)
        or _gathered(facts, ruling, holding, around)
        or (None if page else _limited(ruling, holding, around))
    )


def _silenced(facts: Facts, around: Around) -> Hold | None:
    """Return the silence that ends last of those that mute all of it."""
    found = [
        one
        for one in around.silences
        if one.from_ms <= around.now_ms < one.to_ms
        and mutes(one, facts.services, around.parts, around.unlisted)
    ]
    last = max(found, key=lambda one: (one.to_ms, one.id), default=None)
    return Hold(Suppression.SILENCED, last.id, last.to_ms) if last is not None else None


def _mutes_all(when: When, facts: Facts) -> bool:
    """Return whether it holds for every service that is told of, not only for one of them."""
    return why_not(when, facts) is None and (
        not when.service or all(matches(when.service, [one]) for one in facts.services)
    )


def _in_period(
    facts: Facts, periods: Iterable[Period], around: Around, *, page: bool, maintenance: bool
) -> Hold | None:
    why = Suppression.MAINTENANCE if maintenance else Suppression.QUIET_HOURS
    holds = []
    for period in periods:
        if period.maintenance is not maintenance or (page and not period.pages):
            continue
        if not _mutes_all(period.when, facts):
            continue
        until_ms = ends_ms(period.times, around.now_ms)
        if until_ms is not None:
            holds.append(Hold(why, period.name, until_ms))
    return max(holds, key=lambda one: one.until_ms, default=None)


def _inhibited(
    facts: Facts, inhibitions: Iterable[Inhibition], around: Around, *, page: bool
) -> Hold | None:
    for one in inhibitions:
        if why_not(one.source, facts) is None:
            continue  # else two of a kind would mute each other, and nobody would hear of either
        if (
            one.name in around.sources
            and not (page and not one.pages)
            and _mutes_all(one.when, facts)
        ):
            return Hold(Suppression.INHIBITED, one.name)
    return None


def _gathered(facts: Facts, ruling: Ruling, holding: Holding, around: Around) -> Hold | None:
    """Return the time of the next digest for what is worth no message of its own: that of the first
    scheduled report that is of it, which tells it instead, or else the next full hours."""
    if ruling.urgency is not Urgency.DIGEST:
        return None
    for one in holding.reports:
        if Urgency.DIGEST in one.urgency and one.tells(facts.environment, facts.owners):
            until_ms = one.at.next_ms(around.now_ms)
            return Hold(Suppression.DIGEST_ONLY, ruling.rules[-1], until_ms, one.name)
    if around.waited:
        return None
    following = (around.now_ms // DIGEST_EVERY_MS + 1) * DIGEST_EVERY_MS
    return Hold(Suppression.DIGEST_ONLY, ruling.rules[-1], following)


def _limited(ruling: Ruling, holding: Holding, around: Around) -> Hold | None:
    if around.now_ms < around.capped_until_ms:
        return Hold(Suppression.CAPPED, ruling.rules[-1], around.capped_until_ms)
    if holding.most_per_hour and around.told_this_hour >= holding.most_per_hour:
        return Hold(Suppression.SPIKE, "", (around.now_ms // HOUR_MS + 1) * HOUR_MS)
    return None
