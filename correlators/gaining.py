"""Open storms that gained incidents a short while ago: only on these can a new wave break.

An index over entries, derived from them alone, so that storms which gain nothing cost no tick.
"""

from __future__ import annotations

from correlators.entries import Entry
from correlators.storms import GAIN_TICKS, Storm


class Gaining:
    """Ids of open storms by the last slot in which each gained an incident."""

    def __init__(self) -> None:
        """No storm is known."""
        self._last: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many are looked at by the next `since`."""
        return len(self._last)

    def change(self, before: Entry | None, after: Entry | None) -> None:
        """Note that an entry was written, removed (`after` is None) or is new."""
        if isinstance(after, Storm) and after.open and after.gains:
            self._last[after.id] = after.gains[-1][0]
        elif isinstance(before, Storm):
            self._last.pop(before.id, None)

    def since(self, tick: int) -> list[str]:
        """Return the storms that gained in the slot of this tick or a later one, by id.

        Args: tick: never before that of an earlier call: what gained before it is forgotten here.
        """
        slot = tick // GAIN_TICKS
        for one in [one for one, last in self._last.items() if last < slot]:
            del self._last[one]
        return sorted(self._last)
