"""The command `stormfold suggest-merges`; what it does lives in `suggest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli_shared import Config, configure_logs, ends, settings_of


def suggest_merges(
    recording: Annotated[
        Path | None,
        typer.Argument(metavar="RECORDING", help="JSON Lines, plain, .gz or .zst."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="What came in within this time, as in 24h."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="How alike, from 0 to 1.")
    ] = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
) -> None:
    """List pairs of signatures that look like one, with the rule that would merge them."""
    with ends():
        settings, _ = settings_of(config)
        configure_logs(json=False, level="critical")
        from correlators.similarity import THRESHOLD
        from streams import suggest

        options = suggest.Options(
            recording=recording,
            since=since,
            threshold=THRESHOLD if threshold is None else threshold,
            json=json,
        )
        raise typer.Exit(suggest.main(settings, options))
