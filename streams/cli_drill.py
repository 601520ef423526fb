"""The command `stormfold drill`: a simulated production incident, each hop's time as a line."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final

import orjson
import typer

from streams.addresses import intake_of
from streams.cli_acts import By, Json, Within, author, within_ms_of, wrong
from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.drill_event import SERVICE
from streams.exit_status import FAILED, WRONG_USE
from streams.yaml_reader import duration_in

HOLD_MOST_S: Final = 3_600
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


def drill(
    service: Annotated[
        str, typer.Option("--service", metavar="S", help="Whose incident it is; owners are paged.")
    ] = SERVICE,
    environment: Annotated[str, typer.Option(help="Where it happens.")] = "production",
    intake: Annotated[
        str | None, typer.Option(metavar="URL", help="Of a running intake; else as configured.")
    ] = None,
    within: Within = "2m",
    hold: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Leave it open so long: a phone takes its time."),
    ] = None,
    by: By = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Simulate a production incident through the whole chain, and clean up after it.

    Whoever would be told and paged of a fatal error is: every message and page says DRILL.
    """
    with ends():
        if not _NAME.fullmatch(service):
            wrong("--service: expected a project's slug, such as checkout")
        settings, _ = settings_of(config)
        within_s = within_ms_of(within) / 1000
        hold_s = 0 if hold is None else (duration_in(hold) or 0) / 1000
        if hold is not None and not 0 < hold_s <= HOLD_MOST_S:
            wrong(f'--hold: expected a duration up to 1h, such as 2m, found "{hold}"')
        configure_logs(json=False, level="critical")
        from streams import drill as drills
        from streams.drill_heard import Hop

        hops: list[Hop] = []

        def told(hop: Hop) -> None:
            hops.append(hop)
            if not json:
                typer.echo(f"{hop.after_ms:>8,} ms  {hop.name}")

        try:
            found = asyncio.run(
                drills.drill(
                    settings,
                    service=service,
                    environment=environment,
                    intake=(intake or intake_of(settings)).rstrip("/"),
                    within_s=within_s,
                    hold_s=hold_s,
                    by=author(by),
                    told=told,
                )
            )
        except drills.DrillError as error:
            complain(str(error))
            raise typer.Exit(FAILED if hops else WRONG_USE) from None
        if json:
            said = {**found._asdict(), "hops": [hop._asdict() for hop in hops]}
            typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
        else:
            paged = ", ".join(found.paged) or "nobody"
            typer.echo(f"{found.mark}, {found.incident or 'no incident'}; paged: {paged}")
            for line in found.missing:
                typer.echo(f"! {line}")
        raise typer.Exit(FAILED if found.missing else 0)
