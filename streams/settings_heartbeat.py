"""The keys `heartbeat` of `stormfold.yaml`: what is pinged as long as everything works."""

from __future__ import annotations

from typing import Final

from yaml.nodes import Node

from streams.settings_types import Clock, Heartbeat
from streams.settings_urls import base_url
from streams.yaml_reader import Reader

URL: Final = "${HEARTBEAT_URL}"
LEAST_MS: Final = 10_000
MOST_MS: Final = 3_600_000


def heartbeat_of(reader: Reader, node: Node, clock: Clock) -> Heartbeat:
    """Return what the file says of the heartbeat; what is wrong is noted in the reader."""
    key = reader.section(node, "heartbeat", ("url", "every", "intake"))
    if clock is Clock.DATA:
        says = "it needs clock: wall, and this is clock: data: no time passes in it"
        reader.problem(node, "heartbeat", says)
    return Heartbeat(
        url=reader.secret(key.get("url"), "heartbeat.url", URL),
        every_ms=reader.duration_ms(
            key.get("every"), "heartbeat.every", Heartbeat.EVERY_MS, LEAST_MS, MOST_MS
        ),
        intake=base_url(reader, key.get("intake"), "heartbeat.intake", "", empty=True).rstrip("/"),
    )
