"""A real Prometheus beside the installation: its files, its process, and what it answers."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import yaml

from benchmarks.installation import free_port, until
from observability.at_hand import programs
from observability.rules.__main__ import write
from observability.rules.made import Pace

SCRAPES_S: Final = 1
READY_WITHIN_S: Final = 30.0


class Prometheus:
    """A Prometheus that scrapes these targets every second, running inside `async with`.

    Args:
        folder: for its configuration, data and log.
        targets: hosts and ports by the name of the job.
        pace: of the rules.
    """

    def __init__(self, folder: Path, targets: Mapping[str, Sequence[str]], pace: Pace) -> None:
        self._folder = folder
        self._targets = targets
        self._pace = pace
        self.port = free_port()
        self.began = time.time()

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        write(self._folder, self._pace)
        (self._folder / "prometheus.yml").write_text(self._config(), "utf-8")
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/", timeout=10.0)
        self._process = self._start()
        try:
            await until(self._ready, within_s=READY_WITHIN_S, why=self.log)
        except BaseException:  # a cancelled start too leaves no process behind
            await self.__aexit__(None, None, None)
            raise
        self.began = time.time()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)
        await self._http.aclose()

    def log(self) -> str:
        """Return what it has logged."""
        return (self._folder / "prometheus.log").read_text(errors="replace")

    async def alerts(self) -> list[dict[str, Any]]:
        """Return what `/api/v1/alerts` answers, as it is."""
        found: list[dict[str, Any]] = (await self._ask("alerts"))["alerts"]
        return found

    async def over_time(
        self, expr: str, *, begin: float, end: float, step_s: int
    ) -> list[dict[str, Any]]:
        """Return the series of a range query."""
        asked = {"query": expr, "start": begin, "end": end, "step": step_s}
        found: list[dict[str, Any]] = (await self._ask("query_range", **asked))["result"]
        return found

    async def now(self, expr: str, *, at: float) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        found: list[dict[str, Any]] = (await self._ask("query", query=expr, time=at))["result"]
        return found

    async def _ask(self, what: str, **asked: Any) -> dict[str, Any]:
        reply = (await self._http.get(f"api/v1/{what}", params=asked)).json()
        assert reply["status"] == "success", f"{asked}: {reply}"
        data: dict[str, Any] = reply["data"]
        return data

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._folder / "prometheus.log").open("wb") as log:
            return subprocess.Popen(self._command(), stdout=log, stderr=log)

    def _ready(self) -> bool:
        assert self._process.poll() is None, self.log()
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/-/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def _config(self) -> str:
        every = f"{SCRAPES_S}s"
        jobs = [
            {"job_name": f"stormfold-{job}", "static_configs": [{"targets": [*hosts]}]}
            for job, hosts in self._targets.items()
        ]
        times = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
        files = ["recordings.yml", "alerts.yml"]
        return yaml.safe_dump({"global": times, "rule_files": files, "scrape_configs": jobs})

    def _command(self) -> list[str]:
        return [
            str(programs()["prometheus"]),
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]
