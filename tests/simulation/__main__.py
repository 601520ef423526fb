"""Run seeds by hand: `python -m tests.simulation SEED [--count N] [--trace]`, deliveries with
`--deliveries`, or drawn outages: `python -m tests.simulation --outage SEED [--count N]`, with
`--people` such as people act in."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.synthetic import score
from tests.simulation import outage_checks, outage_people
from tests.simulation.deliveries.run import simulate as simulate_deliveries
from tests.simulation.run import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", type=int)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--only-trace", action="store_true", help="print one number for the run")
    parser.add_argument(
        "--deliveries", action="store_true", help="DELIVER and its services instead"
    )
    parser.add_argument("--outage", action="store_true", help="two drawn outages instead")
    parser.add_argument(
        "--people", action="store_true", help="two drawn outages that people act in"
    )
    options = parser.parse_args()
    if options.people:
        return _people(options.seed, options.count)
    if options.outage:
        return _outages(options.seed, options.count)
    run = simulate_deliveries if options.deliveries else simulate
    if options.only_trace:
        print(run(options.seed).trace)
        return 0
    failed = 0
    began = time.monotonic()
    for seed in range(options.seed, options.seed + options.count):
        outcome = run(seed, say=print if options.trace else None)
        if outcome.problems or options.count == 1:
            failed += bool(outcome.problems)
            print(outcome)
    print(f"{options.count} runs, {failed} failed, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


def _people(seed: int, count: int) -> int:
    """Run drawn outages with people in them."""
    found = list(map(outage_people.simulate, range(seed, seed + count)))
    for one in found:
        if one.problems or count == 1:
            print(one)
    failed = sum(bool(one.problems) for one in found)
    print(f"{count} seeds, {failed} failed, {sum(one.done for one in found)} acts had an effect")
    return 1 if failed else 0


def _outages(seed: int, count: int) -> int:
    """Run drawn outages and say what is wrong with each, and where its events went."""
    failed = 0
    for one in map(outage_checks.simulate, range(seed, seed + count)):
        failed += bool(one.problems)
        if one.problems or count == 1:
            print(f"seed {one.seed} ({one.kind}): {len(one.problems)} problems")
            print("".join(f"    {said}\n" for said in one.problems), end="")
            print(f"    {score(one.rows)}")
    print(f"{count} seeds, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
