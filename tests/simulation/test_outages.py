"""Drawn outages of which the truth is known: what must hold of each, and how well storms find them.

SIMULATION_OUTAGES and SIMULATION_SEED say how many seeds, two outages each, and from where.
`python -m tests.simulation --outage SEED` runs one again.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import pytest

from benchmarks.drawn import KINDS
from benchmarks.synthetic import Placed, score
from tests.simulation import outage_people
from tests.simulation.outage_checks import Checked, simulate

RUNS: Final = int(os.environ.get("SIMULATION_OUTAGES", str(len(KINDS))))
FIRST: Final = int(os.environ.get("SIMULATION_SEED", "0"))
ENOUGH: Final = 10
"""Outages of a kind from which on it has floors of its own."""
IN_TURN: Final = "two faults in turn, no traces"
FLOORS: Final = (0.93, 0.95)
HARD: Final = {
    IN_TURN: (0.60, 0.93),
    "cascade, half the services traced": (0.93, 0.80),
    "no traces, 600 ambient errors": (0.90, 0.80),
    "cascade, 600 of shared signatures": (0.90, 0.93),
}
"""Floors of precision and recall where they are lower than `FLOORS`."""
AMBIENT_MOST: Final = 0.05
"""Share of the ambient errors of a kind that may stand in storms."""
FALSE_MOST: Final = 0.6
"""Storms of ambient errors alone, per outage of a kind."""


@pytest.fixture(scope="module")
def checked() -> list[Checked]:
    """Return what became of every seed."""
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        return pool.map(simulate, range(FIRST, FIRST + RUNS), chunksize=1)


def test_every_drawn_outage_is_told_once_within_its_walls_and_restored_as_it_was(
    checked: list[Checked],
) -> None:
    failed = [
        f"seed {one.seed} ({one.kind}): python -m tests.simulation --outage {one.seed}\n    {said}"
        for one in checked
        for said in one.problems
    ]
    assert not failed, "\n".join(failed)
    assert len(checked) == RUNS


def test_storms_of_every_run_fit_the_truth(checked: list[Checked]) -> None:
    by_kind: dict[str, list[Placed]] = defaultdict(list)
    outages: dict[str, int] = defaultdict(int)
    for one in checked:
        by_kind[one.kind] += one.rows
        outages[one.kind] += 1
    many = [kind for kind in sorted(by_kind) if outages[kind] >= ENOUGH]
    low = [said for kind in many for said in _low(kind, by_kind[kind], outages[kind])]
    assert not low, "\n".join(low)
    whole = score([row for kind, rows in by_kind.items() if kind != IN_TURN for row in rows])
    assert whole.faults.precision >= 0.90, whole
    assert whole.faults.recall >= 0.93, whole
    assert whole.ambient_in_storms <= AMBIENT_MOST, whole
    assert whole.false_storms <= FALSE_MOST * RUNS, whole


def _low(kind: str, rows: Sequence[Placed], outages: int) -> list[str]:
    """Return which floors a kind falls below."""
    found = score(rows)
    precision, recall = HARD.get(kind, FLOORS)
    wrong = []
    if found.faults.precision < precision:
        wrong.append(f"{kind}: precision {found.faults.precision:.3f}")
    if found.faults.recall < recall:
        wrong.append(f"{kind}: recall {found.faults.recall:.3f}")
    if found.ambient_in_storms > AMBIENT_MOST:
        wrong.append(f"{kind}: {found.ambient_in_storms:.3f} of the ambient errors in storms")
    if found.false_storms > FALSE_MOST * outages:
        wrong.append(f"{kind}: {found.false_storms} storms of ambient errors in {outages} outages")
    return wrong


def test_a_seed_gives_the_same_outages_again() -> None:
    assert simulate(4) == simulate(4)


def test_every_drawn_outage_with_people_in_it_is_decided_once_and_restored_as_it_was() -> None:
    seeds = range(FIRST, FIRST + max(6, RUNS // 3))
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        found = pool.map(outage_people.simulate, seeds, chunksize=1)
    again = "python -m tests.simulation SEED --people"
    failed = [f"seed {one.seed} ({one.kind}): {said}" for one in found for said in one.problems]
    assert not failed, "\n".join([again, *failed])
    assert sum(one.done for one in found) >= len(found)
