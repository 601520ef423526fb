"""A broker that is killed and comes back on its port and data."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from correlators.types import tick_of
from streams.broker import JvmBroker
from streams.stage.host import now_ms
from tests.chaos.cluster import cluster
from tests.chaos.conftest import Note
from tests.chaos.measure import measured, settled
from tests.chaos.traffic import Traffic
from tests.kafka.chain import STAGES

OUTAGE_S = 20.0
TIMES = 2

LINES_A_SECOND = 10
"""Of the whole installation, at the most: one intake, a parent and three stages. aiokafka alone
writes a hundred where nobody holds it back."""


@pytest.mark.soak
@pytest.mark.parametrize("stages_too", [False, True], ids=["alone", "stages-too"])
async def test_a_killed_broker_comes_back_and_all_goes_on_by_itself(
    own_kafka: JvmBroker, namespace: str, tmp_path: Path, seed: int, note: Note, stages_too: bool
) -> None:
    """Fails without: intake's and DELIVER's patience, the parent's restarts, the `RepeatFilter`;
    and where stages die meanwhile, without their wait for Kafka before they start.
    """
    async with cluster(tmp_path, own_kafka.bootstrap, namespace) as here:
        here.intake()
        worker = here.worker()
        await here.up()
        traffic = Traffic(here, seed=seed)
        loop = asyncio.get_running_loop()
        before, seconds, behind = here.chain.logs().count("\n"), 0.0, list[float]()
        async with traffic.flowing():
            await here.decides()
            for _ in range(TIMES):
                began = loop.time()
                await asyncio.to_thread(own_kafka.kill)
                if stages_too:
                    for stage in STAGES:
                        await worker.kill(stage)
                # This long is the case, not a way of waiting for something.
                await asyncio.sleep(OUTAGE_S)
                await asyncio.to_thread(own_kafka.restart)
                answered, tick = loop.time(), tick_of(now_ms())
                await here.applies(beyond=tick)
                behind.append(loop.time() - answered)
                seconds += loop.time() - began
        lines = here.chain.logs().count("\n") - before
        await settled(here)
        case = "broker and stages killed" if stages_too else "broker killed"
        row = note(
            await measured(
                here,
                f"{case} for {OUTAGE_S:.0f} s",
                times=TIMES,
                events=len(traffic.accepted),
                seed=seed,
                remarks={
                    "log_lines": lines,
                    "refused_requests": traffic.refused,
                    "restarts": worker.text().count("stage restarts"),
                    "until_all_went_on_s": round(seconds / TIMES, 1),
                    "after_the_broker_answered_s": round(max(behind), 1),
                },
            )
        )
        assert (row.lost, row.twice, row.equal) == (0, 0, True), f"{row}\n{here.chain.logs()}"
        assert "source stalled" not in worker.text(), here.chain.logs()
        assert lines < LINES_A_SECOND * seconds, here.chain.logs()
