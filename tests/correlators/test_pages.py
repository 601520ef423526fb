"""What wakes somebody, when, how often: one trigger and one resolution for every page."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from correlators.incidents import Windows
from correlators.rules import Pages, Routes
from correlators.storms import Linking
from correlators.types import DigestKind, Level, PageAction, PageReason
from tests.correlators.score import (
    CHAT,
    HOUR,
    PAGER,
    PAGING,
    Push,
    event,
    events,
    resolve,
    run,
)

FATAL = Level.FATAL


def asked(*parts: Push | list[Push]) -> list[tuple[int, str, str]]:
    """Return second, action and reason of what the pager was asked."""
    return [(one.second, one.action, one.why) for one in run(*parts, config=PAGING).paged()]


def test_one_error_pages_nobody() -> None:
    assert asked(event(0)) == []


def test_a_fatal_event_pages_with_the_first_digest_and_is_resolved_with_the_last() -> None:
    score = run(event(0, level=FATAL), config=PAGING)
    trigger, resolved = score.paged()
    assert trigger[:3] == (10, "trigger", "fatal")
    assert resolved[:3] == (600, "resolve", "")
    assert trigger.key == resolved.key
    assert [one.kind for one in score.to(PAGER)] == [DigestKind.OPENED, DigestKind.RESOLVED]


def test_other_environments_never_page() -> None:
    assert asked(event(0, level=FATAL, environment="staging")) == []
    assert asked(events(range(100), environment="staging")) == []
    storm = [event(0, f"s{n}", environment="staging", level=FATAL) for n in range(5)]
    assert asked(storm) == []


def test_50_events_within_5_minutes_page_and_49_do_not() -> None:
    assert [one[1:] for one in asked(events([0] * 50))] == [
        ("trigger", "event_rate"),
        ("resolve", ""),
    ]
    assert asked(events([0] * 49)) == []


def test_50_different_events_are_wanted() -> None:
    assert asked(events(range(60), event_id="c" * 32)) == []


def test_50_events_over_more_than_5_minutes_do_not_page() -> None:
    spread = [n * 6.2 for n in range(50)]
    assert spread[-1] > 300
    assert asked(events(spread)) == []


def test_50_events_evenly_within_5_minutes_page_as_soon_as_the_50th_comes() -> None:
    evenly = [n * 5.9 for n in range(50)]
    assert evenly[-1] < 290
    assert asked(events(evenly))[0] == (int(evenly[-1]), "trigger", "event_rate")


@pytest.mark.parametrize("within", [5, 10, 60, 300, 3_600, 86_400])
def test_any_length_of_the_window_counts_what_came_at_once(within: int) -> None:
    pages = Pages(events=3, within_ms=within * 1000)
    config = msgspec.structs.replace(PAGING, pages=pages, windows=Windows(settle_ms=1_000))
    for at in (0, 7, 13, 59.5):
        score = run(events([at] * 3), config=config)
        assert [one.why for one in score.paged()] == ["event_rate", ""]
    apart = run(events([0, 0, within + 1]), config=config)
    assert apart.paged() == []


def test_what_must_page_after_the_first_digest_is_told_at_once() -> None:
    score = run(event(0), event(42, level=FATAL), config=PAGING)
    assert [(one.second, one.kind) for one in score.told()] == [
        (10, "opened"),
        (42, "updated"),
        (642, "resolved"),
    ]
    assert [one[:2] for one in score.paged()] == [(42, "trigger"), (642, "resolve")]


def test_without_a_page_destination_nothing_is_asked_and_nothing_hurried() -> None:
    silent = msgspec.structs.replace(PAGING, routes=Routes(tell=(CHAT,), page=()))
    score = run(event(0), event(42, level=FATAL), config=silent)
    assert [(one.second, one.kind) for one in score.told()] == [
        (10, "opened"),
        (310, "updated"),
        (642, "resolved"),
    ]
    assert {one.page for one in score.digests} == {PageAction.NONE}
    assert score.pages == {}


def test_a_chat_is_never_asked_to_page() -> None:
    score = run(event(0, level=FATAL), config=PAGING)
    assert {one.page for one in score.to(CHAT)} == {PageAction.NONE}


def test_pages_are_counted_by_reason() -> None:
    score = run(event(0, level=FATAL), events([0] * 50, "payment", "KeyError"), config=PAGING)
    assert score.pages == {PageReason.FATAL: 1, PageReason.EVENT_RATE: 1}


def test_a_page_that_was_resolved_may_be_opened_anew_under_another_key() -> None:
    score = run(event(0, level=FATAL), event(1_200), config=PAGING)
    keys = [(one.action, one.key) for one in score.paged()]
    assert [action for action, _ in keys] == ["trigger", "resolve"] * 2
    assert len({key for _, key in keys}) == 2


# The same error under several releases


def test_another_release_never_pages_again_and_the_page_lasts_until_all_are_over() -> None:
    score = run(
        event(0, level=FATAL),
        events(range(200, 900, 5), release="1.1", level=FATAL),
        config=PAGING,
    )
    assert [one[:2] for one in score.paged()] == [(10, "trigger"), (895 + 600, "resolve")]
    assert [one.kind for one in score.told() if one.second == 600] == ["resolved", "opened"]


def test_another_release_that_is_loud_pages_through_the_one_that_is_told() -> None:
    score = run(event(0), events(range(100, 160), release="1.1"), config=PAGING)
    trigger, resolved = score.paged()
    assert trigger[:3] == (148, "trigger", "event_rate")
    assert score.to(PAGER)[0].releases == ("1.0", "1.1")
    assert resolved.second == 159 + 600


def test_a_fatal_event_under_another_release_pages_at_once() -> None:
    assert asked(event(0), event(100, release="1.1", level=FATAL))[0] == (100, "trigger", "fatal")


def test_the_rates_of_all_releases_count_together() -> None:
    both = [*events([0] * 30), *events([0] * 30, release="1.1")]
    assert asked(both)[0] == (10, "trigger", "event_rate")


# Storms


def storm_of(services: int, at: float = 0, **more: object) -> list[Push]:
    """Return one event in each of so many services, with one trace."""
    return [
        event(at + n, f"s{n}", f"E{n}", trace="abc", **more)  # type: ignore[arg-type]
        for n in range(services)
    ]


def test_a_storm_over_three_services_pages_and_over_two_does_not() -> None:
    assert asked(storm_of(2)) == []
    assert asked(storm_of(3)) == [(10, "trigger", "storm_services"), (122, "resolve", "")]


def test_a_storm_that_grows_over_three_services_pages_at_once() -> None:
    grows = [*storm_of(2), event(30, "s2", "E2", trace="abc")]
    assert asked(grows)[0] == (30, "trigger", "storm_services")


def test_a_storm_pages_for_a_fatal_event_and_for_its_rate() -> None:
    assert asked(storm_of(2), event(30, "s0", "E0", level=FATAL))[0] == (30, "trigger", "fatal")
    loud = [*storm_of(2), *events([20] * 24, "s0", "E0"), *events([21] * 24, "s1", "E1")]
    assert asked(loud)[0] == (21, "trigger", "event_rate")


def test_the_page_of_an_incident_is_taken_over_by_its_storm() -> None:
    onset = event(0, "s0", "E0", level=FATAL, trace="abc")
    joins = [event(30, "s1", "E1", trace="abc"), event(40, "s2", "E2", trace="abc")]
    score = run(onset, joins, config=PAGING)
    trigger, resolved = score.paged()
    assert (trigger.second, resolved.second) == (10, 160)
    assert [one.storm for one in score.to(PAGER)] == [False, True]
    assert score.told("joined") == [(30, "joined", "s0 E0")]


def test_of_two_paged_incidents_one_page_goes_on_and_the_other_is_resolved() -> None:
    onset = [event(0, f"s{n}", f"E{n}", level=FATAL) for n in range(2)]
    shared = [event(30, f"s{n}", f"E{n}", trace="abc") for n in range(2)]
    score = run(onset, shared, config=PAGING)
    actions = [(one.second, one.action) for one in score.paged()]
    assert actions == [(10, "trigger"), (10, "trigger"), (30, "resolve"), (150, "resolve")]


def two_storms(errors: int = 1) -> Iterator[Push]:
    """Yield two storms of two services each, and in second 40 an event with traces of both."""
    for n, (service, trace) in enumerate([("a", "one"), ("b", "one"), ("c", "two"), ("d", "two")]):
        yield from events([n // 2 * 20] * errors, service, f"E{service}", trace=trace)
    yield event(40, "a", "Ea", trace="two")


def test_two_storms_that_merge_to_more_than_three_services_page_at_once() -> None:
    assert asked(list(two_storms())) == [
        (40, "trigger", "storm_services"),
        (160, "resolve", ""),
    ]


def test_the_rates_of_storms_that_merge_are_added() -> None:
    pages = Pages(storm_services=99)
    traces_only = Linking(burst_services=99, burst_onsets=99)
    config = msgspec.structs.replace(PAGING, pages=pages, linking=traces_only)
    score = run(list(two_storms(13)), config=config)
    assert [(one.second, one.why) for one in score.paged()] == [(40, "event_rate"), (160, "")]


def test_of_two_paged_storms_that_merge_one_page_is_resolved() -> None:
    fatal = [event(1, "a", "Ea", level=FATAL), event(21, "c", "Ec", level=FATAL)]
    score = run(list(two_storms()), fatal, config=PAGING)
    assert [(one.second, one.action) for one in score.paged()] == [
        (10, "trigger"),
        (30, "trigger"),
        (40, "resolve"),
        (160, "resolve"),
    ]
    joined = score.told("joined")
    assert joined == [(40, "joined", "storm: c, d")]


def test_a_page_taken_over_by_a_storm_that_is_merged_before_it_is_told_is_resolved() -> None:
    first = [event(0, "a", "Ea", trace="one", level=FATAL), event(0, "b", "Eb", trace="one")]
    paged = event(20, "c", "Ec", level=FATAL)
    later = [event(50, "c", "Ec", trace="two"), event(51, "d", "Ed", trace="two")]
    score = run(first, paged, later, event(53, "a", "Ea", trace="two"), config=PAGING)
    triggers = [one.key for one in score.paged() if one.action == "trigger"]
    resolved = [one.key for one in score.paged() if one.action == "resolve"]
    assert sorted(triggers) == sorted(resolved)
    assert len(triggers) == 2


def test_a_release_beside_the_storm_keeps_the_page_of_its_error() -> None:
    old = events(range(-4 * HOUR, 400, 100), level=FATAL)
    new = [event(0, release="1.1", trace="abc"), event(5, "payment", "KeyError", trace="abc")]
    score = run(old, new, config=PAGING)
    assert [one.action for one in score.paged()] == ["trigger", "resolve"]
    assert score.paged()[1].second == 300 + 600


def test_an_incident_that_sentry_resolves_resolves_its_page() -> None:
    assert asked(event(0, level=FATAL, issue="71"), resolve(60, "71")) == [
        (10, "trigger", "fatal"),
        (60, "resolve", ""),
    ]


def test_an_error_that_joins_a_storm_late_brings_its_recent_rate_only() -> None:
    long = [*events(range(-2 * HOUR, 0, 120)), event(0)]
    new = [event(0, release="1.1", trace="abc"), event(5, "payment", "KeyError", trace="abc")]
    score = run(long, new, config=PAGING)
    assert score.paged() == []


@pytest.mark.parametrize(
    ("events_", "services", "within_ms"), [(0, 3, 1_000), (1, 0, 1_000), (1, 1, 999), (1, 1, 10**9)]
)
def test_limits_that_make_no_sense_are_refused(events_: int, services: int, within_ms: int) -> None:
    with pytest.raises(ValueError, match="must"):
        Pages(events=events_, storm_services=services, within_ms=within_ms)
