"""One seed of DELIVER, run and checked."""

from __future__ import annotations

import gc
from collections.abc import Callable

from tests.simulation.deliveries.checks import check
from tests.simulation.deliveries.scenario import Scenario, draw
from tests.simulation.deliveries.world import Parts, World
from tests.simulation.run import Outcome


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
        kind=scenario.kind,
        problems=tuple(problems),
        trace=world.loop.trace_hash,
        steps=world.loop.steps,
        virtual_s=round(world.loop.time(), 1),
        deaths=world.deaths,
        stalls=0,
    )
