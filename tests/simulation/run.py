"""One seed, run and checked."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.checks import check
from tests.simulation.scenario import Scenario, draw
from tests.simulation.stages import Parts
from tests.simulation.world import World


@dataclass(frozen=True)
class Outcome:
    """What one run gave."""

    seed: int
    kind: str
    problems: tuple[str, ...]
    trace: int
    """Equal for equal runs, step by step."""
    steps: int
    virtual_s: float
    deaths: int
    stalls: int


def simulate(
    seed: int, parts: type[Parts] = Parts, say: Callable[[str], None] | None = None
) -> Outcome:
    """Run a seed and check it."""
    return play(draw(seed), parts, say)


def play(
    scenario: Scenario,
    parts: type[Parts] = Parts,
    say: Callable[[str], None] | None = None,
) -> Outcome:
    """Run a scenario and check it."""
    world = World(scenario, parts, say)
    collects = gc.isenabled()
    gc.disable()  # what the collector finalises, and when, is no part of a run
    try:
        world.run()
        problems = check(world)
    finally:
        if collects:
            gc.enable()
    return Outcome(
        seed=scenario.seed,
        kind=f"{scenario.kind} {scenario.clock.value}",
        problems=tuple(problems),
        trace=world.loop.trace_hash,
        steps=world.loop.steps,
        virtual_s=round(world.loop.time(), 1),
        deaths=world.deaths,
        stalls=world.stalls,
    )
