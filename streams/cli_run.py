"""The command `stormfold run`: what it needs before `supervisor` starts the stages."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from streams.cli_shared import (
    Config,
    JsonLog,
    LogLevel,
    complain,
    configure_logs,
    ends,
    loaded_of,
    stages_of,
)
from streams.cli_topics import topics_exist
from streams.exit_status import FAILED, WRONG_USE
from streams.processes import StageName
from streams.settings import Settings


def run(
    stages: Annotated[
        str, typer.Option(help="Which stages this process serves, with commas between.")
    ] = ",".join(StageName),
    config: Config = None,
    json_log: JsonLog = False,
    log_level: LogLevel = "info",
) -> None:
    """Run stages until SIGTERM: events from Kafka become digests, digests become messages."""
    with ends():
        loaded = loaded_of(config)
        settings = loaded.settings
        names = stages_of(stages)
        configure_logs(json=json_log, level=log_level)
        if StageName.DELIVER in names:
            _secrets_are_there(settings)
        asyncio.run(topics_exist(settings, foreign=True))
        from streams import supervisor

        log = supervisor.Log(json=json_log, level=log_level)
        try:
            status = asyncio.run(supervisor.run(loaded, names, log=log))
        except supervisor.RunError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None
        raise typer.Exit(status)


def _secrets_are_there(settings: Settings) -> None:
    """Refuse to start what could not deliver, before its stages say so among all their lines."""
    from streams.describe import missing_for_sinks

    missing = missing_for_sinks(settings)
    for line in missing:
        complain(line)
    if missing:
        raise typer.Exit(WRONG_USE)
