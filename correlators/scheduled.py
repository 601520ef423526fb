"""Scheduled reports as configured, and what is kept of one until it is due.

Values only. What a report says is `reported`, how one comes about `reporting`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import xxhash

from correlators.conditions import matches
from correlators.recurring import Recurring
from correlators.rulings import Urgency

REPORTS_MOST: Final = 20
"""Scheduled reports of one configuration."""
TOLD: Final = (Urgency.DIGEST, Urgency.ALERT, Urgency.PAGE)
"""What may stand in a report: all that a rule does not drop."""


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A report that comes back: of what, when, to whom.

    Raises:
        ValueError: it is told to nobody, is of no environment or urgency, or of what is dropped.
    """

    name: str
    at: Recurring
    to: tuple[str, ...]
    environment: tuple[str, ...] = ("production",)
    """Patterns. Each environment has a report of its own."""
    team: str = ""
    """Only what it owns; empty: all."""
    urgency: tuple[Urgency, ...] = TOLD
    """Only what was told so urgently, or waits for this report."""

    def __post_init__(self) -> None:
        if not self.to or not self.environment or not self.urgency:
            raise ValueError("it has destinations, environments and urgencies")
        if Urgency.DROP in self.urgency:
            raise ValueError("what is dropped stands in no report")

    def of(self, environment: str) -> bool:
        """Return whether it is a report of this environment."""
        return matches(self.environment, [environment])

    def of_owned(self, owners: Iterable[str]) -> bool:
        """Return whether it is of what these teams own."""
        return not self.team or self.team in owners

    def tells(self, environment: str, owners: Iterable[str]) -> bool:
        """Return whether it is a report of this environment, and of what these teams own."""
        return self.of_owned(owners) and self.of(environment)


class Tally(msgspec.Struct, frozen=True):
    """How fast people were, in ticks."""

    acknowledged: int = 0
    acknowledge_s: int = 0
    """Of all of them together."""
    resolved: int = 0
    resolve_s: int = 0
    false_alarms: int = 0


class Coming(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """A report of one environment on its way: since when, and when it is due."""

    name: str
    """Of the scheduled report."""
    times: str
    """The name of its moments: other moments are another report."""
    environment: str
    from_tick: int
    """The first tick that it is of."""
    due_tick: int
    """The last one."""
    people: Tally = Tally()
    empty: int = 0
    """How many reports before it had nothing to tell, in a row."""
    events_before: int = -1
    """Events of the report before it; -1 where there was none."""
    ticks_before: int = 0
    """How long that was."""


def report_key(name: str, times: str, environment: str) -> str:
    """Return the entry key of a report on its way."""
    return "report:" + _hash(name, times, environment)


def report_id(coming: Coming) -> str:
    """Return the id of the report's digest: `rep-` and 16 hex digits."""
    return "rep-" + _hash(coming.name, coming.environment, str(coming.due_tick))


def _hash(*parts: str) -> str:
    return xxhash.xxh3_64_hexdigest("\0".join(parts).encode("utf-8", "surrogatepass"))
