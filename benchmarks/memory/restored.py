"""CORRELATE with ten thousand open incidents and a million users: restored from a real Kafka.

The state is made by the real step, and written to the state topic as a former owner would have left
it. Then `stormfold run --stages correlate` takes it over, and takes ticks in which a hundred of
them change.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.correlate.measure import CHANGED
from benchmarks.correlate.worlds import START, Rules, World, batch, config_of, delta, made, spread
from benchmarks.installation import Installation, until
from benchmarks.whole.processes import memory_of, stage_processes
from correlators.entries import PROGRESS_KEY, Entry, key_of
from correlators.ticks import Progress
from streams import codec
from streams.processes import StageName
from streams.settings import Settings, load
from streams.topics import names

TICKS: Final = 60
RESTORED: Final = "partition restored"
WITHIN_S: Final = 180.0
FIRST_USER: Final = 1 << 60
CONFIG: Final = """
namespace: {namespace}
clock: wall
kafka: {{bootstrap: "{bootstrap}", partitions: 1}}
metrics: {{port: {port}}}
sinks: {{console: {{}}}}
"""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured."""

    incidents: int
    users: int
    state_bytes: int
    """Of all entries on Kafka, uncompressed."""
    restore_s: float
    """From the start of the command until the partition is restored."""
    restored_mib: float
    changed: int
    """Incidents that changed afterwards, each with a user more."""
    changed_mib: float
    most_mib: float
    """Resident, ever."""


def entries_of(incidents: int, users: int) -> list[Entry]:
    """Return the state of so many open incidents with their share of different users."""
    each = users // incidents

    def hurt(number: int) -> list[int]:
        return [spread(FIRST_USER + number * each + one) for one in range(each)]

    return made(World.OLD, config_of(Rules.DEFAULT), incidents, hurt, events=each)


def progress_of(settings: Settings) -> Progress:
    """Return how far the former owner had come: everything before `START` is applied."""
    events = names(settings.namespace).events
    return Progress(
        installation=settings.installation,
        partitions=1,
        sources=((events, 0),),
        watermarks=((events, 0, START * 1000),),
        applied_tick=START - 1,
        signature_version=settings.signature_version,
    )


async def restored(bootstrap: str, folder: Path, incidents: int, users: int) -> Restored:
    """Return what CORRELATE has resident with so much open."""
    here = Installation(folder)
    namespace = f"memory{time.time_ns() // 1_000_000 % 1_000_000_000}"
    text = CONFIG.format(namespace=namespace, bootstrap=bootstrap, port=here.port)
    here.config.write_text(text)
    settings = load(here.config, {})
    found = await asyncio.to_thread(here.run, "topics")
    assert found.returncode == 0, found.stderr
    entries = {key_of(one): codec.encode(one) for one in entries_of(incidents, users)}
    entries[PROGRESS_KEY] = codec.encode(progress_of(settings))
    await _store(settings, entries)
    began_s = time.monotonic()
    try:
        await here.start(text, f"run --stages {StageName.CORRELATE}", stages=1)
        await until(lambda: RESTORED in here.logs(), within_s=WITHIN_S, why=here.logs)
        restore_s = time.monotonic() - began_s
        pid = stage_processes({one.pid for one in here.processes})[StageName.CORRELATE.value]
        at_first = memory_of(pid)
        changed = await _change(settings, incidents)
        after = memory_of(pid)
    finally:
        await here.stop()
    return Restored(
        incidents=incidents,
        users=users,
        state_bytes=sum(map(len, entries.values())),
        restore_s=round(restore_s, 2),
        restored_mib=at_first.resident,
        changed=changed,
        changed_mib=after.resident,
        most_mib=after.most,
    )


async def _store(settings: Settings, entries: dict[str, bytes]) -> None:
    """Write the state of the only partition."""
    topic = names(settings.namespace).incidents
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap, acks="all", linger_ms=20, compression_type="lz4"
    )
    async with producer:
        for key, value in entries.items():
            await producer.send(topic, value=value, key=key.encode(), partition=0)
        await producer.flush()


async def _change(settings: Settings, incidents: int) -> int:
    """Have some of them change in tick after tick; return how many changed once all is applied."""
    bootstrap, topics = settings.kafka.bootstrap, names(settings.namespace)
    end = 0
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for turn in range(TICKS):
            numbers = [one % incidents for one in range(turn * CHANGED, (turn + 1) * CHANGED)]
            deltas = [delta(one, START + turn) for one in numbers]
            message = msgspec.structs.replace(batch(deltas, START + turn), topic=topics.events)
            sent = await producer.send_and_wait(topics.deltas, codec.encode(message), partition=0)
            end = sent.offset + 1
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    tp = TopicPartition(topics.deltas, 0)
    group = f"{settings.namespace}.{StageName.CORRELATE}"
    deadline_s = time.monotonic() + WITHIN_S
    try:
        while time.monotonic() < deadline_s:
            known = (await admin.list_consumer_group_offsets(group)).get(tp)
            if known is not None and known.offset >= end:
                return TICKS * CHANGED
            await asyncio.sleep(0.1)
    finally:
        await admin.close()
    raise TimeoutError("CORRELATE did not apply the ticks")
