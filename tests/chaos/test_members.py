"""Workers that come and go, and one that sleeps through the loss of its partitions."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from streams.broker import Broker
from tests.chaos.cluster import cluster
from tests.chaos.conftest import Note
from tests.chaos.measure import measured, pause_ms, settled
from tests.chaos.steps import join, sound, zombie
from tests.chaos.traffic import Traffic
from tests.kafka.chain import STAGES

pytestmark = pytest.mark.soak

GAP_S = 10.0
"""Joins, leaves and rolling restarts may not keep digests waiting for longer."""

STOP_S = {"fingerprint": 3.0, "correlate": 3.0, "deliver": 7.0}
"""How long SIGTERM may take; DELIVER also waits for its calls, which take 4 s at the most."""


@pytest.mark.parametrize("stage", STAGES)
async def test_a_zombie_changes_nothing(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note, stage: str
) -> None:
    times = 4
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        workers = [here.worker(), here.worker()]
        await here.up()
        traffic = Traffic(here, seed=seed)
        async with traffic.flowing():
            for number in range(times):
                # FINGERPRINT's are taken in turn; of the others, whoever writes.
                await zombie(here, stage, workers[:: 1 - 2 * (number % 2)])
        await settled(here)
        case = f"zombie {stage.upper()}"
        sound(
            note(await measured(here, case, times=times, events=len(traffic.accepted), seed=seed)),
            here,
        )


async def test_workers_join_and_leave_again_and_again(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    chance = random.Random(seed)
    changes = 0
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        here.worker()
        await here.up()
        began_ms = time.time_ns() // 1_000_000
        traffic = Traffic(here, seed=seed)
        alive = list(here.workers)
        async with traffic.flowing():
            while changes < 12:
                if len(alive) < 3 and (len(alive) == 1 or chance.random() < 0.5):
                    alive.append(await join(here))
                else:
                    await alive.pop(chance.randrange(len(alive))).end()
                changes += 1
        await settled(here)
        row = note(
            await measured(
                here, "joins and leaves", times=changes, events=len(traffic.accepted), seed=seed
            )
        )
        sound(row, here)
        assert pause_ms(here.observer, since_ms=began_ms) < GAP_S * 1000, here.chain.logs()


async def test_a_rolling_restart_keeps_nobody_waiting_for_long(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    slowest: dict[str, float] = {}
    rounds = 2
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        workers = [here.worker() for _ in range(3)]
        await here.up()
        began_ms = time.time_ns() // 1_000_000
        traffic = Traffic(here, seed=seed)
        async with traffic.flowing():
            for _ in range(rounds):
                for place, worker in enumerate(workers):
                    for stage, seconds in (await worker.end()).items():
                        slowest[stage] = max(round(seconds, 2), slowest.get(stage, 0.0))
                    workers[place] = await join(here)
        await settled(here)
        row = note(
            await measured(
                here,
                "rolling restart of three",
                times=rounds * len(workers),
                events=len(traffic.accepted),
                seed=seed,
                remarks={f"sigterm_{stage}_s": seconds for stage, seconds in slowest.items()},
            )
        )
        sound(row, here)
        assert pause_ms(here.observer, since_ms=began_ms) < GAP_S * 1000, here.chain.logs()
        assert all(slowest[stage] < STOP_S[stage] for stage in STAGES), slowest
