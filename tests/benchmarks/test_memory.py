"""The memory benchmark: what it calls flat, and that what CORRELATE is given is what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.correlate.worlds import START, Rules, batch, config_of, delta
from benchmarks.memory.figures import FLAT, process
from benchmarks.memory.restored import entries_of, progress_of
from benchmarks.memory.soak import DIFFERENT, LIVES, NEW_PER_S, Sample
from benchmarks.whole.processes import memory_of, stage_processes
from benchmarks.whole.world import configuration
from correlators import sets
from correlators.incidents import Incident
from correlators.partition import Partition
from streams.settings import Settings, load


def settings(folder: Path) -> Settings:
    (folder / "stormfold.yaml").write_text(
        configuration("memory1", "127.0.0.1:9092", 9464, "http://127.0.0.1:9/api/", LIVES)
    )
    return load(folder / "stormfold.yaml", {})


def samples(mib: list[float]) -> list[Sample]:
    return [Sample(10.0 * number, {"deliver": one}) for number, one in enumerate(mib)]


def test_what_stays_is_flat() -> None:
    found = process("deliver", samples([60.0, 80.0, 90.0, 100.0] + [100.0, 101.0] * 8))
    assert found.flat
    assert found.first == 100.0


def test_what_grows_is_not_flat_and_its_slope_is_told() -> None:
    found = process("deliver", samples([100.0 + 0.5 * number for number in range(40)]))
    assert not found.flat
    assert found.growth > FLAT
    assert found.slope_per_h == pytest.approx(0.5 * 360)


def test_errors_of_the_soak_come_back_after_they_are_forgotten(tmp_path: Path) -> None:
    lives = settings(tmp_path).incidents
    assert lives.quiet_for_ms + lives.remember_ms < DIFFERENT / NEW_PER_S * 1_000


def test_the_stored_state_has_so_many_open_and_users_and_goes_on(tmp_path: Path) -> None:
    entries = entries_of(20, 200)
    found = [one for one in entries if isinstance(one, Incident)]
    assert len([one for one in found if one.open]) == 20
    users = sets.EMPTY
    for one in found:
        users = sets.union(users, one.users)
    assert sets.count(users).value == 200
    partition = Partition(config_of(Rules.DEFAULT), progress_of(settings(tmp_path)), entries)
    assert partition.open_counts[0] == 20
    source = progress_of(settings(tmp_path)).sources[0][0]
    told = msgspec.structs.replace(batch([delta(3, START)], START), topic=source)
    partition.receive(0, told)
    assert partition.ready()
    assert partition.step(most_ticks=1).progress.applied_tick == START


def test_the_system_tells_what_a_process_has_resident() -> None:
    here = memory_of(os.getpid())
    assert 0 < here.resident <= here.most


def test_a_process_that_ended_has_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(ProcessLookupError):
        memory_of(ended.pid)


def test_stages_are_found_by_their_parent() -> None:
    script = "import sys; sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", script, "streams.app", "deliver"], stdin=subprocess.PIPE
    )
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    try:
        assert stage_processes({os.getpid()})["deliver"] == child.pid
        assert stage_processes({child.pid}) == {}
    finally:
        for one in (child, other):
            one.communicate()
