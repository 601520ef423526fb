"""Acts of which nobody knows the environment: on every partition, in order, or not answered for.

The producer is the simulated one, in virtual time.
"""

from __future__ import annotations

from random import Random

from aiokafka import TopicPartition

from correlators.acts import Acknowledge, Act, Comment
from streams import codec
from streams.intake_log import EventLog, Written
from tests.simulation.cluster import Cluster
from tests.simulation.loop import SimLoop
from tests.simulation.producer import SimProducer
from tests.streams.test_intake import settings_for

PARTITIONS = 5
ACTS: list[Act] = [
    Acknowledge(actor="Ben", source="pagerduty", at_ms=1, subject="inc-0.1"),
    Comment(actor="Ben", source="pagerduty", at_ms=2, subject="inc-0.1", text="the disk"),
]


def told(seed: int, *, down: bool = False, within_s: float = 5.0) -> tuple[Written, float, Cluster]:
    """Return what became of the acts, how long that took, and the cluster."""
    loop = SimLoop(Random(seed))  # type: ignore[abstract]
    cluster = Cluster(loop, Random(seed))
    cluster.create("incident.deltas", PARTITIONS)
    process = loop.process("intake")
    log = EventLog(settings_for("k:1", "stormfold"))
    became: list[tuple[Written, float]] = []

    async def tell() -> None:
        producer = SimProducer(cluster, process, {})
        await producer.start()
        log._producer = producer
        began_s = loop.time()
        if down:
            cluster.go_down()
        written = await log.tell_everywhere(ACTS, within_s=within_s)
        became.append((written, loop.time() - began_s))

    context = loop.enter(process)
    context.run(lambda: loop.create_task(tell(), context=context))
    assert loop.run_until(lambda: bool(became), within_s=60)
    return *became[0], cluster


def on(cluster: Cluster, partition: int) -> list[Act]:
    log = cluster.logs[TopicPartition("incident.deltas", partition)]
    values = [one.message.value for one in log.committed() if one.message is not None]
    found = [codec.message(value) for value in values if value is not None]
    return [one for one in found if not isinstance(one, tuple)]


def test_every_partition_has_every_act_in_order_before_it_is_answered() -> None:
    for seed in range(20):
        written, took_s, cluster = told(seed)
        assert written is Written.YES
        assert took_s < 1.0
        assert [on(cluster, n) for n in range(PARTITIONS)] == [ACTS] * PARTITIONS


def test_without_a_kafka_it_is_not_answered_for_and_in_time() -> None:
    written, took_s, cluster = told(1, down=True, within_s=2.5)
    assert written is Written.LATE
    assert took_s <= 2.6
    assert [on(cluster, n) for n in range(PARTITIONS)] == [[]] * PARTITIONS
