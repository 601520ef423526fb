"""A fault as Prometheus sees it, and which alerts fire then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

BURNS: Final = {"StormfoldBudgetBurnsFast", "StormfoldBudgetBurns"}
"""What is used up within days does not last a month either."""


@dataclass(frozen=True)
class Case:
    """A fault, and what fires at which minute; before it begins, nothing does."""

    fault: str
    changed: dict[str, str | None]
    fires: dict[int, set[str]] = field(default_factory=dict)
    """By the minute; an empty set where nothing may fire."""
