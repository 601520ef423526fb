"""What a stage is: its names and limits, and what its handler must be able to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiokafka import ConsumerRecord, TopicPartition

from streams.codec import Heard
from streams.reports import StageReport
from streams.stage.host import Host

if TYPE_CHECKING:
    from streams.stage.source import Source


ANEW: Final = (
    "it was made anew. Give this run a namespace of its own; or delete the state topics too, which "
    "forgets what is open"
)
"""What to do about a topic that is not the one that the state has read."""


class Refused(Exception):
    """This process may not go on with what it finds; the text says what to do."""


class Handler(Protocol):
    """What a stage does with its partitions. Calls never overlap, but for `assign`."""

    async def start(self, source: Source) -> None:
        """Connect; called once, before the first partition."""

    async def stop(self) -> None:
        """Let go of every connection; called once, after the last partition."""

    async def assign(self, tp: TopicPartition) -> int:
        """Fence the former owner, restore, and return the offset to read from."""

    async def revoke(self, tp: TopicPartition) -> None:
        """Finish or drop what is open; nothing of the partition is written afterwards."""

    async def records(self, tp: TopicPartition, records: list[ConsumerRecord[Any, Any]]) -> None:
        """Work on records of a restored partition, in order."""

    async def timer(self, now_ms: int) -> None:
        """Do what is due by now, milliseconds since the epoch."""

    def progress(self, heard: Heard) -> None:
        """Hear how far CORRELATE has come, or how another process is."""

    def report(self, tp: TopicPartition) -> StageReport | None:
        """Return what only this stage knows of a partition; None for one that is not held.

        Called at any time, also between two steps of another call.
        """


@dataclass(frozen=True)
class Stage:
    """What the runtime needs to know of a stage."""

    name: str
    namespace: str
    bootstrap: str
    topics: tuple[str, ...]
    """What it reads; the first is the installation's own."""
    progress_topic: str
    isolation: str = "read_uncommitted"
    reads_much: bool = False
    """Its records are fetched and decompressed beside the event loop; see `reader`."""
    max_fetch_bytes: int = 8 * 1024 * 1024
    """Of one partition, at once."""
    fetched_bytes: int = 64 * 1024 * 1024
    """Of all partitions, in the client; and of one answer."""
    held_bytes: int = 32 * 1024 * 1024
    """Of records that are fetched and not worked on yet; see `fetching`."""
    worker: str = ""
    """What the process is called in its reports: one name for all stages of one `run`."""
    configuration: str = ""
    """What its handler decides by at first."""
    parked: frozenset[tuple[str, int]] = frozenset()
    """Topic and partition of what had ended a process again and again at one offset before this one
    began: owned, but not read."""
    poll_ms: int = 100
    """How long a fetch waits for records."""
    timer_ms: int = 50
    """How often the handler's timer is called, at least."""
    host: Host = field(default_factory=Host)

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"{self.namespace}.{self.name}"
