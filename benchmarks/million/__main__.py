"""How long `stormfold replay --via local` takes for a day of a million events, and in what memory.

`python -m benchmarks.million [--events N] [--workers N] [--json F] [--folder DIR]`

The day is drawn (`day`) and written to `.jsonl.zst`; the replay runs as a process on its first
twentieth and on all of it, with `--assignments` and `--digests`. The twentieth is also replayed by
one process alone, whose files must be the same bytes. What the long run takes is noted on its way
too, after a tenth, a half and nearly all. The floor is a process that only reads the lines and
parses them as JSON.

Exit status: 0 done, whatever the figures; 1 a command failed, or bytes differ.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
import zstandard
from rich.console import Console
from rich.table import Table

from benchmarks.million.day import lines
from benchmarks.million.runs import Cost, Failed, run
from streams.local_parallel import cores

REPORT_COLUMNS: Final = 110
MARKS: Final = (0.1, 0.5, 0.99)
"""Shares of the recording at which a run is looked at."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    what: str
    events: int
    workers: int
    cost: Cost
    over_bare_cpu: float | None = None
    """CPU of it over that of the bare pass over the same events."""


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


def measure(folder: Path, counts: list[int], workers: int, say: Console) -> list[Row]:
    """Return one row per run.

    Raises:
        Failed: a command failed, or one process alone makes other bytes.
    """
    rows: list[Row] = []
    for count, path in zip(counts, write(folder, counts), strict=True):
        say.print(f"{count:,} events: {path.stat().st_size / 1e6:,.0f} MB compressed")
        bare = run(["-m", "benchmarks.million.bare", str(path)], folder / "out")
        rows.append(Row(what="bare pass", events=count, workers=0, cost=bare))
        alone = [1] if count == min(counts) and workers > 1 else []
        for number in (workers, *alone):
            shares = MARKS if count == max(counts) else ()
            cost = run(_replay(path, folder, number), folder / f"counts.{number}", shares)
            ratio = round(cost.cpu_s / bare.cpu_s, 2)
            rows.append(
                Row(what="replay", events=count, workers=number, cost=cost, over_bare_cpu=ratio)
            )
            say.print((folder / f"counts.{number}").read_text().strip(), soft_wrap=True)
        for name in ("assignments", "digests", "counts") if alone else ():
            one, other = folder / f"{name}.1", folder / f"{name}.{workers}"
            if one.read_bytes() != other.read_bytes():
                raise Failed(f"{name} differ between 1 and {workers} processes")
    return rows


def _replay(path: Path, folder: Path, workers: int) -> list[str]:
    results = [f"--{name}={folder / name}.{workers}" for name in ("assignments", "digests")]
    return [
        *("-m", "streams.cli", "replay", "--via", "local", "--json"),
        *("--workers", str(workers), *results, str(path)),
    ]


def table(rows: list[Row]) -> Table:
    """Return the rows as a table."""
    made = Table()
    for head in ("run", "events", "processes", "events/s", "wall s", "CPU s", "CPU us/event"):
        made.add_column(head, justify="left" if head == "run" else "right")
    for head in ("CPU : bare", "MiB, first", "MiB, all"):
        made.add_column(head, justify="right")
    for row in rows:
        cost = row.cost
        made.add_row(
            row.what,
            f"{row.events:,}",
            str(row.workers or ""),
            f"{row.events / cost.wall_s:,.0f}",
            f"{cost.wall_s:,.1f}",
            f"{cost.cpu_s:,.1f}",
            f"{cost.cpu_s / row.events * 1e6:,.1f}",
            f"{row.over_bare_cpu:.2f}" if row.over_bare_cpu is not None else "",
            f"{cost.own_mib:,.0f}",
            f"{cost.all_mib:,.0f}",
        )
    return made


def marks_table(row: Row) -> Table:
    """Return how a run stood on its way."""
    made = Table("read", "wall s", "events/s until then", "MiB, first", "MiB, all")
    for mark in row.cost.marks:
        made.add_row(
            f"{mark.share:.0%}",
            f"{mark.wall_s:,.1f}",
            f"{row.events * mark.share / mark.wall_s:,.0f}",
            f"{mark.own_mib:,.0f}",
            f"{mark.all_mib:,.0f}",
        )
    return made


def main(
    events: Annotated[int, typer.Option(help="Events of the day.", min=1_000)] = 1_000_000,
    workers: Annotated[
        int, typer.Option(help="Processes that fingerprint; else one per core.", min=0)
    ] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where a folder for the files is made; needs 2 GB.")
    ] = None,
) -> None:
    """Measure replays of a drawn day of a million events."""
    say = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    counts = [events // 20, events]
    with tempfile.TemporaryDirectory(dir=folder) as made:
        try:
            rows = measure(Path(made), counts, workers or cores(), say)
        except Failed as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    say.print(table(rows))
    say.print(marks_table(rows[-1]))
    load = os.getloadavg()[2]
    say.print(
        f"{cores()} cores, load {load:.1f} over the last 15 minutes; "
        f"Python {platform.python_version()}, msgspec {msgspec.__version__}"
    )
    if json is not None:
        figures = {"cores": cores(), "load": load, "rows": msgspec.to_builtins(rows)}
        json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    typer.run(main)
