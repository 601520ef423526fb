"""The command `stormfold record`; what it does lives in `record`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli_shared import Config, configure_logs, ends, settings_of


def record(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The recording: .jsonl, .jsonl.gz or .jsonl.zst.")
    ],
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Only what came in within this time, as in 2h."),
    ] = None,
    digests: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was told so far here.")
    ] = None,
    assignments: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the incident and storm of every line here."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON, alone.")] = False,
    config: Config = None,
) -> None:
    """Write what stands on the topics as a recording: raw bodies, so only its owner may read it."""
    with ends():
        settings, _ = settings_of(config)
        configure_logs(json=False, level="critical")
        from streams import record as records

        options = records.Options(
            out=out, since=since, digests=digests, assignments=assignments, json=json
        )
        raise typer.Exit(records.main(settings, options))
