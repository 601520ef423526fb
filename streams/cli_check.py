"""The command `stormfold check`: the settings as tables on a terminal, plain lines elsewhere.

What is shown is decided in `describe`; no secret's value comes here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, TextIO

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.cli_shared import Config, complain, ends, settings_of
from streams.describe import describe, missing_secrets, wrong_for_sinks
from streams.describe_destinations import Plain
from streams.exit_status import WRONG_USE
from streams.settings import Settings


def check(
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Validate the settings and show what would be sent where, and when."""
    with ends():
        settings, _ = settings_of(config)
        show(settings, sys.stdout, json=json)
        for line in missing_secrets(settings):
            complain(line)
        if wrong_for_sinks(settings):
            raise typer.Exit(WRONG_USE)


def show(settings: Settings, out: TextIO, *, json: bool) -> None:
    """Print the settings: as JSON, as tables for a terminal, or one `name: value` per line."""
    described = describe(settings)
    if json:
        out.write(orjson.dumps(described, option=orjson.OPT_INDENT_2).decode() + "\n")
    elif out.isatty():
        _tables(described, Console(file=out))
    else:
        for name, value in _flat("", described):
            out.write(f"{name}: {value}\n")


def _tables(described: dict[str, Plain], console: Console) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for part, value in described.items():
        for name, shown in _flat(part, value):
            table.add_row(name, shown)
    console.print(table)


def _flat(name: str, value: Plain) -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) of every leaf; a list of texts is one leaf."""
    if isinstance(value, dict):
        for part, inner in value.items():
            yield from _flat(f"{name}.{part}" if name else part, inner)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{name}[{index}]", inner)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value)) or "none"
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    else:
        yield name, "none" if value is None else str(value)
