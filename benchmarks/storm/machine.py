"""On what is measured: cores, Kafka, versions. The same line under every table."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Final

import msgspec

from streams.broker import Broker, Way
from streams.broker.types import KAFKA_VERSION

PACKAGES: Final = ("aiokafka", "confluent-kafka", "faust-streaming", "msgspec")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a benchmark ran."""

    cores: int
    kafka: str
    versions: dict[str, str]
    load: float | None = None
    """What else ran, as the system's load average of a minute; None where it was not asked."""

    @property
    def line(self) -> str:
        """It, for people."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        load = f"; load average before {self.load:.1f}" if self.load is not None else ""
        return f"{self.cores} cores, shared with the broker{load}; Kafka {self.kafka}; {versions}"


def machine(broker: Broker) -> Machine:
    """Return this machine with this broker."""
    return Machine(
        cores=os.cpu_count() or 0,
        load=round(os.getloadavg()[0], 1),
        kafka=f"as {broker.kind} has it" if broker.kind is Way.GIVEN else KAFKA_VERSION,
        versions={
            "Python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
    )


def here() -> str:
    """Return this machine without a broker, for people."""
    load = os.getloadavg()[0]
    versions = f"Python {platform.python_version()}, msgspec {msgspec.__version__}"
    return f"{os.cpu_count()} cores; load average before {load:.1f}; {versions}"
