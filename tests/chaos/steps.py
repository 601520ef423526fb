"""What is done to a cluster: one step each, which returns when the cluster works again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

from tests.chaos.cluster import PARTITIONS, Cluster, Worker
from tests.chaos.measure import Measured
from tests.chaos.transactions import stop_inside_transaction
from tests.kafka.chain import PATIENCE_S, STAGES, until


async def kill(worker: Worker, stage: str, after_s: float) -> None:
    """Kill a stage after so long, whatever it is doing then."""
    await asyncio.sleep(after_s)
    pid, restored = await worker.pid(stage), worker.restored(stage)
    with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(pid, signal.SIGKILL)
    await worker.restores(stage, beyond=restored)


async def kill_inside_transaction(here: Cluster, stage: str) -> None:
    """Kill CORRELATE or DELIVER, of whichever worker, while their records stand uncommitted."""
    worker, pid = await stop_inside_transaction(here, stage, here.alive)
    restored = worker.restored(stage)
    os.kill(pid, signal.SIGKILL)
    worker.stopped.discard(pid)
    await worker.restores(stage, beyond=restored)


async def join(here: Cluster) -> Worker:
    """Start a worker; returns it once it has a share of every stage."""
    worker = here.worker()
    for stage in STAGES:
        await worker.restores(stage, beyond=0)
    return worker


async def zombie(here: Cluster, stage: str, among: Sequence[Worker]) -> None:
    """Stop a stage until its partitions are another's, then let it go on as if nothing was.

    CORRELATE and DELIVER are stopped inside a transaction, so that they go on to commit it.
    Returns once the stage has a share again.

    Args:
        among: whose stage; another worker must live.
    """
    if stage == "fingerprint":
        worker = among[0]
        pid = await worker.pid(stage)
        worker.stop(pid)
    else:
        worker, pid = await stop_inside_transaction(here, stage, among)
    restored = worker.restored(stage)
    heirs = [one for one in here.alive if one is not worker]
    before = sum(heir.restored(stage) for heir in heirs)
    # The group begins anew without it: every partition is restored by an heir.
    await until(
        lambda: sum(heir.restored(stage) for heir in heirs) >= before + PARTITIONS,
        within_s=PATIENCE_S,
        what=here.chain.logs,
    )
    worker.resume(pid)
    await worker.restores(stage, beyond=restored)


def sound(row: Measured, here: Cluster) -> None:
    """Fail unless nothing was lost, decided twice, or decided otherwise than the log says."""
    assert (row.lost, row.twice, row.equal) == (0, 0, True), f"{row}\n{here.chain.logs()}"
