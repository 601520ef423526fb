"""What happens to one incident: it settles, is updated, resolves, is cut, returns, is forgotten."""

from __future__ import annotations

import msgspec
import pytest

from correlators.baseline import Baseline
from correlators.entries import Episode, Service
from correlators.incidents import Closed, Windows
from correlators.types import Level, Suppression
from tests.correlators.score import (
    CONFIG,
    DAY,
    HOUR,
    MINUTE,
    event,
    events,
    resolve,
    run,
    second_of,
)

ONE = "checkout TimeoutError"


def test_the_first_digest_is_told_when_the_onset_has_settled_for_10_seconds() -> None:
    score = run(event(3.999), event(5))
    assert score.told("opened") == [(13, "opened", ONE)]
    first = score.to()[0]
    assert (first.events, first.incidents, first.revision) == (2, 1, 1)


def test_updates_come_at_most_every_five_minutes_and_tell_all_since() -> None:
    score = run(events(range(0, 11 * MINUTE, 20)))
    assert [(one.second, one.kind) for one in score.told()] == [
        (10, "opened"),
        (310, "updated"),
        (610, "updated"),
        (910, "updated"),
        (640 + 10 * MINUTE, "resolved"),
    ]
    assert [one.events for one in score.to()] == [1, 16, 31, 33, 33]


def test_nothing_new_means_no_update() -> None:
    again = event(0, event_id="a" * 32)
    score = run(again, events([100, 200, 400], event_id="a" * 32))
    assert [(one.second, one.kind) for one in score.told()] == [
        (10, "opened"),
        (400 + 10 * MINUTE, "resolved"),
    ]
    assert score.to()[-1].events == 1


def test_a_pause_of_exactly_quiet_for_resolves_and_one_second_less_does_not() -> None:
    assert run(event(0), until=600).told("resolved") == []
    assert run(event(0), until=601).told("resolved") == [(600, "resolved", ONE)]
    assert run(events([0, 599])).told("resolved") == [(599 + 600, "resolved", ONE)]
    # An event in the very tick in which it would resolve keeps it open.
    assert run(events([0, 600])).told("resolved") == [(1_200, "resolved", ONE)]


def test_a_resolved_digest_shows_the_final_state() -> None:
    last = run(events([0, 1, 2])).to()[-1]
    assert last.resolved
    assert (last.events, last.incidents) == (3, 1)


def test_it_is_cut_at_max_life_and_what_goes_on_is_a_new_incident() -> None:
    score = run(events(range(0, DAY + HOUR, 5 * MINUTE)))
    assert score.told("resolved")[0] == (DAY, "resolved", ONE)
    assert score.told("opened") == [(10, "opened", ONE), (DAY + 5 * MINUTE + 10, "opened", ONE)]
    first, second = score.incidents()
    assert (first.closed, second.closed) == (Closed.MAX_LIFE, Closed.QUIET)
    assert first.id != second.id
    assert score.told("reopened") == []


def test_a_return_within_half_an_hour_reopens_the_same_incident() -> None:
    back = 10 * MINUTE + 30 * MINUTE
    score = run(event(0), event(back))
    assert score.told() == [
        (10, "opened", ONE),
        (600, "resolved", ONE),
        (back + 10, "reopened", ONE),
        (back + 600, "resolved", ONE),
    ]
    assert len({one.id for one in score.to()}) == 1
    assert [one.events for one in score.to()] == [1, 1, 2, 2]


def test_a_return_one_second_later_is_a_new_incident() -> None:
    back = 10 * MINUTE + 30 * MINUTE + 1
    score = run(event(0), event(back))
    assert [one.kind for one in score.told()] == ["opened", "resolved", "opened", "resolved"]
    assert len({one.id for one in score.to()}) == 2


def test_a_return_beyond_max_life_is_a_new_incident() -> None:
    quick = msgspec.structs.replace(CONFIG, windows=Windows(max_life_ms=20 * MINUTE * 1000))
    score = run(event(0), event(20 * MINUTE), config=quick)
    assert [one.kind for one in score.told()] == ["opened", "resolved", "opened", "resolved"]


def test_a_repeated_event_is_counted_once_and_keeps_the_incident_open() -> None:
    score = run(events([0, 0, 0.5, 30], event_id="b" * 32, user="anna"))
    assert {(one.events, one.users) for one in score.to()} == {(1, 1)}
    assert score.told("resolved") == [(630, "resolved", ONE)]


def test_users_and_levels_add_up() -> None:
    score = run(
        event(0, user="anna", level=Level.WARNING),
        event(1, user="ben"),
        event(2, user="anna", level=Level.INFO),
        event(3),
    )
    first = score.to()[0]
    assert (first.events, first.users, first.level) == (4, 2, Level.ERROR)


def test_more_than_512_events_or_users_are_told_as_about() -> None:
    few = run(events([0] * 512, user="anna")).to()[0]
    assert (few.events, few.about, few.users, few.about_users) == (512, False, 1, False)
    many = run([event(0, user=f"u{n}") for n in range(2_000)]).to()[0]
    assert many.about
    assert many.about_users
    assert 1_700 < many.events < 2_300


def test_a_feed_that_tells_only_some_events_gives_a_lower_bound() -> None:
    assert run(events([0, 1], sampled=True)).to()[0].at_least
    assert not run(event(0, sampled=True), event(1)).to()[0].at_least


def test_a_sentry_issue_resolved_closes_what_holds_it() -> None:
    score = run(
        event(0, issue="71"), event(0, "payment", "KeyError", issue="72"), resolve(60, "71")
    )
    assert score.told("resolved") == [
        (60, "resolved", ONE),
        (600, "resolved", "payment KeyError"),
    ]
    assert score.incidents()[0].closed is Closed.SENTRY


def test_a_sentry_resolution_of_one_environment_leaves_the_others_open() -> None:
    score = run(
        event(0, issue="71"),
        event(0, issue="71", environment="staging"),
        resolve(60, "71", "staging"),
    )
    closed = {one.key.environment: one.closed for one in score.incidents()}
    assert closed == {"production": Closed.QUIET, "staging": Closed.SENTRY}


def test_an_event_after_a_sentry_resolution_reopens_and_is_told() -> None:
    score = run(event(0, issue="71"), resolve(60, "71"), event(90))
    assert [(one.second, one.kind) for one in score.told()] == [
        (10, "opened"),
        (60, "resolved"),
        (100, "reopened"),
        (690, "resolved"),
    ]


def test_what_sentry_resolves_before_it_settled_is_never_told_and_counted_so() -> None:
    score = run(event(0, issue="71"), resolve(5, "71"))
    assert score.told() == []
    assert score.suppressed == {Suppression.NEVER_TOLD: 1}


def test_a_closed_incident_is_forgotten_after_remember_and_its_episode_later() -> None:
    closed = 600
    kept = run(event(0), until=closed + 7 * DAY)
    assert len(kept.incidents()) == 1
    gone = run(event(0), until=closed + 7 * DAY + 1)
    assert {type(entry) for _, entry in gone.entries} == {Episode, Service, Baseline}
    assert run(event(0), until=90 * DAY + 2).entries == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"settle_ms": 999},
        {"max_life_ms": 599_000},
        {"settle_ms": 601_000},
        {"remember_ms": 86_399_000},
    ],
)
def test_windows_that_contradict_each_other_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Windows(**wrong)


# The same error under another release


def test_another_release_of_an_error_is_told_by_the_one_that_is_open() -> None:
    score = run(
        events(range(0, 900, 30)),
        events(range(20, 500, 30), release="1.1"),
    )
    assert {one.id for one in score.to()} == {score.incidents()[0].id}
    update = next(one for one in score.to() if one.kind == "updated")
    assert (update.incidents, update.releases) == (2, ("1.0", "1.1"))
    assert update.events == 11 + 10
    assert score.suppressed[Suppression.TOLD_BY_OTHER_RELEASE] >= 1
    assert score.storms() == []


def test_the_lead_tells_another_release_even_when_it_has_no_news_of_its_own() -> None:
    score = run(event(0), events(range(400, 420), release="1.1"), until=550)
    assert [(one.second, one.kind) for one in score.told()] == [(10, "opened"), (411, "updated")]
    assert (score.to()[-1].releases, score.to()[-1].incidents) == (("1.0", "1.1"), 2)


def test_when_the_lead_resolves_the_other_release_is_told_by_itself() -> None:
    score = run(event(0), events(range(500, 1_000, 50), release="1.1"))
    assert [(one.second, one.kind) for one in score.told()] == [
        (10, "opened"),
        (511, "updated"),
        (600, "resolved"),
        (600, "opened"),
        (900, "updated"),
        (1_200, "updated"),
        (1_550, "resolved"),
    ]
    resolved, opened = score.to()[2:4]
    assert resolved.id != opened.id
    assert (resolved.incidents, resolved.releases) == (1, ("1.0",))
    assert (opened.incidents, opened.releases) == (1, ("1.1",))


def test_every_change_of_lead_keeps_seconds_in_order() -> None:
    score = run(event(0), event(300, release="1.1"), event(580, release="1.2"))
    assert [second_of(one) for one in score.to()] == sorted(second_of(one) for one in score.to())
    assert score.told("resolved")[-1].second == 1_180
