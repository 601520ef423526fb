"""Stopping a process inside an open Kafka transaction, for sure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.chaos.cluster import PARTITIONS, Cluster, Worker

CAUGHT_WITHIN_S = 180.0
QUIET_MS = 300
"""A commit marker follows its records much sooner; a process that is stopped writes none."""


async def stop_inside_transaction(
    cluster: Cluster, stage: str, among: Sequence[Worker]
) -> tuple[Worker, int]:
    """Stop a stage of a worker while records of its transaction stand uncommitted on its state
    topic; returns the worker and the process id.

    Records are seen before they are committed, their owner is stopped at once, and let go on and
    tried again when the commit was faster.

    Args:
        stage: correlate or deliver.
        among: one of these is stopped, the first that is met writing.
    """
    names = cluster.observer.names
    topic = names.incidents if stage == "correlate" else names.outbox
    consumer = AIOKafkaConsumer(
        bootstrap_servers=cluster.chain.bootstrap,
        enable_auto_commit=False,
        isolation_level="read_uncommitted",
        fetch_max_wait_ms=100,
    )
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    await consumer.start()
    try:
        consumer.assign(places)
        for tp, end in (await consumer.end_offsets(places)).items():
            consumer.seek(tp, end)
        deadline = time.monotonic() + CAUGHT_WITHIN_S
        while True:
            assert time.monotonic() < deadline, f"no open transaction of {stage} was met"
            owners = {tp: cluster.owner(stage, tp.partition) for tp in places}
            pids = {worker: worker.stages().get(stage) for worker in among}
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                worker = owners[tp]
                pid = pids.get(worker) if worker is not None else None
                if worker is not None and pid is not None:
                    worker.stop(pid)
                    if await _stays_open(consumer, tp, records[-1].offset + 1):
                        return worker, pid
                    worker.resume(pid)
                    break
    finally:
        await consumer.stop()


async def _stays_open(consumer: AIOKafkaConsumer, tp: TopicPartition, end: int) -> bool:
    """Return whether no marker follows the last record; behind what has ended stands one."""
    while more := await consumer.getmany(tp, timeout_ms=QUIET_MS):
        end = more[tp][-1].offset + 1
    return bool(consumer.highwater(tp) == end)
