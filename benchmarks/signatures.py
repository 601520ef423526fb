"""How long a signature takes: by platform, with the cache before it, and on hostile input.

`python -m benchmarks.signatures [--rounds N] [--json OUT]`

Three tables of one run. By platform: microseconds for a signature of each version, for the key of
the cache that stands before it, and for decoding the event, beside a ratio to the decode that does
not depend on the machine. Growth: hostile events of doubling size, with how many times longer each
takes than the one of half its size; 2 is linear, 1 is cut off by a bound. Every figure is the
smallest of `--rounds` rounds, the sides of a comparison in turn.

Exit status: 0 done, 2 wrong use.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter_ns
from typing import Annotated, Final

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.platform_events import PLATFORMS, body_of, crash, event_of, read
from correlators.fingerprint import VERSIONS, cache_key, signature
from correlators.parameterise import forget_texts
from correlators.types import Event, ExceptionValue, Frame

REPORT_COLUMNS: Final = 100
CALLS: Final = 20
"""Calls of one round by platform: so few that a round fits between two turns of other processes."""

SIZES: Final = (1_250, 2_500, 5_000, 10_000)
"""Frames of hostile stacks; fields of hostile text hold a hundred times as many characters."""


class PlatformSpeed(msgspec.Struct, frozen=True):
    """Microseconds per event of one platform."""

    decode_us: float
    cache_key_us: float
    signature_us: dict[int, float]
    """By version."""

    to_decode: float
    """The newest version's signature, in decodes."""


class Growth(msgspec.Struct, frozen=True):
    """Microseconds for hostile input of each of `SIZES`, and the ratio of each to the one before.

    `worst` is the greatest of the ratios.
    """

    us: list[float]
    ratios: list[float]
    worst: float


class Speed(msgspec.Struct, frozen=True):
    """All figures of one run."""

    platforms: dict[str, PlatformSpeed]
    growth: dict[str, Growth]


def fastest_us(works: Sequence[Callable[[], object]], *, rounds: int, calls: int) -> list[float]:
    """Return microseconds per call of each work: the best of the rounds, all works in turn."""
    best = [float("inf")] * len(works)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for at, work in enumerate(works):
                began = perf_counter_ns()
                for _ in range(calls):
                    work()
                best[at] = min(best[at], (perf_counter_ns() - began) / calls / 1000)
    finally:
        if collecting:
            gc.enable()
    return best


def by_platform(names: Sequence[str], *, rounds: int) -> dict[str, PlatformSpeed]:
    """Return how long an event of each platform takes; every round goes over all of them."""
    works: list[Callable[[], object]] = []
    for name in names:
        made = crash(name)
        event = event_of(made)
        works += [partial(read, body_of(made)), partial(cache_key, event)]
        works += [_signs(event, version) for version in VERSIONS]
    us = iter(fastest_us(works, rounds=rounds, calls=CALLS))
    found = {}
    for name in names:
        decode_us, key_us, *signed = (next(us) for _ in range(2 + len(VERSIONS)))
        found[name] = PlatformSpeed(
            decode_us=decode_us,
            cache_key_us=key_us,
            signature_us=dict(zip(VERSIONS, signed, strict=True)),
            to_decode=signed[-1] / decode_us,
        )
    return found


def _signs(event: Event, version: int = VERSIONS[-1]) -> Callable[[], object]:
    def signs() -> None:
        forget_texts()
        signature(event, version=version)

    return signs


def _event(frames: Sequence[Frame], *, kind: str = "E", value: str = "", platform: str) -> Event:
    raised = ExceptionValue(type=kind, value=value, frames=tuple(frames))
    return Event(
        project="p",
        event_id="e",
        service="s",
        environment="x",
        platform=platform,
        exceptions=(raised,),
    )


def _group(size: int) -> Event:
    """Return an exception group of as many different members."""
    root = ExceptionValue(type="ExceptionGroup", group=True, exception_id=0)
    members = (
        ExceptionValue(type=f"E{at}", value="x", exception_id=at, parent_id=0)
        for at in range(1, size)
    )
    return Event(
        project="p",
        event_id="e",
        service="s",
        environment="x",
        exceptions=(*members, root),
    )


HOSTILE: Final[dict[str, Callable[[int], Event]]] = {
    "frames of a library": lambda size: _event(
        [Frame(function=f"f{at}", module="lib") for at in range(size)], platform="java"
    ),
    "frames that only check": lambda size: _event(
        [Frame(function=f"check{at}", module="m", in_app=True) for at in range(size)],
        platform="java",
    ),
    "frames without a function": lambda size: _event(
        [Frame(function="a/<", filename="main.4f3a2b1c.js", in_app=True) for _ in range(size)],
        platform="javascript",
    ),
    "generated frames": lambda size: _event(
        [Frame(module="a.$Proxy1", function=f"f{at}", in_app=True) for at in range(size)],
        platform="java",
    ),
    "a recursion": lambda size: _event(
        [Frame(function=f"f{at % 7}", module="m", in_app=True) for at in range(size)],
        kind="StackOverflowError",
        platform="java",
    ),
    "exceptions in a group": _group,
    "brackets in a function": lambda size: _event(
        [Frame(function="operator<(" * (10 * size), in_app=True)], platform="native"
    ),
    "dots in a module": lambda size: _event(
        [Frame(function="f", module="$a." * (25 * size), in_app=True)], platform="java"
    ),
    "slashes in a path": lambda size: _event(
        [Frame(function="f", filename="/a-1." * (20 * size), in_app=True)], platform="javascript"
    ),
    "a type": lambda size: _event([], kind="a.b<" * (25 * size), platform="csharp"),
}
"""Input made to be slow: a function from a size to an event."""


def grows(make: Callable[[int], Event], *, rounds: int) -> Growth:
    """Return how the time of hostile input grows with its size."""
    works = [_signs(make(size)) for size in SIZES]
    us = fastest_us(works, rounds=rounds, calls=1)
    ratios = [later / sooner for sooner, later in pairwise(us)]
    return Growth(us=us, ratios=ratios, worst=max(ratios))


def tables(speed: Speed) -> list[Table]:
    """Return the figures as tables."""
    platforms = Table("platform", title="Microseconds per event")
    heads = ["decode", "cache key", *(f"signature {version}" for version in VERSIONS)]
    for heading in (*heads, f"signature {VERSIONS[-1]} : decode"):
        platforms.add_column(heading, justify="right")
    for name, found in speed.platforms.items():
        cells = [found.decode_us, found.cache_key_us, *found.signature_us.values()]
        platforms.add_row(name, *(f"{cell:.1f}" for cell in cells), f"{found.to_decode:.2f}")
    growth = Table("hostile input", title="Microseconds by size; how many times the half of it")
    for size in SIZES:
        growth.add_column(f"{size:,}", justify="right")
    growth.add_column("worst ratio", justify="right")
    for name, grown in speed.growth.items():
        growth.add_row(name, *(f"{us:,.0f}" for us in grown.us), f"{grown.worst:.2f}")
    return [platforms, growth]


def measure(*, rounds: int) -> Speed:
    """Return all figures."""
    return Speed(
        platforms=by_platform(PLATFORMS, rounds=rounds),
        growth={name: grows(make, rounds=rounds) for name, make in HOSTILE.items()},
    )


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the best of them counts.")] = 200,
    out: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
) -> None:
    """Measure how long signatures take, by platform and on hostile input."""
    speed = measure(rounds=rounds)
    console = Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS)
    for table in tables(speed):
        console.print(table)
    if out is not None:
        found = json.loads(msgspec.json.encode(speed))
        out.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    typer.run(main)
