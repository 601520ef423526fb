"""What a new owner makes of the input it reads again."""

from __future__ import annotations

import pytest

from correlators.ticks import Source, Ticks
from correlators.types import Delta
from tests.correlators.score import START, event
from tests.correlators.ticking import Log, batch


def test_a_restart_skips_what_was_applied_and_holds_what_was_not() -> None:
    log = Log(sources=2)
    log.write(batch(0, event(1), event(8), mark=10))
    log.write(batch(1, event(2), mark=5))
    assert list(log.apply()) == [1, 2]
    again = log.restarted()
    assert again.ticks.applied == log.ticks.applied
    assert again.ticks.held == 1
    assert again.apply() == {}
    again.write(batch(1, mark=20))
    assert list(again.apply()) == [8]


def test_a_restart_waits_until_it_has_read_again_what_its_watermarks_stand_for() -> None:
    log = Log(sources=1)
    log.write(batch(0, event(1), mark=2))
    log.write(batch(0, event(3), event(9), mark=4))
    log.write(batch(0, event(6), mark=8))
    log.apply()
    ticks = Ticks(log.ticks.progress())
    start = ticks.progress().input_offset
    assert start == 1
    assert ticks.complete_tick() == ticks.applied
    ticks.receive(1, log.messages[1])
    assert ticks.complete_tick() == ticks.applied
    ticks.receive(2, log.messages[2])
    assert ticks.next_tick() == START + 9


def test_a_late_delta_that_was_held_at_a_restart_is_not_lost() -> None:
    log = Log(sources=2)
    log.write(batch(1, mark=1))
    log.write(batch(0, event(5), mark=50))
    log.ticks.exclude([Source("events", 1)])
    log.apply()
    log.write(batch(1, event(3, "late")))
    log.write(batch(1, mark=40))
    again = log.restarted()
    assert again.ticks.held == 1
    for one in (log, again):
        one.write(batch(0, mark=70))
        one.write(batch(1, mark=70))
    found, found_again = log.apply(), again.apply()
    assert found == found_again
    assert [delta.key.service for delta in found[50]] == ["late"]


def test_a_late_delta_that_was_applied_is_not_applied_again_after_a_restart() -> None:
    log = Log(sources=2)
    log.write(batch(0, event(5), mark=50))
    log.ticks.exclude([Source("events", 1)])
    log.apply()
    log.write(batch(1, event(3, "late")))
    log.write(batch(0, event(58), mark=55))
    assert list(log.apply()) == [50]
    again = log.restarted()
    assert [delta.tick for delta in again.ticks.take(START + 58).deltas] == [START + 58]
    assert again.ticks.held == 0


@pytest.mark.parametrize("stop", range(1, 8))
def test_a_restart_at_any_message_gives_the_same_ticks(stop: int) -> None:
    messages = [
        batch(0, event(1), event(2), mark=3),
        batch(1, event(1, "b")),
        batch(1, mark=2),
        batch(0, event(4), mark=9),
        batch(1, event(3, "b"), mark=5),
        batch(0, event(9.5)),
        batch(1, event(8, "b"), mark=20),
        batch(0, mark=20),
    ]

    def applied(restart: bool) -> dict[int, list[Delta]]:
        log, found = Log(sources=2), {}
        for number, message in enumerate(messages):
            log.write(message)
            found.update(log.apply())
            if restart and number == stop:
                log = log.restarted()
        return found

    assert applied(restart=True) == applied(restart=False)
    assert list(applied(restart=False)) == [1, 2, 3, 4, 8, 9]


def test_a_restart_does_not_wait_for_a_message_that_cannot_be_read() -> None:
    """Its former owner ended between two ticks, and no further message comes."""
    message = batch(0, event(5), event(7), mark=9)
    log = Log(sources=1)
    log.write(message)
    log.ticks.skip(1)
    log.ticks.take(START + 5)
    again = Ticks(log.ticks.progress())
    again.receive(0, message)
    assert again.complete_tick() == START + 5  # there may be deltas of its ticks behind it
    again.skip(1)
    assert again.complete_tick() == START + 8
    assert [delta.tick for delta in again.take(START + 7).deltas] == [START + 7]
