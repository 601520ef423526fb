"""The command `stormfold backtest`; what it does lives in `backtest`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from streams.cli_shared import configure_logs, ends, settings_of
from streams.settings import find, load


def backtest(
    config: Annotated[str, typer.Option("--config", metavar="NEW", help="The settings to try.")],
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RECORDING...", help="JSON Lines, plain, .gz or .zst."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="OLD", help="What runs today; else STORMFOLD_CONFIG, or this folder's."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Live events of this time, as in 24h."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write a page for a browser here.")
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help='Status 4 if it holds: "pages > 10"; repeatable.'),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one per core.", metavar="N")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
) -> None:
    """Say what changed settings would have told of recorded or recent events, before they do."""
    with ends():
        new, _ = settings_of(config)
        old = load(find(against, os.environ), os.environ)
        configure_logs(json=False, level="critical")
        from streams import backtest as backtests
        from streams.local_parallel import cores

        options = backtests.Options(
            files=tuple(recordings or ()),
            since=since,
            html=html,
            json=json,
            fail_if=tuple(fail_if or ()),
            workers=workers or cores(),
        )
        raise typer.Exit(backtests.main(new, old, options))
