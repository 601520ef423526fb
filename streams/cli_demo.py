"""The command `stormfold demo`; what it does lives in `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli_shared import configure_logs


def demo(
    page: Annotated[
        Path, typer.Option("--page", metavar="FILE", help="Where the HTML page goes.")
    ] = Path("demo-out/stormfold.html"),
) -> None:
    """Show a recorded outage: direct alerts beside Stormfold, on local services."""
    from streams.demo import main as show_demo

    configure_logs(json=False, level="critical")
    raise typer.Exit(show_demo(page=page))
