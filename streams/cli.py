"""The command `stormfold`: which commands there are, in the order in which the help lists them.

A command is one function in a file named after it, `cli_<command>.py`. It reads the settings, calls
one function and turns what comes back into text and an exit status (`exit_status.py`). Data goes to
standard output, everything else to standard error. Modules that take long to import are imported by
the command that needs them.
"""

from __future__ import annotations

import importlib.metadata
from typing import Annotated

import typer

from streams.cli_backtest import backtest
from streams.cli_check import check
from streams.cli_dead_letters import dead_letters
from streams.cli_demo import demo
from streams.cli_drill import drill
from streams.cli_explain import explain
from streams.cli_incidents import incidents
from streams.cli_intake import intake
from streams.cli_links import links
from streams.cli_record import record
from streams.cli_render import render
from streams.cli_replay import replay
from streams.cli_run import run
from streams.cli_silences import silences
from streams.cli_status import status
from streams.cli_suggest_merges import suggest_merges
from streams.cli_test_sink import try_sink
from streams.cli_timeline import timeline
from streams.cli_topics import topics
from streams.cli_why import why_late, why_many, why_not
from streams.terminate import interruptible

app = typer.Typer(
    name="stormfold",
    help="Folds Sentry alert storms into one digest per outage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        try:
            version = importlib.metadata.version("stormfold")
        except importlib.metadata.PackageNotFoundError:
            version = "(not installed)"
        typer.echo(f"stormfold {version}")
        raise typer.Exit


@app.callback()
def _stormfold(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Folds Sentry alert storms into one digest per outage."""


app.command()(run)
app.command()(intake)
app.command()(replay)
app.command()(record)
app.command()(explain)
app.command()(backtest)
app.command()(timeline)
app.command("why-not")(why_not)
app.command("why-late")(why_late)
app.command("why-many")(why_many)
app.command("suggest-merges")(suggest_merges)
app.command()(topics)
app.command()(check)
app.command()(render)
app.command("test-sink")(try_sink)
app.command()(drill)
app.command()(status)
app.add_typer(incidents, name="incidents")
app.add_typer(silences, name="silences")
app.add_typer(links, name="links")
app.add_typer(dead_letters, name="dead-letters")
app.command()(demo)


def main() -> None:
    """Run the command line; ends the process."""
    interruptible()
    app()


if __name__ == "__main__":
    main()
