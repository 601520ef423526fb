"""kill -9 of every stage, at random moments and inside open transactions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from streams.broker import Broker
from tests.chaos.cluster import PARTITIONS, Cluster, cluster
from tests.chaos.conftest import Note
from tests.chaos.measure import measured, settled
from tests.chaos.replays import compared, replayed
from tests.chaos.steps import kill, kill_inside_transaction, sound
from tests.chaos.traffic import Traffic
from tests.kafka.chain import STAGES

pytestmark = pytest.mark.soak

KILLS = 42
INSIDE = 4
"""Further kills inside transactions, of CORRELATE and of DELIVER each."""


async def test_kill_9_of_every_stage_loses_nothing_and_decides_nothing_twice(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    chance = random.Random(seed)
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        here.worker()
        here.worker()
        await here.up()
        traffic = Traffic(here, seed=seed)
        async with traffic.flowing():
            kills = 0
            while kills < KILLS:
                kills += await one_round(here, chance)
            for _ in range(INSIDE):
                for stage in ("correlate", "deliver"):
                    await kill_inside_transaction(here, stage)
        await settled(here)
        row = note(
            await measured(
                here,
                "kill -9 of each stage",
                times=kills + 2 * INSIDE,
                events=len(traffic.accepted),
                seed=seed,
                remarks={"inside_transactions": 2 * INSIDE},
            )
        )
        sound(row, here)


async def test_kill_9_over_a_replay_gives_the_bytes_of_a_replay_in_process(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    """22 minutes in about one: every second of it is a moment of storms, updates or resolutions."""
    chance = random.Random(seed)
    async with cluster(tmp_path, kafka.bootstrap, namespace, clock="data", extra="") as here:
        here.worker("--stages", "fingerprint,correlate")
        stages = STAGES[:2]
        for stage in stages:
            await here.workers[0].restores(stage, beyond=PARTITIONS - 1)
        replay = asyncio.create_task(replayed(here, "kafka", speed="20"))
        kills = 0
        while not replay.done():
            kills += await one_round(here, chance, stages)
        row = note(
            await compared(
                here, "kill -9 over a paced replay", await replay, times=kills, seed=seed
            )
        )
        sound(row, here)


async def one_round(here: Cluster, chance: random.Random, stages: Sequence[str] = STAGES) -> int:
    """Kill each stage of one of the workers at a moment of its own; return once all are back."""
    await asyncio.gather(
        *(kill(chance.choice(here.workers), stage, chance.uniform(0.0, 3.0)) for stage in stages)
    )
    return len(stages)
