"""A recorded day: the errors that break on any day, and outages in which the rest of them came.

Two environments, fifty services that call each other, releases over the day; Python, Node and Java
events of 3 to 15 KB in the form of Sentry's webhooks. What fails is drawn as in `synthetic`, what
an error looks like as in the benchmark of storms. The same count and seed give the same bytes.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from random import Random
from typing import Final

from benchmarks.drawn import cascade, fleet
from benchmarks.local.templates import Template, template

START_MS: Final = 1_790_000_000_000
DAY_S: Final = 86_400
SERVICES: Final = 50
SITES: Final = 1_500
"""Places that fail on any day; a few of them most of the time."""
AMBIENT_SHARE: Final = 0.25
NEW_SHARE: Final = 0.01
"""Share of the ambient errors that nobody has seen before."""
STAGING_SHARE: Final = 0.12
BELATED_SHARE: Final = 0.003
RELEASES: Final = 4
"""Of each service in the day."""
OUTAGE_S: Final = (300.0, 1_200.0)
INTENSITY: Final = 4
"""How many times as fast as in `synthetic` an outage's events come: hundreds a second at first."""

_Failure = tuple[float, str, str, str, bool]
"""Seconds into the day, service, error, trace, whether in staging."""


def lines(count: int, *, seed: int = 1) -> Iterator[bytes]:
    """Yield the lines of the day, in the order of their time.

    Args:
        count: how many.
        seed: another one gives another day.
    """
    draw = Random(f"day:{seed}")
    calls = fleet(draw, SERVICES)
    failures = _failures(draw, calls, count)
    deployed = {name: sorted(draw.uniform(0, DAY_S) for _ in range(RELEASES)) for name in calls}
    made: dict[tuple[str, str], Template] = {}
    for at_s, service, error, trace, staging in failures:
        key = (service, error)
        known = made.get(key)
        if known is None:
            known = made[key] = template(service, error)
        number = bisect.bisect_right(deployed[service], at_s)
        at_ms = START_MS + round(at_s * 1000)
        behind_ms = draw.randrange(50, 2_000)
        if draw.random() < BELATED_SHARE:
            behind_ms = draw.randrange(150_000, 1_800_000)
        yield known.line(
            draw,
            at_ms,
            (at_ms - behind_ms) / 1000,
            "staging" if staging else "production",
            f"{service}@4.{number}.0",
            trace,
        )


def _failures(draw: Random, calls: dict[str, list[str]], count: int) -> list[_Failure]:
    """Return what fails when, in order."""
    found = list(_ambient(draw, list(calls), round(count * AMBIENT_SHARE)))
    outages = 0
    while len(found) < count:
        outages += 1
        found.extend(_outage(draw, calls, outages))
    ambient = round(count * AMBIENT_SHARE)
    kept = draw.sample(range(ambient, len(found)), count - ambient)
    return sorted(found[:ambient] + [found[place] for place in kept])


def _outage(draw: Random, calls: dict[str, list[str]], number: int) -> Iterator[_Failure]:
    """Yield what one outage brings. Those of low numbers lie far apart."""
    at = DAY_S * ((number * 0.381966) % 1) * 0.97
    staging = draw.random() < STAGING_SHARE
    names = list(calls)
    raised = cascade(
        draw,
        calls,
        at=at,
        label=f"outage:{number:04d}",
        traced=draw.choice((0.0, 0.5, 1.0)),
        delay=INTENSITY * draw.uniform(1, 10),
        lasts=INTENSITY * draw.uniform(*OUTAGE_S),
        root=draw.choice(names[len(names) // 2 :]),
    )
    for one in raised:
        yield at + (one.at - at) / INTENSITY, one.service, one.error, one.trace, staging


def _ambient(draw: Random, names: list[str], count: int) -> Iterator[_Failure]:
    sites = [(draw.choice(names), f"Site{number}") for number in range(SITES)]
    for number in range(count):
        at = draw.uniform(0, DAY_S)
        if draw.random() < NEW_SHARE:
            service, error = draw.choice(names), f"New{number % 4_000}"
        else:
            # Zipf's law: the second of them comes half as often as the first, and so on.
            service, error = sites[int(SITES ** draw.random()) - 1]
        yield at, service, error, "", draw.random() < STAGING_SHARE
