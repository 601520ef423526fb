"""Outages that never were, with known truth: small fleets of services, what is usual in them, and
what breaks.

Lives here: the kinds of trouble, each an iterator of error events drawn from one seed. Who scores
them is `synthetic` and `tests/simulation/outages`. Nothing here looks at how storms are linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

import msgspec

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


Kind = Callable[[Random, float], Iterator[Raised]]
"""One outage of a kind, from a seed, and how busy it is: 1 for thousands of events, less for fewer
events of as many errors."""


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
    busy: float = 1.0,
) -> Iterator[Raised]:
    """Yield what fails when a service breaks: it, what calls it, what calls that, and so on.

    Args:
        traced: share of the services that report traces.
        delay: mean seconds until the failure reaches the next caller.
        busy: how many requests fail, against thousands.
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
        now += random.expovariate(busy * (0.5 + 3 * (end - now) / lasts))
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


def traced_cascade(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield a failure that spreads to callers, all of them traced."""
    calls = fleet(random, random.randint(4, 9))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one", busy=busy)


def untraced_cascade(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield the same without any traces."""
    calls = fleet(random, random.randint(5, 10))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one", traced=0, busy=busy)


def half_traced(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield the same where half the services are traced."""
    calls = fleet(random, random.randint(5, 10))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one", traced=0.5, busy=busy)


def slow_leak(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield one that takes minutes to spread."""
    calls = fleet(random, random.randint(4, 8))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    yield from cascade(random, calls, at=HOUR, label="fault:one", delay=45, lasts=480, busy=busy)


def bad_release(random: Random, busy: float = 1.0) -> Iterator[Raised]:
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
                at += random.expovariate(max(0.3, busy) / 12)


def two_faults(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield two failures of different services, one soon after the other."""
    one, two = fleet(random, 4), fleet(random, 4)
    yield from ambient(random, [*one, *two], 60, 1.5 * HOUR)
    yield from cascade(random, one, at=HOUR, label="fault:one", busy=busy)
    yield from cascade(random, two, at=HOUR + random.uniform(10, 50), label="fault:two", busy=busy)


def fault_in_noise(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield an untraced failure among 600 ambient errors."""
    calls = fleet(random, random.randint(6, 10))
    yield from ambient(random, list(calls), 600, HOUR)
    yield from cascade(random, calls, at=HOUR / 2, label="fault:one", traced=0, busy=busy)


def traced_in_noise(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield a traced failure among 600 ambient errors."""
    calls = fleet(random, random.randint(6, 10))
    yield from ambient(random, list(calls), 600, HOUR)
    yield from cascade(random, calls, at=HOUR / 2, label="fault:one", busy=busy)


def shared_noise(random: Random, names: Sequence[str], many: int, until: float) -> Iterator[Raised]:
    """Yield so many ambient errors of a few libraries that every service uses, each service at its
    own steady rate."""
    errors = [f"Library{word(random)}" for _ in range(random.randint(4, 20))]
    weights = [random.expovariate(1) + 0.05 for _ in names]
    for _ in range(many):
        service, error = random.choices(names, weights)[0], random.choice(errors)
        trace = hexes(random) if random.random() < 0.3 else ""
        label = f"ambient:{service}:{error}"
        yield Raised(random.uniform(0, until), service, error, label, trace)


def lone_fault_in_shared_noise(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield a failure of one service among 600 ambient errors that share their signatures."""
    names = [word(random, 6) for _ in range(random.randint(5, 10))]
    yield from shared_noise(random, names, 600, HOUR)
    yield from lone(random, names[0], at=HOUR / 2, busy=busy)


def lone_fault_in_dense_noise(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield the same where the 600 come within twenty minutes, right from the first record."""
    names = [word(random, 6) for _ in range(random.randint(5, 10))]
    yield from shared_noise(random, names, 600, HOUR / 3)
    yield from lone(random, names[0], at=HOUR / 6, busy=busy)


def cascade_in_shared_noise(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield a failure of several services among 600 ambient errors that share their signatures."""
    calls = fleet(random, random.randint(6, 10))
    yield from shared_noise(random, list(calls), 600, HOUR)
    yield from cascade(random, calls, at=HOUR / 2, label="fault:one", traced=0.5, busy=busy)


def lone(random: Random, service: str, *, at: float, busy: float) -> Iterator[Raised]:
    """Yield what fails in one service that nobody calls: one request, up to three errors of it."""
    errors = [f"Lone{word(random)}" for _ in range(random.randint(1, 3))]
    end = at + 300
    while at < end:
        trace = hexes(random)
        for error in errors:
            yield Raised(at, service, error, "fault:lone", trace)
        at += random.expovariate(0.2 + 0.8 * busy)


def late_caller(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield one service that fails, and minutes later another whose requests reach it."""
    one, two, *others = (word(random, 6) for _ in range(6))
    yield from ambient(random, [one, two, *others], 60, 1.5 * HOUR)
    begins = HOUR + random.uniform(65, 400)
    at = HOUR
    first, second = f"First{word(random)}", f"Second{word(random)}"
    while at < HOUR + 600:
        trace = hexes(random)
        yield Raised(at, one, first, "fault:one", trace)
        if at >= begins and random.random() < 0.7:
            yield Raised(at + random.uniform(0, 0.5), two, second, "fault:one", trace)
        at += random.expovariate(0.1 + 0.4 * busy)


def untraced_faults_in_turn(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield two failures of one fleet, the second soon after the first is over, without traces."""
    calls = fleet(random, random.randint(7, 12))
    yield from ambient(random, list(calls), 60, 1.5 * HOUR)
    lasts = random.uniform(180, 600)
    yield from cascade(
        random, calls, at=HOUR, label="fault:one", traced=0, lasts=lasts, delay=1, busy=busy
    )
    yield from cascade(
        random,
        calls,
        at=HOUR + lasts + random.uniform(5, 45),
        label="fault:two",
        traced=0,
        root=list(calls)[-2],
        delay=1,
        busy=busy,
    )


def noise_alone(random: Random, busy: float = 1.0) -> Iterator[Raised]:
    """Yield 600 ambient errors and nothing else."""
    yield from ambient(random, list(fleet(random, random.randint(3, 10))), 600, HOUR)


def release_of(one: Raised) -> str:
    """Return the release of an event: where a fault comes with one, all its services share it."""
    shared = one.label.startswith("fault") and one.release != "1"
    return f"{'all' if shared else one.service}@{one.release}"


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
    "one service, 600 of shared signatures": lone_fault_in_shared_noise,
    "the same within 20 minutes": lone_fault_in_dense_noise,
    "cascade, 600 of shared signatures": cascade_in_shared_noise,
    "second service minutes later, traced": late_caller,
    "two faults in turn, no traces": untraced_faults_in_turn,
}
