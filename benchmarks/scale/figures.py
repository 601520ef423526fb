"""From the runs to the ratios and the table. Pure: nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.spread import Spread, spread
from benchmarks.storm.machine import Machine

REACH: Final = 1.7
"""What the design asks of two workers on two cores, of one's rate."""

RATIO: Final = "two_over_one"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Some workers in one round."""

    round: int
    partitions: int
    workers: int
    events: int
    """Read while the clock ran."""
    seconds: float
    cpu_seconds: float | None
    """Of all workers meanwhile; None where the system does not tell."""

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    ratios: dict[str, float]
    """`two_over_one` over all partition counts, and for each: the median of the rounds' own."""
    spreads: dict[str, Spread]
    """The same ratios with the smallest and the largest."""
    machine: Machine
    events: int
    event_bytes: float
    rounds: int
    runs: list[Run]


def figures(
    runs: Sequence[Run], machine: Machine, *, events: int, event_bytes: float, rounds: int
) -> Figures:
    """Return the figures of these runs."""
    spreads = ratios(runs)
    return Figures(
        ratios={name: round(found.median, 4) for name, found in spreads.items()},
        spreads=spreads,
        machine=machine,
        events=events,
        event_bytes=round(event_bytes, 1),
        rounds=rounds,
        runs=list(runs),
    )


def ratios(runs: Sequence[Run]) -> dict[str, Spread]:
    """Return how much faster two workers are than one, in the same round over the same partitions.

    Two runs of one round stand close in time, so what else the machine did weighs on both.
    """
    rates = {(run.round, run.partitions, run.workers): run.rate for run in runs}
    of_partitions: dict[int, list[float]] = {}
    for (number, partitions, workers), rate in rates.items():
        if workers == 2 and (number, partitions, 1) in rates:
            found = rate / rates[number, partitions, 1]
            of_partitions.setdefault(partitions, []).append(found)
    if not of_partitions:
        return {}
    every = [one for found in of_partitions.values() for one in found]
    named = {f"{RATIO}_{count}": found for count, found in sorted(of_partitions.items())}
    return {name: spread(found) for name, found in {RATIO: every, **named}.items()}


def rates_table(runs: Sequence[Run]) -> Table:
    """Return the rates as a table."""
    table = Table("partitions", "workers")
    for heading in ("slowest", "events/s", "fastest", "CPU us/event"):
        table.add_column(heading, justify="right", no_wrap=True)
    for partitions, workers in sorted({(run.partitions, run.workers) for run in runs}):
        here = [run for run in runs if (run.partitions, run.workers) == (partitions, workers)]
        cpu = [run.cpu_seconds / run.events * 1e6 for run in here if run.cpu_seconds is not None]
        table.add_row(
            str(partitions),
            str(workers),
            *spread(run.rate for run in here).cells(",.0f"),
            f"{spread(cpu).median:.1f}" if cpu else "-",
        )
    return table


def ratios_table(found: dict[str, Spread]) -> Table:
    """Return the ratios as a table, beside what the design asks for."""
    table = Table("ratio")
    for heading in ("min", "median", "max", "to reach", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, one in found.items():
        says = "reached" if one.median >= REACH else "missed"
        table.add_row(name, *one.cells(".2f"), f"{REACH:.1f}", says)
    return table
