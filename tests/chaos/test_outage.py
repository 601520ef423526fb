"""A broker that is killed and comes back on its port and data."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from streams.broker import JvmBroker
from tests.chaos.cluster import cluster
from tests.chaos.conftest import Note
from tests.chaos.measure import measured, settled
from tests.chaos.traffic import Traffic

OUTAGE_S = 20.0
TIMES = 2

LINES_A_SECOND = 10
"""Of the whole installation, at the most: one intake, a parent and three stages. aiokafka alone
writes a hundred where nobody holds it back."""


@pytest.mark.soak
async def test_a_killed_broker_comes_back_and_all_goes_on_by_itself(
    own_kafka: JvmBroker, namespace: str, tmp_path: Path, seed: int, note: Note
) -> None:
    """Fails without: intake's and DELIVER's patience, the parent's restarts, the `RepeatFilter`."""
    async with cluster(tmp_path, own_kafka.bootstrap, namespace) as here:
        here.intake()
        worker = here.worker()
        await here.up()
        traffic = Traffic(here, seed=seed)
        loop = asyncio.get_running_loop()
        before, seconds = here.chain.logs().count("\n"), 0.0
        async with traffic.flowing():
            await here.decides()
            for _ in range(TIMES):
                began = loop.time()
                # This long is the case, not a way of waiting for something.
                await asyncio.to_thread(own_kafka.kill)
                await asyncio.sleep(OUTAGE_S)
                await asyncio.to_thread(own_kafka.restart)
                heard = len(here.observer.told)
                await here.tells(beyond=heard)
                seconds += loop.time() - began
        lines = here.chain.logs().count("\n") - before
        await settled(here)
        row = note(
            await measured(
                here,
                f"broker killed for {OUTAGE_S:.0f} s",
                times=TIMES,
                events=len(traffic.accepted),
                seed=seed,
                remarks={
                    "log_lines": lines,
                    "refused_requests": traffic.refused,
                    "restarts": worker.text().count("stage restarts"),
                    "until_all_went_on_s": round(seconds / TIMES, 1),
                },
            )
        )
        assert (row.lost, row.twice, row.equal) == (0, 0, True), f"{row}\n{here.chain.logs()}"
        assert lines < LINES_A_SECOND * seconds, here.chain.logs()
