"""How much a stage may hold: `tests/kafka/test_pressure.py` counts it on a real Kafka."""

from __future__ import annotations

import asyncio

import pytest

from streams.stage import Stage
from streams.stage.fetching import LEAST_FETCH_BYTES, Room, partition_fetch_bytes

STAGE = Stage(name="x", namespace="n", bootstrap="b", topics=("t",), progress_topic="p")


@pytest.mark.parametrize("partitions", [1, 2, 4, 8, 9, 16, 64, 100, 256])
def test_all_partitions_together_hold_no_more_in_the_client_than_they_may(partitions: int) -> None:
    of_one = partition_fetch_bytes(STAGE, partitions)
    assert of_one * partitions <= STAGE.fetched_bytes
    assert of_one <= STAGE.max_fetch_bytes
    # No less than it could be.
    assert of_one == STAGE.max_fetch_bytes or of_one * (partitions + 1) > STAGE.fetched_bytes


def test_a_fetch_is_never_so_small_that_it_costs_more_than_it_brings() -> None:
    assert partition_fetch_bytes(STAGE, 100_000) == LEAST_FETCH_BYTES


async def test_who_finds_no_room_waits_until_there_is_some() -> None:
    room = Room(100)
    room.take(99)
    await room.wait()
    room.take(70)
    waiting = asyncio.create_task(room.wait())
    for _ in range(3):
        await asyncio.sleep(0)
    room.give(69)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()  # 100 are held
    room.give(1)
    await waiting
    assert room.held == 99
