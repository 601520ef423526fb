"""What a stage process has of its host: Kafka's clients, two clocks, its parent, and the way out.

Whatever a stage reaches outside itself goes through one `Host`. So the simulation runs the very
code of production, with a cluster, clocks and deaths of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from streams.processes import PLACE_VARIABLE, Place, PlaceFile

_T = TypeVar("_T")


class Host:
    """The real one."""

    def __init__(self) -> None:
        descriptor = os.environ.get(PLACE_VARIABLE)
        self._place = PlaceFile(int(descriptor)) if descriptor else None

    def consumer(self, **settings: Any) -> AIOKafkaConsumer:
        """Return a consumer, not started."""
        return AIOKafkaConsumer(**settings)

    def reader(self, **settings: Any) -> AIOKafkaConsumer:
        """Return a consumer of one that reads much, not started; `read_uncommitted`."""
        from streams.stage.reader import Reader  # the one stage that reads much loads its client

        return Reader(**settings)

    def producer(self, **settings: Any) -> AIOKafkaProducer:
        """Return a producer, not started."""
        return AIOKafkaProducer(**settings)

    def admin(self, **settings: Any) -> AIOKafkaAdminClient:
        """Return an admin client, not started."""
        return AIOKafkaAdminClient(**settings)

    def now_ms(self) -> int:
        """Return the wall clock, milliseconds since the epoch."""
        return now_ms()

    def monotonic_ms(self) -> int:
        """Return milliseconds that never go back, for how long something has been waited for."""
        return time.monotonic_ns() // 1_000_000

    async def compute(self, what: Callable[[], _T]) -> _T:
        """Return what a pure function returns, while the event loop goes on beside it.

        What it reads and changes must be nobody else's meanwhile.
        """
        return await asyncio.to_thread(what)

    def working(self, place: Place | None) -> None:
        """Have the parent know what is worked on from now on; None for nothing.

        It blames that place if this process dies, and ends this process if the work never ends.
        """
        if self._place is not None:
            self._place.write(place)

    def end(self, status: int) -> None:
        """End the process at once; nothing is flushed, committed or said goodbye to."""
        os._exit(status)


def now_ms() -> int:
    """Return the wall clock, milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
