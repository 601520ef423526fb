"""States of one environment with many open incidents, and what is configured around them.

A world is made by the real step out of deltas, and handed on as stored bytes: what is measured
begins where a new owner of the partition begins. Every draw is a function of the numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
import xxhash

from correlators import sets
from correlators.entries import Entry
from correlators.partition import Partition
from correlators.silences import Silence, episode_hash
from correlators.storms import Linking
from correlators.telling import Config
from correlators.ticks import Progress
from correlators.types import Delta, DeltaBatch, IncidentKey, Level, Sample
from streams.settings import load

ENVIRONMENT: Final = "production"
START: Final = 1_700_000_000
"""The tick in which measuring begins."""
SERVICES: Final = 200
TYPES: Final = ("TimeoutError", "ValueError", "KeyError", "ConnectionError", "HTTPError")
STORMS: Final = 100
"""In the world of many storms; each is held together by a trace of its own."""
APART: Final = Linking(burst_services=1_000_000, burst_onsets=1_000_000)
"""Under these limits the moment alone makes no storm."""
RULED: Final = Path(__file__).with_name("ruled.yaml")


class World(StrEnum):
    """What is open."""

    OLD = "old"
    """Told minutes ago, in no storm."""
    YOUNG = "young"
    """Opened within `link_within`, each with a trace of its own."""
    STORM = "one storm"
    """All in one storm, still young."""
    STORMS = "many storms"
    """In a hundred storms, still young."""


class Rules(StrEnum):
    """What is configured."""

    DEFAULT = "default"
    RULED = "20 rules"


def config_of(rules: Rules) -> Config:
    """Return what decides: the example configuration, or twenty rules with all that holds back."""
    root = Path(__file__).parents[2]
    path = root / "stormfold.yaml" if rules is Rules.DEFAULT else RULED
    secrets = ("SENTRY_CLIENT_SECRET", "SLACK_BOT_TOKEN", "PAGERDUTY_ROUTING_KEY")
    return load(path, dict.fromkeys(secrets, "none")).correlation()


def silences(rules: Rules, count: int = 20) -> list[Entry]:
    """Return silences that are given, as they stand in the state."""
    if rules is Rules.DEFAULT:
        return []
    return [
        Silence(
            id=f"silence-{number:02}",
            environment=ENVIRONMENT,
            author="ann",
            from_ms=START * 1000 - 3_600_000,
            to_ms=START * 1000 + 86_400_000,
            episodes=tuple(
                sorted(
                    episode_hash(service(number * 7 + one), hashed(f"{one}")) for one in range(50)
                )
            ),
        )
        for number in range(count)
    ]


def hashed(text: str) -> str:
    """Return a fingerprint."""
    return xxhash.xxh3_128_hexdigest(text.encode())


def service(number: int) -> str:
    """Return the name of a service."""
    return f"service-{number % SERVICES:03}"


def delta(
    number: int,
    tick: int,
    *,
    trace: int = 0,
    users: Iterable[int] = (),
    events: int = 2,
) -> Delta:
    """Return what some events add to incident `number` in a tick.

    Args:
        number: which incident; it says service, error and level.
        tick: of the events.
        trace: hash of the trace that they carry, 0 for none.
        users: hashes; one of its own where there are none.
        events: how many different ones.
    """
    name = TYPES[number % len(TYPES)]
    title = f"{name}: step {number} failed"
    level = Level.FATAL if number % 500 == 0 else Level.WARNING if number % 5 == 0 else Level.ERROR
    seed = (number << 24) ^ (tick << 4)
    return Delta(
        key=IncidentKey(ENVIRONMENT, service(number), "1.4.2", hashed(title)),
        version=2,
        tick=tick,
        first_ms=tick * 1000,
        last_ms=tick * 1000 + 900,
        level=level,
        events=sets.of(spread(seed + one) for one in range(events)),
        users=sets.of(list(users) or [spread(seed)]),
        traces=(trace,) if trace else (),
        issues=(str(1_000_000 + number),),
        marks=("tier=gold",) if number % 10 == 0 else (),
        signature=(f"type {name}", f"in app.step_{number} (app/step.py)"),
        sample=Sample(
            at_ms=tick * 1000,
            event_id=f"{seed:032x}",
            title=title,
            culprit=f"app.step in step_{number}",
            web_url=f"https://sentry.example.org/issues/{number}/events/{seed:032x}/",
        ),
    )


def spread(number: int) -> int:
    """Return a 64-bit hash of a number, never 0."""
    return xxhash.xxh3_64_intdigest(number.to_bytes(12, "big")) | 1


def first_progress() -> Progress:
    """Return the progress of a partition that has seen nothing."""
    return Progress(installation="ticks:data", partitions=1, sources=(("sentry.events", 0),))


def batch(deltas: Iterable[Delta], tick: int) -> DeltaBatch:
    """Return the message that completes a tick."""
    return DeltaBatch(
        topic="sentry.events",
        partition=0,
        deltas=tuple(deltas),
        watermark_ms=(tick + 1) * 1000,
    )


def trace_of(world: World, number: int) -> int:
    """Return the trace that an incident's events carry in a world, 0 for none."""
    match world:
        case World.YOUNG:
            return spread(number)
        case World.STORMS:
            return spread(number % STORMS)
        case World.OLD | World.STORM:
            return 0


_AGES: Final = {World.OLD: (280, 100), World.YOUNG: (45, 12), World.STORM: (45, 12)}
_STORMS_AGE: Final = (45, 12)


def made(
    world: World,
    config: Config,
    incidents: int,
    users: Callable[[int], Iterable[int]] = lambda _: (),
    events: int = 2,
) -> list[Entry]:
    """Return the entries of a world with so many open incidents, as they are before `START`.

    Args:
        world: what is open.
        config: what decides.
        incidents: how many.
        users: hashes of those that an incident hits.
        events: different ones of each.
    """
    oldest, youngest = _AGES.get(world, _STORMS_AGE)
    apart = world is World.OLD
    limits = msgspec.structs.replace(config, linking=APART) if apart else config
    partition = Partition(limits, first_progress())
    span = oldest - youngest
    opened: dict[int, list[Delta]] = {}
    for number in range(incidents):
        tick = START - oldest + number * span // incidents
        trace = trace_of(world, number)
        made_of = delta(number, tick, trace=trace, users=users(number), events=events)
        opened.setdefault(tick, []).append(made_of)
    for offset, tick in enumerate(range(START - oldest, START)):
        partition.receive(offset, batch(opened.get(tick, ()), tick))
        while partition.ready():
            partition.step(most_ticks=1_000)
    return [entry for _, entry in partition.state_entries]
