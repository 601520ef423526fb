"""The command `stormfold topics`, and what other commands need of the topics before they start.

How topics are made and compared lives in `topics`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.exit_status import DONE, FAILED, WRONG_USE
from streams.settings import Settings


def topics(
    config: Config = None,
    check: Annotated[bool, typer.Option("--check", help="Only look; make nothing.")] = False,
) -> None:
    """Make the topics that are missing, and say what differs; changes nothing that exists."""
    with ends():
        settings, _ = settings_of(config)
        configure_logs(json=False, level="critical")
        from streams.topics import TopicsError, ensure

        try:
            findings = asyncio.run(ensure(settings, create=not check))
        except TopicsError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None
        for finding in findings:
            typer.echo(str(finding))
        raise typer.Exit(FAILED if any(finding.wrong for finding in findings) else DONE)


async def topics_exist(settings: Settings, *, foreign: bool) -> None:
    """Refuse to start without Kafka or without the topics.

    Args:
        foreign: whether a self-hosted Sentry's topics are needed too.
    """
    from streams.logs import kafka_clients_quiet
    from streams.topics import State, TopicsError, ensure

    try:
        with kafka_clients_quiet():
            findings = await ensure(settings, create=False)
    except TopicsError as error:
        complain(str(error))
        raise typer.Exit(FAILED) from None
    needed = [one for one in findings if foreign or not one.foreign]
    for finding in needed:
        if finding.wrong:
            complain(str(finding))
    missing = [finding for finding in needed if finding.state is State.MISSING]
    if any(not finding.foreign for finding in missing):
        complain("`stormfold topics` makes what is missing")
    if missing:
        raise typer.Exit(WRONG_USE)
