"""Quiet hours and maintenance: which moments they hold, also when clocks go forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.schedules import LONGEST_MS, Span, Weekly, Zone, ends_ms
from streams.zones import UnknownZone, zone

BERLIN = zone("Europe/Berlin")
NIGHT = Weekly(zone=BERLIN, from_minute=22 * 60, to_minute=7 * 60)


def ms(text: str, name: str = "Europe/Berlin") -> int:
    """Return the moment of a local time; with `fold` of the second one behind a `*`."""
    at = datetime.fromisoformat(text.rstrip("*")).replace(tzinfo=ZoneInfo(name))
    return round(at.replace(fold=1 if text.endswith("*") else 0).timestamp() * 1000)


def ends(at: str, *schedules: Weekly | Span) -> int | None:
    return ends_ms(schedules, ms(at))


def test_quiet_hours_run_over_midnight_and_end_just_before_their_end() -> None:
    assert ends("2026-06-10 21:59:59", NIGHT) is None
    assert ends("2026-06-10 22:00", NIGHT) == ms("2026-06-11 07:00")
    assert ends("2026-06-11 06:59:59", NIGHT) == ms("2026-06-11 07:00")
    assert ends("2026-06-11 07:00", NIGHT) is None


def test_days_are_those_on_which_it_begins() -> None:
    weekend = Weekly(zone=BERLIN, days=(4,), from_minute=18 * 60, to_minute=6 * 60)
    assert ends("2026-06-12 18:00", weekend) == ms("2026-06-13 06:00")  # a Friday
    assert ends("2026-06-13 05:00", weekend) == ms("2026-06-13 06:00")
    assert ends("2026-06-13 18:00", weekend) is None


def test_times_that_touch_are_one() -> None:
    saturday = Weekly(zone=BERLIN, days=(5,), from_minute=0, to_minute=1440)
    sunday = Weekly(zone=BERLIN, days=(6,), from_minute=0, to_minute=1440)
    assert ends("2026-06-13 12:00", sunday, saturday) == ms("2026-06-15 00:00")


def test_what_never_ends_is_told_to_end_after_eight_days() -> None:
    always = Weekly(zone=BERLIN, from_minute=0, to_minute=1440)
    assert ends("2026-06-13 12:00", always) == ms("2026-06-13 12:00") + LONGEST_MS


def test_a_night_in_which_clocks_go_forward_is_an_hour_shorter() -> None:
    assert ends("2026-03-28 22:00", NIGHT) == ms("2026-03-29 07:00")
    assert ms("2026-03-29 07:00") - ms("2026-03-28 22:00") == 8 * 3_600_000


def test_a_time_that_is_skipped_begins_or_ends_with_the_skip() -> None:
    skip = ms("2026-03-29 03:00")
    begins = Weekly(zone=BERLIN, from_minute=150, to_minute=240)
    assert ends_ms((begins,), skip - 1) is None
    assert ends_ms((begins,), skip) == ms("2026-03-29 04:00")
    stops = Weekly(zone=BERLIN, from_minute=60, to_minute=150)
    assert ends("2026-03-29 01:30", stops) == skip


def test_an_hour_that_comes_twice_is_held_twice_and_not_left_between() -> None:
    within = Weekly(zone=BERLIN, from_minute=90, to_minute=150)  # 01:30 to 02:30
    assert ends("2026-10-25 01:30", within) == ms("2026-10-25 02:30*")
    assert ends("2026-10-25 02:45", within) == ms("2026-10-25 02:30*")
    assert ends("2026-10-25 02:30*", within) is None


def test_a_single_span_holds_its_moments_only() -> None:
    span = Span(from_ms=1_000, to_ms=2_000)
    assert [ends_ms((span,), at) for at in (999, 1_000, 1_999, 2_000)] == [None, 2_000, 2_000, None]


@given(
    name=st.sampled_from(
        (
            *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
            *("Africa/Casablanca", "America/St_Johns", "Pacific/Apia", "America/Santiago"),
        )
    ),
    at_s=st.integers(1_420_243_200, 2_493_072_000),  # 2015 to 2048
)
def test_the_clock_on_the_wall_is_that_of_the_zone(name: str, at_s: int) -> None:
    moment = datetime.fromtimestamp(at_s, UTC)
    wall = moment.astimezone(ZoneInfo(name)).replace(tzinfo=UTC)
    at_ms, wall_ms = (round(one.timestamp() * 1000) for one in (moment, wall))
    made = zone(name)
    assert made.wall_ms(at_ms) == wall_ms
    first, last = made.moments(wall_ms)
    assert at_ms in (first, last)
    assert made.wall_ms(first) == made.wall_ms(last) == wall_ms


@given(
    at_s=st.integers(1_735_689_600, 1_798_761_600),  # 2025 and 2026
    begin=st.integers(0, 1439),
    length=st.integers(1, 1440),
    days=st.sets(st.integers(0, 6), min_size=1),
)
def test_in_a_zone_without_changes_it_is_plain_arithmetic(
    at_s: int, begin: int, length: int, days: set[int]
) -> None:
    end = (begin + length - 1) % 1440 + 1
    weekly = Weekly(from_minute=begin, to_minute=end, days=tuple(sorted(days)))
    held = False
    at = datetime.fromtimestamp(at_s, UTC)
    for back in (0, 1):
        day = (at - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
        start = day + timedelta(minutes=begin)
        until = start + timedelta(minutes=(end - begin - 1) % 1440 + 1)
        held = held or (day.weekday() in days and start <= at < until)
    assert (ends_ms((weekly,), at_s * 1000) is not None) == held


def test_an_unknown_zone_and_times_that_are_none_are_refused() -> None:
    for name in ("Europe/Atlantis", "", "../etc/passwd", "/etc/passwd", "Europe"):
        with pytest.raises(UnknownZone):
            zone(name)
    with pytest.raises(ValueError, match="at least one"):
        Weekly(days=(), from_minute=0, to_minute=1)
    with pytest.raises(ValueError, match="time of day"):
        Weekly(from_minute=1440, to_minute=1)
    with pytest.raises(ValueError, match="end after"):
        Span(from_ms=5, to_ms=5)
    with pytest.raises(ValueError, match="ascending"):
        Zone("odd", ((5, 0), (5, 0)))
