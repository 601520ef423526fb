"""What a development broker is, how it is configured, and how finding one fails.

Values only; what starts or asks a broker lives in the modules beside this one.

    BrokerError
    ├── NoBroker        none of the three ways is open on this machine
    └── BrokerFailed    a way was open, and the broker behind it did not answer
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Say = Callable[[str], None]
"""Takes one line for the person at the terminal."""

KAFKA_VERSION: Final = "4.1.1"
"""The broker that both the image and pom.xml name."""

SETTINGS: Final[dict[str, str]] = {
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # After a kill the controller waits this long before it lets in the new process; on a busy
    # machine a shorter time takes a broker for dead that only waits for its turn.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    # A dead owner's open transaction hides everybody's deliveries until it is aborted.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # Room for an intake.max_body_bytes of 6 MiB.
    "message.max.bytes": str(8 * 1024 * 1024),
    # Recordings can be years old; by age they would be deleted as soon as they are written.
    "log.retention.ms": "-1",
    # What a topic may hold at most is looked after while a benchmark still writes it.
    "log.retention.check.interval.ms": "10000",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}
"""What a development broker is told, however it is started; the rest is Kafka's default."""


class Way(StrEnum):
    """How a broker was come by."""

    GIVEN = "KAFKA_BOOTSTRAP"
    DOCKER = "Docker"
    JVM = "Java and Maven"


@dataclass(frozen=True)
class WayFound:
    """One of the three ways on this machine: open, or closed and why."""

    way: Way
    open: bool
    why: str


class BrokerError(Exception):
    """Finding or starting a broker failed."""


class NoBroker(BrokerError):
    """None of the three ways to a broker is open; the message names them."""

    def __init__(self, found: Sequence[WayFound]) -> None:
        self.found = tuple(found)
        lines = "\n".join(f"  {n}. {HOW[each.way]} ({each.why})" for n, each in enumerate(found, 1))
        super().__init__(f"no way to a Kafka broker; any one of these opens one:\n{lines}")


class BrokerFailed(BrokerError):
    """A way to a broker was open, but the broker did not answer; the message says what it said."""


HOW: Final = {
    Way.GIVEN: "set KAFKA_BOOTSTRAP=host:port to a Kafka that runs",
    Way.DOCKER: "install or start Docker",
    Way.JVM: "install Java 17 or newer and Maven",
}


class Broker(ABC):
    """A Kafka that answers. Own ones (`owned`) are gone again when their context ends."""

    kind: Way
    bootstrap: str

    @property
    def owned(self) -> bool:
        """Return whether this run started the broker, and so may fill, kill and drop it."""
        return self.kind is not Way.GIVEN

    @abstractmethod
    def stop(self) -> None:
        """Take the broker and its data away, if it is ours; may be called twice."""
