"""Run seeds by hand: `python -m tests.simulation SEED [--count N] [--trace]`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.run import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", type=int)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--only-trace", action="store_true", help="print one number for the run")
    options = parser.parse_args()
    if options.only_trace:
        print(simulate(options.seed).trace)
        return 0
    failed = 0
    began = time.monotonic()
    for seed in range(options.seed, options.seed + options.count):
        outcome = simulate(seed, say=print if options.trace else None)
        if outcome.problems or options.count == 1:
            failed += bool(outcome.problems)
            print(outcome)
    print(f"{options.count} runs, {failed} failed, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
