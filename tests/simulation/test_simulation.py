"""Thousands of drawn runs of the whole protocol, and what each must keep; a failing one prints its
seed.

SIMULATION_RUNS and SIMULATION_SEED say how many and from where: `make soak` runs many more.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing.pool import Pool

import pytest

from tests.simulation.act_mutants import ACT_MUTANTS
from tests.simulation.mutants import MUTANTS
from tests.simulation.owed_mutants import OWED_MUTANTS
from tests.simulation.run import Outcome, simulate
from tests.simulation.scenario import KINDS

RUNS = int(os.environ.get("SIMULATION_RUNS", "60"))
FIRST = int(os.environ.get("SIMULATION_SEED", "0"))
SEEDS_AT_ONCE = 6
SEEDS_PER_MUTANT = 60
SEEDS_PER_RARE_MUTANT = 2_000
EVERY = {**MUTANTS, **ACT_MUTANTS, **OWED_MUTANTS}


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Processes that simulate side by side."""
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as made:
        yield made


def test_every_run_tells_what_its_log_says_once_and_loses_nothing(pool: Pool) -> None:
    seeds = range(FIRST, FIRST + RUNS)
    failed: list[Outcome] = []
    kinds: Counter[str] = Counter()
    for outcome in pool.imap_unordered(simulate, seeds, chunksize=8):
        kinds[outcome.kind] += 1
        if outcome.problems:
            failed.append(outcome)
    assert not failed, "\n".join(map(_told, sorted(failed, key=lambda one: one.seed)))
    assert kinds.total() == RUNS
    assert len(kinds) == min(RUNS, len(KINDS))


def _told(outcome: Outcome) -> str:
    problems = "\n    ".join(outcome.problems)
    again = f"python -m tests.simulation {outcome.seed} --trace"
    return f"seed {outcome.seed} ({outcome.kind}): {again}\n    {problems}"


@pytest.mark.parametrize("seed", [3_002_344, 3_002_621])
def test_who_writes_begins_also_where_the_cluster_goes_away_just_then(seed: int) -> None:
    assert simulate(seed).problems == ()


@pytest.mark.parametrize("seed", [3, 14])
def test_a_seed_gives_the_same_run_in_another_interpreter(seed: int) -> None:
    traces = {simulate(seed).trace for _ in range(2)}
    for hash_seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-m", "tests.simulation", str(seed), "--only-trace"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        traces.add(int(found.stdout))
    assert len(traces) == 1


@pytest.mark.parametrize("name", [name for name in EVERY if not EVERY[name].rare])
def test_the_simulation_sees_it_when(name: str, pool: Pool) -> None:
    _must_be_seen(name, SEEDS_PER_MUTANT, pool)


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in EVERY if EVERY[name].rare])
def test_a_long_simulation_sees_it_when(name: str, pool: Pool) -> None:
    _must_be_seen(name, SEEDS_PER_RARE_MUTANT, pool)


def _must_be_seen(name: str, seeds: int, pool: Pool) -> None:
    if _sees((name, EVERY[name].seen_by)):
        return
    for first in range(0, seeds, SEEDS_AT_ONCE):
        some = [(name, seed) for seed in range(first, first + SEEDS_AT_ONCE)]
        if any(pool.map(_sees, some, chunksize=1)):
            return
    pytest.fail(f"no seed sees it when {name}")


def _sees(of: tuple[str, int]) -> bool:
    name, seed = of
    mutant = EVERY[name]
    with mutant.patches():
        return bool(simulate(seed, mutant.parts).problems)
