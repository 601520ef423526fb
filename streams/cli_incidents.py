"""The commands `stormfold incidents list|show|ack|unack|split|merge`: what can be done when Slack
is down.

What an act does is decided in `correlators.acting`; how the state is read and an act gets to
CORRELATE, in `live` and `acts_topic`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from correlators.acts import Acknowledge, Act, MergeInto, Separate, Unacknowledge
from correlators.silencing import environment_of
from streams import live_lines
from streams.cli_acts import SOURCE, By, Json, Within, author, carry_out, ended, look
from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.exit_status import FAILED, WRONG_USE
from streams.settings import Settings

incidents = typer.Typer(
    no_args_is_help=True,
    help="Incidents and storms that are open: list, show, ack, unack, split, merge.",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="Of an open incident or storm.")]


def _settings(config: str | None) -> Settings:
    settings, _ = settings_of(config)
    configure_logs(json=False, level="critical")
    return settings


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
        live = look(_settings(config))
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
        live = look(_settings(config))
        found = live.find(found_id)
        if found is None:
            _gone(found_id)
        part, one = found
        detail = live_lines.detail(part.state, one, live.mutes(part, one))
        if json:
            typer.echo(live_lines.as_json(detail))
        else:
            for line in detail.lines():
                typer.echo(line)


@incidents.command()
def ack(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Acknowledge it: what is in it now wakes nobody again."""
    _do(Acknowledge, found_id, by, within, config, json=json)


@incidents.command()
def unack(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Take an acknowledgement back."""
    _do(Unacknowledge, found_id, by, within, config, json=json)


@incidents.command()
def split(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Take an incident out of its storm: it is not part of it, and does not come back to it."""
    if found_id.startswith("storm-"):
        one = f"give one of its incidents; `stormfold incidents show {found_id}` lists them"
        complain(f"{found_id}: an incident is taken out of a storm, so {one}")
        raise typer.Exit(WRONG_USE)
    _do(Separate, found_id, by, within, config, json=json)


@incidents.command()
def merge(
    found_id: Id,
    into: Annotated[str, typer.Argument(metavar="INTO", help="What it is part of.")],
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Say that an incident or storm is part of another one."""
    _do(MergeInto, found_id, by, within, config, json=json, into=into)


def _do(
    kind: Callable[..., Act],
    found_id: str,
    by: str | None,
    within: str,
    config: str | None,
    *,
    json: bool,
    **more: Any,
) -> None:
    with ends():
        settings = _settings(config)
        live = look(settings)
        found = live.find(found_id)
        if found is None:
            _gone(found_id)
        act = kind(actor=author(by), source=SOURCE, at_ms=live.now_ms, subject=found_id, **more)
        done = carry_out(settings, found[0].number, act, within)
        said = f"{found_id}: {live_lines.SAYS[done.outcome]}"
        typer.echo(live_lines.as_json(done) if json else said)
        ended(done)


def _gone(found_id: str) -> NoReturn:
    complain(f"{found_id}: no open incident or storm has this id")
    raise typer.Exit(FAILED)
