"""A changed file: what is taken, what is refused and why; all stages get the same bytes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from streams.child import Child
from streams.config_files import Reread
from streams.config_line import ParentsEnd, first, follow
from streams.describe import missing_for_sinks
from streams.metrics import Metrics
from streams.metrics_http import Aggregate
from streams.processes import StageName
from streams.reload import FIXED_INTAKE, FIXED_RUN, Reloads
from streams.settings import Loaded, SettingsError, load, read

FILE = """\
namespace: shop
incidents: {settle: 5s}
sinks:
  slack: {token: "${TOKEN}", channels: {pay: "#pay"}}
"""
ENVIRON = {"TOKEN": "xoxb-1"}
WITHIN_S = 60.0


class Run:
    """What runs of one file, as the parent of the stages has it."""

    def __init__(self, folder: Path, text: str = FILE, fixed: tuple[str, ...] = FIXED_RUN) -> None:
        self.path = folder / "stormfold.yaml"
        self.path.write_text(text)
        self.taken: list[Loaded] = []
        self.took = asyncio.Event()
        self.metrics = Metrics()
        self.reloads = Reloads(
            read(self.path, ENVIRON),
            ENVIRON,
            self.metrics,
            fixed=fixed,
            missing=missing_for_sinks,
            take=self._take,
        )

    async def _take(self, loaded: Loaded) -> None:
        self.taken.append(loaded)
        self.took.set()

    async def after(self, text: str) -> Reread:
        self.path.write_text(text)
        return await self.reloads.again()

    def sample(self, name: str, **labels: str) -> float:
        found = self.metrics.registry.get_sample_value(f"stormfold_{name}", labels)
        assert found is not None
        return found


@pytest.fixture
def said() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_a_valid_file_is_taken_and_counted(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert await run.after(FILE.replace("5s", "7s")) is Reread.TAKEN
    (taken,) = run.taken
    assert taken.settings.incidents.settle_ms == 7_000
    assert run.reloads.running is taken
    assert run.sample("config_reloads_total", outcome="taken") == 1
    assert run.sample("config_refused") == 0


async def test_a_file_as_it_was_is_handed_over_for_the_secrets_that_it_names(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path)
    assert await run.after(FILE) is Reread.UNCHANGED
    assert len(run.taken) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FILE.replace("5s", "soon"), ":2 incidents.settle: expected a duration"),
        (FILE + "rules: [\n", ":6 not YAML"),
        (FILE + "rules:\n  - {name: a, to: [slack:no]}\n", ":6 rules[0].to[0]: expected"),
        (FILE.replace("${TOKEN}", "${OTHER}"), ":4 sinks.slack.token: the environment variable"),
        (FILE.replace("shop", "mart"), ":1 namespace: only a restart changes it"),
        (FILE + "kafka: {partitions: 8}\n", ":5 kafka.partitions: only a restart changes it"),
        (FILE + "metrics: {port: 0}\n", ":5 metrics.port: only a restart changes it"),
        (FILE.replace("namespace: shop\n", ""), " namespace: only a restart changes it"),
    ],
)
async def test_a_wrong_file_is_refused_with_its_place_and_the_old_one_goes_on(
    tmp_path: Path, said: list[structlog.typing.EventDict], text: str, says: str
) -> None:
    run = Run(tmp_path)
    before = run.reloads.running
    assert await run.after(text) is Reread.REFUSED
    assert run.taken == []
    assert run.reloads.running is before
    (line,) = said
    assert (line["event"], line["log_level"]) == ("configuration refused", "error")
    assert line["goes_on"] == before.settings.configuration
    (problem,) = line["problems"]
    assert problem.startswith(f"{run.path}{says}")
    assert run.sample("config_reloads_total", outcome="refused") == 1
    assert run.sample("config_refused") == 1
    assert await run.after(FILE.replace("5s", "7s")) is Reread.TAKEN
    assert run.sample("config_refused") == 0


async def test_a_file_that_is_gone_is_refused(
    tmp_path: Path, said: list[structlog.typing.EventDict]
) -> None:
    run = Run(tmp_path)
    run.path.unlink()
    assert await run.reloads.again() is Reread.REFUSED
    assert said[0]["problems"] == [f"{run.path}: cannot be read: No such file or directory"]


async def test_where_intake_listens_only_a_restart_of_intake_changes(tmp_path: Path) -> None:
    changed = FILE + "intake: {port: 9}\n"
    assert await Run(tmp_path, fixed=FIXED_INTAKE).after(changed) is Reread.REFUSED
    assert await Run(tmp_path).after(changed) is Reread.TAKEN


async def test_what_a_stage_refuses_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)

    async def refuse(_: Loaded) -> None:
        raise SettingsError("its secret is gone")

    reloads = Reloads(
        run.reloads.running, ENVIRON, run.metrics, fixed=(), missing=lambda _: [], take=refuse
    )
    assert await reloads.again() is Reread.REFUSED


async def test_asked_often_it_reads_once_more_after_the_last_time(tmp_path: Path) -> None:
    run = Run(tmp_path)
    serving = asyncio.create_task(run.reloads.serve())
    for _ in range(5):
        run.reloads.ask()
    async with asyncio.timeout(WITHIN_S):
        await run.took.wait()
    serving.cancel()
    assert len(run.taken) == 1


def test_a_name_is_of_what_decides_and_of_nothing_else(tmp_path: Path) -> None:
    def named(text: str) -> str:
        path = tmp_path / "stormfold.yaml"
        path.write_text(text)
        return load(path, ENVIRON).configuration

    name = named(FILE)
    assert named("# a word\n" + FILE + "kafka: {partitions: 8}\n") == name
    assert named(FILE.replace("${TOKEN}", "other")) == name
    deciding = (
        FILE.replace("5s", "7s"),
        FILE.replace("pay:", "paid:"),
        FILE + "default_environment: test\n",
        FILE + "grouping: {by: sentry_issue}\n",
        FILE + "services: {shop: {depends_on: [db]}}\n",
        FILE + "quiet_hours: [{name: night, from: '22:00', to: '06:00'}]\n",
    )
    assert len({name, *map(named, deciding)}) == len(deciding) + 1
    assert load(None, {}).correlation().name == load(None, {}).configuration


# The bytes


def with_rules(folder: Path) -> Loaded:
    (folder / "stack.txt").write_text("family:javascript -app\n")
    path = folder / "stormfold.yaml"
    path.write_text(FILE + "grouping: {stack_rules: stack.txt}\n")
    return read(path, ENVIRON)


def test_what_was_read_reads_the_same_whatever_becomes_of_the_files(tmp_path: Path) -> None:
    loaded = with_rules(tmp_path)
    (tmp_path / "stack.txt").write_text("nonsense")
    loaded.path.unlink()  # type: ignore[union-attr]
    again = read(loaded.path, ENVIRON, loaded.files)
    assert again.files == loaded.files
    assert again.settings == loaded.settings


@contextlib.asynccontextmanager
async def line() -> AsyncIterator[tuple[ParentsEnd, socket.socket]]:
    ours, theirs = socket.socketpair()
    end = ParentsEnd(ours)
    await end.open()
    try:
        yield end, theirs
    finally:
        end.close()


async def test_a_process_begins_with_what_the_parent_has_read_and_follows_it(
    tmp_path: Path,
) -> None:
    loaded = with_rules(tmp_path)
    taken: list[Loaded] = []

    async def take(changed: Loaded) -> None:
        if changed.settings.incidents.settle_ms == 9_000:
            raise SettingsError("not this one", "for two reasons")
        taken.append(changed)

    parked: list[tuple[str, int]] = []

    async def park(topic: str, partition: int) -> None:
        parked.append((topic, partition))

    async with line() as (parent, theirs):
        parent.hand(loaded)
        assert (await asyncio.to_thread(first, theirs.fileno(), ENVIRON)).files == loaded.files
        parent.park("sentry.events", 3)
        following = asyncio.create_task(follow(theirs.detach(), ENVIRON, take, park))
        for settle, refused in (("7s", ""), ("9s", "not this one\nfor two reasons"), ("8s", "")):
            (tmp_path / "stormfold.yaml").write_text(FILE.replace("5s", settle))
            changed = read(tmp_path / "stormfold.yaml", ENVIRON)
            (tmp_path / "stormfold.yaml").unlink()
            answer = await parent.answer(parent.hand(changed))
            assert answer is not None
            assert answer.refused == refused
    await following  # it ends with the parent
    assert [one.settings.incidents.settle_ms for one in taken] == [7_000, 8_000]
    assert parked == [("sentry.events", 3)]


BEGINS = """
import os, pathlib, sys, time
from streams.config_line import LINE_VARIABLE, first
found = first(int(os.environ[LINE_VARIABLE]), os.environ)
pathlib.Path(sys.argv[1]).open("a").write(f"{os.getpid()} {found.settings.incidents.settle_ms}\\n")
time.sleep(600)
"""


async def test_a_stage_that_is_started_again_begins_with_what_runs_not_with_what_stands_there(
    tmp_path: Path,
) -> None:
    path, told = tmp_path / "stormfold.yaml", tmp_path / "told"
    path.write_text(FILE)
    told.touch()
    metrics = Metrics()
    aggregate = Aggregate(metrics, under=tmp_path)
    command = [sys.executable, "-c", BEGINS, str(told)]
    child = Child(StageName.CORRELATE, command, metrics, read(path, ENVIRON))
    lifeline, lifeline_end = os.pipe()
    running = asyncio.create_task(child.run(aggregate, lifeline))

    async def begun(times: int) -> list[list[str]]:
        deadline = time.monotonic() + WITHIN_S
        while len(lines := told.read_text().splitlines()) < times:
            assert time.monotonic() < deadline, lines
            await asyncio.sleep(0.02)
        return [one.split() for one in lines]

    try:
        ((pid, settle),) = await begun(1)
        assert settle == "5000"
        path.write_text(FILE.replace("5s", "7s"))
        taking = asyncio.create_task(child.take(read(path, ENVIRON)))
        await asyncio.sleep(0)
        path.write_text("nonsense: [")
        os.kill(int(pid), signal.SIGKILL)
        await taking
        assert (await begun(2))[1][1] == "7000"
    finally:
        await child.stop()
        await running
        os.close(lifeline)
        os.close(lifeline_end)
