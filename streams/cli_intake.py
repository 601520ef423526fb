"""The command `stormfold intake`: the way in over HTTP, once its topics are there."""

from __future__ import annotations

import asyncio

import typer

from streams.cli_shared import (
    Config,
    JsonLog,
    LogLevel,
    complain,
    configure_logs,
    ends,
    loaded_of,
)
from streams.cli_topics import topics_exist
from streams.exit_status import FAILED


def intake(config: Config = None, json_log: JsonLog = False, log_level: LogLevel = "info") -> None:
    """Take Sentry's webhooks over HTTP and put them on Kafka, until SIGTERM."""
    with ends():
        loaded = loaded_of(config)
        configure_logs(json=json_log, level=log_level)
        asyncio.run(topics_exist(loaded.settings, foreign=False))
        from streams.intake import IntakeError, serve

        try:
            asyncio.run(serve(loaded.settings, loaded=loaded))
        except IntakeError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None
