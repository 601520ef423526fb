"""The commands `stormfold incidents list|show`; what people do is `cli_incidents_acts`.

How the state is read is in `live`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from correlators.silencing import environment_of
from streams import live_lines
from streams.cli_acts import Json, look
from streams.cli_incidents_acts import Id, add_to, gone, quiet_settings
from streams.cli_shared import Config, complain, ends

incidents = typer.Typer(
    no_args_is_help=True,
    help="Incidents and storms: list, show, and all that people may do about them.",
)


@incidents.command("list")
def list_(
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="Only of this one.")
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """List the open storms, and the open incidents that no storm tells."""
    with ends():
        live = look(quiet_settings(config))
        found = [
            live_lines.thing(part.state, one)
            for part, one in live.open()
            if environment in (None, environment_of(one))
        ]
        if json:
            typer.echo(live_lines.as_json(found))
        else:
            for one in found:
                typer.echo(str(one))
            if not found:
                complain("nothing is open")


@incidents.command()
def show(found_id: Id, config: Config = None, json: Json = False) -> None:
    """Show one incident or storm: what is in it, why, what mutes it, and who did what about it."""
    with ends():
        live = look(quiet_settings(config))
        found = live.find(found_id) or live.find_remembered(found_id)
        if found is None:
            gone(found_id)
        part, one = found
        detail = live_lines.detail(part.state, one, live.mutes(part, one))
        if json:
            typer.echo(live_lines.as_json(detail))
        else:
            for line in detail.lines():
                typer.echo(line)


add_to(incidents)
