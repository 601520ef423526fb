"""What is told when spike protection begins: once an hour and environment, that the rest waits."""

from __future__ import annotations

from collections.abc import Iterable

import xxhash

from correlators.deltas import tick_end_ms
from correlators.history import HOUR_TICKS
from correlators.types import TICK_MS, Digest, DigestKind, Level


def spike_digests(environment: str, most: int, tick: int, to: Iterable[str]) -> list[Digest]:
    """Return the digest that says so, once per destination.

    Args:
        environment: that was told so much.
        most: how many tellings an hour takes.
        tick: now.
        to: who hears it.
    """
    hour = tick // HOUR_TICKS
    text = f"{environment}\0{hour}"
    made = "spike-" + xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))
    at_ms = tick_end_ms(tick)
    minutes = -(-((hour + 1) * HOUR_TICKS - tick) * TICK_MS // 60_000)
    return [
        Digest(
            id=made,
            revision=1,
            kind=DigestKind.SPIKE,
            at_ms=at_ms,
            destination=destination,
            storm=False,
            resolved=False,
            environment=environment,
            title=f"Spike protection: {most} messages in this hour; what comes in the next "
            f"{minutes} min waits, but for pages",
            incidents=0,
            events=0,
            users=0,
            level=Level.WARNING,
            first_ms=hour * HOUR_TICKS * TICK_MS,
            last_ms=at_ms,
        )
        for destination in to
    ]
