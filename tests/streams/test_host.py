"""What a stage process has of its host."""

from __future__ import annotations

import asyncio
import threading

from streams.stage import Host

PATIENCE_S = 30.0


async def test_the_event_loop_goes_on_while_something_is_computed() -> None:
    """Else heartbeats stop for as long as a large tick takes, and its owner loses it."""
    beaten = threading.Event()
    asyncio.get_running_loop().call_soon(beaten.set)
    assert await Host().compute(lambda: beaten.wait(PATIENCE_S))
