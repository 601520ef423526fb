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

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.run import Outcome, simulate
from tests.simulation.scenario import KINDS

RUNS = int(os.environ.get("SIMULATION_RUNS", "1000"))
FIRST = int(os.environ.get("SIMULATION_SEED", "0"))
SEEDS_PER_MUTANT = 320


def test_every_run_tells_what_its_log_says_once_and_loses_nothing() -> None:
    context = multiprocessing.get_context("spawn")
    seeds = range(FIRST, FIRST + RUNS)
    failed: list[Outcome] = []
    kinds: Counter[str] = Counter()
    with context.Pool(min(2, os.cpu_count() or 1)) as pool:
        for outcome in pool.imap_unordered(simulate, seeds, chunksize=8):
            kinds[outcome.kind] += 1
            if outcome.problems:
                failed.append(outcome)
                if len(failed) >= 5:
                    pool.terminate()
                    break
    assert not failed, "\n".join(map(_told, sorted(failed, key=lambda one: one.seed)))
    assert kinds.total() == RUNS
    assert len(kinds) == min(RUNS, len(KINDS))


def _told(outcome: Outcome) -> str:
    problems = "\n    ".join(outcome.problems)
    again = f"python -m tests.simulation {outcome.seed} --trace"
    return f"seed {outcome.seed} ({outcome.kind}): {again}\n    {problems}"


@pytest.mark.parametrize("seed", [3, 7, 13, 14])
def test_a_seed_gives_the_same_run_in_another_interpreter(seed: int) -> None:
    traces = {simulate(seed).trace for _ in range(3)}
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


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulation_sees_it_when(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.patches():
        for seed in (*mutant.seeds, *range(SEEDS_PER_MUTANT)):
            if simulate(seed, mutant.parts).problems:
                return
    pytest.fail(f"no seed sees it when {name}")
