"""A silent source is left out while the others go on, and only then."""

from __future__ import annotations

from correlators.stalls import Stalls
from correlators.ticks import Source

LIVE, SILENT = Source("sentry.events", 0), Source("sentry.events", 1)
START_MS = 1_700_000_000_000


def after(
    seconds: int, *, lives: int = 10**6, at_end: bool = True, held: bool = False
) -> set[Source]:
    """Return what is stalled after so many seconds in which one source speaks each second.

    Args:
        lives: after this many seconds the live source falls silent too, as when it is paused.
        at_end: whether the input is always read to its end.
        held: whether too much is held.
    """
    stalls = Stalls()
    watermarks: dict[Source, int] = {}
    found: set[Source] = set()
    for second in range(seconds + 1):
        now_ms = START_MS + 1000 * second
        if second <= lives:
            stalls.heard(LIVE, now_ms)
            watermarks[LIVE] = now_ms
        stalls.at_end(now_ms, at_end=at_end)
        found = stalls.stalled({LIVE, SILENT}, watermarks, now_ms, too_much_held=held)
    return found


def test_a_source_that_is_silent_for_30_s_while_another_speaks_is_stalled() -> None:
    assert after(29) == set()
    assert after(30) == {SILENT}


def test_it_is_stalled_also_when_the_others_were_paused_because_of_it() -> None:
    assert after(120, lives=31) == {SILENT}


def test_nobody_is_stalled_while_all_are_silent_alike() -> None:
    assert after(120, lives=-1) == set()


def test_nobody_is_stalled_while_the_input_is_not_read_to_its_end() -> None:
    assert after(120, at_end=False) == set()


def test_when_too_much_is_held_the_end_of_the_input_is_not_waited_for() -> None:
    assert after(30, at_end=False, held=True) == {SILENT}


def test_a_source_that_keeps_up_is_never_stalled() -> None:
    stalls = Stalls()
    for second in range(100):
        now_ms = START_MS + 1000 * second
        for source in (LIVE, SILENT):
            stalls.heard(source, now_ms)
        stalls.at_end(now_ms, at_end=True)
        marks = {LIVE: now_ms, SILENT: now_ms - 3_000}
        assert not stalls.stalled({LIVE, SILENT}, marks, now_ms, too_much_held=True)
