"""The commands `stormfold dead-letters list|show|redrive|drop`: what was given up, and its way
back.

What becomes of a letter that is sent again is decided in `sinks.redrive`; the topic is read and
written in `letters_topic`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from streams import live_lines
from streams.cli_acts import (
    WITHIN_MOST_MS,
    By,
    DryRun,
    Json,
    Within,
    Yes,
    agreed,
    author,
    look,
    now_ms,
    wrong,
)
from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.exit_status import DONE, FAILED, WRONG_USE
from streams.settings import Settings
from streams.yaml_reader import duration_in

if TYPE_CHECKING:
    from streams.letters import Case, Wanted
    from streams.letters_topic import Look

dead_letters = typer.Typer(
    no_args_is_help=True,
    help="What was given up and not delivered: list, show, redrive, drop.",
)

_T = TypeVar("_T")

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Of dead letters.")]
Destination = Annotated[
    str | None, typer.Option(metavar="SINK:NAME", help="Only those for this destination.")
]
Reason = Annotated[str | None, typer.Option(help="Only those given up for this reason.")]
Since = Annotated[
    str | None, typer.Option(metavar="DURATION", help="Only those of this time, such as 2h.")
]


@dead_letters.command("list")
def list_(
    destination: Destination = None,
    reason: Reason = None,
    since: Since = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that were sent again or dropped.")
    ] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """List what was given up and nobody has done anything about, the newest first."""
    with ends():
        from streams.letter_lines import shown_case

        wanted = _wanted(destination, reason, since)
        found = _read(_settings(config))
        chosen = [one for one in found.cases if wanted.fits(one.letter)]
        said = [shown_case(one) for one in chosen if every or one.open]
        if found.left_out:
            complain(f"{found.left_out:,} older records were not read")
        if json:
            typer.echo(live_lines.as_json(said))
            return
        for one in said:
            typer.echo(str(one))
        if not said:
            complain("no dead letters" if every else "no dead letters that wait for anybody")


@dead_letters.command()
def show(
    letter: Annotated[str, typer.Argument(metavar="ID", help="Of a dead letter.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Show one: why it was given up, what to do about that, and what it would have said."""
    with ends():
        from sinks.render import plain_text
        from streams import letter_lines

        (case,) = _named(_read(_settings(config)).cases, [letter])
        if json:
            import msgspec

            value = msgspec.structs.asdict(letter_lines.shown_case(case))
            digest = case.letter.digest
            value["advice"] = letter_lines.advice(case.letter.reason, case.letter.detail)
            value["text"] = plain_text(digest) if digest is not None else ""
            value["digest"] = digest
            typer.echo(live_lines.as_json(value))
            return
        for line in letter_lines.lines(case):
            typer.echo(line)


@dead_letters.command()
def redrive(
    ids: Ids = None,
    every: Annotated[
        bool, typer.Option("--all", help="All that nobody has done anything about.")
    ] = False,
    destination: Destination = None,
    reason: Reason = None,
    since: Since = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="SINK:NAME", help="Send it there instead.")
    ] = None,
    by: By = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    within: Within = "30s",
    config: Config = None,
    json: Json = False,
) -> None:
    """Send letters again, each once; what is over or known there in a newer state is not sent."""
    with ends():
        from streams import letter_lines, letters, letters_topic

        settings = _settings(config)
        if bool(ids) == every or (ids and (destination or reason or since)):
            wrong("expected ids, or --all, which --destination, --reason and --since make fewer")
        within_ms = duration_in(within)
        if within_ms is None or not 0 < within_ms <= WITHIN_MOST_MS:
            wrong(f'--within: expected a duration up to 1h, such as 30s, found "{within}"')
        _check_to(settings, to)
        wanted = _wanted(destination, reason, since)
        who = author(by)
        found = _read(settings).cases
        if ids:
            named = _named(found, ids)
        else:
            named = [one for one in found if one.open and wanted.fits(one.letter)]
        fresh = [one for one in named if one.state in letters.SENDABLE]
        _check_sendable(settings, fresh, to)
        open_pages: set[str] = set()
        if any(letters.pages(one.letter) for one in fresh):
            open_pages = letters.pages_open(part.state for part in look(settings).parts)
        over = frozenset(one.letter.id for one in fresh if letters.over(one.letter, open_pages))
        if not json and (every or dry_run):
            for one in letters.in_order(fresh):
                ended = " · page is over, not sent" if one.letter.id in over else ""
                typer.echo(f"{letter_lines.shown_case(one)}{ended}")
        if dry_run:
            if json:
                typer.echo(live_lines.as_json([letter_lines.shown_case(one) for one in fresh]))
            raise typer.Exit(DONE)
        if every and fresh:
            agreed(f"Send {len(fresh)} again?", yes=yes, json=json)
        asked = tuple(one.letter.id for one in named)
        again = letters_topic.Again(asked, to or "", over, who, now_ms())
        done = named
        if fresh:
            done = _run(letters_topic.redrive(settings, again, within_s=within_ms / 1000))
        _tell(done, json=json)


@dead_letters.command()
def drop(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Of dead letters.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the team.")] = "",
    by: By = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Note that letters are done with: `list` hides them, they stay as long as the topic keeps
    them."""
    with ends():
        from streams import letters_topic

        settings = _settings(config)
        if len(reason) > 200 or not (reason.isprintable() or not reason):
            wrong("--reason: expected a text of at most 200 characters")
        who = author(by)
        named = _named(_read(settings).cases, ids)
        asked = [one.letter.id for one in named]
        count = _run(letters_topic.put_aside(settings, asked, reason, who, now_ms()))
        if json:
            typer.echo(
                live_lines.as_json({"dropped": count, "were_done_before": len(asked) - count})
            )
        else:
            before = len(asked) - count
            typer.echo(f"{count} dropped" + (f", {before} were done with before" if before else ""))


def _tell(done: Sequence[Case], *, json: bool) -> NoReturn:
    """Say what became of each letter, and end with the status that this means."""
    from streams import letter_lines
    from streams.letters import failed

    if json:
        typer.echo(live_lines.as_json([letter_lines.shown_case(one) for one in done]))
    else:
        for one in done:
            typer.echo(f"{one.letter.id}: {letter_lines.shown_case(one).became()}")
        if not done:
            complain("no dead letters that wait for anybody")
    raise typer.Exit(FAILED if any(map(failed, done)) else DONE)


def _settings(config: str | None) -> Settings:
    settings, _ = settings_of(config)
    configure_logs(json=False, level="critical")
    return settings


def _read(settings: Settings) -> Look:
    from streams import letters_topic

    return _run(letters_topic.read(settings))


def _run(what: Coroutine[Any, Any, _T]) -> _T:
    """Return what comes of it; ends with a line where the topics cannot be read or written."""
    from streams import letters_topic

    try:
        return asyncio.run(what)
    except letters_topic.LettersError as error:
        complain(str(error))
        missing = isinstance(error, letters_topic.NotThere)
        raise typer.Exit(WRONG_USE if missing else FAILED) from None


def _wanted(destination: str | None, reason: str | None, since: str | None) -> Wanted:
    """Return which letters are asked for; ends with a line where that cannot be."""
    from sinks.entries import DeadReason
    from streams.letters import Wanted

    if reason is not None and reason not in set(DeadReason):
        wrong(f'--reason: expected one of {", ".join(DeadReason)}, found "{reason}"')
    back_ms = duration_in(since) if since is not None else None
    if since is not None and back_ms is None:
        wrong(f'--since: expected a duration such as 30m, 2h, 7d, found "{since}"')
    since_ms = now_ms() - back_ms if back_ms is not None else 0
    return Wanted(destination or "", reason or "", since_ms)


def _named(found: Sequence[Case], ids: Sequence[str]) -> list[Case]:
    """Return the letters of these ids; ends with a line for the first that there is not."""
    known = {one.letter.id: one for one in found}
    for one in ids:
        if one not in known:
            complain(f"{one}: no dead letter has this id; `stormfold dead-letters list` shows them")
            raise typer.Exit(FAILED)
    return [known[one] for one in dict.fromkeys(ids)]


def _check_to(settings: Settings, to: str | None) -> None:
    sinks, routes = settings.sinks, settings.routes
    known = dict.fromkeys((*sinks.chats, *sinks.pagers, *routes.tell, *routes.page))
    if to is not None and to not in known:
        wrong(f'--to: expected one of {", ".join(known)}, found "{to}"')


def _check_sendable(settings: Settings, fresh: Sequence[Case], to: str | None) -> None:
    """End with a line where one cannot be sent at all, before anything is."""
    from correlators.types import PageAction

    for one in fresh:
        digest = one.letter.digest
        if digest is None:
            wrong(f"{one.letter.id}: this version cannot read what it says, so it is not sent")
        if to is not None and digest.issue_change is not None:
            wrong(f"{one.letter.id}: it is a change of an issue and no message: leave out --to")
        if to is not None and digest.answer is not None:
            wrong(f"{one.letter.id}: it is for one person, who pressed in Slack: leave out --to")
        if to in settings.sinks.pagers and digest.page is PageAction.NONE:
            wrong(f"{one.letter.id}: it is no page, and {to} takes pages only")
