"""The table of the chaos tests: one row per case."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.chaos.measure import Measured

HEAD = (
    "case", "times", "events", "lost", "decided twice", "digests equal", "longest pause",
    "redelivered", "late",
)  # fmt: skip


def text_of(rows: Iterable[Measured]) -> str:
    """Return the table as text, and below it what else the cases measured."""
    rows = list(rows)
    lines = [HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    text = "\n".join(_line(line, widths) for line in lines) + "\n"
    remarks = "".join(f"{row.case}: {_remarks(row)}\n" for row in rows if row.remarks)
    return f"{text}\n{remarks}" if remarks else text


def _remarks(row: Measured) -> str:
    return ", ".join(f"{what.replace('_', ' ')} {value}" for what, value in row.remarks.items())


def _cells(row: Measured) -> tuple[str, ...]:
    equal = {True: "yes", False: "NO", None: "-"}[row.equal]
    numbers = (row.times, row.events, row.lost, row.twice)
    last = (f"{row.pause_s:.1f} s", f"{row.redelivered:,}", f"{row.late:,}")
    return (row.case, *(f"{number:,}" for number in numbers), equal, *last)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join((first, *rest)).rstrip()


def write(rows: Sequence[Measured], folder: Path) -> None:
    """Write the table as `chaos.txt` and `chaos.json`."""
    where = f"Python {platform.python_version()}, real Apache Kafka; `make soak`\n\n"
    (folder / "chaos.txt").write_text(where + text_of(rows))
    found = {"command": "make soak", "rows": [msgspec.to_builtins(row) for row in rows]}
    (folder / "chaos.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
