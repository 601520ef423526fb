"""The command `stormfold render`: a message as it would look, sent to nobody."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from streams.cli_shared import Config, complain, ends, settings_of
from streams.drawing import DRAWS
from streams.exit_status import FAILED, WRONG_USE
from streams.settings import Settings

_ID: Final = re.compile(r"(?:inc|storm)-[0-9a-f]{16}")
_REPORT_ID: Final = re.compile(r"rep-[0-9a-f]{16}")


def render(
    to: Annotated[
        str, typer.Option("--to", metavar="|".join(DRAWS), help="Whose message it is.")
    ] = "slack",
    template: Annotated[
        str,
        typer.Option(
            metavar="T",
            help="A name of `templates`, `critical`, or a file *.j2; else as its rule says.",
        ),
    ] = "",
    incident: Annotated[
        str, typer.Option(metavar="ID", help="Of an incident or a storm; else a made-up storm.")
    ] = "",
    report: Annotated[
        str,
        typer.Option(
            metavar="NAME|ID",
            help="A scheduled report: its id, or its name in `reports`, then the newest of it.",
        ),
    ] = "",
    revision: Annotated[
        int, typer.Option(min=0, metavar="N", help="Else the newest that was not the end of it.")
    ] = 0,
    recording: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Ask a replay of this recording, not the live topics; repeatable."
        ),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it as a picture, by Chromium.")
    ] = None,
    sent: Annotated[
        bool, typer.Option("--sent", help="Print what the service is sent, alone.")
    ] = False,
    config: Config = None,
) -> None:
    """Show a message as it would look, in any template; sends nothing to anybody."""
    with ends():
        if to not in DRAWS:
            complain(f"--to: expected one of {', '.join(DRAWS)}, found {to!r}")
            raise typer.Exit(WRONG_USE)
        settings, _ = settings_of(config)
        if wrong := _wrong(settings, incident, report):
            complain(wrong)
            raise typer.Exit(WRONG_USE)
        from streams import rendering
        from streams.picture import PictureError, take
        from streams.stories import StoryError

        try:
            asked = rendering.Asked(
                to, template, incident or report, revision, tuple(recording or ())
            )
            found = asyncio.run(rendering.render(settings, asked, complain))
            if png is not None:
                take(found.page, png)
        except rendering.RenderError as error:
            complain(str(error))
            raise typer.Exit(WRONG_USE) from None
        except (StoryError, PictureError) as error:
            complain(f"render: {error}")
            raise typer.Exit(FAILED) from None
        typer.echo(found.sent if sent else found.text)
        if found.cuts:
            complain(f"shortened: {', '.join(found.cuts)}")


def _wrong(settings: Settings, incident: str, report: str) -> str:
    """Return what is wrong in what is to be shown; empty for nothing."""
    if incident and report:
        return "--incident and --report exclude each other"
    if _REPORT_ID.fullmatch(incident):
        return f"{incident} is a report; show it by --report {incident}"
    if incident and _ID.fullmatch(incident) is None:
        return f"{incident!r} is no id: expected inc- or storm- and 16 hex digits"
    known = [one.name for one in settings.holding.reports]
    if report and report not in known and _REPORT_ID.fullmatch(report) is None:
        names = f"one of {', '.join(known)}" if known else "a name (the settings have no `reports`)"
        return f"--report: expected {names}, or rep- and 16 hex digits, found {report!r}"
    return ""
