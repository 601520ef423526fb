"""A partition that another process of the stage has died of is parked in those that live, too."""

from __future__ import annotations

from functools import partial

from aiokafka import TopicPartition

from streams.reports import PartitionState
from streams.stage.report import make_report
from tests.simulation.checks import check
from tests.simulation.scenario import Fault
from tests.simulation.stages import NAMESPACE, TOPICS
from tests.simulation.test_cases import FINGERPRINT, events, scenario
from tests.simulation.world import World

GROUP = f"{NAMESPACE}.fingerprint"
PARKED = TopicPartition(TOPICS.events, 0)
PARKED_S, TRIED_AGAIN_S = 6.0, 50.0


def test_who_hears_of_it_reads_it_no_more_and_a_later_start_goes_on_where_it_was_left() -> None:
    again = tuple(Fault(TRIED_AGAIN_S, "kill", worker, FINGERPRINT) for worker in range(2))
    case = scenario(1, faults=again, intakes=(events(1, 120, 0.5),))
    world = World(case)
    committed: dict[float, int] = {}
    states: list[PartitionState] = []

    def park() -> None:
        for child in world.children[::2]:
            assert child.source is not None
            assert child.process is not None
            context = world.loop.enter(child.process)
            telling = child.source.park(PARKED.topic, PARKED.partition)
            context.run(partial(world.loop.create_task, telling, context=context))

    def look() -> None:
        at_s = world.loop.time()
        committed[at_s] = world.cluster.offsets.get((GROUP, PARKED), (-1, ""))[0]
        for child in world.children[::2]:
            if child.source is not None and child.alive and PARKED in child.source.owned:
                (found,) = (
                    one
                    for one in make_report(child.source).partitions
                    if (one.topic, one.partition) == tuple(PARKED)
                )
                states.append(found.state)

    world.loop.call_at(PARKED_S, park, context=world.loop.outside)
    for at_s in (PARKED_S - 1, PARKED_S + 5, TRIED_AGAIN_S - 1):
        world.loop.call_at(at_s, look, context=world.loop.outside)
    world.run()
    before, soon, late = committed.values()
    assert 0 < before <= soon == late < world.cluster.logs[PARKED].end
    assert states[0] is PartitionState.RUNNING
    assert set(states[1:]) == {PartitionState.PARKED}
    # Tried again it is read where it was left, and nothing is lost or told twice.
    assert check(world) == []
