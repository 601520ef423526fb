"""The commands `stormfold links list|add|remove`.

What a link does is decided in `correlators.channel_links`; what a name means, in `links_said`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from correlators.acts import Act, ActOutcome
from correlators.channel_links import link_id
from correlators.link_acts import AddLink, RemoveLink, linked_words
from streams import links_said, live_lines
from streams.cli_acts import SOURCE, By, Json, Within, author, look, within_ms_of, wrong
from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.exit_status import DONE, FAILED
from streams.live import Live
from streams.settings import Settings

links = typer.Typer(
    no_args_is_help=True, help="Who is told of a service or a team too: list, add, remove."
)


def _settings(config: str | None) -> Settings:
    settings, _ = settings_of(config)
    configure_logs(json=False, level="critical")
    return settings


@links.command("list")
def list_(config: Config = None, json: Json = False) -> None:
    """List the links there are, with who made them and where they lead."""
    with ends():
        found = links_said.links_of(look(_settings(config)))
        if json:
            typer.echo(live_lines.as_json(found))
        else:
            for one in found:
                typer.echo(str(one))
            if not found:
                complain("no links")


@links.command()
def add(
    destination: Annotated[
        str, typer.Argument(metavar="DESTINATION", help="Such as slack:payments, slack:C0123456789")
    ],
    what: Annotated[
        str,
        typer.Argument(
            metavar="SERVICE|TEAM", help="A team where one is called so; or service:X, team:X."
        ),
    ],
    environment: Annotated[
        str, typer.Argument(metavar="ENVIRONMENT", help="Only this one.", show_default=False)
    ] = "",
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Tell a destination also what fits a service or a team, from now on."""
    with ends():
        settings = _settings(config)
        place = settings.linkable.place(destination)
        if not place:
            known = ", ".join(settings.linkable.known) or "none"
            wrong(
                f"{destination}: no such place can be told; there are {known}, and with "
                "sinks.slack any channel by its id, as slack:C0123456789"
            )
        within_ms = within_ms_of(within)
        try:
            when = links_said.what_of(what, environment, settings.owner_names)
            AddLink(actor=author(by), source=SOURCE, at_ms=0, subject=place, when=when)
        except ValueError as error:
            wrong(str(error))
        live = look(settings)
        act = AddLink(actor=author(by), source=SOURCE, at_ms=live.now_ms, subject=place, when=when)
        fits = links_said.fitting(live, when)
        outcome = _told(settings, live, act, within_ms)
        id = link_id(place, when)
        if json:
            _as_json(id, act, outcome, linked_words(when), fits=fits)
        else:
            typer.echo(f"{id}: {place} to {linked_words(when)}: {live_lines.SAYS[outcome]}")
            for one in fits if outcome is ActOutcome.DONE else ():
                typer.echo(f"  with its next news: {one}")
        _end(outcome)


@links.command()
def remove(
    link: Annotated[str, typer.Argument(metavar="ID", help="Of the link.")],
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """End a link. What was told there already is told there to its end."""
    with ends():
        settings = _settings(config)
        within_ms = within_ms_of(within)
        live = look(settings)
        found = links_said.link_of(live, link)
        if found is None:
            complain(f"{link}: there is no such link")
            raise typer.Exit(FAILED)
        act = RemoveLink(
            actor=author(by),
            source=SOURCE,
            at_ms=live.now_ms,
            subject=found.destination,
            when=found.when,
        )
        outcome = _told(settings, live, act, within_ms)
        if json:
            _as_json(link, act, outcome, found.says)
        else:
            typer.echo(f"{link}: {live_lines.SAYS[outcome]}")
        _end(outcome)


def _told(settings: Settings, live: Live, act: Act, within_ms: int) -> ActOutcome:
    """Write the act to every partition and return what became of it."""
    from streams import acts_topic

    partitions = [one.number for one in live.parts]
    try:
        done = asyncio.run(
            acts_topic.tell_each(settings, partitions, act, within_s=within_ms / 1000)
        )
    except acts_topic.ActError as error:
        complain(str(error))
        raise typer.Exit(FAILED) from None
    return links_said.came_to(done)


def _as_json(id: str, act: Act, outcome: ActOutcome, what: str, **more: Any) -> None:
    said = {"id": id, "destination": act.subject, "what": what, "by": act.actor}
    typer.echo(live_lines.as_json({**said, **msgspec.to_builtins(more), "outcome": outcome}))


def _end(outcome: ActOutcome) -> None:
    fine = outcome in (ActOutcome.DONE, ActOutcome.UNCHANGED)
    raise typer.Exit(DONE if fine else FAILED)
