"""Several workers and intakes on one namespace, and what is done to them: for the chaos tests.

A worker is a real `stormfold run` with its stage processes; it is killed, stopped, resumed and
ended by process id. What came of it is read by `observer` and measured by `measure`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx

from streams.settings import Settings, load
from tests.chaos.observer import Observer
from tests.kafka.chain import PATIENCE_S, STAGES, Chain, chain, free_port, until

PARTITIONS = 4
SETTINGS = """
incidents: {settle: 1s, update_every: 3s}
"""
UPDATE_TICKS = 3


class Worker:
    """One `stormfold run` and its stage processes."""

    def __init__(self, cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
        self._cluster = cluster
        self.process = process
        self.log = log
        self.stopped: set[int] = set()
        """Process ids that were sent SIGSTOP."""

    def text(self) -> str:
        """Return what the worker and its stages have logged."""
        return self.log.read_text(errors="replace")

    def stages(self) -> dict[str, int]:
        """Return the process ids of its stages that run."""
        return self._cluster.chain.children(self.process)

    async def pid(self, stage: str) -> int:
        """Return the process id of a stage, once there is one."""
        await until(
            lambda: stage in self.stages(), within_s=PATIENCE_S, what=self._cluster.chain.logs
        )
        return self.stages()[stage]

    async def kill(self, stage: str) -> None:
        """End a stage as a crash would."""
        os.kill(await self.pid(stage), signal.SIGKILL)

    def stop(self, pid: int) -> None:
        """Stop one of its processes in the middle of what it does."""
        self.stopped.add(pid)
        os.kill(pid, signal.SIGSTOP)

    def resume(self, pid: int) -> None:
        """Let it go on as if no time had passed."""
        self.stopped.discard(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def begun(self, stages: Sequence[str] = STAGES) -> None:
        """Return once each of these stages has joined its group."""
        await until(
            lambda: all(f"stage={stage}" in self._line("stage started", stage) for stage in stages),
            within_s=PATIENCE_S,
            what=self._cluster.chain.logs,
        )

    def _line(self, event: str, stage: str) -> str:
        lines = (line for line in self.text().splitlines() if event in line)
        return next((line for line in lines if f"stage={stage}" in line), "")

    def restored(self, stage: str) -> int:
        """Return how often a partition of this stage was restored here."""
        return sum(
            "partition restored" in line and f"stage={stage}" in line
            for line in self.text().splitlines()
        )

    async def restores(self, stage: str, *, beyond: int) -> None:
        """Return once partitions of this stage were restored here more often than that."""
        await until(
            lambda: self.restored(stage) > beyond,
            within_s=PATIENCE_S,
            what=self._cluster.chain.logs,
        )

    async def end(self) -> dict[str, float]:
        """End the worker by SIGTERM; returns the seconds that each stage and `run` took."""
        stages = self.stages()
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        took: dict[str, float] = {}

        def gone() -> bool:
            here = set(self.stages().values()) if self.process.poll() is None else set()
            for stage, pid in stages.items():
                if pid not in here:
                    took.setdefault(stage, time.monotonic() - began)
            return self.process.poll() is not None

        await until(gone, within_s=PATIENCE_S, what=self._cluster.chain.logs)
        took["run"] = time.monotonic() - began
        assert self.process.returncode == 0, self._cluster.chain.logs()
        return took


class Cluster:
    """The processes of one namespace, and the observer that reads what they write."""

    def __init__(self, chain: Chain, observer: Observer) -> None:
        self.chain = chain
        self.observer = observer
        self.workers: list[Worker] = []
        self.ports: list[int] = []
        """Where the intakes listen."""
        self.settings: Settings = load(chain.config, chain.environment())

    def intake(self) -> None:
        """Start one more intake, on a port of its own."""
        port = free_port()
        config = self.chain.folder / f"intake-{len(self.ports)}.yaml"
        text = self.chain.config.read_text()
        config.write_text(text.replace(f"port: {self.chain.port}", f"port: {port}"))
        self.ports.append(port)
        self._start([sys.executable, "-m", "streams.cli", "intake", "--config", str(config)])

    def worker(self, *arguments: str, module: str = "streams.cli") -> Worker:
        """Start one more worker."""
        command = [sys.executable, "-m", module, "run", *arguments]
        worker = Worker(self, *self._start([*command, "--config", str(self.chain.config)]))
        self.workers.append(worker)
        return worker

    def _start(self, command: list[str]) -> tuple[subprocess.Popen[bytes], Path]:
        path = self.chain.folder / f"{command[3]}-{len(self.chain.processes)}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                command, env=self.chain.environment(), stdout=log, stderr=log
            )
        self.chain.processes.append(process)
        return process, path

    @property
    def alive(self) -> list[Worker]:
        """The workers that run."""
        return [worker for worker in self.workers if worker.process.poll() is None]

    def owner(self, stage: str, partition: int) -> Worker | None:
        """Return the worker that restored this partition of a stage last."""
        restored = [
            (line, worker)
            for worker in self.workers
            for line in worker.text().splitlines()
            if "partition restored" in line
            and f"stage={stage} " in line
            and f" partition={partition} " in line
        ]
        # A line begins with its time.
        return max(restored, key=lambda found: found[0])[1] if restored else None

    async def up(self) -> None:
        """Return once every intake answers and every stage of every worker has joined."""
        async with httpx.AsyncClient() as client:
            for port in self.ports:
                await self._answers(client, port)
        for worker in self.alive:
            await worker.begun()
        await self.all_told()

    async def all_told(self) -> None:
        """Return once every partition of CORRELATE has applied something."""
        await until(
            lambda: self.observer.applied_everywhere >= 0,
            within_s=PATIENCE_S,
            what=self.chain.logs,
        )

    async def decides(self) -> None:
        """Return once a digest was decided."""
        await until(
            lambda: len(self.observer.digests) > 0, within_s=PATIENCE_S, what=self.chain.logs
        )

    async def applies(self, *, beyond: int) -> None:
        """Return once every partition of CORRELATE has applied a later tick than that."""
        await until(
            lambda: self.observer.applied_everywhere > beyond,
            within_s=PATIENCE_S,
            what=self.chain.logs,
        )

    async def _answers(self, client: httpx.AsyncClient, port: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                if answer.status_code == 200:
                    return
            assert time.monotonic() < deadline, self.chain.logs()
            await asyncio.sleep(0.1)

    def resume_all(self) -> None:
        """Let go on whatever is still stopped."""
        for worker in self.workers:
            for pid in list(worker.stopped):
                worker.resume(pid)


@contextlib.asynccontextmanager
async def cluster(
    folder: Path, bootstrap: str, namespace: str, *, clock: str = "wall", extra: str = SETTINGS
) -> AsyncIterator[Cluster]:
    """Give a cluster with its local services and its topics; all is gone afterwards.

    Args:
        folder: for configuration and logs.
        bootstrap: of the broker.
        namespace: that nobody else uses.
        clock: wall or data.
        extra: further lines of the configuration.
    """
    async with (
        chain(folder, bootstrap, namespace, clock=clock, extra=extra) as made,
        Observer(bootstrap, namespace, PARTITIONS) as observer,
    ):
        found = Cluster(made, observer)
        try:
            yield found
        finally:
            found.resume_all()
