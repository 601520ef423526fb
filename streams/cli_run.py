"""The command `stormfold run`: what it needs before `supervisor` starts the stages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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
from streams.processes import MOST_WORKERS, StageName
from streams.settings import Settings


def run(
    stages: Annotated[
        str, typer.Option(help="Which stages this process serves, with commas between.")
    ] = ",".join(StageName),
    workers: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Processes of FINGERPRINT, which a storm is spread over; or of each stage that is "
            "named, as in fingerprint=4,correlate=2.",
        ),
    ] = "1",
    config: Config = None,
    json_log: JsonLog = False,
    log_level: LogLevel = "info",
) -> None:
    """Run stages until SIGTERM: events from Kafka become digests, digests become messages."""
    with ends():
        loaded = loaded_of(config)
        settings = loaded.settings
        counts = workers_of(workers, stages_of(stages))
        configure_logs(json=json_log, level=log_level)
        if StageName.DELIVER in counts:
            _secrets_are_there(settings)
        asyncio.run(topics_exist(settings, foreign=True))
        from streams import supervisor

        log = supervisor.Log(json=json_log, level=log_level)
        try:
            status = asyncio.run(supervisor.run(loaded, counts, log=log))
        except supervisor.RunError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None
        raise typer.Exit(status)


def workers_of(given: str, stages: Sequence[StageName]) -> dict[StageName, int]:
    """Return how many processes each of these stages gets; ends on what is none or too many.

    A number alone is FINGERPRINT's: its work grows with the events, and spreads over all source
    partitions. Behind it come a few messages a second whatever the storm, and each environment and
    each account has one owner anyway; more processes of these stages are for more environments or
    accounts than one keeps up with.
    """
    counts = dict.fromkeys(stages, 1)
    parts = [part.strip().partition("=") for part in given.split(",")]
    if len(parts) == 1 and not parts[0][1]:
        parts = [(StageName.FINGERPRINT.value, "=", parts[0][0])]
        if StageName.FINGERPRINT not in counts and parts[0][2] == "1":
            return counts
    named = [name.strip() for name, _, _ in parts]
    numbers = [number.strip() for _, _, number in parts]
    known = {stage.value for stage in counts}
    right = len(set(named)) == len(named) and known.issuperset(named)
    if not right or not all(one.isdecimal() and 1 <= int(one) <= MOST_WORKERS for one in numbers):
        complain(
            f"--workers: expected a number from 1 to {MOST_WORKERS} for FINGERPRINT, or one for "
            f"each stage of this run, as in fingerprint=4,correlate=2; found {given!r}"
        )
        raise typer.Exit(WRONG_USE)
    return counts | {StageName(name): int(one) for name, one in zip(named, numbers, strict=True)}


def _secrets_are_there(settings: Settings) -> None:
    """Refuse to start what could not deliver, before its stages say so among all their lines."""
    from streams.describe import missing_for_sinks

    missing = missing_for_sinks(settings)
    for line in missing:
        complain(line)
    if missing:
        raise typer.Exit(WRONG_USE)
