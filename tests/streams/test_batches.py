"""Which message of a flush says what."""

from __future__ import annotations

from correlators.types import DeltaBatch
from streams.agents.batches import batches
from tests.correlators.score import deltas_of, event


def test_every_target_hears_the_time_and_what_was_heard_in_its_last_message() -> None:
    deltas = deltas_of([event(at, "a" * 200, f"E{at}") for at in range(1_000)])
    found = batches(("events", 3), deltas, (), watermark_ms=7, targets=4, heard=((28, 1), (29, 0)))
    assert sorted(found) == [0, 1, 2, 3]
    assert max(map(len, found.values())) > 1
    for messages in found.values():
        *before, last = messages
        assert (last.watermark_ms, last.heard) == (7, ((28, 1), (29, 0)))
        assert all((one.watermark_ms, one.heard) == (-1, ()) for one in before)


def test_a_message_of_an_older_release_tells_nothing_that_was_heard() -> None:
    assert DeltaBatch(topic="events", partition=0).heard == ()
