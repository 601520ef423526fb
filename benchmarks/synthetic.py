"""Outages that never were, with known truth: how storms fare on systems of every kind.

`python -m benchmarks.synthetic [--seeds N]`

Every seed draws a small fleet of services, an hour of ambient errors and one kind of trouble, in an
environment of its own; one recording holds them all and is replayed once, with the default
settings. Nothing here looks at how storms are linked.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.drawn import KINDS, Kind, release_of
from benchmarks.labelled import read_labelled
from benchmarks.quality import assign
from benchmarks.scores import Score, pairwise

START: Final = 1_700_000_000.0


class Placed(msgspec.Struct, frozen=True):
    """One row: what it is, and where it was put."""

    label: str
    """`<kind>#<seed>|fault:<name>` or `...|ambient:<name>`."""
    incident: str
    storm: str
    """Empty for none."""

    @property
    def of_fault(self) -> bool:
        """Whether it is no ambient error."""
        return "|fault:" in self.label


class KindScore(msgspec.Struct, frozen=True):
    """How one kind fared over all its seeds."""

    faults: Score
    """Over pairs of rows of which at least one is a fault's or stands in a storm with one."""
    rows: int
    ambient_in_storms: float
    """Share of the ambient rows that some storm holds."""
    false_storms: int
    """Storms without any row of a fault."""


def recording(kinds: dict[str, Kind], seeds: int) -> list[bytes]:
    """Return the lines of one recording in which each kind and seed has its own environment."""
    found: list[tuple[float, str, bytes]] = []
    for name, kind in kinds.items():
        for seed in range(seeds):
            place = f"{name}#{seed}"
            for number, one in enumerate(kind(Random(place), 1.0)):
                event: dict[str, object] = {
                    "event_id": f"{Random(f'{place}/{number}').getrandbits(128):032x}",
                    "project": one.service,
                    "environment": place.replace("/", " "),
                    "release": release_of(one),
                    "level": "error",
                    "timestamp": round(START + one.at, 3),
                    "exception": {"values": [{"type": one.error, "value": "it broke"}]},
                    "contexts": {"trace": {"trace_id": one.trace}} if one.trace else {},
                }
                line = {"label": f"{place}|{one.label}", "event": event}
                found.append((one.at, place, json.dumps(line).encode()))
    return [line for _, _, line in sorted(found)]


def measure(kinds: dict[str, Kind], seeds: int) -> dict[str, KindScore]:
    """Return the scores of each kind, over so many seeds of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synthetic.jsonl"
        path.write_bytes(b"\n".join(recording(kinds, seeds)) + b"\n")
        rows = read_labelled(path)
        assigned = assign(path)
    by_kind: dict[str, list[Placed]] = defaultdict(list)
    for row in rows:
        found = assigned[row.line]
        kind = row.label.partition("#")[0]
        by_kind[kind].append(Placed(row.label, found.incident or "", found.storm or ""))
    return {name: score(by_kind[name]) for name in kinds}


def score(rows: Sequence[Placed]) -> KindScore:
    """Return the score of some outages of one kind."""
    groups = [row.storm or row.incident or f"row {at}" for at, row in enumerate(rows)]
    hit = {group for row, group in zip(rows, groups, strict=True) if row.of_fault}
    counted = [(row.label, group) for row, group in zip(rows, groups, strict=True) if group in hit]
    noise = [row for row in rows if not row.of_fault]
    return KindScore(
        faults=pairwise([one for one, _ in counted], [two for _, two in counted]),
        rows=len(rows),
        ambient_in_storms=sum(bool(row.storm) for row in noise) / len(noise) if noise else 0.0,
        false_storms=len({row.storm for row in noise if row.storm} - hit),
    )


def main(
    seeds: Annotated[int, typer.Option(help="Outages of each kind.", min=1)] = 20,
) -> None:
    """Score storms on drawn outages of every kind."""
    table = Table("kind", "rows", "pairwise P", "R", "F1", "ambient in storms", "storms of it")
    for name, one in measure(KINDS, seeds).items():
        score = one.faults
        cells = [f"{part:.3f}" for part in (score.precision, score.recall, score.f1)]
        table.add_row(
            name, f"{one.rows:,}", *cells, f"{one.ambient_in_storms:.3f}", str(one.false_storms)
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
