"""What the commands share that act on a running installation: who acts, what is asked before, how
long the answer may take, and how each way of failing ends.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
import time
from typing import Annotated, Final, NoReturn

import typer

from correlators.acts import Act, ActDone, ActOutcome
from streams.cli_shared import complain
from streams.exit_status import FAILED, WRONG_USE
from streams.live import Live
from streams.settings import Settings
from streams.yaml_reader import duration_in

SOURCE: Final = "cli"
"""Where these acts come from, as it is told."""

WITHIN_MOST_MS: Final = 3_600_000

By = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who decides it; else the user of this computer."),
]
Within = Annotated[
    str,
    typer.Option("--within", metavar="DURATION", help="How long it may take until it has effect."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")]
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")]


def now_ms() -> int:
    """Return what the clock shows."""
    return time.time_ns() // 1_000_000


def look(settings: Settings) -> Live:
    """Return the state of the running installation; ends with a line where there is none."""
    from streams import live

    try:
        return asyncio.run(live.read(settings, now_ms()))
    except live.LiveError as error:
        complain(str(error))
        wrong = isinstance(error, live.NotThere)
        raise typer.Exit(WRONG_USE if wrong else FAILED) from None


def author(by: str | None) -> str:
    """Return who acts; ends with a line where nobody is known."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        wrong("--by: expected a name: this computer names no user")


def carry_out(settings: Settings, partition: int, act: Act, within: str) -> ActDone:
    """Write the act and return what became of it; ends with a line where that is not known."""
    within_ms = within_ms_of(within)
    from streams import acts_topic

    try:
        return asyncio.run(acts_topic.tell(settings, partition, act, within_s=within_ms / 1000))
    except acts_topic.ActError as error:
        complain(str(error))
        raise typer.Exit(FAILED) from None


def within_ms_of(within: str) -> int:
    """Return how long it may take, in milliseconds; ends with a line where that is no length."""
    within_ms = duration_in(within)
    if within_ms is None or not 0 < within_ms <= WITHIN_MOST_MS:
        wrong(f'--within: expected a duration up to 1h, such as 30s, found "{within}"')
    return within_ms


def agreed(question: str, *, yes: bool, json: bool) -> None:
    """Go on if whoever calls agrees; ends where nobody can be asked."""
    if yes:
        return
    if json or not sys.stdin.isatty():
        wrong("nobody can be asked here: --yes does it, --dry-run only says what it would do")
    if not typer.confirm(question, err=True):
        complain("nothing was done")
        raise typer.Exit(FAILED)


def ended(done: ActDone) -> NoReturn:
    """End with the status that says whether it is as it was wanted."""
    fine = done.outcome in (ActOutcome.DONE, ActOutcome.UNCHANGED)
    raise typer.Exit(0 if fine else FAILED)


def wrong(text: str) -> NoReturn:
    """Say what was asked for in a wrong way, and end."""
    complain(text)
    raise typer.Exit(WRONG_USE)
