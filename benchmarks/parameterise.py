"""How fast variable text is replaced, on ordinary messages and on hostile ones.

`python -m benchmarks.parameterise [--json OUT] [--quick]`

Ordinary: microseconds per message. Hostile: texts made to have a pattern read on and fail, over
and over, from 1 KiB to 1 MiB, read to their end; and how much longer twice the text takes. In work
a text is cut at `TEXT_READ` characters first: that time is shown too.

Exit status: 0 done, 1 a doubling took more than `WORST_RATIO` times as long.
"""

from __future__ import annotations

import time
from json import dumps
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from correlators.parameterise import forget_texts, parameterise
from tests.correlators.parameterise_texts import HOSTILE, ORDINARY

KIB: Final = 1024
SIZES: Final = tuple(KIB << step for step in range(11))
QUICK_SIZES: Final = SIZES[:7]
WORST_RATIO: Final = 3.0
"""Linear is 2; quadratic is 4."""

JUDGED_FROM: Final = 16 * KIB
"""Smaller texts take too little time for their ratio to say anything."""

REPEATS: Final = 3
REPEATED_TO: Final = 64 * KIB
"""Longer texts are read once: they take long enough to be measured so."""

COLUMNS: Final = 110


class Ordinary(msgspec.Struct, frozen=True):
    """One ordinary message."""

    text: str
    chars: int
    us: float


class Hostile(msgspec.Struct, frozen=True):
    """One hostile pattern, repeated."""

    pattern: str
    ms: dict[int, float]
    """By characters of the text, read to its end."""

    worst_ratio: float
    """Longest step from one size to twice that size."""

    cut_ms: float
    """A text of the largest size, cut as it is in work."""


class Report(msgspec.Struct, frozen=True):
    """All that was measured."""

    ordinary: list[Ordinary]
    hostile: list[Hostile]


def measure(sizes: tuple[int, ...], hostile: tuple[str, ...] = HOSTILE) -> Report:
    """Return what all texts take; `sizes` double from one to the next."""
    return Report(
        ordinary=[
            Ordinary(text=text, chars=len(text), us=round(_best(text, loops=200) * 1e6, 2))
            for text in ORDINARY
        ],
        hostile=[_hostile(pattern, sizes) for pattern in hostile],
    )


def _hostile(pattern: str, sizes: tuple[int, ...]) -> Hostile:
    """Return what one pattern takes at each size."""
    longest = pattern * (sizes[-1] // len(pattern) + 1)
    taken = {size: _best(longest[:size], chars=size) for size in sizes}
    judged = [size for size in sizes[1:] if size // 2 >= JUDGED_FROM]
    return Hostile(
        pattern=pattern,
        ms={size: round(seconds * 1e3, 3) for size, seconds in taken.items()},
        worst_ratio=round(max(taken[size] / taken[size // 2] for size in judged), 2),
        cut_ms=round(_best(longest[: sizes[-1]]) * 1e3, 3),
    )


def _best(text: str, *, chars: int | None = None, loops: int = 1) -> float:
    """Return the fewest seconds of processor time that one pass took."""
    best = float("inf")
    for _ in range(REPEATS if (chars or 0) <= REPEATED_TO else 1):
        began = time.process_time()
        for _ in range(loops):
            forget_texts()
            if chars is None:
                parameterise(text)
            else:
                parameterise(text, chars=chars)
        best = min(best, (time.process_time() - began) / loops)
    return best


def as_json(report: Report) -> str:
    """Return all figures; half of a surrogate pair, which no UTF-8 holds, is escaped."""
    return dumps(msgspec.to_builtins(report, str_keys=True), indent=2) + "\n"


def _show(report: Report, sizes: tuple[int, ...]) -> None:
    """Print both tables."""
    console = Console(width=None if Console().is_terminal else COLUMNS)
    table = Table("ordinary message", "chars", "us", title="Ordinary")
    for one in report.ordinary:
        table.add_row(one.text[:80], str(one.chars), f"{one.us:.1f}")
    console.print(table)
    last = sizes[-1]
    shown = (KIB, 64 * KIB, last)
    table = Table(
        "pattern, repeated",
        *(f"{size // KIB} KiB, ms" for size in shown),
        "ns per char",
        "worst doubling",
        "cut, ms",
        title="Hostile",
    )
    for bad in sorted(report.hostile, key=lambda row: -row.ms[last]):
        table.add_row(
            repr(bad.pattern),
            *(f"{bad.ms[size]:.2f}" for size in shown),
            f"{bad.ms[last] * 1e6 / last:.0f}",
            f"{bad.worst_ratio:.2f}",
            f"{bad.cut_ms:.2f}",
        )
    console.print(table)


def main(
    json: Annotated[Path | None, typer.Option(help="Write all figures here.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Up to 64 KiB.")] = False,
) -> None:
    """Measure `parameterise`."""
    sizes = QUICK_SIZES if quick else SIZES
    report = measure(sizes)
    _show(report, sizes)
    if json is not None:
        json.write_text(as_json(report), encoding="ascii")
    slow = [bad.pattern for bad in report.hostile if bad.worst_ratio > WORST_RATIO]
    if slow:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
