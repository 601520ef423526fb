"""From samples to a slope and a verdict. Pure: nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import linear_regression, median
from typing import Final

import msgspec
from rich.table import Table

from benchmarks.memory.restored import Restored
from benchmarks.memory.soak import Sample, Soaked
from benchmarks.storm.machine import Machine

MOST_MIB: Final = 512
"""Of CORRELATE with ten thousand open incidents and a million users."""
FLAT: Final = 0.03
"""What a process may grow by from the third quarter of the soak to the last, in the median."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process over the soak, MiB."""

    name: str
    first: float
    """After the first minute."""
    third_quarter: float
    """The median of the third quarter of the samples."""
    last_quarter: float
    most: float
    slope_per_h: float
    """Of the second half, by least squares."""
    growth: float
    """Of the last quarter against the third."""

    @property
    def flat(self) -> bool:
        """Whether it grows by less than `FLAT`."""
        return self.growth < FLAT


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    ratios: dict[str, float]
    """`growth_<process>`, and `restored_of_limit`: what CORRELATE had resident of `MOST_MIB`."""
    flat: bool
    machine: Machine
    rate: int
    processes: list[Process]
    soaked: Soaked
    restored: Restored


def process(name: str, samples: Sequence[Sample]) -> Process:
    """Return what became of a process.

    Args:
        name: as in the samples.
        samples: at least four in which it runs.
    """
    found = [(one.at_s, one.mib[name]) for one in samples if name in one.mib]
    half, quarter = len(found) // 2, len(found) * 3 // 4
    third, last = (
        median(mib for _, mib in part) for part in (found[half:quarter], found[quarter:])
    )
    slope, _ = linear_regression(*zip(*found[half:], strict=True))
    return Process(
        name=name,
        first=next((mib for at_s, mib in found if at_s >= 60), found[-1][1]),
        third_quarter=round(third, 2),
        last_quarter=round(last, 2),
        most=max(mib for _, mib in found),
        slope_per_h=round(slope * 3_600, 2),
        growth=round(last / third - 1, 4),
    )


def figures(machine: Machine, rate: int, soaked: Soaked, restored: Restored) -> Figures:
    """Return the figures of a soak and of a restore."""
    names = list(soaked.samples[0].mib)
    found = [process(name, soaked.samples) for name in names]
    return Figures(
        ratios={
            **{f"growth_{one.name}": one.growth for one in found},
            "restored_of_limit": round(restored.most_mib / MOST_MIB, 4),
        },
        flat=not soaked.restarted and all(one.flat for one in found),
        machine=machine,
        rate=rate,
        processes=found,
        soaked=soaked,
        restored=restored,
    )


def soak_table(found: Figures) -> Table:
    """Return the processes over the soak."""
    table = Table("MiB resident", title=f"A soak of {found.soaked.minutes:.0f} minutes")
    headings = (
        "after 1 min", "third quarter", "last quarter", "most", "MiB/h, 2nd half", "growth", "",
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="right")
    for one in found.processes:
        figures = (one.first, one.third_quarter, one.last_quarter, one.most)
        table.add_row(
            one.name,
            *(f"{value:,.1f}" for value in figures),
            f"{one.slope_per_h:+,.1f}",
            f"{one.growth:+.1%}",
            "flat" if one.flat else "grows",
        )
    return table


def restored_table(found: Restored) -> Table:
    """Return what CORRELATE had resident."""
    table = Table("CORRELATE, restored from Kafka")
    for heading in ("MiB", "to reach", ""):
        table.add_column(heading, justify="right")
    says = "reached" if found.most_mib <= MOST_MIB else "missed"
    table.add_row(f"{found.incidents:,} open, {found.users:,} users", f"{found.restored_mib:,.0f}")
    table.add_row(f"after {found.changed:,} changes in 60 ticks", f"{found.changed_mib:,.0f}")
    table.add_row("the most, ever", f"{found.most_mib:,.0f}", f"{MOST_MIB}", says)
    return table


def report(found: Figures) -> list[str]:
    """Return the lines under the tables."""
    soaked, restored = found.soaked, found.restored
    return [
        found.machine.line,
        f"a storm of {found.rate} events/s of 14.8 KB, each with a user of a million; "
        f"{soaked.events:,} events taken, {soaked.began:,} errors began beside it and ended, "
        f"{soaked.posts:,} messages in Slack",
        "lives are short in the soak, so that within it as much is forgotten as begins: see "
        "`LIVES` in benchmarks/memory/soak.py",
        f"flat: from the third to the last quarter of the soak the median grows by less than "
        f"{FLAT:.0%}",
        f"restored {restored.state_bytes / 1e6:,.1f} MB of state in {restored.restore_s:.1f} s, "
        "start of the process and of its parent included",
        *(f"restarted: {name}" for name in soaked.restarted),
    ]
