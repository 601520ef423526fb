"""Acts that wait for their tick: the first whose completing watermark stands after them in the log.

They carry no tick of their own. So that the tick follows from the log alone, whoever reads the log
applies every tick that is complete before it takes an act: the act then belongs to the very next
one. Hence all that wait belong to one tick.
"""

from __future__ import annotations

from typing import Final

from correlators.acts import Act, act_id

ACTS_HELD: Final = 1_000
"""Acts that may wait for one tick. Further ones are refused: that too follows from the log."""


class PendingActs:
    """Acts in the order of the log, each once."""

    def __init__(self) -> None:
        """None wait."""
        self._acts: dict[str, Act] = {}
        self.tick = -1
        """In which they take effect; -1 while none waits, or no time is known yet."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._acts)

    def hold(self, act: Act, tick: int) -> bool:
        """Let an act wait; return False where it is refused.

        Args:
            act: one that waits already is held once.
            tick: the one after the last that is complete; -1 where none is.
        """
        if len(self._acts) >= ACTS_HELD:
            return False
        if not self._acts:
            self.tick = tick
        self._acts.setdefault(act_id(act), act)
        return True

    def take(self) -> tuple[Act, ...]:
        """Return those that wait, and let none wait any more."""
        acts = tuple(self._acts.values())
        self._acts, self.tick = {}, -1
        return acts
