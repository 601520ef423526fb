"""A partition that ends its process again and again at one offset: parked, and the others run."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from streams.agents.batches import target_of
from streams.broker import Broker
from tests.chaos.cluster import PARTITIONS, Cluster, cluster
from tests.chaos.conftest import Note
from tests.chaos.fragile import POISON
from tests.chaos.measure import counted, measured
from tests.chaos.traffic import Traffic
from tests.kafka.chain import PATIENCE_S, error_webhook, until

pytestmark = pytest.mark.soak

GO_ON_TICKS = 45
"""Longer than a source may be ahead of the slowest partition of CORRELATE."""


async def test_a_partition_that_kills_twice_at_one_offset_is_parked_and_the_others_run(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    """Fails without: the place that outlives the process, and the parent's parking."""
    poisonous = POISON.decode()
    parked = target_of(poisonous, PARTITIONS)
    # The environments of the traffic belong to other partitions.
    names = (f"env{number}" for number in range(100))
    others = [name for name in names if target_of(name, PARTITIONS) != parked][:3]
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        worker = here.worker(module="tests.chaos.fragile")
        await here.up()
        traffic = Traffic(here, seed=seed, environments=others)
        body = error_webhook(
            "e" * 32, service="bad", kind="Bad", user="u", at_s=1.0, environment=poisonous
        )
        async with traffic.flowing():
            async with httpx.AsyncClient() as client:
                await traffic.send(client, "e" * 32, body)
            traffic.accepted.clear()
            await until(
                lambda: "partition parked" in worker.text(),
                within_s=PATIENCE_S,
                what=here.chain.logs,
            )
            since = here.observer.applied[parked]
            await others_reach(here, parked, since + GO_ON_TICKS)
        last = here.observer.last_tick
        await others_reach(here, parked, last + 5)
        await here.observer.caught_up()
        row = note(
            await measured(
                here,
                "a parked partition",
                times=1,
                events=counted(here.observer),
                seed=seed,
                reproducible=False,
                parked=parked,
                remarks={"deaths": worker.text().count("stage restarts")},
            )
        )
        assert row.twice == 0
        assert here.observer.applied[parked] <= since + 1
        parked_line = next(
            line for line in worker.text().splitlines() if "partition parked" in line
        )
        assert f"partition={parked}" in parked_line
        # Twice at one offset; the first death may have been at another, before the record was the
        # first of what was read.
        assert row.remarks["deaths"] in (2, 3), worker.text()


async def others_reach(here: Cluster, parked: int, tick: int) -> None:
    """Return once every partition but the parked one has applied this tick."""
    await until(
        lambda: all(
            applied >= tick
            for partition, applied in here.observer.applied.items()
            if partition != parked
        ),
        within_s=PATIENCE_S,
        what=lambda: f"{here.observer.applied}, wanted {tick}\n{here.chain.logs()}",
    )
