"""What the stages do and write for a fixed storm is what is kept, and a change is told plainly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.counts.__main__ import KEPT, kept
from benchmarks.counts.calls import Calls
from benchmarks.counts.compare import RENEW, Kept, differences, message

ROOT = Path(__file__).parents[2]


def test_counts_are_as_kept() -> None:
    """In a process of its own: what other tests leave in this one would be counted too."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.counts"], cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_must_not_be_is_kept_as_none() -> None:
    counts = kept().counts
    assert counts["CORRELATE"]["records, quiet tick"] == 0
    assert counts["CORRELATE"]["other records, known"] == 0
    assert counts["DELIVER"]["transactions"] == 2, "one before the call, one behind it"


def of(value: float, name: str = "calls", python: str = "3.11") -> Kept:
    return Kept(python=python, counts={"FINGERPRINT": {name: value}})


@pytest.mark.parametrize("now", [80.0, 100.0, 105.0])
def test_a_small_change_is_none(now: float) -> None:
    assert differences(of(100.0), of(now)) == []


@pytest.mark.parametrize(
    ("now", "says"), [(106.0, "grew from 100.00 to 106.00 (+6.0%)"), (79.0, "shrank from 100.00")]
)
def test_a_change_says_what_and_how_to_renew_it(now: float, says: str) -> None:
    told = message(differences(of(100.0), of(now)))
    assert f"FINGERPRINT: calls {says}" in told
    assert RENEW in told


def test_nothing_grows_from_nothing() -> None:
    assert differences(of(0.0), of(0.05)) == [
        "FINGERPRINT: calls grew from 0.00 to 0.05 (from nothing)"
    ]


def test_a_count_that_is_new_or_gone_is_told() -> None:
    assert differences(of(1.0), of(1.0, "bytes")) == [
        "FINGERPRINT: bytes: 1.00, and nothing is kept to compare it with",
        "FINGERPRINT: calls: is counted no more",
    ]


def test_blocks_are_compared_with_the_same_python_only() -> None:
    before = of(50.0, "blocks taken")
    assert differences(before, of(99.0, "blocks taken", "3.13")) == []
    assert differences(before, of(99.0, "blocks taken", "3.11")) != []


def test_calls_of_our_own_functions_count_and_nothing_else() -> None:
    calls = Calls()
    with calls.counting():
        sorted([len(str(KEPT)) for _ in range(3)])
    assert calls.made == 0
    from correlators.types import tick_of

    with calls.counting():
        found = [tick_of(one) for one in range(3)]
    assert (calls.made, found) == (3, [0, 0, 0])
