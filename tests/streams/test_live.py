"""What a running installation has in its state, as it is stored: read while all else goes on."""

from __future__ import annotations

import asyncio

import pytest

from streams import codec
from streams.agents.stored import Installation, StateRefused
from streams.live import part_of
from tests.correlators.acted import Stage, outage
from tests.correlators.score import PAGING

HERE = Installation("demo", 4)


def stored() -> dict[str, bytes]:
    stage = Stage()
    stage.run(20, *outage())
    return {key: codec.encode(entry) for key, entry in stage.state.entries()}


async def test_the_event_loop_goes_on_while_a_partition_is_made_of_what_is_stored() -> None:
    there = stored()
    task = asyncio.create_task(part_of(3, "incidents-3", there, HERE, PAGING))
    await asyncio.sleep(0)
    assert not task.done()
    part = await task
    assert part.number == 3
    assert {key: codec.encode(entry) for key, entry in part.state.entries()} == there


async def test_what_does_not_read_is_refused_with_its_place() -> None:
    with pytest.raises(StateRefused, match="incidents-3 incident:x"):
        await part_of(3, "incidents-3", {"incident:x": b"?"}, HERE, PAGING)
