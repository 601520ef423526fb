"""What CORRELATE writes: for incidents that change, for ones that are new, for a quiet tick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiokafka import TopicPartition

from benchmarks.correlate.measure import changing, restored, stored_world
from benchmarks.correlate.worlds import START, Rules, World, batch, config_of
from benchmarks.counts.calls import Calls
from correlators.partition import Partition
from correlators.types import Delta
from streams.agents.written import Outgoing, Topics, outgoing

OPEN: Final = 400
CHANGED: Final = 20
TICKS: Final = 12
QUIET_TICKS: Final = 20
TOPICS: Final = Topics("incidents", "deliveries", "quarantine", "decisions")
_INPUT: Final = TopicPartition("incident.deltas", 0)


def decided() -> dict[str, float]:
    """Return the counts, for each incident that changes or begins, and for each quiet tick."""
    stored = stored_world(World.OLD, Rules.DEFAULT, OPEN)
    found: dict[str, float] = {}
    for kind in ("known", "new"):
        partition = restored(stored, config_of(Rules.DEFAULT))
        deltas = changing(World.OLD, kind, OPEN, CHANGED)
        calls = Calls()
        written: list[Outgoing] = []
        for turn in range(TICKS):
            work = deltas(turn)
            with calls.counting():
                written += _applied(partition, turn, work)
        each = CHANGED * TICKS
        state = [one for one in written if one.topic == TOPICS.state]
        found[f"state entries, {kind}"] = len(state) / each
        found[f"state bytes, {kind}"] = sum(map(_size, state)) / each
        others = [one for one in written if one.topic != TOPICS.state]
        found[f"other records, {kind}"] = len(others) / each
        found[f"other bytes, {kind}"] = sum(map(_size, others)) / each
        found[f"calls, {kind}"] = calls.made / each
    partition = restored(stored, config_of(Rules.DEFAULT))
    calls = Calls()
    with calls.counting():
        quiet = [one for turn in range(QUIET_TICKS) for one in _applied(partition, turn, ())]
    found["records, quiet tick"] = len(quiet) / QUIET_TICKS
    found["calls, quiet tick"] = calls.made / QUIET_TICKS
    return found


def _size(record: Outgoing) -> int:
    return len(record.key or b"") + len(record.value or b"")


def _applied(partition: Partition, turn: int, deltas: Sequence[Delta]) -> list[Outgoing]:
    """Take the message that completes a tick, and return what its transaction would hold."""
    partition.receive(turn, batch(deltas, START + turn))
    written: list[Outgoing] = []
    while partition.ready():
        written += outgoing(partition.step(most_ticks=1), _INPUT, TOPICS, lambda _: 0)
    if partition.ticks.complete_tick() > partition.ticks.applied:
        partition.ticks.pass_to(partition.ticks.complete_tick())
    return written
