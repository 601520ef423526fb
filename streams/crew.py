"""The processes of one stage under one parent: what each of them must know of the others.

They are one consumer group, together with those of other hosts: Kafka deals the partitions, here
nothing is dealt. What is shared is which partitions are parked, since what has ended one process
moves to the next; and a process that dies again and again stays down while others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from streams.child import Child
from streams.deaths import HEALTHY_S
from streams.metrics import Metrics
from streams.metrics_http import Aggregate
from streams.parking import Parking
from streams.processes import EXIT_REFUSED, MOST_WORKERS, Place, StageName, Standing
from streams.references import SettingsError
from streams.settings import Loaded


class Crew:
    """The processes of one stage."""

    def __init__(
        self,
        name: StageName,
        count: int,
        command: Sequence[str],
        metrics: Metrics,
        loaded: Loaded | None = None,
        *,
        well_s: float = HEALTHY_S,
    ) -> None:
        """Make them, not started.

        Args:
            name: of the stage.
            count: how many, at most `MOST_WORKERS`.
            command: that runs one of them.
            metrics: the parent's own.
            loaded: what they begin with.
            well_s: how long one must have run for another to be given up.
        """
        assert 1 <= count <= MOST_WORKERS
        self.name = name
        self.parking = Parking()
        self._loaded = loaded
        self._well_s = well_s
        self.children = [
            self._child(number if count > 1 else 0, command, metrics)
            for number in range(1, count + 1)
        ]
        for standing in Standing:
            gauge = metrics.stage_processes.labels(stage=name.value, kind=standing.value)
            gauge.set_function(partial(self._count, standing))

    def _child(self, number: int, command: Sequence[str], metrics: Metrics) -> Child:
        return Child(
            self.name,
            command,
            metrics,
            self._loaded,
            number=number,
            parking=self.parking,
            others_go_on=lambda: any(
                one.well(self._well_s) for one in self.children if one.number != number
            ),
            parks=self._park,
        )

    def _count(self, standing: Standing) -> int:
        return sum(child.standing is standing for child in self.children)

    def _park(self, place: Place) -> None:
        for child in self.children:
            child.park(place)

    def waits(self) -> list[str]:
        """Return a line for each process that has not started its stage."""
        return [line for child in self.children for line in child.waits()]

    def troubles(self) -> list[str]:
        """Return a line for everything that somebody should look after."""
        parked = [
            f"{self.name.value}: partition {topic}-{partition} is parked: "
            f"its process died again and again at offset {offset}"
            for (topic, partition), offset in sorted(self.parking.parked.items())
        ]
        return parked + [line for child in self.children for line in child.troubles()]

    async def take(self, loaded: Loaded) -> None:
        """Have every process go on with another configuration, one after the other.

        Raises:
            SettingsError: one of them cannot use it; all go on with the old one.
        """
        for place, child in enumerate(self.children):
            try:
                await child.take(loaded)
            except SettingsError:
                if self._loaded is not None:
                    for former in self.children[:place]:
                        await former.take(self._loaded)
                raise
        self._loaded = loaded

    async def run(self, aggregate: Aggregate, lifeline: int) -> int:
        """Run all until they are stopped or one refuses; returns that, or the last exit status."""
        runs = [asyncio.create_task(child.run(aggregate, lifeline)) for child in self.children]
        await asyncio.wait(runs, return_when=asyncio.FIRST_COMPLETED)
        await self.stop()
        statuses = await asyncio.gather(*runs)
        return EXIT_REFUSED if EXIT_REFUSED in statuses else statuses[-1]

    async def stop(self) -> None:
        """End all at once: SIGTERM first, SIGKILL for what takes too long."""
        await asyncio.gather(*(child.stop() for child in self.children))
