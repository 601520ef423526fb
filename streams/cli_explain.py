"""The command `stormfold explain`; what it does lives in `explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli_shared import Config, ends, settings_of


def explain(
    event: Annotated[
        str,
        typer.Argument(
            metavar="EVENT.json",
            help="A Sentry event, a webhook's body, or a line of a recording; - is standard input.",
        ),
    ],
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
) -> None:
    """Say what made the signature of an event, and why, under every version of this release."""
    with ends():
        settings, _ = settings_of(config)
        from streams import explain as explains

        raise typer.Exit(explains.main(settings, event, json=json))
