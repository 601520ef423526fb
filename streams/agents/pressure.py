"""Back pressure: how far CORRELATE has come, which its sources must not run too far ahead of.

Pure: it hears what stands on `stormfold.progress`.
"""

from __future__ import annotations

from streams.codec import Heard, Told
from streams.processes import StageName
from streams.reports import PartitionState, Report


class Pressure:
    """The slowest partition of CORRELATE, without those that are parked.

    A partition that merely has no owner counts as it stood: what comes for it had better wait in
    `sentry.events`. A parked one would hold back all the others until somebody looks after it.
    """

    def __init__(self, topic: str, partitions: int = 0) -> None:
        """Args: topic: the input of CORRELATE; partitions: how many it has, 0 while not known."""
        self._topic = topic
        self._partitions = partitions
        self._applied: dict[int, int] = {}
        self._parked: set[int] = set()
        self._slowest: int | None = None

    @property
    def partitions(self) -> int:
        """How many CORRELATE has."""
        return self._partitions

    @partitions.setter
    def partitions(self, partitions: int) -> None:
        self._partitions = partitions
        self._slowest = self._look()

    def hear(self, heard: Heard) -> bool:
        """Take one message of `stormfold.progress`, and return whether `slowest_tick` changed.

        What was applied never goes back: an older tick is the word of a former owner. Every
        partition tells every tick, and all but the slowest change nothing.
        """
        if isinstance(heard, Told):
            looks = self._hear_told(heard)
        else:
            looks = heard.stage == StageName.CORRELATE and self._hear_report(heard)
        before = self._slowest
        if looks:
            self._slowest = self._look()
        return self._slowest != before

    def _hear_told(self, told: Told) -> bool:
        """Return whether it may have been the slowest, or the last that had told nothing."""
        before = self._applied.get(told.partition)
        if before is not None and told.applied_tick <= before:
            return False
        self._applied[told.partition] = told.applied_tick
        return before is None or self._slowest is None or before <= self._slowest

    def _hear_report(self, report: Report) -> bool:
        """Return whether other partitions are parked than before."""
        before = set(self._parked)
        for one in report.partitions:
            if one.topic != self._topic:
                continue
            if one.state is PartitionState.PARKED:
                self._parked.add(one.partition)
            elif one.state is not PartitionState.RESTORING:
                self._parked.discard(one.partition)
        return self._parked != before

    def slowest_tick(self) -> int | None:
        """Return the last tick that every partition but the parked has applied.

        None while one of them has told nothing yet, and when all are parked: nobody is waited for.
        """
        return self._slowest

    def _look(self) -> int | None:
        counted = [one for one in range(self.partitions) if one not in self._parked]
        if any(one not in self._applied for one in counted):
            return None
        return min((self._applied[one] for one in counted), default=None)
