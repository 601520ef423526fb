"""State that is not this installation's: refused at the start, with what to do."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from streams import codec
from streams.agents.stored import Position
from streams.broker import Broker
from streams.processes import EXIT_REFUSED
from streams.settings import load
from streams.topics import ensure, names
from tests.chaos.cluster import PARTITIONS
from tests.kafka.chain import PATIENCE_S

NOBODY = "http://127.0.0.1:9"
"""Nothing is sent there."""

STORED_IN = 1
"""The partition that holds the state."""


class Refusal(NamedTuple):
    """What is wrong with the stored `@progress` of a stage, and what the refusal names."""

    stage: str
    changed: dict[str, Any]
    says: str


REFUSALS = {
    "another clock": Refusal("correlate", {"installation": "NAMESPACE:data"}, "installation"),
    "another namespace": Refusal("correlate", {"installation": "else:wall"}, "installation"),
    "another partition count": Refusal("correlate", {"partitions": 3}, "partition count"),
    "an older format": Refusal("correlate", {"format": 0}, "format"),
    "deltas made anew": Refusal(
        "correlate", {"input_offset": 900, "read_up_to": 1_000}, "incident.deltas-1 ends at"
    ),
    "fewer source partitions": Refusal(
        "correlate", {"sources": (("NAMESPACE.sentry.events", 7),)}, "sentry.events-7"
    ),
    "an outbox of another clock": Refusal("deliver", {"installation": "else:wall"}, "installation"),
    "an outbox of an older format": Refusal("deliver", {"format": 0}, "format"),
    "deliveries made anew": Refusal("deliver", {"input_offset": 1_000}, "deliveries-1 ends at"),
}


QUICK = ("an older format", "deltas made anew", "deliveries made anew")


async def test_state_that_is_not_ours_is_refused_with_what_to_do(
    kafka: Broker, namespace: str, tmp_path: Path, soak: bool
) -> None:
    """All at once, each in a namespace of its own: most of the time goes into starting.

    That a missing topic ends `run` with 2, and that the parent passes a stage's 2 on, is tested in
    `tests/kafka/test_chain.py`.
    """
    refusals = REFUSALS if soak else {case: REFUSALS[case] for case in QUICK}
    rooms = asyncio.Semaphore(4)

    async def one(number: int, refusal: Refusal) -> tuple[int, str]:
        async with rooms:
            return await refused(kafka, f"{namespace}{number}", tmp_path, refusal)

    ended = await asyncio.gather(
        *(one(number, refusal) for number, refusal in enumerate(refusals.values()))
    )
    for (case, refusal), (status, said) in zip(refusals.items(), ended, strict=True):
        assert status == EXIT_REFUSED, (case, said)
        (line,) = (line for line in said.splitlines() if "refused" in line)
        assert refusal.says in line, (case, line)
        assert "a namespace of its own" in line, (case, line)


async def refused(kafka: Broker, namespace: str, folder: Path, refusal: Refusal) -> tuple[int, str]:
    """Start a stage on such a state; returns its exit status and what it logged."""
    config = folder / f"{namespace}.yaml"
    await asyncio.to_thread(
        config.write_text,
        f"namespace: {namespace}\n"
        f"kafka: {{bootstrap: '{kafka.bootstrap}', partitions: {PARTITIONS}}}\n"
        f"sinks: {{pagerduty: {{routing_key: {'a' * 32}, base_url: '{NOBODY}'}}, console: {{}}}}\n",
    )
    await ensure(load(config, {}))
    topics = names(namespace)
    state = topics.incidents if refusal.stage == "correlate" else topics.outbox
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(
            state,
            codec.encode(progress(namespace, refusal)),
            key=PROGRESS_KEY.encode(),
            partition=STORED_IN,
        )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.app", refusal.stage, "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()


def progress(namespace: str, refusal: Refusal) -> msgspec.Struct:
    """Return the stored `@progress`: this installation's, but for what is changed."""
    changed = msgspec.json.decode(
        msgspec.json.encode(refusal.changed).replace(b"NAMESPACE", namespace.encode())
    )
    ours = {"installation": f"{namespace}:wall", "partitions": PARTITIONS}
    if refusal.stage == "deliver":
        return msgspec.convert({"input_offset": 0, **ours, **changed}, Position)
    sources = [(names(namespace).events, number) for number in range(PARTITIONS)]
    return msgspec.convert({"type": "progress", "sources": sources, **ours, **changed}, Progress)
