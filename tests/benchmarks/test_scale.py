"""The ratios of the scale benchmark are of runs that stand close, and its traffic of one project.

What runs on a broker is the benchmark's own work, which checks itself.
"""

from __future__ import annotations

import io

import msgspec
import orjson
import pytest
from rich.console import Console

from benchmarks.scale.figures import BARE, REACH, Run, figures, rates_table, ratios, ratios_table
from benchmarks.spread import spread
from benchmarks.storm.events import SIGNATURES, Traffic, events
from benchmarks.storm.machine import Machine
from correlators.fingerprinter import Fingerprinter, Fingerprinting

MACHINE = Machine(cores=2, kafka="4.1", versions={"Python": "3.11"})


def run(number: int, partitions: int, workers: int, rate: float) -> Run:
    return Run(
        round=number,
        partitions=partitions,
        workers=workers,
        events=1_000,
        seconds=1_000 / rate,
        cpu_seconds=0.02,
    )


RUNS = [
    run(0, 4, 1, 100.0),
    run(0, 4, 2, 180.0),
    run(1, 4, 1, 50.0),
    run(1, 4, 2, 100.0),
    run(2, 4, 1, 100.0),
    run(2, 4, 2, 150.0),
    run(0, 16, 1, 100.0),
    run(0, 16, 2, 170.0),
    run(1, 16, 2, 900.0),  # its one worker failed to run: no ratio is made of it
]


def test_a_ratio_is_of_two_runs_of_one_round_over_as_many_partitions() -> None:
    found = ratios(RUNS)
    assert list(found) == ["two_over_one", "two_over_one_4", "two_over_one_16"]
    four = found["two_over_one_4"]
    assert (four.least, four.median, four.most) == pytest.approx((1.5, 1.8, 2.0))
    assert found["two_over_one_16"] == spread([170.0 / 100.0])
    assert found["two_over_one"].median == pytest.approx(1.75)


def test_the_control_has_ratios_of_its_own() -> None:
    control = [msgspec.structs.replace(one, contender=BARE) for one in RUNS[:2]]
    found = ratios([*control, *RUNS])
    assert found["bare_two_over_one"] == spread([1.8])
    assert found["two_over_one"] == ratios(RUNS)["two_over_one"]


def test_without_two_to_compare_there_is_no_ratio() -> None:
    assert ratios(RUNS[:1]) == {}


def test_the_tables_tell_rates_and_what_is_reached() -> None:
    out = io.StringIO()
    console = Console(file=out, width=110)
    console.print(rates_table(RUNS), ratios_table(ratios(RUNS)))
    lines = [[cell.strip() for cell in line.split("│")] for line in out.getvalue().splitlines()]
    assert ["", "fingerprint", "4", "1", "50", "100", "100", "20.0", "-", ""] in lines
    assert ["", "two_over_one_4", "1.50", "1.80", "2.00", f"{REACH}", "reached", ""] in lines


def test_the_json_holds_medians_and_their_spread() -> None:
    found = figures(RUNS, MACHINE, events=1_000, event_bytes=14_700.04, rounds=3)
    assert found.ratios == {
        "two_over_one": 1.75,
        "two_over_one_4": 1.8,
        "two_over_one_16": 1.7,
    }
    assert found.event_bytes == 14_700.0
    assert len(found.runs) == len(RUNS)


def test_one_projects_storm_is_one_project_with_as_many_errors() -> None:
    fingerprinter = Fingerprinter(Fingerprinting())
    bodies = list(events(Traffic.ONE_PROJECT, 300, at_ms=1_790_000_000_000))
    assert len({orjson.loads(body)["data"]["error"]["project"] for body in bodies}) == 1
    found = [fingerprinter.read("error", body) for body in bodies]
    assert len({one.signature.fingerprint for one in found if one.signature}) == SIGNATURES
