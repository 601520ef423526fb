"""The command `stormfold replay`; what it does lives in `replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams import replay as replays
from streams.cli_shared import Config, configure_logs, ends, settings_of
from streams.local_parallel import cores


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Recordings: JSON Lines, plain, .gz or .zst."),
    ],
    speed: Annotated[
        replays.Speed, typer.Option(help="How fast recorded time passes.")
    ] = replays.Speed.MAX,
    via: Annotated[
        replays.Via, typer.Option(help="In this process, or through a running `stormfold run`.")
    ] = replays.Via.LOCAL,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes of a replay in this process; else one per core.", metavar="N"
        ),
    ] = None,
    config: Config = None,
    assignments: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write the incident and storm of every line here."),
    ] = None,
    digests: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write every digest revision here.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON, alone.")] = False,
) -> None:
    """Run recordings through the pipeline at their recorded time; sends nothing to anybody."""
    with ends():
        settings, _ = settings_of(config)
        configure_logs(json=False, level="critical")
        options = replays.Options(
            files=tuple(files),
            speed=speed,
            via=via,
            workers=workers or cores(),
            assignments=assignments,
            digests=digests,
            json=json,
        )
        raise typer.Exit(replays.main(settings, options))
