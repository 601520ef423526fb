"""What happens in one run, drawn from its seed: topics, workers, events, faults."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from correlators.fingerprinter import Fingerprinting
from correlators.holds import Holding
from correlators.incidents import Windows
from correlators.rules import Pages, Routes
from correlators.storms import Linking
from correlators.telling import Config
from streams.settings import Clock
from tests.simulation.cluster import EPOCH_MS
from tests.simulation.owed import PERSONAL, REPORTS
from tests.simulation.people import Moment, moments

SECOND_MS = 1_000
LONGER = 4.0

# Short lives, so that a run of some seconds sees every transition; nothing is forgotten within it.
CONFIG = Config(
    windows=Windows(
        settle_ms=1 * SECOND_MS,
        update_every_ms=2 * SECOND_MS,
        quiet_for_ms=3 * SECOND_MS,
        max_life_ms=40 * SECOND_MS,
        reopen_within_ms=5 * SECOND_MS,
        remember_ms=3_600 * SECOND_MS,
        flap_within_ms=1 * SECOND_MS,
        belated_after_ms=4 * SECOND_MS,
        stale_after_ms=15 * SECOND_MS,
    ),
    linking=Linking(
        link_within_ms=2 * SECOND_MS, storm_quiet_ms=2 * SECOND_MS, release_news_ms=9 * SECOND_MS
    ),
    pages=Pages(environments=("production",), events=4, within_ms=10 * SECOND_MS),
    routes=Routes(tell=("slack:incidents",), page=("pagerduty:default",)),
    holding=Holding(reports=REPORTS),
    personal=PERSONAL,
)
FINGERPRINTING = Fingerprinting(belated_after_ms=CONFIG.windows.belated_after_ms)


class Written(NamedTuple):
    """One record that an intake writes."""

    after_s: float
    """Since the intake began, in stream time."""
    resource: str
    body: bytes
    behind_ms: int = 0
    """How far its `at_ms` goes back, under clock data."""


class Fault(NamedTuple):
    """Something that goes wrong, or is done by an operator."""

    at_s: float
    kind: str
    worker: int = 0
    stage: int = 0
    """0 FINGERPRINT, 1 CORRELATE, 2 DELIVER; further ones are both of the worker's first. For
    `withhold` it is the source partition."""
    number: float = 0.0
    """Seconds, or steps for a kill."""


@dataclass(frozen=True)
class Scenario:
    """One run."""

    seed: int
    kind: str
    clock: Clock
    sources: int
    targets: int
    workers: int
    intakes: tuple[tuple[Written, ...], ...]
    faults: tuple[Fault, ...] = ()
    slow_network: bool = False
    skew_ms: int = 0
    speed: float = 1.0
    """How many seconds of stream time an intake writes in a second, under clock data."""
    idle: frozenset[int] = frozenset()
    """Source partitions that no intake writes to."""
    poll_ms: int = 200
    timer_ms: int = 250
    start_s: float = 0.0
    """When the workers start."""
    most_ticks: int = 256
    """Of one transaction."""
    most_held: int = 200_000
    flush_events: int = 5_000
    batch_bytes: int = 512 * 1024
    people: tuple[Moment, ...] = ()
    """When somebody decides something about what is stored then."""


KINDS = (
    ("plain", Clock.DATA),
    ("plain", Clock.WALL),
    ("deaths", Clock.DATA),
    ("zombies", Clock.DATA),
    ("workers", Clock.DATA),
    ("deaths", Clock.WALL),
    ("network", Clock.DATA),
    ("zombies", Clock.WALL),
    ("outage", Clock.DATA),
    ("lagging", Clock.DATA),
    ("workers", Clock.WALL),
    ("outage", Clock.WALL),
    ("chaos", Clock.DATA),
    ("chaos", Clock.WALL),
    ("backlog", Clock.DATA),
    ("takeover", Clock.DATA),
)


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    random = Random(f"scenario {seed}")
    kind, clock = KINDS[seed % len(KINDS)]
    sources = random.choice((1, 2, 2, 3, 4))
    alone = kind not in ("zombies", "takeover")
    workers = random.choice((1, 2, 2, 3)) if alone else random.choice((2, 2, 3))
    wall = clock is Clock.WALL
    span_s = random.uniform(3, 6) if wall else random.uniform(10, 60)
    speed = 1.0 if wall else random.choice((5.0, 20.0, 60.0))
    if kind == "backlog":
        speed = 1_000.0
    elif kind in ("zombies", "takeover") and not wall:
        speed = span_s / random.uniform(6.0, 11.0)  # a zombie is one only if work goes on
    if not wall and seed % 7 in (2, 5):  # so that the same report is told more than once
        span_s, speed = LONGER * span_s, LONGER * speed
    intakes = tuple(
        tuple(_records(random, random.randrange(10, 70), span_s, wall=wall))
        for _ in range(random.choice((1, 1, 2)) if wall else 1)
    )
    busy_s = span_s / speed + (4.0 if kind == "backlog" else 2.0)
    return Scenario(
        seed=seed,
        kind=kind,
        clock=clock,
        sources=sources,
        targets=random.choice((1, 1, 2)),
        workers=workers,
        intakes=intakes,
        faults=tuple(sorted(_faults(random, kind, workers, busy_s))),
        slow_network=kind in ("network", "backlog", "takeover") or random.random() < 0.1,
        skew_ms=random.choice((0, 0, 300, 2_000)),
        speed=speed,
        idle=frozenset(p for p in range(1, sources) if random.random() < 0.15),
        poll_ms=random.choice((100, 500, 1_000)),
        timer_ms=random.choice((200, 500, 1_000)),
        start_s=1.0 if kind == "backlog" else 0.0,
        most_ticks=random.choice((1, 2, 5, 256)),
        flush_events=random.choice((1, 5, 5_000, 5_000)),
        batch_bytes=random.choice((1_000, 3_000, 512 * 1024)),
        people=_people(seed, busy_s),
    )


def _people(seed: int, span_s: float) -> tuple[Moment, ...]:
    """Return when people decide something, in every other run."""
    random = Random(f"people {seed}")
    return moments(random, span_s) if random.random() < 0.5 else ()


def _faults(random: Random, kind: str, workers: int, span_s: float) -> list[Fault]:
    def at() -> float:
        return random.uniform(0.2, span_s)

    def kill() -> Fault:
        steps = random.choice((0, 1, 3, 10, 30, 100, 300)) + random.randrange(20)
        return Fault(at(), "kill", random.randrange(workers), random.randrange(2), steps)

    def suspend() -> Fault:
        for_s = random.choice((0.5, 3.0, 5.5 + 3 * random.random(), 8.0, 12.0))
        return Fault(at(), "suspend", random.randrange(workers), random.randrange(3), for_s)

    def take_over() -> Fault:
        # Woken about when another restores what it had: a heartbeat more or less after its session.
        for_s = 5.0 + 2.5 * random.random()
        return Fault(random.uniform(0.8, 3.0), "suspend", random.randrange(workers), 1, for_s)

    def stop() -> Fault:
        away_s = random.choice((0.1, 1.0, 4.0))
        return Fault(at(), "stop", random.randrange(workers), random.randrange(3), away_s)

    def join() -> Fault:
        return Fault(at(), "join", 0, 2)

    def slow() -> Fault:
        return Fault(at(), "slow", random.randrange(workers), random.randrange(2), 3.0)

    def outage() -> Fault:
        return Fault(at(), "outage", number=random.choice((0.3, 2.0, 5.0, 9.0)))

    def step_back() -> Fault:
        return Fault(at(), "clock", number=random.choice((-1.5, -0.3, 0.4)))

    drawn = {
        "plain": [],
        "deaths": [kill] * 4 + [stop],
        "zombies": [suspend] * 2 + [kill],
        "workers": [stop, stop, join, join, kill],
        "network": [kill, stop],
        "outage": [outage, outage, kill],
        "lagging": [slow, slow, kill],
        "backlog": [join, join, stop, kill],
        "takeover": [take_over],
        "chaos": [kill, kill, suspend, stop, join, slow, outage, step_back],
    }[kind]
    chosen = random.sample(drawn, random.randint(1, len(drawn))) if drawn else []
    return [make() for make in chosen]


def _records(random: Random, count: int, span_s: float, *, wall: bool) -> list[Written]:
    after_s = 0.0
    written: list[Written] = []
    for _ in range(count):
        after_s += random.choice((0.0, 0.0, 0.2, 1.0, 3.0)) * span_s / count
        what = random.choice(("event",) * 14 + ("issue", "junk", "repeat", "repeat"))
        behind_ms = random.choice((0,) * 12 + (700, 2_500))
        if what == "repeat" and written:
            again = random.choice(written)
            written.append(Written(after_s, again.resource, again.body, behind_ms))
        elif what == "issue":
            issue = {"id": random.choice(("71", "72")), "title": "x"}
            body = json.dumps({"action": "resolved", "data": {"issue": issue}}).encode()
            written.append(Written(after_s, "issue", body, behind_ms))
        elif what == "junk":
            written.append(Written(after_s, "event", b'{"%d' % random.randrange(99), behind_ms))
        else:
            written.append(Written(after_s, "event", event(random, after_s), behind_ms))
    return written


def event(random: Random, after_s: float) -> bytes:
    """Return the body of a bare event that happened about then."""
    service = random.choice(("checkout", "payment", "catalogue", "cart"))
    kind = random.choice(("TimeoutError", "KeyError"))
    behind_s = random.choice((0.0,) * 8 + (3.0, 6.0, 12.0, 30.0))
    body: dict[str, object] = {
        "event_id": f"{random.getrandbits(128):032x}",
        "project": service,
        "environment": random.choice(("production", "production", "staging", "test")),
        "release": random.choice(("1.0", "1.0", "1.1", "")),
        "level": random.choice(("error", "error", "fatal", "warning")),
        "transaction": random.choice(("GET /a", "GET /b")),
        "exception": {"values": [{"type": kind, "value": "x"}]},
        "user": {"id": random.choice(("u1", "u2", "u3"))},
        "issue_id": random.choice(("71", "72")),
        "timestamp": EPOCH_MS / 1000 + after_s - behind_s,
    }
    if random.random() < 0.3:
        body["contexts"] = {"trace": {"trace_id": random.choice("ab") * 32}}
    return json.dumps(body).encode()
