"""How a partition of CORRELATE is taken over, and what every owner leaves to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError

from correlators.entries import PROGRESS_KEY
from correlators.partition import Step
from correlators.ticks import Progress
from correlators.types import tick_of
from streams import codec
from streams.agents.correlate import HEARTBEAT_TICKS, CorrelateHandler
from streams.agents.written import Outgoing
from streams.stage import state
from streams.stage.state import TRANSACTION_TIMEOUT_MS, FencedWriter, Transaction
from tests.chaos.measure import redelivered
from tests.simulation.checks import check
from tests.simulation.cluster import EPOCH_MS
from tests.simulation.consumer import SimConsumer
from tests.simulation.logs import Message
from tests.simulation.scenario import Fault
from tests.simulation.stages import TOPICS, Parts
from tests.simulation.test_cases import CORRELATE, FINGERPRINT, events, run, scenario
from tests.simulation.world import World

JUNK = b"no delta batch"


def test_progress_is_written_also_while_there_is_nothing_to_apply() -> None:
    """Else a new owner would read again everything since the last event."""
    later = Fault(40.0, "clock")  # nothing goes wrong, but the run goes on until then
    world = run(scenario(1, targets=1, intakes=(events(1, 1, 1.0),), faults=(later,)))
    written = [
        progress.applied_tick - tick_of(EPOCH_MS)
        for progress in written_progress(world)
        if progress.applied_tick >= 0
    ]
    assert written[-1] > 30
    assert all(b - a <= HEARTBEAT_TICKS + 2 for a, b in pairwise(written))


def written_progress(world: World) -> Iterator[Progress]:
    """Yield every `@progress` that was committed."""
    for entry in world.cluster.logs[TopicPartition(TOPICS.incidents, 0)].committed():
        assert entry.message is not None
        if entry.message.key == PROGRESS_KEY.encode():
            progress = codec.entry(entry.message.value or b"")
            assert isinstance(progress, Progress)
            yield progress


def test_a_partition_is_taken_over_in_the_one_safe_order() -> None:
    """Pause, fence, restore, seek to the offset in the state, resume; after every death too."""
    steps: list[str] = []
    sought: list[tuple[int, int]] = []
    pause, resume, seek = SimConsumer.pause, SimConsumer.resume, SimConsumer.seek

    def paused(consumer: SimConsumer, *tps: TopicPartition) -> None:
        steps.extend("pause" for tp in tps if tp == deltas)
        pause(consumer, *tps)

    def resumed(consumer: SimConsumer, *tps: TopicPartition) -> None:
        steps.extend("resume" for tp in tps if tp == deltas)
        resume(consumer, *tps)

    def seeks(consumer: SimConsumer, tp: TopicPartition, offset: int) -> None:
        if tp == deltas and consumer._of(tp).paused:  # what was fetched meanwhile is sought later
            steps.append("seek")
            stored = [one.input_offset for one in written_progress(world)]
            sought.append((offset, stored[-1]))
        seek(consumer, tp, offset)

    async def fenced(writer: FencedWriter) -> None:
        await start(writer)
        steps.append("fence")

    async def restored(*args: Any) -> dict[str, bytes]:
        found = await restore(*args)
        steps.append("restore")
        return found

    start, restore = FencedWriter.start, state.restore
    deltas = TopicPartition(TOPICS.deltas, 0)
    kills = tuple(Fault(at_s, "kill", 0, CORRELATE) for at_s in (4.0, 16.0, 28.0))
    case = scenario(1, workers=1, targets=1, faults=kills, intakes=(events(1, 40, 1.0),))
    world = World(case)
    with (
        patch.object(SimConsumer, "pause", paused),
        patch.object(SimConsumer, "resume", resumed),
        patch.object(SimConsumer, "seek", seeks),
        patch.object(FencedWriter, "start", fenced),
        patch.object(state, "restore", restored),
    ):
        world.run()
    assert check(world) == []
    order = ["pause", "fence", "restore", "seek", "resume"]
    assert steps == order * (1 + len(kills))
    assert all(offset == last for offset, last in sought), sought
    assert sought[-1][0] > 0


def test_what_leaves_in_order_leaves_nothing_to_do_again() -> None:
    """FINGERPRINT flushes what it has folded and commits it; the next owner goes on behind it."""
    stops = tuple(Fault(at_s, "stop", n % 2, FINGERPRINT, 3.0) for n, at_s in enumerate((3.0, 9.0)))
    world = run(scenario(1, intakes=(events(1, 400, 0.04),), faults=stops))
    log = [
        (log.tp.partition, batch)
        for log in world.cluster.of_topic(TOPICS.deltas)
        for entry in log.committed()
        if entry.message is not None
        for batch in codec.batches(entry.message.value or b"")
    ]
    assert sum(len(batch.deltas) for _, batch in log) > 100
    assert redelivered(log) == 0


def test_an_unreadable_message_is_set_aside_and_stands_in_nobodys_way() -> None:
    """Also where it is the last that a new owner has to read again."""
    kills = tuple(Fault(at_s, "kill", 0, CORRELATE) for at_s in (2.5, 11.0))
    case = scenario(1, workers=1, targets=1, intakes=(events(1, 60, 0.3),), faults=kills)
    world = World(case)
    deltas = world.cluster.logs[TopicPartition(TOPICS.deltas, 0)]
    junk = Message(None, JUNK, ())

    def write() -> None:
        deltas.append(junk, 0, (99, 0), transactional=False)

    for at_s in (2.0, 2.4, 10.9):
        world._later(at_s, write)
    world.run()
    assert check(world) == []
    written = [
        entry.offset for entry in deltas.committed() if entry.message == (None, JUNK, (), -1)
    ]
    aside = [
        int(dict(entry.message.headers)["offset"])
        for entry in world.cluster.logs[TopicPartition(TOPICS.quarantine, 0)].committed()
        if entry.message is not None and entry.message.value == JUNK
    ]
    assert len(written) == 3
    assert set(aside) == set(written)


class TooLarge(Parts):
    """Decides what is larger than Kafka takes."""

    class correlate(CorrelateHandler):
        async def _write(
            self, tp: TopicPartition, held: Any, step: Step, records: list[Outgoing]
        ) -> None:
            if step.digests:
                raise MessageSizeTooLargeError
            await super()._write(tp, held, step, records)


def test_what_kafka_will_never_take_parks_its_partition() -> None:
    """Taken for an outage, it would end every process again and again, and with it all others."""
    world = World(scenario(1, workers=1, targets=1, intakes=(events(1, 10, 0.5),)), TooLarge)
    world.run()
    assert [list(child.parking.parked) for child in world.children] == [[], [(TOPICS.deltas, 0)]]


def test_a_transaction_that_outlasts_its_timeout_again_and_again_parks_its_partition() -> None:
    """Taken for an outage, it would be tried for ever."""
    send = Transaction.send

    slowed: set[Transaction] = set()

    async def slowly(transaction: Transaction, topic: str, **record: Any) -> None:
        if topic == TOPICS.deliveries and transaction not in slowed:
            slowed.add(transaction)
            await asyncio.sleep(TRANSACTION_TIMEOUT_MS / 1000 + 2.0)
        await send(transaction, topic, **record)

    said: list[str] = []
    later = Fault(90.0, "clock")  # nothing goes wrong, but the run goes on until then
    case = scenario(1, workers=1, targets=1, intakes=(events(1, 10, 0.5),), faults=(later,))
    world = World(case, say=said.append)
    with patch.object(state, "MANY_RECORDS", 2), patch.object(Transaction, "send", slowly):
        world.run()
    parked = [list(child.parking.parked) for child in world.children]
    assert parked == [[], [(TOPICS.deltas, 0)]], said
    assert any("TransactionTooSlow" in line for line in said)
