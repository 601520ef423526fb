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

    def hear(self, heard: Heard) -> None:
        """Take one message of `stormfold.progress`.

        What was applied never goes back: an older tick is the word of a former owner.
        """
        if isinstance(heard, Told):
            before = self._applied.get(heard.partition, heard.applied_tick)
            self._applied[heard.partition] = max(before, heard.applied_tick)
        elif heard.stage == StageName.CORRELATE:
            self._hear_report(heard)
        self._slowest = self._look()

    def _hear_report(self, report: Report) -> None:
        for one in report.partitions:
            if one.topic != self._topic:
                continue
            if one.state is PartitionState.PARKED:
                self._parked.add(one.partition)
            elif one.state is not PartitionState.RESTORING:
                self._parked.discard(one.partition)

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
