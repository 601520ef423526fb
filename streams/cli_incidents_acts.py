"""What people do about an incident or a storm from the command line, in the words that Slack has
too: for when Slack is down.

What an act does is decided in `correlators.acting`; how it gets to CORRELATE, in `acts_topic`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn

import typer

from correlators.acts import (
    ACK_MOST_MS,
    IGNORE_MOST_MS,
    Acknowledge,
    Act,
    Assign,
    Comment,
    FalseAlarm,
    Ignore,
    MergeInto,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
    Unignore,
)
from streams import live_lines
from streams.cli_acts import SOURCE, By, Json, Within, author, carry_out, ended, look, wrong
from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.exit_status import FAILED, WRONG_USE
from streams.settings import Settings
from streams.yaml_reader import duration_in

MINUTE_MS: Final = 60_000
"""Sentry counts how long an issue is ignored in minutes."""

Id = Annotated[str, typer.Argument(metavar="ID", help="Of an incident or storm.")]
For = Annotated[
    str | None,
    typer.Option("--for", metavar="DURATION", help="So long, such as 30m; else pages.ack_for."),
]


def add_to(commands: typer.Typer) -> None:
    """Give these commands to `stormfold incidents`, in the order in which its help names them."""
    for one in (ack, unack, resolve, page, assign, comment, ignore, unignore, split, merge):
        commands.command()(one)
    commands.command("false-alarm")(false_alarm)


def quiet_settings(config: str | None) -> Settings:
    """Return the settings, with logs that say nothing beside what a command says."""
    settings, _ = settings_of(config)
    configure_logs(json=False, level="critical")
    return settings


def gone(found_id: str) -> NoReturn:
    """Say that nothing of this id is known, and end."""
    complain(f"{found_id}: no incident or storm that is remembered has this id")
    raise typer.Exit(FAILED)


def ack(
    found_id: Id,
    for_: For = None,
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Acknowledge it: what is in it now wakes nobody again."""
    for_ms = duration_in(for_) if for_ is not None else 0
    if for_ms is None or (for_ is not None and not 0 < for_ms <= ACK_MOST_MS):
        wrong(f'--for: expected a duration up to 7d, such as 30m, found "{for_}"')
    _do(Acknowledge, found_id, by, within, config, json=json, for_ms=for_ms)


def unack(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Take an acknowledgement back."""
    _do(Unacknowledge, found_id, by, within, config, json=json)


def resolve(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Say that it is over: its page is resolved. What happens after that opens it again."""
    _do(Resolve, found_id, by, within, config, json=json)


def false_alarm(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Say that nothing was wrong: it is over, and counted. Also of something that is over."""
    _do(FalseAlarm, found_id, by, within, config, json=json)


def page(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Page whoever is on call for it, whatever the rules say; not while a page of it is open."""
    _do(PageNow, found_id, by, within, config, json=json)


def assign(
    found_id: Id,
    to: Annotated[
        str, typer.Argument(metavar="TO", help="A team or a person, as shown; '' for nobody.")
    ],
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Say who is to take care of it."""
    _do(Assign, found_id, by, within, config, json=json, assignee=to)


def comment(
    found_id: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="At most 1,000 characters.")],
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Keep a comment with it, told in its thread. Also with something that is over."""
    _do(Comment, found_id, by, within, config, json=json, text=text)


def ignore(
    found_id: Id,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="So long; else until it escalates."),
    ] = None,
    by: By = None,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Ignore (archive) its issues in Sentry: it is told no more until that ends."""
    for_ms = duration_in(for_) if for_ is not None else 0
    if for_ms is None or not 0 <= for_ms <= IGNORE_MOST_MS or for_ms % MINUTE_MS:
        wrong(f'--for: expected whole minutes up to a year, such as 2h, found "{for_}"')
    _do(Ignore, found_id, by, within, config, json=json, for_ms=for_ms)


def unignore(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Let its issues be unresolved in Sentry again."""
    _do(Unignore, found_id, by, within, config, json=json)


def split(
    found_id: Id, by: By = None, within: Within = "30s", config: Config = None, json: Json = False
) -> None:
    """Take an incident out of its storm: it is not part of it, and does not come back to it."""
    if found_id.startswith("storm-"):
        one = f"give one of its incidents; `stormfold incidents show {found_id}` lists them"
        complain(f"{found_id}: an incident is taken out of a storm, so {one}")
        raise typer.Exit(WRONG_USE)
    _do(Separate, found_id, by, within, config, json=json)


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
    who = {"actor": author(by), "source": SOURCE, "subject": found_id}
    try:
        kind(**who, at_ms=0, **more)
    except ValueError as error:
        wrong(str(error))
    with ends():
        settings = quiet_settings(config)
        live = look(settings)
        # A comment is kept with what is over, a page that was left is resolved: CORRELATE knows.
        found = live.find(found_id) or live.find_remembered(found_id)
        if found is None:
            gone(found_id)
        act = kind(**who, at_ms=live.now_ms, **more)
        done = carry_out(settings, found[0].number, act, within)
        said = f"{found_id}: {live_lines.SAYS[done.outcome]}"
        typer.echo(live_lines.as_json(done) if json else said)
        ended(done)
