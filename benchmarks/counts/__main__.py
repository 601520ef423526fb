"""Counts of what the stages do and write for a fixed storm, beside those that are kept.

`python -m benchmarks.counts [--write] [--json F]`

They depend on neither the machine nor its load, so CI holds them (`tests/benchmarks`): messages and
bytes behind FINGERPRINT for 10,000 events at 5,000 a second over four partitions; for each event
the calls of our own functions, the blocks of memory that it takes and those that stay; what
CORRELATE writes for an incident that changes or begins and for a quiet tick; what DELIVER writes
for a delivery. The real handlers and
steps run in this process, on clients that take everything at once.

Exit status: 0 as they are kept, or written; 1 some changed.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.counts.allocating import blocks_taken
from benchmarks.counts.compare import Counts, Kept, differences, message
from benchmarks.counts.deciding import decided
from benchmarks.counts.delivering import delivered
from benchmarks.counts.folding import EVENTS, folded
from benchmarks.storm.events import Traffic

KEPT: Final = Path(__file__).parents[1] / "results" / "counts.json"
FEWER: Final = 2_000
"""Events that cost more to count."""


def counted() -> dict[str, dict[str, float]]:
    """Return all counts, by part and name."""
    found = {
        "FINGERPRINT, a storm": _fingerprint(Traffic.REPEATING, EVENTS, 100),
        "FINGERPRINT, texts vary": _fingerprint(Traffic.VARIED, FEWER, 100),
        "FINGERPRINT, all differ": _fingerprint(Traffic.DISTINCT, FEWER, 15),
        "CORRELATE": decided(),
        "DELIVER": delivered(),
    }
    return {part: {name: round(one, 4) for name, one in of.items()} for part, of in found.items()}


def _fingerprint(traffic: Traffic, count: int, few: int) -> dict[str, float]:
    return {**folded(traffic, count), "blocks taken": blocks_taken(traffic, few)}


def report() -> Kept:
    """Return the counts of this Python."""
    return Kept(python=".".join(platform.python_version_tuple()[:2]), counts=counted())


def kept(path: Path = KEPT) -> Kept:
    """Return the counts that are committed."""
    return msgspec.json.decode(path.read_bytes(), type=Kept)


def write(found: Kept, path: Path) -> None:
    """Write the counts, one to a line: a change of one is a line of a diff."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


def table(before: Counts, found: Counts) -> Table:
    """Return them beside each other."""
    shown = Table("part", "count", title="Counts")
    shown.add_column("kept", justify="right")
    shown.add_column("now", justify="right")
    for part, of in found.items():
        for number, (name, now) in enumerate(of.items()):
            was = before.get(part, {}).get(name)
            shown.add_row(
                part if not number else "",
                name,
                "-" if was is None else f"{was:,.2f}",
                f"{now:,.2f}",
                end_section=number == len(of) - 1,
            )
    return shown


def main(
    renew: Annotated[bool, typer.Option("--write", help="Keep them as they are now.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write them here as well.")] = None,
) -> None:
    """Count what the stages do for a fixed storm."""
    found = report()
    before = kept() if KEPT.exists() else Kept(python="", counts={})
    console = Console(width=None if Console().is_terminal else 100)
    console.print(table(before.counts, found.counts))
    if json is not None:
        write(found, json)
    if renew:
        write(found, KEPT)
        return
    if wrong := message(differences(before, found)):
        console.print(wrong, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
