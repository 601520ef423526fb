"""A worker says over HTTP whether it is well and whether it is up; its stages here are scripts."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from streams.crew import Crew
from streams.metrics import Metrics
from streams.metrics_http import Aggregate, serve_aggregate
from streams.processes import StageName
from streams.supervisor import probes

DEADLINE_S = 120

DIES_AT_ONE_OFFSET = """
import os, sys, time
from streams.processes import EXIT_FAILED, PLACE_VARIABLE, Place, PlaceFile
file = PlaceFile(int(os.environ[PLACE_VARIABLE]))
if "incident.deltas:2" not in sys.argv:
    file.write(Place("incident.deltas", 2, 17))
    os._exit(EXIT_FAILED)
file.write(Place("", -1, -1))
file.write(None)
time.sleep(600)
"""

DIES_WHEN_TOLD_BEFORE_IT_WORKS = """
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
sys.exit(1)
"""

STARTS_WHEN_TOLD = """
import os, sys, time
from streams.processes import PLACE_VARIABLE, Place, PlaceFile
file = PlaceFile(int(os.environ[PLACE_VARIABLE]))
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
file.write(Place("", -1, -1))
file.write(None)
time.sleep(600)
"""


class Asked:
    """One address, to be asked again and again."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._port = port

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(f"http://127.0.0.1:{self._port}{path}") as answer:
            return answer.status, await answer.text()

    async def until(self, path: str, *, status: int, text: str = "") -> str:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            answer = await self.get(path)
            if answer[0] == status and answer[1].startswith(text):
                return answer[1]
            assert time.monotonic() < deadline, answer
            await asyncio.sleep(0.05)


@asynccontextmanager
async def worker(folder: Path, *commands: Sequence[str]) -> AsyncIterator[Asked]:
    """Run these commands as the stages of a worker, and give its port to ask."""
    metrics = Metrics()
    aggregate = Aggregate(metrics, under=folder)
    crews = [
        Crew(name, 1, command, metrics) for name, command in zip(StageName, commands, strict=False)
    ]
    lifeline, lifeline_end = os.pipe()
    async with (
        serve_aggregate(aggregate, "127.0.0.1", 0, probes(crews)) as port,
        aiohttp.ClientSession() as session,
    ):
        runs = [asyncio.create_task(crew.run(aggregate, lifeline)) for crew in crews]
        try:
            yield Asked(session, port)
        finally:
            await asyncio.gather(*(crew.stop() for crew in crews))
            await asyncio.gather(*runs)
            os.close(lifeline)
            os.close(lifeline_end)


async def test_a_partition_that_ends_its_process_twice_is_parked_and_health_says_so(
    tmp_path: Path,
) -> None:
    async with worker(tmp_path, [sys.executable, "-c", DIES_AT_ONE_OFFSET]) as asked:
        line = await asked.until("/healthz", status=503)
        assert line == (
            "fingerprint: partition incident.deltas-2 is parked: "
            "its process died again and again at offset 17\n"
        )
        # The process lives without it, and the other partitions run.
        assert await asked.until("/readyz", status=200) == "ok\n"
        assert (await asked.get("/healthz"))[0] == 503
        assert "stormfold_restarts_total" in (await asked.get("/metrics"))[1]


async def test_a_stage_that_dies_three_times_in_a_minute_is_told(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-c", DIES_WHEN_TOLD_BEFORE_IT_WORKS, str(told)]
    async with worker(tmp_path, command) as asked:
        assert await asked.get("/healthz") == (200, "ok\n")
        told.touch()
        line = await asked.until("/healthz", status=503)
        assert line == "fingerprint: its process died 3 times within 60 s\n"
        assert (await asked.get("/readyz"))[0] == 503


async def test_a_stage_that_somebody_else_tells_to_end_is_started_again(tmp_path: Path) -> None:
    async with worker(tmp_path, [sys.executable, "-c", ""]) as asked:
        restarted = 'stormfold_restarts_total{stage="fingerprint"} 2.0'
        deadline = time.monotonic() + DEADLINE_S
        while restarted not in (await asked.get("/metrics"))[1]:
            assert time.monotonic() < deadline


async def test_a_worker_is_ready_once_every_stage_has_started(tmp_path: Path) -> None:
    flags = [tmp_path / name for name in StageName]
    commands = [[sys.executable, "-c", STARTS_WHEN_TOLD, str(flag)] for flag in flags]
    async with worker(tmp_path, *commands) as asked:
        for left in range(3, 0, -1):
            waiting = "".join(f"{name} has not started\n" for name in list(StageName)[3 - left :])
            assert await asked.until("/readyz", status=503, text=waiting) == waiting
            flags[3 - left].touch()
        assert await asked.until("/readyz", status=200) == "ok\n"
        assert await asked.get("/healthz") == (200, "ok\n")
