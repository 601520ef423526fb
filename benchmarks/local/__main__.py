"""How long a replay and a backtest take in this machine's own processes, and in what memory.

`python -m benchmarks.local [--events N] [--rounds N] [--quick] [--workers N] [--json F]`

A day is drawn (`day`) and written to `.jsonl.zst`. On its first tenth, in rounds: a bare pass,
which only reads the lines and parses them as JSON; `stormfold replay --via local` with
`--assignments` and `--digests`; `stormfold backtest` of a longer settle time. Ratios are of
processor time, to the bare pass of the same round. Once, the tenth is replayed by one process alone
too, whose files must be the same bytes. Then all of it is replayed, and looked at on its way. With
`--events 1000000` it is the day that the target speaks of.

Exit status: 0 done, whatever the figures; 1 a command failed, or bytes differ.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import msgspec
import orjson
import typer
import zstandard
from rich.console import Console
from rich.table import Table

from benchmarks.local.day import lines
from benchmarks.local.runs import Cost, Failed, run
from benchmarks.spread import spread
from benchmarks.storm.machine import here
from streams.local_parallel import cores

EVENTS: Final = 200_000
QUICK_EVENTS: Final = 20_000
ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2
TARGET_S: Final = 60.0
"""For a day of a million events."""
REPORT_COLUMNS: Final = 110
MARKS: Final = (0.1, 0.5, 0.99)
"""Shares of the recording at which a run is looked at."""
TRIED: Final = "incidents: {settle: 20s}\n"
"""What the backtest tries."""


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """One command, run by run."""

    what: str
    events: int
    workers: int
    """Beside its first process; 0 for a command that has none."""
    costs: list[Cost]
    over_bare: list[float] = []
    """Its processor time over that of the bare pass of the same round."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; the JSON that it writes."""

    events: int
    rounds: int
    runs: list[Runs]
    machine: str

    @property
    def ratios(self) -> dict[str, float]:
        """In the median round, by command."""
        return {
            f"{one.what}, {one.events}, over bare": median(one.over_bare)
            for one in self.runs
            if one.over_bare
        }

    @property
    def day_s(self) -> float:
        """How long a million events take at the pace of the longest replay."""
        longest = max(self.runs, key=lambda one: (one.what == "replay", one.events))
        return longest.costs[0].wall_s / longest.events * 1e6


def write(folder: Path, counts: list[int]) -> list[Path]:
    """Write the first so many events of the day to a file each, and return the files."""
    paths = [folder / f"{count}.jsonl.zst" for count in counts]
    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(zstandard.open(path, "wb", zstandard.ZstdCompressor(level=3)))
            for path in paths
        ]
        for number, line in enumerate(lines(max(counts))):
            for count, stream in zip(counts, streams, strict=True):
                if number < count:
                    stream.write(line + b"\n")
    return paths


def measure(folder: Path, events: int, rounds: int, workers: int, say: Console) -> list[Runs]:
    """Return every command, run by run.

    Raises:
        Failed: a command failed, or one process alone makes other bytes.
    """
    some, whole = write(folder, [max(1_000, events // 10), events])
    few = max(1_000, events // 10)
    (folder / "today.yaml").write_text("")
    (folder / "tried.yaml").write_text(TRIED)
    commands = {
        "bare pass": _bare(some),
        "replay": _replay(some, folder, workers),
        "backtest": _backtest(some, folder, workers),
    }
    costs: dict[str, list[Cost]] = {what: [] for what in commands}
    for number in range(rounds):
        say.print(f"round {number + 1} of {rounds}", markup=False)
        for what, command in commands.items():
            costs[what].append(run(command, folder / f"{what}.out"))
    found = [
        Runs(
            what=what,
            events=few,
            workers=0 if what == "bare pass" else workers,
            costs=made,
            over_bare=_over(made, costs["bare pass"]) if what != "bare pass" else [],
        )
        for what, made in costs.items()
    ]
    if workers > 1:
        alone = run(_replay(some, folder, 1), folder / "alone.out")
        found.append(Runs(what="replay", events=few, workers=1, costs=[alone]))
        for name in ("assignments", "digests"):
            if (folder / f"{name}.1").read_bytes() != (folder / f"{name}.{workers}").read_bytes():
                raise Failed(f"{name} differ between 1 and {workers} processes")
    say.print(f"{events:,} events: {whole.stat().st_size / 1e6:,.0f} MB compressed", markup=False)
    bare = run(_bare(whole), folder / "bare pass.out")
    long = run(_replay(whole, folder, workers), folder / "whole.out", MARKS)
    say.print((folder / "whole.out").read_text().strip(), markup=False, soft_wrap=True)
    found.append(Runs(what="bare pass", events=events, workers=0, costs=[bare]))
    found.append(
        Runs(
            what="replay",
            events=events,
            workers=workers,
            costs=[long],
            over_bare=_over([long], [bare]),
        )
    )
    return found


def _over(made: list[Cost], bare: list[Cost]) -> list[float]:
    return [round(one.cpu_s / few.cpu_s, 2) for one, few in zip(made, bare, strict=True)]


def _bare(path: Path) -> list[str]:
    return ["-m", "benchmarks.local.bare", str(path)]


def _replay(path: Path, folder: Path, workers: int) -> list[str]:
    results = [f"--{name}={folder / name}.{workers}" for name in ("assignments", "digests")]
    return [
        *("-m", "streams.cli", "replay", "--via", "local", "--json"),
        *("--workers", str(workers), *results, str(path)),
    ]


def _backtest(path: Path, folder: Path, workers: int) -> list[str]:
    return [
        *("-m", "streams.cli", "backtest", "--json", "--workers", str(workers)),
        *("--config", str(folder / "tried.yaml"), "--against", str(folder / "today.yaml")),
        str(path),
    ]


def table(runs: list[Runs]) -> Table:
    """Return the runs as a table."""
    made = Table()
    for head in ("run", "events", "processes", "events/s", "wall s", "CPU s", "CPU us/event"):
        made.add_column(head, justify="left" if head == "run" else "right")
    for head in ("CPU : bare", "MiB, first", "MiB, all"):
        made.add_column(head, justify="right", no_wrap=head == "CPU : bare")
    for one in runs:
        wall_s = median(cost.wall_s for cost in one.costs)
        cpu_s = median(cost.cpu_s for cost in one.costs)
        ratio = ""
        if one.over_bare:
            least, middle, most = spread(one.over_bare).cells(".1f")
            ratio = f"{middle} ({least}-{most})" if len(one.over_bare) > 1 else middle
        made.add_row(
            one.what,
            f"{one.events:,}",
            str(one.workers or ""),
            f"{one.events / wall_s:,.0f}",
            f"{wall_s:,.1f}",
            f"{cpu_s:,.1f}",
            f"{cpu_s / one.events * 1e6:,.1f}",
            ratio,
            f"{max(cost.own_mib for cost in one.costs):,.0f}",
            f"{max(cost.all_mib for cost in one.costs):,.0f}",
        )
    return made


def marks_table(one: Runs) -> Table:
    """Return how a run stood on its way."""
    made = Table("read", "wall s", "events/s until then", "MiB, first", "MiB, all")
    for mark in one.costs[0].marks:
        made.add_row(
            f"{mark.share:.0%}",
            f"{mark.wall_s:,.1f}",
            f"{one.events * mark.share / mark.wall_s:,.0f}",
            f"{mark.own_mib:,.0f}",
            f"{mark.all_mib:,.0f}",
        )
    return made


def main(
    events: Annotated[int, typer.Option(help=f"Of the day; else {EVENTS}.", min=0)] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"{QUICK_EVENTS} events, {QUICK_ROUNDS} rounds.")
    ] = False,
    rounds: Annotated[int, typer.Option(help=f"In turn; else {ROUNDS}.", min=0)] = 0,
    workers: Annotated[
        int, typer.Option(help="Processes that fingerprint; else one per core.", min=0)
    ] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where a folder for the files is made; a million events need 2 GB."),
    ] = None,
) -> None:
    """Measure replays and backtests of a drawn day."""
    out = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    count = events or (QUICK_EVENTS if quick else EVENTS)
    often = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    on = here()
    with tempfile.TemporaryDirectory(dir=folder) as made:
        try:
            runs = measure(
                Path(made), max(1_000, count), often, workers or cores(), Console(stderr=True)
            )
        except Failed as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    found = Figures(
        events=count,
        rounds=often,
        runs=runs,
        machine=on,
    )
    out.print(table(runs))
    out.print(marks_table(runs[-1]))
    says = [f"{often} interleaved rounds; medians (least-most).", found.machine]
    if count >= EVENTS:  # of fewer, starting is most of it
        day_s = f"A million events take {found.day_s:,.0f} s at that pace"
        says.append(f"{day_s}; the target is {TARGET_S:.0f} s.")
    for line in says:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if json is not None:
        figures = {**msgspec.to_builtins(found), "ratios": found.ratios}
        json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    typer.run(main)
