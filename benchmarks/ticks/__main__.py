"""How long a tick of CORRELATE takes while ten thousand incidents of one environment are open.

`python -m benchmarks.ticks [--quick] [--rounds N] [--json OUT]`

What misses its figure in the median is named in the last lines.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.ticks.measure import (
    FEW,
    TICKS,
    USERS,
    Rate,
    TickTimes,
    measure,
    memory,
    opening,
    rates,
    stored_world,
)
from benchmarks.ticks.quiet import OPEN, Quiet, quiet
from benchmarks.ticks.worlds import Rules, World

MOST_MS: Final = 50.0
INCIDENTS: Final = 10_000
OPENING: Final = (6_250, 12_500, 25_000, 50_000)
COLUMNS: Final = 110


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured."""

    incidents: int
    ticks: list[TickTimes]
    rates: list[Rate]
    opening: list[Rate]
    quiet: list[Quiet]
    resident_mib: float
    users: int

    @property
    def ratios(self) -> dict[str, float]:
        """In the median round: ticks against those over few, quiet ticks against those over the
        fewest."""
        found = {f"{one.world}, {one.rules}, {one.kind}": one.ratio for one in self.ticks}
        for one in self.quiet[1:]:
            by_round = zip(one.tick_us, self.quiet[0].tick_us, strict=True)
            found[f"quiet, {one.incidents}"] = statistics.median(a / b for a, b in by_round)
        return found

    @property
    def missed(self) -> list[TickTimes]:
        """Ticks over the figure."""
        return [one for one in self.ticks if one.median_ms > MOST_MS]


def report(*, incidents: int, rounds: int, counts: tuple[int, ...], users: int) -> Report:
    """Return everything, measured."""
    ticks: list[TickTimes] = []
    found: list[Rate] = []
    for rules in Rules:
        for world in World:
            stored = stored_world(world, rules, incidents)
            ticks += measure(world, rules, incidents, rounds, stored)
            if (world, rules) == (World.OLD, Rules.DEFAULT):
                found += rates(stored, incidents, incidents // 5)
    return Report(
        incidents=incidents,
        ticks=ticks,
        rates=found,
        opening=list(opening(counts)),
        quiet=quiet([one * incidents // INCIDENTS for one in OPEN], rounds),
        resident_mib=memory(incidents, users),
        users=users,
    )


def show(found: Report) -> None:
    """Print all tables."""
    console = Console(width=None if Console().is_terminal else COLUMNS)
    table = Table(
        *("open", "rules", "100 change", "median ms", "p99 ms", f"of {FEW} open", "times"),
        *("records", "restore ms"),
        title=f"Ticks over {found.incidents:,} open incidents of one environment",
    )
    for one in found.ticks:
        table.add_row(
            *(one.world.value, one.rules.value, one.kind),
            *(f"{one.median_ms:.1f}", f"{one.p99_ms:.1f}", f"{one.few_median_ms:.1f}"),
            f"{one.ratio:.1f} ({min(one.ratios):.1f}-{max(one.ratios):.1f})",
            *(f"{one.written:,}", f"{one.restore_ms:,.0f}"),
        )
    console.print(table)
    table = Table("deltas", "ms", "deltas/s", title="Many deltas")
    for rate in (*found.rates, *found.opening):
        table.add_row(rate.what, f"{rate.ms:,.0f}", f"{rate.per_s:,.0f}")
    console.print(table)
    table = Table("open", "µs of a quiet tick", "ms of an empty day", title="Nothing happens")
    for still in found.quiet:
        table.add_row(
            f"{still.incidents:,}", f"{still.median_us:.1f}", f"{still.median_day_ms:,.0f}"
        )
    console.print(table)
    console.print(
        f"{found.incidents:,} open incidents with {found.users:,} different users: "
        f"{found.resident_mib:.0f} MiB resident at most.",
        highlight=False,
    )
    for one in found.missed:
        what = f"{one.world.value}, {one.rules.value}, {one.kind}"
        console.print(f"Over {MOST_MS:.0f} ms: {what}: {one.median_ms:.1f} ms.", highlight=False)


def main(
    json: Annotated[Path | None, typer.Option(help="Write all figures here.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of everything.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help=f"Of {TICKS} ticks each, in turn.")] = 6,
) -> None:
    """Measure ticks of CORRELATE."""
    share = 10 if quick else 1
    found = report(
        incidents=INCIDENTS // share,
        rounds=rounds,
        counts=tuple(one // share for one in OPENING),
        users=USERS // share,
    )
    show(found)
    if json is not None:
        data = {**msgspec.to_builtins(found), "ratios": found.ratios}
        json.write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n")


if __name__ == "__main__":
    typer.run(main)
