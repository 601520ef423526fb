"""From the runs to the ratios and the table. Pure: nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.spread import Spread, spread
from benchmarks.storm.machine import Machine

REACH: Final = 1.7
"""What the design asks of two workers on two cores, of one's rate."""

FINGERPRINT: Final = "fingerprint"
BARE: Final = "bare"

RATIOS: Final = {FINGERPRINT: "two_over_one", BARE: "bare_two_over_one"}
"""The bare loop's is the control: what a second worker can do beside the broker at all."""


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
    contender: str = FINGERPRINT
    broker_cpu_seconds: float | None = None
    """Of the broker meanwhile."""

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
    found: dict[str, Spread] = {}
    for contender, name in RATIOS.items():
        of_partitions = _ratios([run for run in runs if run.contender == contender])
        every = [one for of in of_partitions.values() for one in of]
        if every:
            found[name] = spread(every)
        for count, of in sorted(of_partitions.items()):
            found[f"{name}_{count}"] = spread(of)
    return found


def _ratios(runs: Sequence[Run]) -> dict[int, list[float]]:
    rates = {(run.round, run.partitions, run.workers): run.rate for run in runs}
    found: dict[int, list[float]] = {}
    for (number, partitions, workers), rate in rates.items():
        if workers == 2 and (number, partitions, 1) in rates:
            found.setdefault(partitions, []).append(rate / rates[number, partitions, 1])
    return found


def rates_table(runs: Sequence[Run]) -> Table:
    """Return the rates as a table."""
    table = Table("contender", "partitions", "workers")
    for heading in ("slowest", "events/s", "fastest", "CPU us/event", "broker us/event"):
        table.add_column(heading, justify="right", no_wrap=True)
    cases = sorted({(run.contender, run.partitions, run.workers) for run in runs})
    for case in cases:
        here = [run for run in runs if (run.contender, run.partitions, run.workers) == case]
        table.add_row(
            *map(str, case),
            *spread(run.rate for run in here).cells(",.0f"),
            _per_event((run.cpu_seconds, run.events) for run in here),
            _per_event((run.broker_cpu_seconds, run.events) for run in here),
        )
    return table


def _per_event(found: Iterable[tuple[float | None, int]]) -> str:
    """Return the median of microseconds per event."""
    known = [seconds / events * 1e6 for seconds, events in found if seconds is not None]
    return f"{spread(known).median:.1f}" if known else "-"


def ratios_table(found: dict[str, Spread]) -> Table:
    """Return the ratios as a table, beside what the design asks for."""
    table = Table("ratio")
    for heading in ("min", "median", "max", "to reach", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, one in found.items():
        if name.startswith(RATIOS[BARE]):
            table.add_row(name, *one.cells(".2f"), "", "control")
            continue
        says = "reached" if one.median >= REACH else "missed"
        table.add_row(name, *one.cells(".2f"), f"{REACH:.1f}", says)
    return table
