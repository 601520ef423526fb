"""The cases that design sections 4 and 5 name, each simulated on purpose, seeds only for the
order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from correlators.stalls import BEHIND_MS, Stalls
from correlators.types import tick_of
from streams import codec
from streams.agents.correlate import CorrelateHandler
from streams.agents.fingerprint import AHEAD_MS, FingerprintHandler
from streams.settings import Clock
from streams.stage.source import QUEUED_BATCHES
from tests.simulation.checks import check, committed_digests
from tests.simulation.cluster import EPOCH_MS
from tests.simulation.scenario import Fault, Scenario, Written, event
from tests.simulation.world import World

FINGERPRINT, CORRELATE, BOTH = 0, 1, 2
SEEDS = (1,)
YEAR_2100_S = 4_102_444_800.0


def events(seed: int, count: int, every_s: float, behind_ms: int = 0) -> tuple[Written, ...]:
    random = Random(f"events {seed}")
    return tuple(
        Written(number * every_s, "event", event(random, number * every_s), behind_ms)
        for number in range(count)
    )


def scenario(seed: int, **changes: Any) -> Scenario:
    plain: dict[str, Any] = {
        "seed": seed,
        "kind": "case",
        "clock": Clock.WALL,
        "sources": 3,
        "targets": 2,
        "workers": 2,
        "intakes": (events(seed, 40, 0.2),),
    }
    return Scenario(**{**plain, **changes})


def run(case: Scenario) -> World:
    world = World(case)
    world.run()
    assert check(world) == []
    return world


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_an_idle_source_partition_holds_nobody_up(seed: int) -> None:
    assert not run(scenario(seed, idle=frozenset({1, 2}))).stalls


def test_without_any_event_time_moves_and_nothing_is_told(seed: int) -> None:
    world = run(scenario(seed, intakes=((),)))
    assert not world.stalls


def test_a_new_source_partition_loses_nothing_and_is_no_stall(seed: int) -> None:
    grow = Fault(2.0, "grow")
    world = run(scenario(seed, faults=(grow,), intakes=(events(seed, 150, 0.3),)))
    assert not world.stalls


def test_a_source_owner_that_is_lost_for_good_has_a_successor(seed: int) -> None:
    world = run(scenario(seed, faults=(Fault(3.0, "lose", 1, FINGERPRINT),)))
    assert not world.stalls


def test_a_correlate_owner_that_is_lost_for_good_has_a_successor(seed: int) -> None:
    run(scenario(seed, faults=(Fault(3.0, "lose", 1, CORRELATE),)))


def test_a_lagging_worker_changes_no_digest(seed: int) -> None:
    world = run(scenario(seed, faults=(Fault(1.0, "slow", 1, BOTH, 8.0),)))
    assert not world.stalls


def test_a_backlog_of_an_hour_is_caught_up_whoever_joins_and_leaves(seed: int) -> None:
    hour = events(seed, 240, 15.0)
    faults = (
        Fault(1.5, "join"),
        Fault(2.0, "kill", 0, BOTH, 60),
        Fault(3.0, "stop", 1, BOTH, 1.0),
    )
    run(
        scenario(
            seed, clock=Clock.DATA, speed=100_000.0, start_s=0.5, intakes=(hour,), faults=faults
        )
    )


def test_a_source_far_ahead_waits_for_the_slowest(seed: int) -> None:
    """Else an hour of one partition would be held while another is not read yet."""
    furthest = 0
    throttle = FingerprintHandler._throttle

    def watched(handler: FingerprintHandler) -> None:
        nonlocal furthest
        throttle(handler)
        times = [lane.stream_ms for lane in handler._lanes.values() if lane.watermark_ms >= 0]
        paused = [
            handler._source.owned[tp].paused
            for tp, lane in handler._lanes.items()
            if times and lane.stream_ms > min(times) + AHEAD_MS and lane.watermark_ms >= 0
        ]
        assert all(paused)
        furthest = max(furthest, *times, 0)

    with patch.object(FingerprintHandler, "_throttle", watched):
        run(
            scenario(
                seed,
                clock=Clock.DATA,
                speed=100_000.0,
                start_s=0.5,
                intakes=(events(seed, 200, 2.0),),
            )
        )
    assert furthest


def test_a_silent_source_is_left_out_and_counted_again_when_it_speaks(seed: int) -> None:
    park = Fault(2.0, "park", number=60.0)
    world = run(scenario(seed, faults=(park,), intakes=(events(seed, 60, 0.5),)))
    assert world.stalls


def test_a_partition_that_cannot_be_read_holds_up_no_other_of_its_owner(seed: int) -> None:
    """Its owner pauses the others because of it, until CORRELATE goes on without it."""
    withhold = Fault(2.0, "withhold", number=150.0)
    # What is written to it meanwhile waits, as everything of it does.
    written = events(seed, 70, 2.5)
    case = scenario(seed, workers=1, sources=2, faults=(withhold,), intakes=(written,))
    world = World(case)
    applied: list[int] = []

    def look() -> None:
        applied.append(min(world._owned().values(), default=-1))

    world.loop.call_later(145.0, look, context=world.loop.outside)
    world.run()
    assert check(world) == []
    assert world.stalls
    assert applied[0] > tick_of(EPOCH_MS) + 120


def test_sources_that_fall_silent_one_after_the_other_are_declared_alike(seed: int) -> None:
    """Nobody has paused the second because of the first: it is waited for as long, not twice."""
    faults = (
        Fault(2.0, "withhold", stage=0, number=90.0),
        Fault(4.0, "withhold", stage=1, number=88.0),
    )
    written = events(seed, 70, 1.5)
    world = run(scenario(seed, workers=1, sources=4, faults=faults, intakes=(written,)))
    assert world.stalls
    assert all(30.0 < at_s < 45.0 for at_s in world.stalled_s), world.stalled_s


def test_over_the_cap_a_stall_is_declared_before_the_end_of_the_input(seed: int) -> None:
    park = Fault(2.0, "park", number=60.0)
    with patch.object(Stalls, "at_end", lambda *_, **__: None):
        case = scenario(seed, faults=(park,), intakes=(events(seed, 60, 0.5),), most_held=5)
        assert run(case).stalls


def test_under_the_cap_none_is_declared_before_the_end_of_the_input(seed: int) -> None:
    park = Fault(2.0, "park", number=60.0)
    with patch.object(Stalls, "at_end", lambda *_, **__: None):
        case = scenario(seed, faults=(park,), intakes=(events(seed, 60, 0.5),))
        assert not run(case).stalls


def test_a_replay_waits_for_a_source_however_long_it_is_silent(seed: int) -> None:
    withhold = Fault(0.0, "withhold", number=80.0)
    case = scenario(
        seed,
        clock=Clock.DATA,
        sources=2,
        speed=10.0,
        faults=(withhold,),
        intakes=(events(seed, 60, 0.5),),
    )
    assert not run(case).stalls


def test_over_the_cap_data_stops_with_an_error_and_declares_no_stall(seed: int) -> None:
    """Held for a source that has no mark yet, though it could be read."""
    withhold = Fault(0.0, "withhold", number=60.0)
    case = scenario(
        seed,
        clock=Clock.DATA,
        sources=2,
        targets=1,
        speed=10.0,
        faults=(withhold,),
        intakes=(events(seed, 60, 0.5),),
        most_held=5,
    )
    world = World(case)
    world.run()
    assert not world.stalls
    problems = check(world)
    assert any(one.startswith("parked: correlate") for one in problems), problems


def test_redelivered_and_zombie_watermarks_change_nothing(seed: int) -> None:
    faults = (
        Fault(2.0, "suspend", 1, FINGERPRINT, 8.0),
        Fault(3.0, "kill", 0, FINGERPRINT, 5),
        Fault(12.0, "kill", 1, FINGERPRINT, 50),
    )
    world = run(scenario(seed, faults=faults, intakes=(events(seed, 80, 0.2),)))
    assert not world.stalls


def test_a_woken_zombie_of_correlate_is_fenced_and_ends(seed: int) -> None:
    faults = (Fault(2.0, "suspend", 0, CORRELATE, 9.0), Fault(2.0, "suspend", 1, CORRELATE, 3.0))
    run(scenario(seed, faults=faults, targets=1, intakes=(events(seed, 80, 0.2),)))


def test_times_that_go_back_are_raised_also_after_a_restart(seed: int) -> None:
    back = tuple(
        record._replace(behind_ms=2_500 * (number % 3))
        for number, record in enumerate(events(seed, 120, 0.5))
    )
    faults = (Fault(1.0, "kill", 0, FINGERPRINT, 1), Fault(2.0, "kill", 1, FINGERPRINT, 9))
    run(scenario(seed, clock=Clock.DATA, speed=10.0, intakes=(back,), faults=faults))


@pytest.mark.parametrize("clock", list(Clock))
def test_event_clocks_of_1970_and_2100_move_nobodys_time(seed: int, clock: Clock) -> None:
    odd = tuple(
        record._replace(body=json.dumps(json.loads(record.body) | {"timestamp": at_s}).encode())
        for record, at_s in zip(
            events(seed, 60, 0.3), cycle((5.0, YEAR_2100_S, EPOCH_MS / 1000)), strict=False
        )
    )
    world = run(scenario(seed, clock=clock, speed=5.0, intakes=(odd,)))
    times = [codec.digest(raw).at_ms for raw in committed_digests(world)]
    assert times
    assert all(EPOCH_MS <= at_ms < EPOCH_MS + 120_000 for at_ms in times)


def test_two_intakes_write_one_log(seed: int) -> None:
    run(scenario(seed, intakes=(events(seed, 30, 0.2), events(seed + 100, 30, 0.2))))


def test_a_cluster_that_is_away_for_20_s_is_all_that_happens(seed: int) -> None:
    world = run(scenario(seed, faults=(Fault(2.0, "outage", number=20.0),)))
    assert world.loop.time() < 60


def test_while_the_cluster_is_away_nobody_knows_where_the_input_ends(seed: int) -> None:
    """Else an outage counts as silence, and who is told first afterwards has the others stalled."""
    world = World(scenario(seed, workers=1, faults=(Fault(4.0, "outage", number=40.0),)))
    at_end: dict[float, bool] = {}

    def look() -> None:
        sources = [child.source for child in world.children if child.stage == "correlate"]
        at_end[world.loop.time()] = any(
            source.at_end(tp) for source in sources if source is not None for tp in source.ready()
        )
        world.loop.call_later(0.25, look, context=world.loop.outside)

    look()
    world.run()
    assert check(world) == []
    assert not world.stalls
    assert any(found for at_s, found in at_end.items() if at_s < 4.0)
    assert not any(found for at_s, found in at_end.items() if 8.0 < at_s < 44.0)


def test_queues_and_held_deltas_stay_within_their_bounds(seed: int) -> None:
    most = {"queue": 0, "held": 0}
    world = World(scenario(seed, faults=(Fault(1.0, "slow", 0, BOTH, 6.0),)))

    def look() -> None:
        for child in world.children:
            if child.source is not None and child.source.channel is not None:
                most["queue"] = max(most["queue"], child.source.channel.qsize())  # type: ignore[attr-defined]
            if isinstance(child.handler, CorrelateHandler):
                most["held"] = max(
                    [most["held"], *(h.partition.ticks.held for h in child.handler._held.values())]
                )
        world.loop.call_later(0.05, look, context=world.loop.outside)

    look()
    world.run()
    assert check(world) == []
    assert most["queue"] <= QUEUED_BATCHES
    assert 0 < most["held"] <= 200


def test_the_cases_are_not_empty(seed: int) -> None:
    assert BEHIND_MS < AHEAD_MS
    assert len(set(_bodies(seed))) == 40


def _bodies(seed: int) -> Iterator[bytes]:
    for intake in scenario(seed).intakes:
        for record in intake:
            yield record.body
