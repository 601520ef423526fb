"""A host whose Kafka takes everything at once and keeps count, and whose clock is set by hand.

For stages that are run in this process to count what they write, not to see whether it is right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import TopicPartition

from streams.stage.host import Host

_T = TypeVar("_T")


class RecordingHost(Host):
    """Clients of a Kafka that answers at once, and a clock that is set.

    Args:
        partitions: of every topic.
        now_ms: at first.
    """

    def __init__(self, partitions: int, now_ms: int) -> None:
        super().__init__()
        self.partitions = partitions
        self.at_ms = now_ms
        self.sent: list[tuple[str, bytes]] = []
        """Topic and value of every record."""

    def now_ms(self) -> int:
        """Return the time that is set."""
        return self.at_ms

    def monotonic_ms(self) -> int:
        """Return the time that is set."""
        return self.at_ms

    def producer(self, **settings: Any) -> Any:
        """Return a producer that keeps what is sent."""
        return _Producer(self)

    def consumer(self, **settings: Any) -> Any:
        """Return a consumer of empty partitions that takes every commit."""
        return _Consumer()

    def reader(self, **settings: Any) -> Any:
        """Return the same."""
        return self.consumer(**settings)

    def admin(self, **settings: Any) -> Any:
        """Return an admin client of a cluster in which nothing was committed."""
        return _Admin()

    async def compute(self, what: Callable[[], _T]) -> _T:
        """Return what it returns."""
        return what()


class _Client:
    async def start(self) -> None:
        """There is nothing to connect to."""

    async def stop(self) -> None:
        """There is nothing to let go of."""


class _Producer(_Client):
    def __init__(self, host: RecordingHost) -> None:
        self._host = host

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self._host.partitions))

    async def send(
        self, topic: str, value: bytes | None = None, **options: Any
    ) -> asyncio.Future[None]:
        self._host.sent.append((topic, value or b""))
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.set_result(None)
        return taken


class _Consumer(_Client):
    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def commit(self, offsets: Mapping[TopicPartition, Any]) -> None:
        """Take it."""

    def pause(self, *partitions: TopicPartition) -> None:
        """Take it."""

    def resume(self, *partitions: TopicPartition) -> None:
        """Take it."""


class _Admin(_Client):
    async def list_consumer_group_offsets(
        self, group: str, **options: Any
    ) -> dict[TopicPartition, Any]:
        return {}

    async def close(self) -> None:
        """There is nothing to let go of."""
