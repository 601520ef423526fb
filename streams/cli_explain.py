"""The command `stormfold explain`; what it does lives in `explain`, `stories` and `story_words`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli_shared import Config, complain, ends, settings_of
from streams.exit_status import WRONG_USE


def explain(
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="EVENT.json",
            help="A Sentry event, a webhook's body, or a line of a recording; - is standard input.",
        ),
    ] = None,
    incident: Annotated[
        str, typer.Option(metavar="ID", help="Every decision about this incident.")
    ] = "",
    storm: Annotated[str, typer.Option(metavar="ID", help="Every decision about this storm.")] = "",
    digest: Annotated[
        str,
        typer.Option(
            metavar="ID@REVISION", help="What led to this digest, where it went, what came back."
        ),
    ] = "",
    recording: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Ask a replay of this recording, not the live topics; repeatable."
        ),
    ] = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
    short: Annotated[
        bool, typer.Option("--short", help="Short enough for a reply in a chat.")
    ] = False,
) -> None:
    """Say why: the signature of an event, and every decision about an incident, storm or digest."""
    with ends():
        if sum(map(bool, (event, incident, storm, digest))) != 1:
            complain("explain: give one of EVENT.json, --incident, --storm, --digest")
            raise typer.Exit(WRONG_USE)
        if json and short:
            complain("explain: --json and --short exclude each other")
            raise typer.Exit(WRONG_USE)
        settings, _ = settings_of(config)
        from streams import explain_story

        form = explain_story.Form.TEXT
        if json or short:
            form = explain_story.Form.JSON if json else explain_story.Form.SHORT
        files = tuple(recording or ())
        if event is not None:
            stdin = sys.stdin.buffer
            status = explain_story.run_event(
                settings, event, files, form=form, stdin=stdin, out=sys.stdout, errors=sys.stderr
            )
        else:
            asked = explain_story.Asked(incident=incident, storm=storm, digest=digest)
            status = explain_story.run(
                settings, asked, files, form=form, out=sys.stdout, errors=sys.stderr
            )
        raise typer.Exit(status)
