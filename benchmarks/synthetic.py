"""Outages that never were, with known truth: how storms fare on systems of every kind.

`python -m benchmarks.synthetic [--seeds N]`

Every seed draws a small fleet of services, an hour of ambient errors and one kind of trouble, in an
environment of its own; one recording holds them all and is replayed once, with the default
settings. Nothing here looks at how storms are linked.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.labelled import read_labelled
from benchmarks.quality import assign
from benchmarks.scores import Score, pairwise

START: Final = 1_700_000_000.0
HOUR: Final = 3_600.0
LETTERS: Final = "abcdefghijklmnop"


class Raised(msgspec.Struct, frozen=True):
    """One error event."""

    at: float
    """Seconds from the start."""
    service: str
    error: str
    label: str
    """`fault:...`, or `ambient:...` for what belongs to nothing."""
    trace: str = ""
    release: str = "1"


Kind = Callable[[Random], Iterator[Raised]]


def word(random: Random, letters: int = 8) -> str:
    """Return a word that no rule takes for a variable."""
    return "".join(random.choice(LETTERS) for _ in range(letters))


def hexes(random: Random) -> str:
    """Return a trace id."""
    return f"{random.getrandbits(128):032x}"


def fleet(random: Random, services: int) -> dict[str, list[str]]:
    """Return services and what each calls: a graph without cycles, the last one called by most."""
    names = [f"{word(random, 6)}" for _ in range(services)]
    return {
        name: random.sample(names[at + 1 :], min(len(names) - at - 1, random.randint(1, 3)))
        for at, name in enumerate(names)
    }


def ambient(random: Random, names: Sequence[str], per_hour: int, until: float) -> Iterator[Raised]:
    """Yield what breaks on any day: old errors, new ones, one library's error in all services."""
    old = [(random.choice(names), f"Old{word(random)}") for _ in range(5)]
    shared = f"Library{word(random)}"
    for _ in range(round(per_hour * until / HOUR)):
        at = random.uniform(0, until)
        drawn = random.random()
        if drawn < 0.5:
            service, error = random.choice(old)
        elif drawn < 0.8:
            service, error = random.choice(names), f"New{word(random)}"
        else:
            service, error = random.choice(names), shared
        trace = hexes(random) if random.random() < 0.3 else ""
        yield Raised(at, service, error, f"ambient:{service}:{error}", trace)


def cascade(
    random: Random,
    calls: dict[str, list[str]],
    *,
    at: float,
    label: str,
    traced: float = 1.0,
    delay: float = 3.0,
    lasts: float = 240.0,
    root: str = "",
) -> Iterator[Raised]:
    """Yield what fails when a service breaks: it, what calls it, what calls that, and so on.

    Args:
        traced: share of the services that report traces.
        delay: mean seconds until the failure reaches the next caller.
    """
    root = root or list(calls)[-1]
    reached = {root: at}
    for name in reversed(list(calls)):
        through = [reached[one] for one in calls[name] if one in reached]
        if name not in reached and through:
            reached[name] = min(through) + random.expovariate(1 / delay)
    followed = {name for name in reached if random.random() < traced}
    errors = {
        name: [f"{label[-4:].title()}{word(random)}" for _ in range(random.randint(1, 4))]
        for name in reached
    }
    end = at + lasts
    now = at
    while now < end:
        now += random.expovariate(0.5 + 3 * (end - now) / lasts)
        trace = hexes(random)
        hit = [name for name, since in reached.items() if since <= now]
        for name in random.sample(hit, random.randint(1, len(hit))):
            yield Raised(
                now + random.uniform(0, 0.5),
                name,
                random.choice(errors[name]),
                label,
                trace if name in followed else "",
            )


def traced_cascade(random: Random) -> Iterator[Raised]:
    """Yield a failure that spreads to callers, all of them traced."""
    calls = fleet(random, random.randint(4, 9))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one")


def untraced_cascade(random: Random) -> Iterator[Raised]:
    """Yield the same without any traces."""
    calls = fleet(random, random.randint(5, 10))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one", traced=0)


def half_traced(random: Random) -> Iterator[Raised]:
    """Yield the same where half the services are traced."""
    calls = fleet(random, random.randint(5, 10))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one", traced=0.5)


def slow_leak(random: Random) -> Iterator[Raised]:
    """Yield one that takes minutes to spread."""
    calls = fleet(random, random.randint(4, 8))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one", delay=45, lasts=480)


def bad_release(random: Random) -> Iterator[Raised]:
    """Yield a release of three services that brings errors of its own."""
    names = [word(random, 6) for _ in range(6)]
    yield from ambient(random, names, 60, 1.5 * HOUR)
    for service in names[:3]:
        yield Raised(random.uniform(0, 60), service, f"Old{word(random)}", f"ambient:{service}")
    for service in names[:3]:
        for error in [f"Release{word(random)}" for _ in range(2)]:
            at = HOUR + random.uniform(0, 20)
            while at < HOUR + 300:
                yield Raised(at, service, error, "fault:release", release="2")
                at += random.expovariate(1 / 12)


def two_faults(random: Random) -> Iterator[Raised]:
    """Yield two failures of different services, one soon after the other."""
    one, two = fleet(random, 4), fleet(random, 4)
    yield from ambient(random, [*one, *two], 60, 1.5 * HOUR)
    yield from cascade(random, one, at=HOUR, label="fault:one")
    yield from cascade(random, two, at=HOUR + random.uniform(10, 50), label="fault:two")


def fault_in_noise(random: Random) -> Iterator[Raised]:
    """Yield an untraced failure among 600 ambient errors."""
    calls = fleet(random, random.randint(6, 10))
    yield from ambient(random, list(calls), 600, HOUR)
    yield from cascade(random, calls, at=HOUR / 2, label="fault:one", traced=0)


def traced_in_noise(random: Random) -> Iterator[Raised]:
    """Yield a traced failure among 600 ambient errors."""
    calls = fleet(random, random.randint(6, 10))
    yield from ambient(random, list(calls), 600, HOUR)
    yield from cascade(random, calls, at=HOUR / 2, label="fault:one")


def noise_alone(random: Random) -> Iterator[Raised]:
    """Yield 600 ambient errors and nothing else."""
    yield from ambient(random, list(fleet(random, random.randint(3, 10))), 600, HOUR)


KINDS: Final[dict[str, Kind]] = {
    "cascade, traced": traced_cascade,
    "cascade, no traces": untraced_cascade,
    "cascade, half the services traced": half_traced,
    "slow leak, traced": slow_leak,
    "bad release": bad_release,
    "two faults 10 to 50 s apart, traced": two_faults,
    "no traces, 600 ambient errors": fault_in_noise,
    "traced, 600 ambient errors": traced_in_noise,
    "600 ambient errors alone": noise_alone,
}


class KindScore(msgspec.Struct, frozen=True):
    """How one kind fared over all its seeds."""

    faults: Score
    """Over pairs of rows of which at least one is a fault's or stands in a storm with one."""
    rows: int
    ambient_in_storms: float
    """Share of the ambient rows that some storm holds."""


def recording(kinds: dict[str, Kind], seeds: int) -> list[bytes]:
    """Return the lines of one recording in which each kind and seed has its own environment."""
    found: list[tuple[float, str, bytes]] = []
    for name, kind in kinds.items():
        for seed in range(seeds):
            place = f"{name}#{seed}"
            for number, one in enumerate(kind(Random(place))):
                event: dict[str, object] = {
                    "event_id": f"{Random(f'{place}/{number}').getrandbits(128):032x}",
                    "project": one.service,
                    "environment": place.replace("/", " "),
                    "release": f"{one.service}@{one.release}"
                    if "fault" not in one.label
                    else f"all@{one.release}"
                    if one.release != "1"
                    else f"{one.service}@1",
                    "level": "error",
                    "timestamp": round(START + one.at, 3),
                    "exception": {"values": [{"type": one.error, "value": "it broke"}]},
                    "contexts": {"trace": {"trace_id": one.trace}} if one.trace else {},
                }
                line = {"label": f"{place}|{one.label}", "event": event}
                found.append((one.at, place, json.dumps(line).encode()))
    return [line for _, _, line in sorted(found)]


def measure(kinds: dict[str, Kind], seeds: int) -> dict[str, KindScore]:
    """Return the scores of each kind, over so many seeds of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synthetic.jsonl"
        path.write_bytes(b"\n".join(recording(kinds, seeds)) + b"\n")
        rows = read_labelled(path)
        assigned = assign(path)
    by_kind: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for row in rows:
        found = assigned[row.line]
        group = found.storm or found.incident or f"line {row.line}"
        by_kind[row.label.partition("#")[0]].append((row.label, group, bool(found.storm)))
    return {name: _score(by_kind[name]) for name in kinds}


def _score(rows: Sequence[tuple[str, str, bool]]) -> KindScore:
    hit = {group for label, group, _ in rows if "|fault:" in label}
    counted = [(label, group) for label, group, _ in rows if group in hit]
    noise = [storm for label, _, storm in rows if "|ambient:" in label]
    return KindScore(
        faults=pairwise([one for one, _ in counted], [two for _, two in counted]),
        rows=len(rows),
        ambient_in_storms=sum(noise) / len(noise) if noise else 0.0,
    )


def main(
    seeds: Annotated[int, typer.Option(help="Outages of each kind.", min=1)] = 20,
) -> None:
    """Score storms on drawn outages of every kind."""
    table = Table("kind", "rows", "pairwise P", "R", "F1", "ambient in storms")
    for name, one in measure(KINDS, seeds).items():
        score = one.faults
        cells = [f"{part:.3f}" for part in (score.precision, score.recall, score.f1)]
        table.add_row(name, f"{one.rows:,}", *cells, f"{one.ambient_in_storms:.3f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
