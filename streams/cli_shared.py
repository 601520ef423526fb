"""What the commands of `stormfold` share: options of one name, and how every command ends.

Nothing is decided here, and no command lives here: each has a file of its own, `cli_<command>.py`.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from streams.exit_status import FAILED, INTERRUPTED, WRONG_USE
from streams.processes import StageName
from streams.settings import Loaded, Settings, SettingsError, find, read

Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings; else STORMFOLD_CONFIG, else stormfold.yaml in this folder.",
    ),
]
JsonLog = Annotated[bool, typer.Option("--json-log", help="Log lines as JSON.")]
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]


@contextmanager
def ends() -> Iterator[None]:
    """Turn wrong settings, an output that takes no more, and Ctrl-C into a line and a status."""
    # Without it Python prints the warnings raw; what ends a command is told in a line of its own.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except SettingsError as error:
        complain(str(error))
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # Typer ends quietly: nobody reads any more.
        complain(f"stormfold: {error.strerror or type(error).__name__}")
        # What is left in the buffer would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None


def settings_of(config: str | None) -> tuple[Settings, Path | None]:
    """Return the settings, and the file that they come from, if there is one.

    Raises:
        SettingsError: they are wrong; the text says where, and what is allowed.
    """
    loaded = loaded_of(config)
    return loaded.settings, loaded.path


def loaded_of(config: str | None) -> Loaded:
    """Return the settings with what they come from. Raises: SettingsError, as of `settings_of`."""
    return read(find(config, os.environ), os.environ)


def stages_of(given: str) -> list[StageName]:
    """Return the stages that are named with commas between, each once; ends on any other name."""
    names = dict.fromkeys(name.strip() for name in given.split(","))
    try:
        return [StageName(name) for name in names]
    except ValueError:
        complain(f"--stages: expected some of {', '.join(StageName)}, found {given!r}")
        raise typer.Exit(WRONG_USE) from None


def configure_logs(*, json: bool, level: str) -> None:
    """Have this process log in this way; ends on a level that does not exist."""
    from streams import logs

    try:
        logs.configure(json=json, level=level)
    except ValueError as error:
        complain(str(error))
        raise typer.Exit(WRONG_USE) from None


def complain(text: str) -> None:
    """Say it on standard error."""
    typer.echo(text, err=True)
