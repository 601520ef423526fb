"""The one place that finds or starts a Kafka for the demo, the tests and the benchmarks.

Production never comes here: `stormfold run` takes the Kafka of its configuration. `python -m
streams.broker` starts a broker and keeps it until Ctrl-C.
"""

from streams.broker.find import own_broker, running_broker, ways
from streams.broker.jvm import JvmBroker
from streams.broker.types import (
    Broker,
    BrokerError,
    BrokerFailed,
    NoBroker,
    Say,
    Way,
    WayFound,
)

__all__ = [
    "Broker",
    "BrokerError",
    "BrokerFailed",
    "JvmBroker",
    "NoBroker",
    "Say",
    "Way",
    "WayFound",
    "own_broker",
    "running_broker",
    "ways",
]
