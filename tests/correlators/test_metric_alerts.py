"""Metric alerts: told as incidents of their own, and once where errors of the service are told."""

from __future__ import annotations

from itertools import count

import pytest

from correlators.conditions import AtLeast, When
from correlators.holds import Holding, Period
from correlators.rules import Pages
from correlators.rulings import Rule, Urgency
from correlators.schedules import Span
from correlators.telling import Config
from correlators.types import (
    AlertLine,
    ChangeKind,
    DigestKind,
    Level,
    PageAction,
    StateChange,
    Suppression,
)
from tests.correlators.score import (
    CHAT,
    CONFIG,
    HOUR,
    MINUTE,
    PAGER,
    PAGING,
    Push,
    events,
    ms,
    resolve,
    run,
    second_of,
)

_bodies = count(1)


def alert(
    at: float,
    action: str = "critical",
    *services: str,
    rule: str = "19",
    firing: str = "1",
    environment: str = "production",
    body: str = "",
) -> Push:
    """Return Sentry's word on a metric alert."""
    change = StateChange(
        kind=ChangeKind.METRIC_ALERT,
        resource="metric_alert",
        action=action,
        identity=body or f"{next(_bodies):032x}",
        environment=environment,
        services=services or ("checkout",),
        title="Failure rate",
        url="https://sentry.test/alerts/19/",
        alert_rule=rule,
        alert_firing=firing,
    )
    return Push(ms(at), change=change)


def test_an_alert_is_told_after_settle_and_its_end_when_sentry_says_so() -> None:
    score = run(alert(0), alert(2 * HOUR, "resolved"))
    assert score.told() == [
        (10, "opened", "checkout Metric alert: Failure rate"),
        (2 * HOUR, "resolved", "checkout Metric alert: Failure rate"),
    ]
    opened, resolved = score.to()
    assert (opened.metric_alert, opened.level, opened.events) == (True, Level.FATAL, 0)
    assert opened.url == "https://sentry.test/alerts/19/"
    line = AlertLine("Failure rate", "critical", ms(0), 0, "https://sentry.test/alerts/19/")
    assert opened.alerts == (line,)
    assert (resolved.first_ms, resolved.last_ms) == (ms(0), ms(2 * HOUR))
    assert resolved.alerts[0].until_ms == ms(2 * HOUR)


def test_silence_does_not_end_it_but_the_longest_life_does() -> None:
    score = run(alert(0), until=25 * HOUR)
    assert score.told() == [
        (10, "opened", "checkout Metric alert: Failure rate"),
        (24 * HOUR, "resolved", "checkout Metric alert: Failure rate"),
    ]


@pytest.mark.parametrize(
    ("action", "level"),
    [("critical", Level.FATAL), ("open", Level.ERROR), ("warning", Level.WARNING)],
)
def test_sentrys_word_is_the_level(action: str, level: Level) -> None:
    assert run(alert(0, action)).to()[0].level is level


def test_an_unknown_word_changes_nothing() -> None:
    score = run(alert(0, "paused"))
    assert score.digests == []
    assert score.incidents() == []


def test_a_critical_alert_pages_and_its_end_resolves_the_page() -> None:
    score = run(alert(0), alert(HOUR, "resolved"), config=PAGING)
    assert [(one.second, one.action) for one in score.paged()] == [
        (10, "trigger"),
        (HOUR, "resolve"),
    ]
    assert run(alert(0, "warning"), config=PAGING).paged() == []


def test_a_warning_that_becomes_critical_is_one_incident_that_pages_at_once() -> None:
    score = run(alert(0, "warning"), alert(MINUTE), alert(HOUR, "resolved"), config=PAGING)
    assert score.told("opened", "updated") == [
        (10, "opened", "checkout Metric alert: Failure rate"),
        (MINUTE, "updated", "checkout Metric alert: Failure rate"),
    ]
    assert [one.second for one in score.paged()] == [MINUTE, HOUR]


def test_the_same_word_again_changes_nothing() -> None:
    once = run(alert(0), alert(HOUR, "resolved"), until=2 * HOUR)
    twice = run(
        alert(0), alert(300), alert(HOUR, "resolved"), alert(HOUR + 300, "resolved"), until=2 * HOUR
    )
    assert [(one.revision, one.kind) for one in twice.digests] == [
        (one.revision, one.kind) for one in once.digests
    ]


def test_what_comes_after_the_end_of_its_firing_is_late_and_tells_nothing() -> None:
    score = run(alert(0), alert(300, "resolved"), alert(400), until=HOUR)
    assert [one.kind.value for one in score.to()] == ["opened", "resolved"]
    before = run(alert(0, "resolved"), alert(5), until=HOUR)
    assert before.digests == []


def test_the_end_of_an_earlier_firing_does_not_end_this_one() -> None:
    score = run(alert(0), alert(60, "resolved", firing="0"), until=HOUR)
    assert [one.kind.value for one in score.to()] == ["opened"]


def test_where_an_end_was_never_heard_the_next_firing_ends_it() -> None:
    score = run(alert(0), alert(600, firing="2"), alert(900, "resolved", firing="2"), until=HOUR)
    assert [(second_of(one), one.kind.value) for one in score.to()] == [
        (10, "opened"),
        (900, "resolved"),
    ]


def test_it_fires_again_soon_in_the_same_thread_and_is_no_regression() -> None:
    score = run(
        alert(0),
        alert(300, "resolved"),
        alert(900, firing="2"),
        alert(HOUR, "resolved", firing="2"),
    )
    assert [(second_of(one), one.kind.value) for one in score.to()] == [
        (10, "opened"),
        (300, "resolved"),
        (910, "reopened"),
        (HOUR, "resolved"),
    ]
    assert len({one.id for one in score.to()}) == 1
    assert not any(one.regressed for one in score.to())


def test_one_that_is_over_within_settle_is_never_told() -> None:
    score = run(alert(0), alert(5, "resolved"), until=HOUR)
    assert score.digests == []
    assert score.suppressed[Suppression.NEVER_TOLD] == 1


def test_two_rules_of_one_service_are_two_alerts_and_no_storm() -> None:
    score = run(alert(0), alert(1, rule="20"), alert(2, "critical", "cart", rule="21"))
    assert len(score.told("opened")) == 3
    assert not any(one.storm for one in score.to())


# With errors of the same service


def test_errors_and_the_alert_that_counts_them_are_told_once() -> None:
    score = run(events(range(0, 300, 10)), alert(60), alert(400, "resolved"))
    assert {one.id for one in score.to()} == {score.to()[0].id}
    assert score.suppressed[Suppression.TOLD_BY_INCIDENT] >= 1
    opened, updated, *_ = score.to()
    assert (opened.alerts, opened.kind) == ((), DigestKind.OPENED)
    assert (second_of(updated), updated.alerts[0].status) == (71, "critical")
    assert updated.level is Level.FATAL
    end = score.to()[-1]
    assert end.resolved
    assert end.alerts[0].until_ms == ms(400)


def test_an_alert_that_comes_first_waits_for_the_errors_within_settle() -> None:
    score = run(alert(0), events(range(5, 300, 10)), alert(500, "resolved"))
    opened = score.to()[0]
    assert (second_of(opened), opened.metric_alert) == (15, False)
    assert opened.alerts[0].status == "critical"
    assert {one.id for one in score.to()} == {opened.id}


def test_an_alert_that_was_told_before_its_errors_stays_told() -> None:
    score = run(alert(0), events(range(30, 300, 10)), alert(500, "resolved"))
    assert [one.kind.value for one in score.to() if one.metric_alert] == ["opened", "resolved"]
    assert not any(one.alerts for one in score.to() if not one.metric_alert)


def test_an_incident_that_tells_a_critical_alert_pages_as_the_alert_would() -> None:
    alone = run(events(range(0, 300, 10)), config=PAGING)
    assert alone.paged() == []
    score = run(events(range(0, 300, 10)), alert(60), alert(400, "resolved"), config=PAGING)
    assert [(one.second, one.action) for one in score.paged()] == [
        (60, "trigger"),
        (890, "resolve"),
    ]


def test_other_services_and_environments_do_not_tell_it() -> None:
    score = run(
        events(range(0, 300, 10), "cart"),
        events(range(0, 300, 10), environment="staging"),
        alert(60),
        alert(400, "resolved"),
    )
    assert [one.kind.value for one in score.to() if one.metric_alert] == ["opened", "resolved"]


def test_an_alert_over_several_projects_is_told_by_any_of_them() -> None:
    score = run(events(range(0, 300, 10), "cart"), alert(60, "critical", "cart", "web"))
    assert not any(one.metric_alert for one in score.to() if second_of(one) < 890)
    assert any(one.alerts for one in score.to())


def test_a_storm_of_its_service_tells_it() -> None:
    score = run(
        events(range(0, 100, 3), "payment", "Refused", trace="t"),
        events(range(2, 100, 3), "checkout", "Bad", trace="t"),
        alert(40),
        alert(90, "resolved"),
    )
    assert not any(one.metric_alert for one in score.to())
    (storm,) = score.storms()
    lines = [one.alerts for one in score.to() if one.id == storm.id]
    assert [line.status for line in lines[-1]] == ["critical"]
    assert lines[-1][0].until_ms == ms(90)


def test_an_alert_that_outlives_what_told_it_is_told_by_itself() -> None:
    score = run(events(range(0, 100, 10)), alert(60), alert(2 * HOUR, "resolved"))
    own = [one for one in score.to() if one.metric_alert]
    assert [one.kind.value for one in own] == ["opened", "resolved"]
    assert 690 <= second_of(own[0]) <= 690 + 300


def test_what_is_told_to_nobody_tells_no_alert() -> None:
    rules = (
        Rule(name="noise", when=When(metric_alert=False), urgency=Urgency.DROP, reason="noise"),
        Rule(name="rest", to=(CHAT,)),
    )
    score = run(
        events(range(0, 300, 10)),
        alert(60),
        alert(400, "resolved"),
        config=Config(rules=rules, pages=Pages(environments=())),
    )
    assert [one.kind.value for one in score.to() if one.metric_alert] == ["opened", "resolved"]
    assert {one.metric_alert for one in score.to()} == {True}


def test_what_is_muted_by_now_tells_no_alert() -> None:
    muted = Period(
        name="timeouts",
        when=When(text=("Timeout*",)),
        times=(Span(from_ms=ms(30), to_ms=ms(HOUR)),),
        maintenance=True,
        pages=True,
    )
    score = run(
        events(range(0, 900, 10)),
        alert(400),
        alert(800, "resolved"),
        config=Config(holding=Holding(periods=(muted,)), routes=CONFIG.routes),
    )
    own = [(second_of(one), one.kind.value) for one in score.to() if one.metric_alert]
    assert own == [(410, "opened"), (800, "resolved")]


def test_a_storm_tells_it_rather_than_a_louder_incident() -> None:
    score = run(
        events(range(0, 1_000, 2), "checkout", "Loud"),
        events(range(600, 800, 9), "payment", "Refused", trace="t"),
        events(range(602, 800, 9), "checkout", "Bad", trace="t"),
        alert(700),
        alert(790, "resolved"),
    )
    assert {one.storm for one in score.to() if one.alerts} == {True}


def test_the_end_of_an_incident_takes_no_alert_over() -> None:
    score = run(events(range(0, 100, 10)), alert(685), alert(HOUR, "resolved"))
    end = next(one for one in score.to() if one.resolved and not one.metric_alert)
    assert (second_of(end), end.alerts) == (690, ())
    assert [second_of(one) for one in score.to() if one.metric_alert] == [695, HOUR]


def test_alerts_of_many_services_at_once_are_no_storm() -> None:
    many = [alert(0, "critical", f"s{at}", rule=str(at)) for at in range(10)]
    score = run(many, events(range(1, 30), "web", "Oops"), until=HOUR)
    assert score.storms() == []
    assert len([one for one in score.to() if one.metric_alert]) == 10


def test_it_fires_again_much_later_as_a_new_incident_that_is_no_regression() -> None:
    score = run(
        alert(0),
        alert(60, "resolved"),
        alert(3 * HOUR, firing="2"),
        alert(4 * HOUR, "resolved", firing="2"),
    )
    assert [one.kind.value for one in score.to()] == ["opened", "resolved"] * 2
    assert not any(one.regressed for one in score.to())


def test_an_alert_makes_no_message_of_known_noise() -> None:
    rules = (
        Rule(
            name="noise",
            when=When(level=(Level.WARNING,)),
            urgency=Urgency.DROP,
            reason="users mistype",
        ),
        Rule(name="rest", to=(CHAT,)),
    )
    score = run(
        alert(0),
        events(range(5, 300, 10), level=Level.WARNING),
        alert(400, "resolved"),
        config=Config(rules=rules, pages=Pages(environments=())),
    )
    assert {one.metric_alert for one in score.to()} == {True}
    assert [one.kind.value for one in score.to()] == ["opened", "resolved"]


def test_the_loudest_incident_tells_it() -> None:
    score = run(
        events(range(0, 400, 100), error="Rare"),
        events(range(150, 400, 5), error="Loud"),
        alert(200),
        alert(390, "resolved"),
    )
    assert {one.title for one in score.to() if one.alerts} == {"Loud"}


def test_rules_can_ask_for_metric_alerts() -> None:
    rules = (
        Rule(
            name="metric",
            when=When(metric_alert=True, level=(Level.FATAL,)),
            urgency=Urgency.PAGE,
            to=("slack:metrics",),
            page=(PAGER,),
        ),
        Rule(name="loud", when=When(events=AtLeast(10, 60_000)), to=(CHAT,)),
        Rule(name="rest", to=(CHAT,)),
    )
    config = Config(rules=rules, pages=Pages(environments=()))
    score = run(
        alert(0),
        alert(1, "warning", "cart", rule="20"),
        alert(HOUR, "resolved"),
        alert(HOUR, "resolved", rule="20"),
        config=config,
    )
    assert [one.rule for one in score.to("slack:metrics")] == ["metric", "metric"]
    assert score.to()[0].services[0].service == "cart"
    assert [one.page for one in score.to(PAGER)] == [PageAction.TRIGGER, PageAction.RESOLVE]


def test_an_issue_that_is_resolved_ends_the_incident_and_the_alert_goes_on_alone() -> None:
    score = run(
        events(range(0, 100, 10), issue="7"),
        alert(60),
        resolve(120, "7"),
        alert(HOUR, "resolved"),
        config=CONFIG,
    )
    own = [(second_of(one), one.kind.value) for one in score.to() if one.metric_alert]
    assert [kind for _, kind in own] == ["opened", "resolved"]
