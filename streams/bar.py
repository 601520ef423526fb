"""The progress bar of a long command: drawn on a terminal only, gone when the command is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_DRAW_EVERY_S: Final = 0.1


class Way(NamedTuple):
    """How far a command has come."""

    done: int
    total: int
    lines: int


@contextmanager
def bar(name: str, errors: TextIO, way: Callable[[], Way]) -> Iterator[Callable[[], None]]:
    """Give a function to be called after every step; it draws a few times a second.

    Args:
        name: stands before the bar.
        errors: where it is drawn, if that is a terminal.
        way: asked when it is drawn.
    """
    if not errors.isatty():
        yield lambda: None
        return
    drawn = Progress(
        TextColumn(name),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,} lines, {task.fields[rate]:,.0f} a second"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(file=errors),
        transient=True,
    )
    with drawn:
        task = drawn.add_task(name, total=max(1, way().total), lines=0, rate=0.0)
        began_s, last_s = time.monotonic(), 0.0

        def moved() -> None:
            nonlocal last_s
            now_s = time.monotonic()
            if now_s - last_s >= _DRAW_EVERY_S:
                last_s = now_s
                done, total, lines = way()
                rate = lines / max(now_s - began_s, _DRAW_EVERY_S)
                drawn.update(task, completed=done, total=max(1, total), lines=lines, rate=rate)

        yield moved
