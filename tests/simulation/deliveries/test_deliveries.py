"""Drawn runs of DELIVER, and what each must keep; a failing one prints its seed.

SIMULATION_DELIVERIES and SIMULATION_SEED say how many and from where.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing.pool import Pool
from typing import Final

import pytest

from tests.simulation.deliveries.mutants import MUTANTS
from tests.simulation.deliveries.run import simulate
from tests.simulation.deliveries.scenario import KINDS
from tests.simulation.run import Outcome

RUNS: Final = int(os.environ.get("SIMULATION_DELIVERIES", "24"))
FIRST: Final = int(os.environ.get("SIMULATION_SEED", "0"))
SEEDS_AT_ONCE: Final = 6
SEEDS_PER_MUTANT: Final = 120


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Processes that simulate side by side."""
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as made:
        yield made


def test_every_run_delivers_all_of_it_once_and_in_time(pool: Pool) -> None:
    failed: list[Outcome] = []
    kinds: Counter[str] = Counter()
    for outcome in pool.imap_unordered(simulate, range(FIRST, FIRST + RUNS), chunksize=4):
        kinds[outcome.kind] += 1
        if outcome.problems:
            failed.append(outcome)
    assert not failed, "\n".join(map(_told, sorted(failed, key=lambda one: one.seed)))
    assert len(kinds) == min(RUNS, len(KINDS))


def _told(outcome: Outcome) -> str:
    problems = "\n    ".join(outcome.problems)
    again = f"python -m tests.simulation --deliveries {outcome.seed} --trace"
    return f"seed {outcome.seed} ({outcome.kind}): {again}\n    {problems}"


def test_a_seed_gives_the_same_run_in_another_interpreter() -> None:
    traces = {simulate(11).trace for _ in range(2)}
    found = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--deliveries", "11", "--only-trace"],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert traces == {int(found.stdout)}


@pytest.mark.soak  # what the simulation sees changes with it, not with each change of DELIVER
@pytest.mark.parametrize("name", list(MUTANTS))
def test_the_simulation_sees_it_when(name: str, pool: Pool) -> None:
    kind = MUTANTS[name].kind
    first, step = (KINDS.index(kind), len(KINDS)) if kind else (0, 1)
    seeds = range(first, first + step * SEEDS_PER_MUTANT, step)
    for at in range(0, SEEDS_PER_MUTANT, SEEDS_AT_ONCE):
        some = [(name, seed) for seed in seeds[at : at + SEEDS_AT_ONCE]]
        if any(pool.map(_sees, some, chunksize=1)):
            return
    pytest.fail(f"no seed sees it when {name}")


def _sees(of: tuple[str, int]) -> bool:
    name, seed = of
    mutant = MUTANTS[name]
    with mutant.patches():
        return bool(simulate(seed, mutant.parts).problems)
