"""The command `stormfold timeline`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from streams import live_lines
from streams.cli_shared import Config, complain, ends, settings_of
from streams.exit_status import FAILED, WRONG_USE

_ID: Final = re.compile(r"(?:inc|storm)-[0-9a-f]{16}")


def timeline(
    subject: Annotated[str, typer.Argument(metavar="ID", help="Of an incident or a storm.")],
    md: Annotated[
        bool, typer.Option("--md", help="As Markdown, to begin a post-mortem with.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
    recording: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Ask a replay of this recording, not the live topics; repeatable."
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Show all that happened, from the first event to the last act: messages, pages, people,
    Sentry."""
    with ends():
        if md and json:
            complain("timeline: --md and --json exclude each other")
            raise typer.Exit(WRONG_USE)
        if _ID.fullmatch(subject) is None:
            complain(f"{subject!r} is no id: expected inc- or storm- and 16 hex digits")
            raise typer.Exit(WRONG_USE)
        settings, _ = settings_of(config)
        from streams import timeline as timelines
        from streams.config_places import Places
        from streams.explain_story import source_of
        from streams.stories import StoryError

        try:
            source = source_of(settings, tuple(recording or ()))
            found = timelines.timeline_of(source, subject, Places(settings.file))
        except StoryError as error:
            complain(f"timeline: {error}")
            raise typer.Exit(FAILED if "cannot be" in str(error) else WRONG_USE) from None
        if json:
            typer.echo(live_lines.as_json(found))
            return
        for line in timelines.markdown(found) if md else timelines.lines(found):
            typer.echo(live_lines.shown(line))
