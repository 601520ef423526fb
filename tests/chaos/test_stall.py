"""A source partition whose owner hangs for long: declared, named, left out, and taken back."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from correlators.types import tick_of
from streams.broker import Broker
from tests.chaos.cluster import PARTITIONS, Cluster, Worker, cluster
from tests.chaos.conftest import Note
from tests.chaos.measure import measured, settled
from tests.chaos.traffic import Traffic
from tests.kafka.chain import PATIENCE_S, until

STALLED_WITHIN_S = 180.0


@pytest.mark.soak
async def test_a_source_whose_owner_hangs_is_left_out_and_comes_back_late(
    kafka: Broker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    """Fails without the stall: everybody waits for the partition for ever."""
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        worker = here.worker()
        await here.up()
        traffic = Traffic(here, seed=seed)
        loop = asyncio.get_running_loop()
        async with traffic.flowing():
            await here.decides()
            hung = await hang(here)
            try:
                mine = {tp.partition for tp in hung.assignment()}
                assert 0 < len(mine) < PARTITIONS
                began = loop.time()
                await until(
                    lambda: stalled(worker) == mine,
                    within_s=STALLED_WITHIN_S,
                    what=lambda: f"{mine} are hung\n{here.chain.logs()}",
                )
                declared_s = loop.time() - began
                # The others go on, and are told.
                await go_on(here)
            finally:
                await hung.stop()
            await until(
                lambda: not any(one.excluded for one in here.observer.progress.values()),
                within_s=PATIENCE_S,
                what=lambda: f"{here.observer.progress}\n{here.chain.logs()}",
            )
        await settled(here)
        row = note(
            await measured(
                here,
                "a source stalls",
                times=1,
                events=len(traffic.accepted),
                seed=seed,
                reproducible=False,
                remarks={"declared_after_s": round(declared_s, 1), "sources": len(mine)},
            )
        )
        assert (row.lost, row.twice) == (0, 0), f"{row}\n{here.chain.logs()}"
        assert row.late > 0


async def hang(here: Cluster) -> AIOKafkaConsumer:
    """Join FINGERPRINT's group as a member that never reads; returns it with its share."""
    member = AIOKafkaConsumer(
        here.observer.names.events,
        bootstrap_servers=here.chain.bootstrap,
        group_id=f"{here.chain.namespace}.fingerprint",
        enable_auto_commit=False,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
    )
    await member.start()
    await until(
        lambda: 0 < len(member.assignment()) < PARTITIONS, within_s=PATIENCE_S, what=here.chain.logs
    )
    return member


def stalled(worker: Worker) -> set[int]:
    """Return the source partitions that the worker has named as stalled."""
    lines = [line for line in worker.text().splitlines() if "source stalled" in line]
    return {int(number) for line in lines for number in re.findall(r"sentry\.events-(\d+)", line)}


async def go_on(here: Cluster) -> None:
    """Return once digests are decided about what happens now."""
    now_tick = tick_of(int(here.observer.events[-1].timestamp))
    decided = len(here.observer.digests)
    await until(
        lambda: (
            here.observer.applied_everywhere > now_tick and len(here.observer.digests) > decided
        ),
        within_s=PATIENCE_S,
        what=here.chain.logs,
    )
