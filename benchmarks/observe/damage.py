"""What is done to the topics of a running installation: records deleted, stored state damaged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from benchmarks.observe.world import World
from correlators.incidents import Incident
from streams import codec
from streams.topics import names

DAMAGED: Final = "damaged"
"""The environment of the incident whose state is damaged."""
GARBAGE: Final = b"\x07" * 30
"""No counts that anybody can read."""
STORED_WITHIN_S: Final = 30.0


@contextlib.asynccontextmanager
async def deleted_unread(world: World) -> AsyncIterator[None]:
    """With records that are deleted while FINGERPRINT is suspended, and then killed."""
    pids = await world.pids_of("fingerprint")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(3.0)  # the steady errors go on
        admin = AIOKafkaAdminClient(bootstrap_servers=world.broker.bootstrap)
        await admin.start()
        topic = names(world.namespace).events
        every = [TopicPartition(topic, at) for at in range(world.settings.kafka.partitions)]
        await admin.delete_records({tp: RecordsToDelete(before_offset=-1) for tp in every})
        await admin.close()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)  # whoever comes next sees where its records begin
    yield


@contextlib.asynccontextmanager
async def entry_is_damaged(world: World) -> AsyncIterator[None]:
    """With an open incident whose stored counts are garbage, under a CORRELATE that was killed.

    No event is known that makes an entry raise when it is due; a stored one that is damaged does.
    """
    topic = names(world.namespace).incidents
    every = [TopicPartition(topic, at) for at in range(world.settings.kafka.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.broker.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        group_id=None,
    )
    async with consumer, AIOKafkaProducer(bootstrap_servers=world.broker.bootstrap) as producer:
        consumer.assign(every)
        await consumer.seek_to_end(*every)
        for tp in every:
            await consumer.position(tp)  # the end as it is now, not when it is read first
        await world.sentry.fresh(environment=DAMAGED)
        async with asyncio.timeout(STORED_WITHIN_S):
            record = await consumer.getone()
            while not (spoilt := damaged(record.value)):
                record = await consumer.getone()
        (pid,) = await world.pids_of("correlate")
        os.kill(pid, signal.SIGSTOP)  # what it goes on to write would be sound
        try:
            await producer.send_and_wait(topic, spoilt, key=record.key, partition=record.partition)
        finally:
            os.kill(pid, signal.SIGKILL)  # whoever comes next restores it as it stands there
    yield


def damaged(raw: bytes | None) -> bytes | None:
    """Return an open incident of `DAMAGED` with garbage for its counts.

    None for every other entry, and for what was removed.
    """
    entry = codec.entry(raw) if raw is not None else None
    if not isinstance(entry, Incident) or entry.key.environment != DAMAGED or entry.closed:
        return None
    return codec.encode(msgspec.structs.replace(entry, events=GARBAGE))
