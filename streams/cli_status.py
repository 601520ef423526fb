"""The command `stormfold status`: tables on a terminal, plain columns elsewhere, or JSON.

What is shown is decided in `status`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple, TextIO

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.cli_shared import Config, complain, configure_logs, ends, settings_of, stages_of
from streams.exit_status import DONE, FAILED, WRONG_USE
from streams.processes import StageName
from streams.status import PartitionStatus, State, Status, make_status
from streams.status_workers import said

STYLES: Final = {
    State.RUNNING: "green",
    State.PAUSED: "yellow",
    State.RESTORING: "yellow",
    State.PARKED: "bold red",
    State.NOBODY: "bold red",
}


NARROW: Final = 100
"""Columns of a terminal below which the table is put close together."""

EXCLUDED_SHOWN: Final = 3


class Column(NamedTuple):
    """One column: what it is called, and what stands in it."""

    name: str
    text: Callable[[PartitionStatus, Status], str]
    number: bool = False
    least: int | None = None
    """Narrowest width on a terminal, where its cells may take several lines; None keeps one."""


def status(
    stages: Annotated[str, typer.Option(help="Which stages, with commas between.")] = ",".join(
        StageName
    ),
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
) -> None:
    """Show who reads each partition, how far behind, and what stands still; status 1 if any."""
    with ends():
        settings, _ = settings_of(config)
        names = stages_of(stages)
        configure_logs(json=False, level="critical")
        from streams import status_kafka

        try:
            found = asyncio.run(status_kafka.read(settings, names))
        except status_kafka.StatusError as error:
            complain(str(error))
            wrong = isinstance(error, status_kafka.NotThere)
            raise typer.Exit(WRONG_USE if wrong else FAILED) from None
        shown = make_status(
            settings.namespace,
            settings.clock,
            found.at_ms,
            found.reports,
            found.standings,
            found.dead_letters,
        )
        show(shown, sys.stdout, json=json)
        raise typer.Exit(DONE if shown.ok else FAILED)


def show(status: Status, out: TextIO, *, json: bool) -> None:
    """Print the status: as one JSON object, as tables for a terminal, or as plain columns."""
    if json:
        out.write(msgspec.json.format(msgspec.json.encode(status), indent=2).decode() + "\n")
        return
    console = Console(file=out, highlight=False) if out.isatty() else None
    for stage in StageName:
        rows = [one for one in status.partitions if one.stage is stage]
        if not rows:
            continue
        title = f"{stage.value.upper()} reads {', '.join(dict.fromkeys(r.topic for r in rows))}"
        if console is not None:
            _table(title, rows, status, console)
        else:
            _plain(title, rows, status, out)
    for line in _ending(status):
        if console is not None:
            console.print(Text(line), soft_wrap=True)
        else:
            out.write(line + "\n")


def columns(rows: Sequence[PartitionStatus]) -> list[Column]:
    """Return the columns that these partitions of one stage have something for."""
    stage = rows[0].stage
    several = len({row.topic for row in rows}) > 1
    found = [
        Column("partition", lambda row, _: f"{row.topic}-{row.partition}")
        if several
        else Column("partition", lambda row, _: str(row.partition), number=True),
        Column("state", lambda row, _: row.state.value),
        Column("owner", lambda row, _: row.owner or "nobody", least=8),
        Column("lag", lambda row, _: _count(row.lag_records), number=True),
        Column("behind", lambda row, _: _behind(row.lag_seconds), number=True),
    ]
    if stage is not StageName.DELIVER:
        found.append(Column("watermark", _watermark, least=9))
    if stage is StageName.CORRELATE:
        found += [
            Column("applied", _applied, least=10),
            Column("held", lambda row, _: _count(row.held_deltas), number=True),
            Column("excluded", _excluded, least=8),
        ]
    if stage is StageName.DELIVER:
        found += [
            Column("waiting", lambda row, _: _count(row.waiting), number=True),
            Column("calls", lambda row, _: _count(row.calls), number=True),
        ]
    return found


def _table(title: str, rows: Sequence[PartitionStatus], status: Status, console: Console) -> None:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1 if console.width < NARROW else 2),
        pad_edge=False,
        collapse_padding=True,
    )
    shown = columns(rows)
    for column in shown:
        table.add_column(
            column.name,
            justify="right" if column.number else "left",
            overflow="fold",
            no_wrap=column.least is None,
            min_width=column.least,
        )
    for row in rows:
        cells = [Text(column.text(row, status)) for column in shown]
        cells[1].stylize(STYLES[row.state])
        if row.excluded:
            cells[-1].stylize(STYLES[State.NOBODY])
        table.add_row(*cells)
    console.print(table)
    console.print()


def _plain(title: str, rows: Sequence[PartitionStatus], status: Status, out: TextIO) -> None:
    shown = columns(rows)
    lines = [[column.name for column in shown]]
    lines += [[column.text(row, status) for column in shown] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(shown))]
    out.write(title + "\n")
    for line in lines:
        cells = (
            cell.rjust(width) if column.number else cell.ljust(width)
            for cell, width, column in zip(line, widths, shown, strict=True)
        )
        out.write("  ".join(cells).rstrip() + "\n")
    out.write("\n")


def _ending(status: Status) -> list[str]:
    late = sum(one.late_deltas or 0 for one in status.partitions)
    repeated = sum(one.repeated_deltas or 0 for one in status.partitions)
    found = [
        f"Times are UTC, now {_moment(status.at_ms, status)}. "
        f"Deltas that came late: {late:,}; that came again: {repeated:,}."
    ]
    found += said(status.workers)
    found += _configurations(status)
    dead = status.dead_letters
    if dead is not None and dead.waiting:
        last = f", the last of {_moment(dead.last_ms, status)}"
        found.append(f"{dead}{last}: `stormfold dead-letters list` shows them.")
    if status.ok:
        return [*found, f"All {len(status.partitions)} partitions are owned and go on."]
    return [*found, *(f"! {trouble}" for trouble in status.troubles)]


def _configurations(status: Status) -> list[str]:
    """Return the one that all decide by, or each with who does: a file is on its way then."""
    one_for_all = len(status.configurations) == 1
    return [
        f"Configuration {one.configuration} since {_moment(one.since_ms, status)}"
        + ("." if one_for_all else f" of {', '.join(one.processes)}.")
        for one in status.configurations
    ]


def _count(value: int | None) -> str:
    """Return a number in at most six characters; JSON has it exactly."""
    if value is None:
        return "-"
    if value < 100_000:
        return f"{value:,}"
    return f"{value / 1e6:,.1f} M" if value >= 1_000_000 else f"{value // 1_000} k"


def _behind(seconds: float | None) -> str:
    """Return a length of time as short as a column wants it."""
    if seconds is None:
        return "-"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:.1f} s"


def _moment(at_ms: int | None, status: Status) -> str:
    """Return a time of the day, with the date when that is not today's."""
    if at_ms is None:
        return "-"
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    today = at.date() == datetime.fromtimestamp(status.at_ms / 1000, UTC).date()
    return at.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _watermark(row: PartitionStatus, status: Status) -> str:
    told = _moment(row.watermark_ms, status)
    return f"{told} of {_source(row.watermark_of, status)}" if row.watermark_of else told


def _applied(row: PartitionStatus, status: Status) -> str:
    if row.applied_tick is None:
        return "-"
    return f"{_moment(row.applied_ms, status)} {row.applied_tick}"


def _source(name: str, status: Status) -> str:
    """Return a source partition's name, without the topic where every source is of one."""
    topics = {one.topic for one in status.partitions if one.stage is StageName.FINGERPRINT}
    topic, number = name.rsplit("-", 1)
    return number if topics == {topic} else name


def _excluded(row: PartitionStatus, status: Status) -> str:
    if not row.excluded_count:
        return "-" if row.excluded_count is None else "0"
    named = [_source(one, status) for one in (row.excluded or ())[:EXCLUDED_SHOWN]]
    more = row.excluded_count - len(named)
    return ", ".join([*named, *([f"+{more}"] if more else [])])
