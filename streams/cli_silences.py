"""The commands `stormfold silences list|add|expire`.

What a silence mutes is decided in `correlators.silences`; how the state is read and an act gets to
CORRELATE, in `live` and `acts_topic`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from correlators.acts import AddSilence, ExpireSilence, silence_id
from correlators.conditions import PATTERN_CHARS, When
from correlators.types import Level
from streams import live_lines
from streams.cli_acts import (
    SOURCE,
    By,
    DryRun,
    Json,
    Within,
    Yes,
    agreed,
    author,
    carry_out,
    ended,
    look,
    wrong,
)
from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.exit_status import DONE, FAILED
from streams.settings import Settings
from streams.settings_holds import moment_ms
from streams.yaml_reader import duration_in

silences = typer.Typer(no_args_is_help=True, help="Silences: list, add, expire.")

Patterns = list[str] | None


def _settings(config: str | None) -> Settings:
    settings, _ = settings_of(config)
    configure_logs(json=False, level="critical")
    return settings


@silences.command("list")
def list_(config: Config = None, json: Json = False) -> None:
    """List the silences there are, and how much of what is open each mutes."""
    with ends():
        live = look(_settings(config))
        found = [
            live_lines.silence(part.state, one, live.muted(part, one))
            for part, one in live.silences()
        ]
        if json:
            typer.echo(live_lines.as_json(found))
        else:
            for one in found:
                typer.echo(str(one))
            if not found:
                complain("no silences")


@silences.command()
def add(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="An incident, or a storm: what is in it now. Else conditions."
        ),
    ] = None,
    environment: Annotated[
        str, typer.Option("--environment", "-e", help="Of the conditions; exactly this one.")
    ] = "",
    service: Annotated[Patterns, typer.Option(help="Services that fit; may be repeated.")] = None,
    release: Annotated[Patterns, typer.Option(help="Releases that fit.")] = None,
    error_type: Annotated[Patterns, typer.Option(help="An exception type fits.")] = None,
    text: Annotated[Patterns, typer.Option(help="The title fits, in any case.")] = None,
    owner: Annotated[Patterns, typer.Option(help="An owner fits.")] = None,
    level: Annotated[Patterns, typer.Option(help="The worst level so far is one of these.")] = None,
    min_level: Annotated[str | None, typer.Option(help="It is at least this.")] = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="How long, at most 7d.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help="Or its end, as in 2026-12-01T22:00+01:00."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the team.")] = "",
    by: By = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Mute what fits until an end: no message and no page. Shows first what that is now."""
    with ends():
        settings = _settings(config)
        given = {
            "service": service,
            "release": release,
            "error_type": error_type,
            "text": text,
            "owner": owner,
        }
        when = _when(given, level, min_level)
        length_ms, end_ms = _length_ms(length), _end_ms(until)
        if (length_ms is None) == (end_ms is None):
            wrong("expected --for or --until: a silence has an end")
        who = author(by)
        if when is not None and not environment:
            wrong("expected --environment: conditions hold in one")
        live = look(settings)
        try:
            act = AddSilence(
                actor=who,
                source=SOURCE,
                at_ms=live.now_ms,
                subject=subject or "",
                environment="" if subject else environment,
                when=when,
                to_ms=end_ms if end_ms is not None else live.now_ms + (length_ms or 0),
                comment=reason,
            )
        except ValueError as error:
            wrong(str(error))
        made = live.would_be(act)
        if made is None:
            complain(f"{subject}: no open incident or storm has this id")
            raise typer.Exit(FAILED)
        part, one = made
        would = live_lines.silence(part.state, one, live.muted(part, one))
        if not json:
            typer.echo(f"until {live_lines.moment(would.until_ms)} this mutes, of what is open:")
            for line in would.mutes.lines():
                typer.echo(line)
        if dry_run:
            if json:
                typer.echo(live_lines.as_json(would))
            raise typer.Exit(DONE)
        agreed("Add this silence?", yes=yes, json=json)
        done = carry_out(settings, part.number, act, within)
        if json:
            fields: dict[str, Any] = {**msgspec.structs.asdict(would), "outcome": done.outcome}
            typer.echo(live_lines.as_json(fields))
        else:
            typer.echo(f"{silence_id(act)}: {live_lines.SAYS[done.outcome]}")
        ended(done)


@silences.command()
def expire(
    silence: Annotated[str, typer.Argument(metavar="ID", help="Of the silence.")],
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """End a silence now: what it holds back is told at once, as it is now."""
    with ends():
        settings = _settings(config)
        live = look(settings)
        part = next((part for part, one in live.silences() if one.id == silence), None)
        if part is None:
            complain(f"{silence}: there is no such silence")
            raise typer.Exit(FAILED)
        act = ExpireSilence(actor=author(by), source=SOURCE, at_ms=live.now_ms, subject=silence)
        done = carry_out(settings, part.number, act, within)
        said = f"{silence}: {live_lines.SAYS[done.outcome]}"
        typer.echo(live_lines.as_json(done) if json else said)
        ended(done)


def _when(given: dict[str, Patterns], level: Patterns, min_level: str | None) -> When | None:
    """Return the conditions; None where none are given."""
    values: dict[str, Any] = {}
    for name, patterns in given.items():
        for one in patterns or ():
            if not 0 < len(one) <= PATTERN_CHARS or not one.isprintable():
                option = name.replace("_", "-")
                wrong(
                    f"--{option}: expected a text or pattern of at most {PATTERN_CHARS} characters"
                )
        if patterns:
            values[name] = tuple(patterns)
    try:
        if level:
            values["level"] = tuple(map(Level, level))
        if min_level is not None:
            values["min_level"] = Level(min_level)
    except ValueError:
        wrong(f"--level: expected some of {', '.join(Level)}")
    return When(**values) if values else None


def _length_ms(length: str | None) -> int | None:
    found = duration_in(length) if length is not None else None
    if length is not None and found is None:
        wrong(f'--for: expected a duration such as 30m, 2h, 7d, found "{length}"')
    return found


def _end_ms(until: str | None) -> int | None:
    found = moment_ms(until) if until is not None else None
    if until is not None and found is None:
        wrong(f'--until: expected a moment such as 2026-12-01T22:00+01:00, found "{until}"')
    return found
