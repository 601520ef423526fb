"""Back pressure waits for the slowest partition of CORRELATE that anybody still works on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.agents.pressure import Pressure
from streams.codec import Heard, Told
from streams.processes import StageName
from streams.reports import PartitionReport, PartitionState, Report

TOPIC = "incident.deltas"


def told(partition: int, applied_tick: int) -> Told:
    return Told(
        partition=partition,
        applied_tick=applied_tick,
        open_incidents=0,
        open_storms=0,
        suppressed=0,
        late=0,
    )


def report(
    partition: int,
    state: PartitionState,
    *,
    stage: StageName = StageName.CORRELATE,
    topic: str = TOPIC,
) -> Report:
    one = PartitionReport(
        topic=topic, partition=partition, state=state, offset=-1, lag=-1, of_stage=None
    )
    return Report(stage=stage.value, worker="w", at_ms=0, partitions=(one,))


def pressure(*applied: int) -> Pressure:
    made = Pressure(TOPIC, len(applied))
    for partition, tick in enumerate(applied):
        made.hear(told(partition, tick))
    return made


def test_the_slowest_partition_counts_once_all_have_told() -> None:
    made = Pressure(TOPIC, 3)
    made.hear(told(0, 10))
    made.hear(told(2, 5))
    assert made.slowest_tick() is None
    made.hear(told(1, 7))
    assert made.slowest_tick() == 5


def test_what_is_heard_before_the_partitions_are_known_is_kept() -> None:
    made = Pressure(TOPIC)
    made.hear(told(0, 10))
    assert made.slowest_tick() is None
    made.partitions = 1
    assert made.slowest_tick() == 10


def test_a_parked_partition_holds_nobody_back_until_it_is_restored() -> None:
    made = pressure(10, 3)
    made.hear(report(1, PartitionState.PARKED))
    assert made.slowest_tick() == 10
    made.hear(report(1, PartitionState.RESTORING))
    assert made.slowest_tick() == 10
    made.hear(report(1, PartitionState.RUNNING))
    assert made.slowest_tick() == 3
    made.hear(told(1, 12))
    assert made.slowest_tick() == 10


def test_a_partition_that_was_parked_before_it_told_anything_is_not_waited_for() -> None:
    made = Pressure(TOPIC, 2)
    made.hear(told(0, 4))
    made.hear(report(1, PartitionState.PARKED))
    assert made.slowest_tick() == 4


def test_a_partition_without_an_owner_still_counts() -> None:
    made = pressure(10, 3)
    made.hear(Report(stage=StageName.CORRELATE.value, worker="w", at_ms=0, partitions=()))
    assert made.slowest_tick() == 3


def test_the_old_tick_of_a_former_owner_changes_nothing() -> None:
    made = pressure(10, 10)
    made.hear(told(1, 4))
    assert made.slowest_tick() == 10


def test_what_other_stages_park_is_their_own() -> None:
    made = pressure(10, 3)
    made.hear(report(1, PartitionState.PARKED, stage=StageName.DELIVER))
    made.hear(report(1, PartitionState.PARKED, topic="sentry.events"))
    assert made.slowest_tick() == 3


def test_when_all_are_parked_nobody_is_waited_for() -> None:
    made = pressure(10, 3)
    for partition in range(2):
        made.hear(report(partition, PartitionState.PARKED))
    assert made.slowest_tick() is None


class Naive:
    """Looks through all partitions after everything that it hears."""

    def __init__(self) -> None:
        self.partitions = 0
        self._applied: dict[int, int] = {}
        self._parked: set[int] = set()

    def hear(self, heard: Heard) -> None:
        if isinstance(heard, Told):
            before = self._applied.get(heard.partition, heard.applied_tick)
            self._applied[heard.partition] = max(before, heard.applied_tick)
        elif heard.stage == StageName.CORRELATE:
            for one in heard.partitions:
                if one.topic == TOPIC and one.state is PartitionState.PARKED:
                    self._parked.add(one.partition)
                elif one.topic == TOPIC and one.state is not PartitionState.RESTORING:
                    self._parked.discard(one.partition)

    def slowest_tick(self) -> int | None:
        waited = set(range(self.partitions)) - self._parked
        if not waited or not waited <= self._applied.keys():
            return None
        return min(self._applied[one] for one in waited)


PARTS = st.integers(0, 4)
REPORTS = st.builds(
    lambda found, stage: Report(stage=stage.value, worker="w", at_ms=0, partitions=tuple(found)),
    st.lists(
        st.builds(
            PartitionReport,
            topic=st.sampled_from([TOPIC, TOPIC, TOPIC, "sentry.events"]),
            partition=PARTS,
            state=st.sampled_from(PartitionState),
            offset=st.just(-1),
            lag=st.just(-1),
            of_stage=st.none(),
        ),
        max_size=3,
    ),
    st.sampled_from([StageName.CORRELATE, StageName.CORRELATE, StageName.DELIVER]),
)
HEARD = st.lists(
    st.one_of(st.builds(told, PARTS, st.integers(-1, 6)), REPORTS, st.integers(0, 4)),
    max_size=40,
)
"""News in any order; a number is how many partitions there are from then on."""


@given(HEARD, st.integers(0, 4))
def test_it_is_what_a_look_at_all_partitions_finds_after_everything_heard(
    heard: list[Heard | int], partitions: int
) -> None:
    made, naive = Pressure(TOPIC), Naive()
    made.partitions = naive.partitions = partitions
    for one in heard:
        before = naive.slowest_tick()
        if isinstance(one, int):
            made.partitions = naive.partitions = one
        else:
            changed = made.hear(one)
            naive.hear(one)
            assert changed == (naive.slowest_tick() != before)
        assert made.slowest_tick() == naive.slowest_tick()
