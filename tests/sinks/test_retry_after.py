"""How long a service asks to be left alone, in seconds or until a date."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.retry_after import LONGEST_MS, retry_after_ms

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
BOTH = st.integers(0, 4_000_000_000)


@pytest.mark.parametrize(("value", "wait_ms"), [("0", 0), ("3", 3_000), (" 1.5 ", 1_500)])
def test_seconds_are_waited(value: str, wait_ms: int) -> None:
    assert retry_after_ms(value, default_ms=7) == wait_ms


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:50:07 GMT",
        "Sunday, 06-Nov-94 08:50:07 GMT",
        "Sun Nov  6 08:50:07 1994",
    ],
)
def test_a_date_is_read_in_all_three_forms_against_the_answers_own_date(value: str) -> None:
    assert retry_after_ms(value, default_ms=7, date=DATE, now_ms=1) == 30_000
    assert retry_after_ms(value, default_ms=7, now_ms=784_111_777_000) == 30_000


def test_a_date_that_has_passed_is_no_wait_and_one_far_away_is_an_hour() -> None:
    assert retry_after_ms(DATE, default_ms=7, date="Sun, 06 Nov 1994 09:49:37 GMT") == 0
    assert retry_after_ms("Sun, 06 Nov 2094 08:49:37 GMT", default_ms=7, date=DATE) == LONGEST_MS
    assert retry_after_ms("999999999", default_ms=7) == LONGEST_MS


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "-1",
        "nan",
        "inf",
        "1e9",
        "soon",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, ",
        "9" * 99,
    ],
)
def test_what_cannot_be_read_is_the_default(value: str | None) -> None:
    assert retry_after_ms(value, default_ms=7, date=DATE, now_ms=1) == 7


def test_a_date_with_nothing_to_read_it_against_is_the_default() -> None:
    assert retry_after_ms(DATE, default_ms=7) == 7
    assert retry_after_ms(DATE, default_ms=7, date="yesterday") == 7


@given(BOTH, BOTH)
def test_any_two_dates_give_their_distance_within_bounds(at_s: int, until_s: int) -> None:
    date, until = (
        format_datetime(datetime.fromtimestamp(one, UTC), usegmt=True) for one in (at_s, until_s)
    )
    wait_ms = retry_after_ms(until, default_ms=7, date=date)
    assert wait_ms == min(LONGEST_MS, max(0, until_s - at_s) * 1000)


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_that_a_service_sends_breaks_it(value: str, date: str) -> None:
    assert 0 <= retry_after_ms(value, default_ms=7, date=date) <= LONGEST_MS
