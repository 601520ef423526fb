"""Several processes of one stage under one `stormfold run`, on a real Kafka."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import httpx

from streams.agents.batches import target_of
from streams.broker import Broker
from streams.processes import STOP_S, StageName
from streams.status import State
from tests.chaos.cluster import PARTITIONS, SETTINGS, Cluster, Worker, cluster
from tests.chaos.fragile import POISON
from tests.chaos.measure import measured, settled
from tests.chaos.traffic import Traffic
from tests.kafka.chain import PATIENCE_S, error_webhook, free_port, until
from tests.kafka.test_status import of_stage, status_when

SAMPLE = re.compile(r'^stormfold_(\w+?)(?:_total)?\{(?:\w+="event"|stage="(\w+)")\} (\S+)$', re.M)


def pids(worker: Worker, here: Cluster, stage: StageName) -> list[int]:
    return [pid for name, pid in here.chain.stage_processes(worker.process) if name == stage]


async def numbers(client: httpx.AsyncClient) -> dict[str, float]:
    """Return the events that were read, and the restarts by stage, as the one port tells them."""
    text = (await client.get("/metrics")).text
    return {f"{name} {stage}".strip(): float(value) for name, stage, value in SAMPLE.findall(text)}


async def test_one_projects_storm_is_worked_on_by_all_and_one_that_is_killed_loses_nothing(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    port = free_port()
    async with (
        cluster(tmp_path, kafka.bootstrap, namespace, extra=SETTINGS) as here,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client,
    ):
        config = here.chain.config.read_text()
        here.intake()
        here.chain.config.write_text(config.replace("{port: 0}", f"{{port: {port}}}"))
        worker = here.worker("--workers", "2")
        await here.up()

        spread = await status_when(
            here.chain,
            lambda status: (
                status.ok
                and [one.partitions for one in status.workers] == [2, 2, PARTITIONS, PARTITIONS]
            ),
        )
        owners = {one.owner for one in of_stage(spread, StageName.FINGERPRINT)}
        assert owners == {f"{spread.workers[-1].worker}.{number}" for number in (1, 2)}

        traffic = Traffic(here, seed=1, environments=["production"])
        read = []
        async with traffic.flowing():
            await here.decides()
            before = pids(worker, here, StageName.FINGERPRINT)
            assert len(before) == 2
            read.append((await numbers(client))["events"])
            os.kill(before[0], signal.SIGKILL)
            restores = worker.restored(StageName.FINGERPRINT)
            await until(
                lambda: len(set(pids(worker, here, StageName.FINGERPRINT)) - {before[0]}) == 2,
                what=here.chain.logs,
            )
            read.append((await numbers(client))["events"])
            await worker.restores(StageName.FINGERPRINT, beyond=restores + PARTITIONS - 1)
            await status_when(
                here.chain,
                lambda status: (
                    status.ok and [one.partitions for one in status.workers[:2]] == [2, 2]
                ),
            )
        await settled(here)
        told = await numbers(client)
        read.append(told["events"])
        assert read == sorted(read)
        assert told["restarts fingerprint"] == 1
        assert (await client.get("/readyz")).text == "ok\n"
        row = await measured(here, "workers", times=1, events=len(traffic.accepted))
        assert (row.lost, row.twice, row.equal) == (0, 0, True), row
        assert re.search(r"partition restored.*worker=2", worker.text())
        began = time.monotonic()
        await worker.end()
        assert time.monotonic() - began < STOP_S
        assert "stage killed" not in worker.text()


async def test_a_record_that_ends_each_process_is_parked_for_all_of_them(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    poisonous = POISON.decode()
    parked = target_of(poisonous, PARTITIONS)
    async with cluster(tmp_path, kafka.bootstrap, namespace) as here:
        here.intake()
        worker = here.worker("--workers", "correlate=3", module="tests.chaos.fragile")
        await here.up()
        body = error_webhook(
            "e" * 32, service="bad", kind="Bad", user="u", at_s=1.0, environment=poisonous
        )
        async with httpx.AsyncClient() as client:
            assert await here.chain.post(client, "error", body, port=here.ports[0]) == 200
        status = await status_when(
            here.chain,
            lambda status: all(
                (one.state is State.PARKED) == (one.partition == parked)
                and one.state in (State.PARKED, State.RUNNING, State.PAUSED)
                for one in of_stage(status, StageName.CORRELATE)
            ),
        )
        assert len(status.troubles) == 1
        assert len([one for one in status.workers if one.stage is StageName.CORRELATE]) == 3
        # Two deaths parked it; the third process had heard of that before it read.
        assert worker.text().count("stage restarts") == 2
