"""Moments that come back, in a zone and over its changes of the clock."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.recurring import Recurring, evenly
from streams.zones import zone
from tests.correlators.test_schedules import BERLIN, ms

HOUR_MS = 3_600_000
FOUR_HOURS = Recurring(zone=BERLIN, minutes=evenly(240, 0))
MONDAYS = Recurring(zone=BERLIN, days=(0,), minutes=(8 * 60,))
ZONES = [zone(name) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")]
TIMES = st.builds(
    Recurring,
    zone=st.sampled_from(ZONES),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    minutes=st.sets(st.integers(0, 1439), min_size=1, max_size=5).map(
        lambda minutes: tuple(sorted(minutes))
    ),
)


def moments(times: Recurring, after_ms: int, count: int) -> list[int]:
    found = [after_ms]
    for _ in range(count):
        found.append(times.next_ms(found[-1]))
    return found[1:]


def test_every_four_hours_are_those_of_the_clock_on_the_wall() -> None:
    found = moments(FOUR_HOURS, ms("2026-06-10 07:59:59"), 3)
    assert found == [ms("2026-06-10 08:00"), ms("2026-06-10 12:00"), ms("2026-06-10 16:00")]


def test_a_moment_is_after_itself_only_the_next_time() -> None:
    assert MONDAYS.next_ms(ms("2026-06-08 08:00")) == ms("2026-06-15 08:00")
    assert MONDAYS.next_ms(ms("2026-06-08 08:00") - 1) == ms("2026-06-08 08:00")


def test_a_week_in_which_the_clock_changes_is_an_hour_longer_or_shorter() -> None:
    (spring,) = moments(MONDAYS, ms("2026-03-23 08:00"), 1)
    assert spring - ms("2026-03-23 08:00") == 167 * HOUR_MS
    (autumn,) = moments(MONDAYS, ms("2026-10-19 08:00"), 1)
    assert autumn - ms("2026-10-19 08:00") == 169 * HOUR_MS


def test_an_hour_that_is_shown_twice_is_told_once_and_one_that_is_skipped_at_the_skip() -> None:
    hourly = Recurring(zone=BERLIN, minutes=evenly(60, 0))
    autumn = moments(hourly, ms("2026-10-25 01:00"), 3)
    assert autumn == [ms("2026-10-25 02:00"), ms("2026-10-25 03:00"), ms("2026-10-25 04:00")]
    assert autumn[1] - autumn[0] == 2 * HOUR_MS
    spring = moments(hourly, ms("2026-03-29 01:00"), 2)
    assert spring == [ms("2026-03-29 03:00"), ms("2026-03-29 04:00")]


@given(TIMES, st.integers(ms("2025-01-01 00:00"), ms("2030-01-01 00:00")))
def test_moments_ascend_and_none_between_two_is_left_out(times: Recurring, at_ms: int) -> None:
    first, second = moments(times, at_ms, 2)
    assert at_ms < first < second
    middle_ms = (first + second) // 2
    assert times.next_ms(middle_ms) == second
    assert times.next_ms(first - 1) == first
    shown = times.zone.wall_ms(first) // 60_000 % 1440
    skipped = times.zone.wall_ms(first - 1) + 1 != times.zone.wall_ms(first)
    assert shown in times.minutes or skipped


@given(TIMES, st.integers(ms("2026-01-01 00:00"), ms("2027-01-01 00:00")))
def test_a_week_has_no_gap_longer_than_eight_days(times: Recurring, at_ms: int) -> None:
    found = [at_ms, *moments(times, at_ms, 4)]
    assert all(two - one <= 8 * 24 * HOUR_MS for one, two in pairwise(found))


@pytest.mark.parametrize(
    "values",
    [{"minutes": ()}, {"minutes": (1440,)}, {"minutes": (0,), "days": ()}, {"minutes": (1, 0)}],
)
def test_what_no_week_has_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"days|minutes"):
        Recurring(**values)


def test_evenly_is_around_the_minute_that_is_named() -> None:
    assert evenly(240, 8 * 60) == evenly(240, 0) == (0, 240, 480, 720, 960, 1200)
    assert evenly(1440, 510) == (510,)
