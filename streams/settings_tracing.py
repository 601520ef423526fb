"""The keys `tracing` of `stormfold.yaml`: where traces are sent, and of how many events."""

from __future__ import annotations

from typing import Final

from yaml.nodes import Node

from streams.settings_types import Tracing
from streams.settings_urls import base_url
from streams.yaml_reader import Reader

ENDPOINT: Final = "http://localhost:4318/v1/traces"
ONE_IN_MOST: Final = 1_000_000_000


def tracing_of(reader: Reader, node: Node) -> Tracing:
    """Return what the file says of traces; what is wrong is noted in the reader."""
    key = reader.section(node, "tracing", ("endpoint", "one_in"))
    return Tracing(
        endpoint=base_url(reader, key.get("endpoint"), "tracing.endpoint", ENDPOINT, empty=True),
        one_in=reader.integer(key.get("one_in"), "tracing.one_in", Tracing.ONE_IN, 1, ONE_IN_MOST),
    )
