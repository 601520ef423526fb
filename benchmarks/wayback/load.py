"""The load of the storm, in a process of its own, so that what is measured beside it is not slowed.

`python -m benchmarks.wayback.load CONFIG RATE` writes events to Kafka until SIGTERM; then it prints
how many, how many bytes, and in how long.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer

from benchmarks.storm.events import RESOURCE, Traffic, events
from streams.settings import load
from streams.topics import max_record_bytes, names

BATCH_S: Final = 0.1
FRESH_S: Final = 20.0
"""How long the times of one run of events are near enough to now."""
SHARED: Final = 8
"""Events that share a trace."""
_TRACE: Final = re.compile(rb'"trace_id":"[0-9a-f]{32}"')


async def go_on(config: Path, rate: int) -> dict[str, float]:
    """Write so many events a second until SIGTERM, and return what was written."""
    settings = load(config, {})
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    headers = [("resource", RESOURCE.encode())]
    sent = size = 0
    began = due = time.monotonic()
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap,
        linger_ms=5,
        max_request_size=max_record_bytes(settings),
    ) as producer:
        bodies = _bodies(rate)
        while not ended.is_set():
            for body in islice(bodies, round(rate * BATCH_S)):
                await producer.send(names(settings.namespace).events, value=body, headers=headers)
                sent, size = sent + 1, size + len(body)
            due += BATCH_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    return {"events": sent, "bytes": size, "lasted_s": time.monotonic() - began}


def _bodies(rate: int) -> Iterator[bytes]:
    """Yield events without an end; neighbours are of one request, so that they are one storm."""
    seed = 0
    while True:
        seed += 1
        count = round(rate * FRESH_S)
        made = events(Traffic.REPEATING, count, at_ms=int(time.time() * 1_000), seed=seed)
        for number, body in enumerate(made):
            trace = f"{seed:016x}{number // SHARED:016x}"
            yield _TRACE.sub(f'"trace_id":"{trace}"'.encode(), body, count=1)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(go_on(Path(sys.argv[1]), int(sys.argv[2])))))
