"""What happens in one run of DELIVER, drawn from its seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation.deliveries import lived, stories
from tests.simulation.deliveries.letters import LETTERS
from tests.simulation.deliveries.line import Strike, Weather
from tests.simulation.deliveries.lived import Story
from tests.simulation.deliveries.stories import Record
from tests.simulation.scenario import Fault

CHANNELS: Final = ("slack:a", "slack:b", "slack:c")
PAGERS: Final = ("pagerduty:one", "pagerduty:two")
GONE: Final = "slack:gone"
"""A channel of the first configuration only."""
ADDED: Final = "slack:added"
"""A channel of the second configuration only."""

KINDS: Final = (
    "plain",
    "services",
    "kills",
    "zombies",
    "limits",
    "workers",
    "outage",
    "slow",
    "down",
    "reload",
    "lost",
    "flood",
    "people",
    "chaos",
)

CALM: Final = Weather()


@dataclass(frozen=True)
class Scenario:
    """One run."""

    seed: int
    kind: str
    workers: int
    partitions: int
    records: tuple[Record, ...]
    chat: Weather = CALM
    pager: Weather = CALM
    strikes: tuple[Strike, ...] = ()
    faults: tuple[Fault, ...] = ()
    channels: tuple[str, ...] = CHANNELS
    """Of the first configuration."""
    added: tuple[str, ...] = ()
    """Channels that a change of the configuration adds."""
    slow_network: bool = False
    skew_ms: int = 0
    poll_ms: int = 200
    timer_ms: int = 100
    calls_at_once: int = 48
    story: Story | None = None
    """What people live in, in place of the records."""


FAULTS: Final = {
    "error": 0.03,
    "error done": 0.03,
    "hang": 0.03,
    "mute": 0.04,
    "late": 0.04,
    "cut": 0.03,
    "cut done": 0.04,
    "cut late": 0.04,
    "no connection": 0.03,
}
LIMITED: Final = {"limited": 0.15}
REJECTED: Final = {"rejected": 0.02}


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    random = Random(f"deliveries {seed}")
    kind = KINDS[seed % len(KINDS)]
    alone = kind not in ("zombies", "lost")
    workers = random.choice((1, 2, 2, 3)) if alone else random.choice((2, 2, 3))
    channels: tuple[str, ...] = (*CHANNELS, GONE) if kind == "reload" else CHANNELS
    channels = channels[-random.choice((1, 2, len(channels))) :]
    added = (ADDED,) if kind == "reload" else ()
    span_s = random.uniform(5, 25)
    incidents = random.randrange(1, 13)
    story = lived.story(random, channels, PAGERS, span_s) if kind == "people" else None
    if kind == "flood":
        channels, incidents = channels[:1], random.randrange(60, 120)
    letters = Random(f"letters {seed}")
    posted = tuple(letters.sample(LETTERS, letters.choice((0, 1, 2, len(LETTERS)))))
    if story:
        story = story._replace(tell=(*story.tell, *posted))
    return Scenario(
        seed=seed,
        kind=kind,
        workers=workers,
        partitions=random.choice((1, 2, 3)),
        records=()
        if story
        else (
            *stories.draw(random, (*channels, *added), PAGERS, span_s, incidents),
            *_posted(letters, posted, span_s, many=kind == "flood"),
        ),
        chat=_weather(random, kind, span_s),
        pager=_weather(random, kind, span_s),
        strikes=tuple(_strikes(random, kind)),
        faults=tuple(sorted(_faults(random, kind, workers, span_s))),
        channels=channels,
        added=added,
        slow_network=kind == "slow" or random.random() < 0.1,
        skew_ms=random.choice((0, 0, 100)),
        poll_ms=random.choice((100, 500)),
        timer_ms=random.choice((100, 250)),
        calls_at_once=random.choice((1, 4, 48, 48)),
        story=story,
    )


def _posted(
    random: Random, places: tuple[str, ...], span_s: float, *, many: bool
) -> tuple[Record, ...]:
    """Return what is told where nobody can ask."""
    incidents = random.randrange(40, 80) if many else random.randrange(1, 9)
    return stories.draw(random, places, (), span_s, incidents) if places else ()


def _weather(random: Random, kind: str, span_s: float) -> Weather:
    faults: dict[str, float] = {}
    if kind not in ("plain", "slow"):
        faults |= FAULTS
    if kind in ("limits", "chaos"):
        faults |= LIMITED
    if kind in ("services", "chaos"):
        faults |= REJECTED
    down: tuple[tuple[float, float], ...] = ()
    if kind == "down":
        since_s = random.random() * span_s
        down = ((since_s, since_s + random.choice((5.0, 40.0, 150.0))),)
    return Weather(
        faults=faults,
        down=down,
        slow_s=random.choice((0.1, 0.3, 3.0)),
        connect_s=random.choice((0.0, 0.0, 0.3)),
        penalty_s=(3.0, 25.0) if kind == "limits" else (1.0, 8.0),
    )


STRIKES: Final = {
    "kills": 4,
    "zombies": 3,
    "limits": 2,
    "people": 2,
    "chaos": 2,
    "flood": 1,
    "lost": 1,
}


def _strikes(random: Random, kind: str) -> list[Strike]:
    """Deaths and sleeps at points of calls that are drawn."""
    many = STRIKES.get(kind, 0)
    found = []
    for _ in range(many):
        zombie = kind == "zombies" or (kind in ("people", "chaos") and random.random() < 0.5)
        # Longer than an attempt may last, longer than a session, or both.
        sleep_s = random.choice((2.0, 4.5, 6.5, 8.0, 12.0)) if zombie else 0.0
        point = random.choice(("begun", "begun", "arrived", "heard"))
        found.append(Strike(random.choice((1, 3, 8, 20)) * random.randrange(1, 3), point, sleep_s))
    return found


def _faults(random: Random, kind: str, workers: int, span_s: float) -> list[Fault]:
    def at() -> float:
        return random.uniform(0.5, span_s + 3)

    def kill() -> Fault:
        steps = random.choice((0, 1, 3, 10, 30, 100, 300)) + random.randrange(20)
        return Fault(at(), "kill", random.randrange(workers), number=steps)

    def suspend() -> Fault:
        for_s = random.choice((0.5, 3.0, 5.5 + 3 * random.random(), 8.0, 12.0))
        return Fault(at(), "suspend", random.randrange(workers), number=for_s)

    def nap() -> Fault:
        # Past its deadline, while its transaction may still be committed; or past that too.
        for_s = random.choice((4.1 + 1.2 * random.random(), 5.5 + 3 * random.random()))
        return Fault(at(), "nap", number=for_s)

    def stop() -> Fault:
        return Fault(at(), "stop", random.randrange(workers), number=random.choice((0.1, 1.0, 4.0)))

    def join() -> Fault:
        return Fault(at(), "join")

    def outage() -> Fault:
        return Fault(at(), "outage", number=random.choice((0.3, 2.0, 5.0, 9.0)))

    def abort() -> Fault:
        return Fault(at(), "abort", random.randrange(3))

    def slow() -> Fault:
        return Fault(at(), "slow", random.randrange(workers), number=3.0)

    def lose() -> Fault:
        return Fault(at(), "lose", random.randrange(workers - 1))

    def delete() -> Fault:
        return Fault(at(), "delete", random.randrange(9))

    def reload() -> Fault:
        return Fault(at(), "reload")

    def redrive() -> Fault:
        return Fault(at() + 5, "redrive", random.randrange(9))

    drawn = {
        "plain": [delete],
        "services": [delete, delete, redrive, redrive],
        "kills": [kill] * 3,
        "zombies": [nap, nap, suspend, kill],
        "limits": [kill, kill, stop, stop],
        "workers": [stop, stop, join, join, kill],
        "outage": [outage, outage, abort, kill],
        "slow": [slow, slow, kill, abort],
        "down": [kill, stop],
        "reload": [kill, stop, delete, redrive],
        "lost": [lose],
        "flood": [kill, stop],
        "people": [kill, kill, suspend, nap, stop, join, outage],
        "chaos": [kill, kill, suspend, stop, join, slow, outage, abort, delete, redrive],
    }[kind]
    chosen = random.sample(drawn, random.randint(1, len(drawn)))
    if kind in ("limits", "zombies"):
        chosen = drawn
    if kind == "reload":
        chosen.append(reload)
    return [make() for make in chosen]
