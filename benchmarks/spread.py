"""Several measurements of one thing: the smallest, the median, the largest."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

import msgspec


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """What rounds gave."""

    least: float
    median: float
    most: float

    def cells(self, form: str) -> tuple[str, str, str]:
        """Return the three for a table, each in this form."""
        return format(self.least, form), format(self.median, form), format(self.most, form)


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of one value or more."""
    found = sorted(values)
    return Spread(least=found[0], median=median(found), most=found[-1])
