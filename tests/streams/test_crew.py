"""Several processes of one stage under one parent; they are scripts here, told what to do by files.

`tests/kafka/test_workers.py` has the real ones.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer

from streams.cli_run import workers_of
from streams.crew import Crew
from streams.metrics import Metrics
from streams.metrics_http import Aggregate
from streams.processes import MOST_WORKERS, StageName, worker_name
from streams.references import SettingsError
from streams.settings import Loaded, read

DEADLINE_S = 120

BEGINS = """
import asyncio, os, pathlib, socket, sys, time
from streams.config_line import LINE_VARIABLE, first, follow
from streams.metrics import Metrics
from streams.processes import EXIT_FAILED, PLACE_VARIABLE, WORKER_VARIABLE, Place, PlaceFile
folder = pathlib.Path(sys.argv[1])
number = sys.argv[sys.argv.index("--number") + 1]
place = PlaceFile(int(os.environ[PLACE_VARIABLE]))
place.write(Place("", -1, -1))
metrics = Metrics()
loaded = first(int(os.environ[LINE_VARIABLE]), {})
with (folder / f"begun-{number}").open("a") as begun:
    begun.write(f"{os.getpid()} {os.environ[WORKER_VARIABLE]} {' '.join(sys.argv[2:])}\\n")
"""

SERVES = """
def note(what, text):
    with (folder / f"{what}-{number}").open("a") as file:
        file.write(f"{text}\\n")
async def take(changed):
    from streams.references import SettingsError
    if (folder / f"refuses-{number}").exists():
        raise SettingsError("not by this one")
    note("took", changed.settings.incidents.settle_ms)
async def park(topic, partition):
    note("parked", f"{topic}-{partition}")
async def serve():
    following = asyncio.create_task(follow(int(os.environ[LINE_VARIABLE]), {}, take, park))
    while True:
        await asyncio.sleep(0.02)
        for order in sorted(folder.glob(f"order-{number}-*")):
            what = order.read_text()
            order.unlink()
            if what == "count":
                metrics.deltas.inc()
                metrics.source_lag_records.labels(stage="fingerprint", partition=number).set(7)
                note("did", "count")
            else:
                place.write(Place("sentry.events", 2, 17))
                os._exit(EXIT_FAILED)
asyncio.run(serve())
"""

DIES = """
if number == "2":
    sys.exit(1)
"""


class Working:
    """A crew at work, and the folder on which its processes leave what they did."""

    def __init__(self, crew: Crew, aggregate: Aggregate, folder: Path) -> None:
        self.crew = crew
        self.aggregate = aggregate
        self.folder = folder
        self._orders = 0

    def said(self, what: str, number: int) -> list[str]:
        path = self.folder / f"{what}-{number}"
        return path.read_text().splitlines() if path.exists() else []

    def order(self, number: int, what: str) -> None:
        self._orders += 1
        made = self.folder / "order"
        made.write_text(what)
        made.rename(self.folder / f"order-{number}-{self._orders:04d}")

    async def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not true():
            assert time.monotonic() < deadline, self.crew.troubles() + self.crew.waits()
            await asyncio.sleep(0.02)

    async def begun(self, number: int, times: int = 1) -> list[list[str]]:
        await self.until(lambda: len(self.said("begun", number)) >= times)
        return [line.split() for line in self.said("begun", number)]

    async def count(self, number: int, times: int) -> None:
        """Have one of them count, and return once it has."""
        before = len(self.said("did", number))
        for _ in range(times):
            self.order(number, "count")
        await self.until(lambda: len(self.said("did", number)) == before + times)

    def number(self, sample: str) -> float | None:
        found = re.search(
            rf"^stormfold_{re.escape(sample)} (\S+)$",
            self.aggregate.exposition().decode(),
            re.MULTILINE,
        )
        return float(found[1]) if found else None


@asynccontextmanager
async def working(
    folder: Path, count: int, script: str = SERVES, *, loaded: Loaded | None = None
) -> AsyncIterator[Working]:
    metrics = Metrics()
    aggregate = Aggregate(metrics, under=folder)
    command = [sys.executable, "-c", BEGINS + script, str(folder)]
    loaded = loaded if loaded is not None else configured(folder, "5s")
    crew = Crew(StageName.FINGERPRINT, count, command, metrics, loaded, well_s=0.0)
    lifeline, lifeline_end = os.pipe()
    running = asyncio.create_task(crew.run(aggregate, lifeline))
    try:
        yield Working(crew, aggregate, folder)
    finally:
        await crew.stop()
        await running
        os.close(lifeline)
        os.close(lifeline_end)


def configured(folder: Path, settle: str) -> Loaded:
    path = folder / "stormfold.yaml"
    path.write_text(f"incidents: {{settle: {settle}}}\n")
    return read(path, {})


async def test_each_has_a_name_of_its_own_and_one_that_is_killed_is_started_again(
    tmp_path: Path,
) -> None:
    async with working(tmp_path, 3) as here:
        for number in (1, 2, 3):
            ((_, name, *_),) = await here.begun(number)
            assert name == worker_name(number) == f"{worker_name()}.{number}"
        await here.until(lambda: here.crew.waits() == [])
        running = 'stage_processes{kind="running",stage="fingerprint"}'
        assert here.number(running) == 3
        os.kill(int((await here.begun(2))[0][0]), 9)
        await here.begun(2, times=2)
        assert [len(here.said("begun", number)) for number in (1, 2, 3)] == [1, 2, 1]
        await here.until(lambda: here.number(running) == 3)
        assert here.number('restarts_total{stage="fingerprint"}') == 1


async def test_their_counters_are_added_up_and_those_of_the_dead_do_not_go_back(
    tmp_path: Path,
) -> None:
    async with working(tmp_path, 2) as here:
        await here.count(1, 3)
        await here.count(2, 4)
        assert here.number("deltas_total") == 7
        assert here.number('source_lag_records{partition="2",stage="fingerprint"}') == 7
        seen = []
        for times in (2, 3):
            os.kill(int((await here.begun(2))[-1][0]), 9)
            while len(here.said("begun", 2)) < times:
                seen.append(here.number("deltas_total"))
                await asyncio.sleep(0.005)
        assert set(seen) == {7.0}
        # What a dead one measured is nobody's any more: its partitions are another's.
        assert here.number('source_lag_records{partition="2",stage="fingerprint"}') is None
        await here.count(2, 1)
        assert here.number("deltas_total") == 8


async def test_what_ends_one_after_the_other_is_parked_for_all(tmp_path: Path) -> None:
    async with working(tmp_path, 3) as here:
        for number in (1, 2):
            await here.begun(number)
            here.order(number, "die")
            await here.begun(number, times=2)
        # The third, which lives, is told; who is started again begins with it.
        await here.until(lambda: here.said("parked", 3) == ["sentry.events-2"])
        assert "sentry.events:2" in (await here.begun(2))[1]
        assert len(here.said("begun", 3)) == 1
        assert here.number("parked_partitions") == 1
        assert here.crew.troubles() == [
            "fingerprint: partition sentry.events-2 is parked: "
            "its process died again and again at offset 17"
        ]


async def test_one_that_keeps_dying_is_parked_and_the_others_go_on(tmp_path: Path) -> None:
    async with working(tmp_path, 2, DIES + SERVES) as here:
        parked = "fingerprint.2: its process died 5 times in a row and is parked; the others go on"
        await here.until(lambda: here.crew.troubles() == [parked])
        assert here.crew.waits() == []
        assert here.number('stage_processes{kind="parked",stage="fingerprint"}') == 1
        assert len(here.said("begun", 2)) == 5
        await here.count(1, 1)
        assert here.number("deltas_total") == 1
        assert len(here.said("begun", 1)) == 1


async def test_the_last_one_is_never_given_up(tmp_path: Path) -> None:
    async with working(tmp_path, 2, "sys.exit(1)") as here:
        await here.begun(1, times=6)
        await here.begun(2, times=6)
        assert here.number('stage_processes{kind="parked",stage="fingerprint"}') == 0


async def test_all_take_a_changed_file_or_none(tmp_path: Path) -> None:
    async with working(tmp_path, 2) as here:
        await here.begun(1)
        await here.begun(2)
        await here.crew.take(configured(tmp_path, "7s"))
        assert [here.said("took", number) for number in (1, 2)] == [["7000"], ["7000"]]
        (tmp_path / "refuses-2").touch()
        with pytest.raises(SettingsError, match="not by this one"):
            await here.crew.take(configured(tmp_path, "9s"))
        assert here.said("took", 1) == ["7000", "9000", "7000"]
        assert here.said("took", 2) == ["7000"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("1", (1, 1, 1)),
        ("4", (4, 1, 1)),
        (" 2 ", (2, 1, 1)),
        ("fingerprint=4,correlate=2", (4, 2, 1)),
        ("deliver = 3", (1, 1, 3)),
        (str(MOST_WORKERS), (MOST_WORKERS, 1, 1)),
    ],
)
def test_a_number_alone_is_of_fingerprint_and_others_are_named(
    given: str, found: tuple[int, ...]
) -> None:
    assert workers_of(given, list(StageName)) == dict(zip(StageName, found, strict=True))


@pytest.mark.parametrize(
    "given",
    ["0", "-1", "", "two", "65", "fingerprint", "fingerprint=", "fingerprint=1,fingerprint=2",
     "fingerprint=2,", "all=2", "2,3", "deliver=2.5"],
)  # fmt: skip
def test_another_number_of_workers_is_refused(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        workers_of(given, list(StageName))
    assert ended.value.exit_code == 2
    assert f"found {given!r}" in capsys.readouterr().err


def test_more_of_a_stage_that_does_not_run_here_are_refused() -> None:
    only = [StageName.DELIVER]
    assert workers_of("1", only) == {StageName.DELIVER: 1}
    for given in ("2", "correlate=1"):
        with pytest.raises(typer.Exit):
            workers_of(given, only)
