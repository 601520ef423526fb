"""The messages benchmark compares what stands behind FINGERPRINT at two rates."""

from __future__ import annotations

import io

from rich.console import Console

from benchmarks.messages.__main__ import Run, ratios, table


def run(partitions: int, *, paced: bool, events: int, messages: int, workers: int = 1) -> Run:
    return Run(
        partitions=partitions,
        paced=paced,
        workers=workers,
        events=events,
        seconds=2.0,
        messages=messages,
        message_bytes=8_000,
    )


RUNS = [
    run(4, paced=True, events=2_000, messages=8),
    run(4, paced=True, events=2_000, messages=10),
    run(4, paced=True, events=2_000, messages=40),
    run(4, paced=False, events=40_000, messages=20),
    run(4, paced=False, events=80_000, messages=30, workers=2),
    run(16, paced=False, events=40_000, messages=90),
]


def test_a_ratio_is_of_messages_a_second_over_as_many_partitions() -> None:
    assert ratios(RUNS) == {"fast_over_steady_4": 3.0}


def test_the_table_tells_events_and_messages_a_second() -> None:
    out = io.StringIO()
    Console(file=out, width=110).print(table(RUNS))
    lines = [[cell.strip() for cell in line.split("│")] for line in out.getvalue().splitlines()]
    steady = ["steadily", "1", "1,000", "4.0", "5.0", "20.0", "4.0", "5.00"]
    assert ["", "4", *steady, ""] in lines
    for workers, events, messages, per in (
        ("1", "20,000", "10.0", "0.50"),
        ("2", "40,000", "15.0", "0.38"),
    ):
        stands = ["stand there", workers, events, *[messages] * 3, "4.0", per]
        assert ["", "4", *stands, ""] in lines
