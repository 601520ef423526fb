"""How well Stormfold groups labelled recordings.

`python -m benchmarks.quality FILE... [--json OUT]`

Each file is replayed locally by `stormfold replay --assignments`; what it assigned is scored
against the labels, beside simple rules computed in the same run. A recording of crashes, in which
all events carry one and the same time, is scored by fingerprint; any other by storm, else incident.
Recordings are arguments: none is named here. Reading them is `labelled`, the arithmetic `scores`.

Exit status: 0 done, 1 the replay failed, 2 wrong use or a file without labels.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Hashable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.labelled import CRASH_RULES, OUTAGE_RULES, QualityError, Row, read_labelled
from benchmarks.outages import OutageQuality, outage_quality, outage_table
from benchmarks.scores import Score, b_cubed, pairwise

REPORT_COLUMNS: Final = 120
"""Width of the table where it does not go to a terminal."""

SKIPPED: Final = 3
"""Exit status of a replay that skipped lines; what it did read is scored."""


class Of(StrEnum):
    """What is scored."""

    FINGERPRINT = "fingerprint"
    INCIDENT = "incident"
    """The storm of a row, else its incident."""


class ReplayFailed(QualityError):
    """The replay of a recording failed."""


class Assignment(msgspec.Struct, frozen=True):
    """What replay assigned to one input line; nulls for a line that is no event."""

    line: int
    event_id: str | None = None
    fingerprint: str | None = None
    incident: str | None = None
    storm: str | None = None


class Scored(msgspec.Struct, frozen=True):
    """One way of grouping against the labels."""

    pairwise: Score
    b3: Score


class FileQuality(msgspec.Struct, frozen=True):
    """What one recording scored, and what simple rules score on it."""

    of: Of
    rows: int
    labels: int
    groups: int
    pairwise: Score
    b3: Score
    baselines: dict[str, Scored]
    outages: OutageQuality | None = None
    """Its parts, where it is a recording of outages."""


def kind_of(rows: Sequence[Row]) -> Of:
    """Return what such a recording is scored by: crashes all carry one time, an outage does not."""
    return Of.FINGERPRINT if len({row.at_ms for row in rows}) == 1 else Of.INCIDENT


def assign(path: Path) -> dict[int, Assignment]:
    """Return what a local replay assigns to each line.

    Raises:
        ReplayFailed: the text ends with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "assignments.jsonl"
        command = [sys.executable, "-m", "streams.cli", "replay", str(path)]
        command += ["--speed", "max", "--via", "local", "--assignments", str(out), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, SKIPPED) or not out.exists():
            said = (done.stderr or done.stdout).strip()[-2000:]
            raise ReplayFailed(f"{path}: replay ended with status {done.returncode}: {said}")
        with out.open("rb") as lines:
            rows = [msgspec.json.decode(line, type=Assignment) for line in lines]
    return {row.line: row for row in rows}


def groups_of(rows: Sequence[Row], assigned: dict[int, Assignment], of: Of) -> list[Hashable]:
    """Return each row's group; a row that was assigned to nothing is a group of its own."""
    groups: list[Hashable] = []
    for row in rows:
        found = assigned.get(row.line) or Assignment(row.line)
        group = found.fingerprint if of is Of.FINGERPRINT else found.storm or found.incident
        groups.append(group or ("unassigned", row.line))
    return groups


def measure(path: Path, of: Of | None = None) -> FileQuality:
    """Return the quality of one recording.

    Args:
        path: a labelled recording.
        of: what is scored; as the recording suggests where it is None.

    Raises:
        QualityError: the recording cannot be read or replayed.
    """
    rows = read_labelled(path)
    of = of or kind_of(rows)
    labels = [row.label for row in rows]
    assigned = assign(path)
    groups = groups_of(rows, assigned, of)
    rules = CRASH_RULES if of is Of.FINGERPRINT else OUTAGE_RULES
    baselines = {}
    for name, rule in rules.items():
        by_rule = rule(rows)
        baselines[name] = Scored(pairwise(labels, by_rule), b_cubed(labels, by_rule))
    return FileQuality(
        of=of,
        rows=len(rows),
        labels=len(set(labels)),
        groups=len(set(groups)),
        pairwise=pairwise(labels, groups),
        b3=b_cubed(labels, groups),
        baselines=baselines,
        outages=None if of is Of.FINGERPRINT else outages_of(rows, assigned, groups),
    )


def outages_of(
    rows: Sequence[Row], assigned: dict[int, Assignment], storms: Sequence[Hashable]
) -> OutageQuality:
    """Return the scores of a recording of outages, in parts."""
    found = (assigned.get(row.line) or Assignment(row.line) for row in rows)
    incidents = [one.incident or ("unassigned", one.line) for one in found]
    return outage_quality(rows, storms, incidents)


def table(files: dict[str, FileQuality]) -> Table:
    """Return the scores as a table, each recording's simple rules below it."""
    out = Table("recording", "groups / labels")
    for heading in ("pairwise P", "R", "F1", "B³ P", "R", "F1"):
        out.add_column(heading, justify="right", no_wrap=True)
    for name, found in files.items():
        sizes = f"{found.groups} / {found.labels}"
        out.add_row(f"{name}, by {found.of}", sizes, *_cells(found), style="bold")
        for rule, scored in found.baselines.items():
            out.add_row(f"  {rule}", "", *_cells(scored))
        out.add_section()
    return out


def _cells(scored: FileQuality | Scored) -> list[str]:
    """Return the six numbers of a row."""
    both = (scored.pairwise, scored.b3)
    return [f"{part:.3f}" for score in both for part in (score.precision, score.recall, score.f1)]


def main(
    files: Annotated[list[Path], typer.Argument(help="Labelled recordings.")],
    of: Annotated[Of | None, typer.Option(help="What is scored, whatever the recording.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the scores here as well.")] = None,
) -> None:
    """Score how Stormfold groups labelled recordings, beside simple rules."""
    found: dict[str, FileQuality] = {}
    for path in files:
        try:
            found[path.name] = measure(path, of)
        except QualityError as error:
            Console(stderr=True).print(f"quality: {error}", markup=False)
            raise typer.Exit(1 if isinstance(error, ReplayFailed) else 2) from error
    console = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    console.print(table(found))
    outages = {name: one.outages for name, one in found.items() if one.outages is not None}
    if outages:
        console.print(outage_table(outages))
    if json is not None:
        json.write_bytes(
            orjson.dumps(msgspec.to_builtins({"files": found}), option=orjson.OPT_INDENT_2)
        )


if __name__ == "__main__":
    typer.run(main)
