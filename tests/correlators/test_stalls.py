"""A silent source is left out while the others go on, and only then."""

from __future__ import annotations

from correlators.stalls import Stalls
from correlators.ticks import Source

LIVE, SILENT = Source("sentry.events", 0), Source("sentry.events", 1)
START_MS = 1_700_000_000_000


def look(
    stalls: Stalls,
    left: set[Source],
    watermarks: dict[Source, int],
    now_ms: int,
    *,
    full: float = 0.0,
) -> set[Source]:
    """Return what is stalled when everything is applied that all sources have passed."""
    applied_ms = min(watermarks.get(source, 0) for source in left)
    return stalls.stalled(left, watermarks, now_ms, applied_ms=applied_ms, full=full)


def after(
    seconds: int, *, lives: int = 10**6, at_end: bool = True, full: float = 0.0
) -> set[Source]:
    """Return what is stalled after so many seconds in which one source speaks each second.

    Args:
        lives: after this many seconds the live source falls silent too, as when it is paused.
        at_end: whether the input is always read to its end.
        full: how much is held, as a share of what may be.
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
        found = look(stalls, {LIVE, SILENT}, watermarks, now_ms, full=full)
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


def test_traffic_that_is_read_at_once_does_not_put_a_stall_off() -> None:
    stalls = Stalls()
    watermarks = {SILENT: START_MS}
    declared: list[float] = []
    for step in range(400):
        now_ms = START_MS + 100 * step
        stalls.heard(LIVE, now_ms)
        watermarks[LIVE] = now_ms
        stalls.at_end(now_ms, at_end=step % 15 == 0)  # read to its end every 1.5 s
        left = {LIVE, SILENT} if not declared else {LIVE}
        if look(stalls, left, watermarks, now_ms):
            declared.append(step / 10)
    assert declared == [30.0]


def test_when_too_much_is_held_the_end_of_the_input_is_not_waited_for() -> None:
    assert after(30, at_end=False, full=1.1) == {SILENT}


def test_up_to_the_cap_the_end_of_the_input_is_waited_for() -> None:
    assert after(120, at_end=False, full=1.0) == set()


def test_when_far_too_much_is_held_a_slow_source_is_not_waited_for_either() -> None:
    stalls = Stalls()
    declared = {}
    for full in (1.1, 2.0, 2.1):
        for second in range(60):
            now_ms = START_MS + 1000 * second
            for source in (LIVE, SILENT):
                stalls.heard(source, now_ms)
            marks = {LIVE: now_ms, SILENT: now_ms - 60_000}  # it speaks, a minute late
            found = look(stalls, {LIVE, SILENT}, marks, now_ms, full=full)
            declared[full] = found
    assert declared == {1.1: set(), 2.0: set(), 2.1: {SILENT}}


def test_a_source_that_keeps_up_is_never_stalled() -> None:
    stalls = Stalls()
    for second in range(100):
        now_ms = START_MS + 1000 * second
        for source in (LIVE, SILENT):
            stalls.heard(source, now_ms)
        stalls.at_end(now_ms, at_end=True)
        marks = {LIVE: now_ms, SILENT: now_ms - 3_000}
        assert not look(stalls, {LIVE, SILENT}, marks, now_ms, full=9.0)


def test_sources_that_are_paused_at_different_times_ahead_are_not_stalled_with_the_slow_one() -> (
    None
):
    far, near = Source("sentry.events", 0), Source("sentry.events", 2)
    stalls = Stalls()
    watermarks = {SILENT: START_MS, near: START_MS + 31_000, far: START_MS + 600_000}
    declared: list[set[Source]] = []
    left = {SILENT, near, far}
    for second in range(60):
        now_ms = START_MS + 1000 * second
        if second == 0:
            for source in left:
                stalls.heard(source, now_ms)
        stalls.at_end(now_ms, at_end=True)
        found = look(stalls, left, watermarks, now_ms)
        left = left - found
        if found:
            declared.append(found)
    assert declared == [{SILENT}]


def test_a_second_stalled_source_is_found_after_the_first() -> None:
    second_one = Source("sentry.events", 2)
    stalls = Stalls()
    left = {LIVE, SILENT, second_one}
    watermarks = {SILENT: START_MS, second_one: START_MS + 45_000}
    declared: list[tuple[int, set[Source]]] = []
    for second in range(100):
        now_ms = START_MS + 1000 * second
        stalls.heard(LIVE, now_ms)
        watermarks[LIVE] = now_ms + 60_000
        stalls.at_end(now_ms, at_end=True)
        found = look(stalls, left, watermarks, now_ms)
        left = left - found
        if found:
            declared.append((second, found))
    assert declared == [(30, {SILENT}), (60, {second_one})]


def test_sources_that_fall_silent_one_after_the_other_are_each_declared_after_30_s() -> None:
    """Else one that nobody has paused would be waited for twice as long."""
    later = Source("sentry.events", 2)
    stalls = Stalls()
    left = {LIVE, SILENT, later}
    watermarks = {SILENT: START_MS, later: START_MS}
    declared: list[tuple[int, set[Source]]] = []
    for second in range(100):
        now_ms = START_MS + 1000 * second
        spoken = {LIVE: now_ms} if second < 28 else {}  # then it is paused, 30 s ahead
        if second <= 3:
            spoken[later] = now_ms
        for source, at_ms in spoken.items():
            stalls.heard(source, now_ms)
            watermarks[source] = at_ms
        stalls.at_end(now_ms, at_end=True)
        found = look(stalls, left, watermarks, now_ms)
        left = left - found
        if found:
            declared.append((second, found))
    assert declared == [(30, {SILENT}), (33, {later})]


def test_a_source_that_waits_for_another_partition_of_correlate_is_not_silent() -> None:
    """It is paused because of that partition, however far this one has come."""
    stalls = Stalls()
    marks = {SILENT: START_MS + 40_000, LIVE: START_MS + 90_000}
    for second in range(100):
        now_ms = START_MS + 1000 * second
        stalls.at_end(now_ms, at_end=True)
        assert not stalls.stalled(set(marks), marks, now_ms, applied_ms=START_MS, full=0.0)
    applied_ms = START_MS + 40_000
    found = stalls.stalled(set(marks), marks, START_MS + 129_000, applied_ms=applied_ms, full=0.0)
    assert found == {SILENT}
