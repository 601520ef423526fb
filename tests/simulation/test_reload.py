"""A configuration that is taken at any moment, between and amid all faults, loses and repeats
nothing."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from streams import codec
from tests.simulation.checks import check
from tests.simulation.scenario import Fault, draw
from tests.simulation.stages import TOPICS
from tests.simulation.world import World

RELOADS = 8


def reloaded(seed: int) -> World:
    """Run the scenario of a seed, with reloads beside its faults."""
    random = Random(f"reloads {seed}")
    drawn = draw(seed)
    reloads = [
        Fault(random.uniform(0.2, 6.0), "reload", random.randrange(drawn.workers), stage)
        for stage in (0, 1, 1)
        for _ in range(RELOADS)
    ]
    world = World(replace(drawn, faults=tuple(sorted((*drawn.faults, *reloads)))))
    world.run()
    return world


def names(world: World) -> set[str]:
    """Return the names of all configurations that the state says have decided."""
    found = set()
    for log in world.cluster.of_topic(TOPICS.incidents):
        for entry in log.entries:
            message = entry.message
            if message is not None and message.key == PROGRESS_KEY.encode():
                progress = codec.entry(message.value or b"")
                assert isinstance(progress, Progress)
                found |= {name for _, name in progress.configurations}
    return found


@pytest.mark.parametrize("seed", range(16))
def test_a_reload_at_any_moment_loses_and_repeats_nothing(seed: int) -> None:
    assert check(reloaded(seed)) == []


def test_these_reloads_are_taken_between_the_ticks_of_running_partitions() -> None:
    assert sum(len(names(reloaded(seed))) for seed in (0, 1, 2, 3)) >= 2 * RELOADS
