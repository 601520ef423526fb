"""An act of a known environment stands in the partition that owns it, and nowhere else.

The producer is the simulated one, in virtual time.
"""

from __future__ import annotations

from random import Random

import pytest

from correlators.acts import Resolve
from sinks.slack_buttons import environment_hash
from streams.agents.batches import target_of
from streams.intake_log import EventLog, Written
from tests.simulation.cluster import Cluster
from tests.simulation.loop import SimLoop
from tests.simulation.producer import SimProducer
from tests.streams.test_intake import settings_for
from tests.streams.test_intake_log import PARTITIONS, on

ACT = Resolve(actor="ada", source="slack", at_ms=1, subject="inc-4bb0c3f1a2d95e77")


def told(environment: str, *, down: bool = False) -> tuple[Written, Cluster]:
    """Return what became of the act, and the cluster."""
    loop = SimLoop(Random(1))  # type: ignore[abstract]
    cluster = Cluster(loop, Random(1))
    cluster.create("incident.deltas", PARTITIONS)
    process = loop.process("intake")
    log = EventLog(settings_for("k:1", "stormfold"))
    became: list[Written] = []

    async def tell() -> None:
        producer = SimProducer(cluster, process, {})
        await producer.start()
        log._producer = producer
        if down:
            cluster.go_down()
        became.append(await log.tell(ACT, environment_hash(environment), within_s=0.8))

    context = loop.enter(process)
    context.run(lambda: loop.create_task(tell(), context=context))
    assert loop.run_until(lambda: bool(became), within_s=60)
    return became[0], cluster


@pytest.mark.parametrize("environment", ["production", "staging", "prod-eu", "", "\ud800"])
def test_it_stands_where_the_deltas_of_its_environment_stand(environment: str) -> None:
    written, cluster = told(environment)
    assert written is Written.YES
    owner = target_of(environment, PARTITIONS)
    found = [on(cluster, number) for number in range(PARTITIONS)]
    assert found == [[ACT] if number == owner else [] for number in range(PARTITIONS)]


def test_without_a_kafka_it_is_not_answered_for() -> None:
    written, cluster = told("production", down=True)
    assert written is Written.LATE
    assert all(on(cluster, number) == [] for number in range(PARTITIONS))
