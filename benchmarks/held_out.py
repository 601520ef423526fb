"""Whether what was chosen on some projects holds on others: leave one project out.

`python -m benchmarks.held_out FILE [--json OUT]`

The file is a labelled recording of crashes of several projects. For every project in turn, the
rules that score best on all the others (mean of pairwise and B³ F1) are chosen among the
candidates, and scored on the project that they have not seen. "pooled" takes each project's groups
as the rules chosen without it made them. Candidates: each version as it is, and the newest with
another number of callers that count where an argument is at fault.

Exit status: 0 done, 2 wrong use or a file without labels.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.labelled import QualityError, Row, read_labelled
from benchmarks.platform_events import event_of
from benchmarks.quality import REPORT_COLUMNS, Scored
from benchmarks.scores import b_cubed, pairwise
from correlators.fingerprint import DEFAULT_VERSION, parts_by
from correlators.versions import RULES, Rules

GIVERS: Final = range(4)


def candidates() -> dict[str, Rules]:
    """Return the rules to choose from, by a name for people; the simplest first."""
    newest = RULES[DEFAULT_VERSION]
    found = {f"v{version}": rules for version, rules in RULES.items() if rules is not newest}
    for givers in GIVERS:
        found[f"v{DEFAULT_VERSION}, {givers} callers"] = msgspec.structs.replace(
            newest, givers=givers
        )
    return found


class HeldOut(msgspec.Struct, frozen=True):
    """One project, and how the rules that were chosen without it score on it."""

    chosen: str
    scored: Scored
    by_rules: dict[str, Scored]
    """Every candidate on this project."""


class Report(msgspec.Struct, frozen=True):
    """All projects, and the groups of the chosen rules over all of them."""

    projects: dict[str, HeldOut]
    pooled: Scored
    whole: dict[str, Scored]
    """Every candidate on the whole file."""


def measure(rows: Sequence[Row]) -> Report:
    """Return the report for these rows; their project is what the event names."""
    labels = [row.label for row in rows]
    of = [str(row.event.get("project")) for row in rows]
    groups: dict[str, list[Hashable]] = {}
    for name, rules in candidates().items():
        groups[name] = [tuple(parts_by(event_of(row.event), rules)) for row in rows]

    def score(name: str, at: Sequence[int]) -> Scored:
        mine, made = [labels[each] for each in at], [groups[name][each] for each in at]
        return Scored(pairwise(mine, made), b_cubed(mine, made))

    pooled: list[Hashable] = [None] * len(rows)
    projects = {}
    for project in sorted(set(of)):
        inside = [at for at, each in enumerate(of) if each == project]
        others = [at for at, each in enumerate(of) if each != project]
        chosen = max(groups, key=lambda name: _mean(score(name, others)))
        for at in inside:
            pooled[at] = groups[chosen][at]
        projects[project] = HeldOut(
            chosen, score(chosen, inside), {name: score(name, inside) for name in groups}
        )
    everywhere = range(len(rows))
    return Report(
        projects=projects,
        pooled=Scored(pairwise(labels, pooled), b_cubed(labels, pooled)),
        whole={name: score(name, everywhere) for name in groups},
    )


def _mean(scored: Scored) -> float:
    return (scored.pairwise.f1 + scored.b3.f1) / 2


def _cell(scored: Scored) -> str:
    return f"{scored.pairwise.f1:.3f} {scored.b3.f1:.3f}"


def table(report: Report) -> Table:
    """Return the report as a table of pairwise and B³ F1."""
    out = Table("held out", "chosen on the others", "scores", title="Pairwise F1, B³ F1")
    for name in report.whole:
        out.add_column(name, justify="right")
    for project, found in report.projects.items():
        every = [_cell(scored) for scored in found.by_rules.values()]
        out.add_row(project, found.chosen, _cell(found.scored), *every)
    out.add_section()
    every = [_cell(scored) for scored in report.whole.values()]
    out.add_row("pooled", "", _cell(report.pooled), *every)
    return out


def main(
    file: Annotated[Path, typer.Argument(help="A labelled recording of crashes.")],
    json: Annotated[Path | None, typer.Option(help="Write the scores here as well.")] = None,
) -> None:
    """Score rules on projects that had no part in choosing them."""
    try:
        report = measure(read_labelled(file))
    except QualityError as error:
        Console(stderr=True).print(f"held_out: {error}", markup=False)
        raise typer.Exit(2) from error
    Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS).print(table(report))
    if json is not None:
        found = msgspec.to_builtins(report)
        json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)
