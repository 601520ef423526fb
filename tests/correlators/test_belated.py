"""Events that come late: belated, stale, or ahead of stream time."""

from __future__ import annotations

from correlators.types import Level
from tests.correlators.score import (
    HOUR,
    PAGING,
    event,
    events,
    run,
    second_of,
)

ONE = "checkout TimeoutError"


def test_belated_events_join_the_open_incident_without_extending_it() -> None:
    score = run(event(0), event(500, happened=300))
    assert score.told("resolved") == [(600, "resolved", ONE)]
    assert score.to()[-1].events == 2
    assert not score.to()[-1].delayed


def test_belated_events_join_the_closed_incident_that_covers_them_without_reopening_it() -> None:
    score = run(event(0), event(1_000, happened=590))
    assert [one.kind for one in score.told()] == ["opened", "resolved"]
    (only,) = score.incidents()
    assert only.events_since(0) == 2


def test_belated_events_that_nothing_covers_open_an_incident_marked_delayed() -> None:
    score = run(event(1_000, happened=700))
    assert score.told() == [(1_010, "opened", ONE), (1_600, "resolved", ONE)]
    assert all(one.delayed for one in score.to())


def test_an_event_exactly_belated_after_behind_is_on_time() -> None:
    assert not run(event(1_000, happened=880)).to()[0].delayed
    assert run(event(1_000, happened=879.9)).to()[0].delayed


def test_an_outage_that_sentry_tells_minutes_late_stays_one_incident_and_pages() -> None:
    late = [event(at, happened=at - 300) for at in range(1_000, 2_200, 5)]
    score = run(late, config=PAGING)
    assert len({one.id for one in score.to()}) == 1
    assert score.told("resolved") == [(2_195 + 600, "resolved", ONE)]
    assert [(one.action, one.why) for one in score.paged()] == [
        ("trigger", "event_rate"),
        ("resolve", ""),
    ]


def test_events_older_than_stale_after_are_told_as_past_and_never_page() -> None:
    old = [event(10_000 + n, happened=10_000 + n - HOUR - 1, level=Level.FATAL) for n in range(80)]
    score = run(old, config=PAGING)
    assert [one.kind for one in score.told()] == ["opened", "updated", "resolved"]
    assert all(one.past and one.delayed for one in score.to())
    assert score.paged() == []


def test_events_of_exactly_stale_after_are_not_past() -> None:
    score = run(event(10_000, happened=10_000 - HOUR, level=Level.FATAL), config=PAGING)
    assert not score.to()[0].past
    assert [one.action for one in score.paged()] == ["trigger", "resolve"]


def test_what_was_told_as_past_and_goes_on_now_is_past_no_longer() -> None:
    old = event(10_000, happened=1_000)
    score = run(old, events(range(10_060, 10_120), user="anna"), config=PAGING)
    assert [(second_of(one), one.past) for one in score.to()] == [
        (10_010, True),
        (10_070, False),
        (10_109, False),
        (10_409, False),
        (10_719, False),
    ]
    assert [one.action for one in score.paged()] == ["trigger", "resolve"]


def test_stale_events_do_not_page_for_the_live_incident_they_join() -> None:
    live = event(10_000, happened=9_700)
    old = [event(10_001, happened=1_000) for _ in range(100)]
    score = run(live, old, config=PAGING)
    assert score.paged() == []
    assert score.told("resolved") == [(10_600, "resolved", ONE)]
    assert score.to()[-1].events == 101


def test_event_clocks_ahead_of_stream_time_are_clamped() -> None:
    score = run(event(100, happened=100_000))
    assert score.told() == [(110, "opened", ONE), (700, "resolved", ONE)]
    first = score.to()[0]
    assert first.last_ms == first.first_ms == score.incidents()[0].opened_tick * 1000
    assert not first.delayed
