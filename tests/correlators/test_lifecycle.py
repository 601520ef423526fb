"""New, regressed, escalating, flapping, and what Sentry says: as they are told."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

from correlators.changes import change_of
from correlators.conditions import When
from correlators.rules import Pages
from correlators.rulings import Rule, Urgency
from correlators.telling import Config
from correlators.types import ChangeKind, DigestKind, Level, StateChange, Suppression
from correlators.wire_read import read_change
from tests.correlators.score import (
    CHAT,
    CONFIG,
    HOUR,
    MINUTE,
    PAGER,
    PAGING,
    Push,
    Score,
    event,
    events,
    ms,
    resolve,
    run,
    second_of,
)

_numbers = count(1)


def change(at: float, kind: ChangeKind, issue: str, **more: object) -> Push:
    told = StateChange(
        kind=kind,
        resource="issue",
        action="",
        identity=f"{next(_numbers):x}",
        issue_id=issue,
        **more,  # type: ignore[arg-type]
    )
    return Push(ms(at), change=told)


def flags(score: Score) -> list[tuple[int, str, bool]]:
    return [(second_of(one), one.kind.value, one.regressed) for one in score.to()]


def test_an_error_that_comes_back_after_it_was_resolved_has_regressed() -> None:
    score = run(event(0), event(2 * HOUR), event(4 * HOUR, "mail"))
    assert flags(score)[:3] == [
        (10, "opened", False),
        (600, "resolved", False),
        (2 * HOUR + 10, "opened", True),
    ]
    assert not score.to()[-1].regressed  # another error


def test_an_error_under_a_new_release_is_no_regression_while_the_old_one_is_open() -> None:
    score = run(events(range(0, 900, 100)), event(500, release="2.0"))
    assert not any(one.regressed for one in score.to())


def test_a_return_within_the_time_of_reopening_is_the_same_incident() -> None:
    score = run(event(0), event(900))
    assert [kind for _, kind, _ in flags(score)] == ["opened", "resolved", "reopened", "resolved"]
    assert not any(regressed for *_, regressed in flags(score))


def test_sentrys_word_of_a_regression_is_told() -> None:
    back = change(100, ChangeKind.ISSUE_UNRESOLVED, "71", regressed=True)
    score = run(event(0, issue="71"), back, until=500)
    assert flags(score) == [(10, "opened", False), (310, "updated", True)]


def test_far_above_its_busiest_hour_an_error_escalates_once_and_at_once() -> None:
    usual = [event(hour * HOUR + n * 60) for hour in range(3) for n in range(5)]
    burst = events([3 * HOUR + n for n in range(30)])
    score = run(usual, burst, until=3 * HOUR + 200)
    escalating = [one for one in score.to() if one.escalating]
    assert len(escalating) == 1
    assert escalating[0].escalated_now
    assert 3 * HOUR < second_of(escalating[0]) < 3 * HOUR + 30
    assert not any(one.escalating for one in run(usual, until=3 * HOUR).to())


def test_an_escalation_under_another_release_is_as_loud_as_one_of_the_release_that_tells() -> None:
    usual = [event(hour * HOUR + n * 60) for hour in range(3) for n in range(5)]
    old = [event(3 * HOUR + n * 60) for n in range(8)]
    burst = events([3 * HOUR + 200 + n for n in range(30)], release="2.0")
    score = run(usual, old, burst, until=3 * HOUR + 1_000)
    escalating = [one for one in score.to() if one.escalating and not one.resolved]
    assert [one.escalated_now for one in escalating][:1] == [True]
    assert sum(one.escalated_now for one in score.to()) == 1
    assert 3 * HOUR + 200 < second_of(escalating[0]) < 3 * HOUR + 230
    assert len({one.id for one in escalating}) == 1


def test_a_rule_may_page_for_an_escalation() -> None:
    loud = Rule(
        name="louder",
        when=When(escalating=True),
        urgency=Urgency.PAGE,
        to=(CHAT,),
        page=(PAGER,),
    )
    config = Config(rules=(loud, Rule(name="rest", to=(CHAT,))), pages=Pages(environments=()))
    usual = [event(hour * HOUR + n * 60) for hour in range(3) for n in range(5)]
    score = run(usual, events([3 * HOUR + n for n in range(30)]), config=config)
    assert [one.rule for one in score.to(PAGER)][:1] == ["louder"]


# Five changes in an hour: it opens, ends, comes back, ends and comes back again.
FLAPS_AT = (0, 700, 1_400, 2_100, 2_800, 3_500)
FLAPPING = [event(at) for at in FLAPS_AT]


def test_what_flaps_is_told_once_and_then_held_until_it_no_longer_does() -> None:
    score = run(*FLAPPING, until=3 * HOUR)
    told = [(second_of(one), one.kind.value, one.flapping) for one in score.to()]
    assert told == [
        (10, "opened", False),
        (600, "resolved", False),
        (710, "reopened", False),
        (1_300, "resolved", False),
        (1_410, "updated", True),
        *told[5:],
    ]
    assert len(told) == 6
    second, kind, flaps = told[5]
    assert (kind, flaps) == ("resolved", False)
    assert second > 4_100  # the last end, and not before an hour has four changes at most
    assert score.suppressed[Suppression.FLAPPING] >= 2


def test_a_page_stays_open_while_it_flaps_and_is_resolved_once() -> None:
    pushes = [event(at, level=Level.FATAL) for at in FLAPS_AT]
    score = run(pushes, config=PAGING, until=3 * HOUR)
    actions = [one.action for one in score.paged()]
    assert actions == ["trigger", "resolve"] * (len(actions) // 2)
    assert len(actions) == 6  # twice before it flapped, and once for all that came after


def test_sentrys_own_counts_are_told_where_the_feed_is_sampled() -> None:
    counted = change(20, ChangeKind.ISSUE_ASSIGNED, "71", events=312, users=88, assignee="pay")
    sampled = run(event(0, issue="71", sampled=True, user="u"), counted, until=400).to()[-1]
    assert (sampled.events, sampled.users, sampled.at_least) == (312, 88, True)
    assert sampled.assignee == "pay"
    whole = run(event(0, issue="71", user="u"), counted, until=400).to()[-1]
    assert (whole.events, whole.users) == (1, 1)


def test_a_change_of_another_issue_or_environment_moves_nothing() -> None:
    other = change(20, ChangeKind.ISSUE_ASSIGNED, "72", assignee="pay")
    elsewhere = change(20, ChangeKind.ISSUE_ASSIGNED, "71", assignee="pay", environment="staging")
    score = run(event(0, issue="71"), other, elsewhere, until=400)
    assert [one.kind for one in score.to()] == [DigestKind.OPENED]


def test_who_has_an_issue_in_sentry_is_shown_a_person_without_a_name() -> None:
    kind = ChangeKind.ISSUE_ASSIGNED
    score = run(
        event(0, issue="71"),
        change(20, kind, "71", assigned_person=True),
        change(400, kind, "71", assignee="pay"),
        change(800, kind, "71", assigned_person=True),
        [event(at, issue="71") for at in range(60, 1500, 60)],
        until=1600,
    )
    shown = [one.assignee for one in score.to()]
    assert list(dict.fromkeys(shown)) == ["", "a person", "pay"]
    assert shown[-1] == "a person"


def test_what_sentry_tells_of_an_issue_is_read_from_its_webhook() -> None:
    folder = Path(__file__).parents[1] / "fixtures" / "sentry"
    body = json.loads((folder / "issue.created.json").read_bytes())
    issue = body["data"]["issue"]
    issue["substatus"] = "regressed"
    issue["assignedTo"] = {"type": "team", "name": "payments", "id": "1"}
    raw = json.dumps(body).encode()
    found = change_of("issue", read_change(raw), raw)
    assert (found.events, found.users, found.regressed) == (312, 88, True)
    assert found.assignee == "payments"
    issue["assignedTo"] = {"type": "user", "name": "Ada", "email": "ada@example.com"}
    issue["count"] = "many"
    raw = json.dumps(body).encode()
    person = change_of("issue", read_change(raw), raw)
    assert (person.assignee, person.assigned_person, person.events) == ("", True, 0)
    assert "Ada" not in repr(person)


def test_resolved_by_sentry_and_back_has_regressed() -> None:
    score = run(
        event(0, issue="71"), resolve(60, "71"), event(60 + 40 * MINUTE, issue="71"), config=CONFIG
    )
    assert [one.regressed for one in score.to() if one.kind is DigestKind.OPENED] == [False, True]


def deploy(
    at: float, release: str, *, told: float | None = None, service: str = "checkout"
) -> Push:
    marker = StateChange(
        kind=ChangeKind.DEPLOY,
        resource="deploy",
        action="",
        identity=f"{service} {release} {at}",
        service=service,
        environment="production",
        release=release,
        at_ms=ms(at),
    )
    return Push(ms(at if told is None else told), change=marker)


def test_what_breaks_after_a_deploy_says_so_and_how_long_after() -> None:
    known = event(0, "checkout", "Old", release="1.0")
    score = run(known, deploy(5_000, "1.1", told=5_003), event(5_240, release="1.1"))
    told = next(one for one in score.to() if one.title == "TimeoutError")
    assert (told.new_release, told.deployed) == ("1.1", True)
    assert told.first_ms - told.new_release_ms == 240_000
    seen = run(known, event(5_240, release="1.1")).to()
    told = next(one for one in seen if one.title == "TimeoutError")
    assert (told.new_release, told.deployed) == ("1.1", False)


def test_a_deploy_of_long_ago_or_of_another_service_or_environment_is_no_news() -> None:
    for marker in (
        deploy(0, "1.1"),
        deploy(5_000, "1.1", service="mail"),
    ):
        score = run(marker, event(5_240 + HOUR, release="1.1"))
        assert (score.to()[0].new_release, score.to()[0].deployed) == ("", False)


def test_a_deploy_that_says_it_is_in_the_future_counts_from_when_it_was_told() -> None:
    score = run(deploy(9_000, "1.1", told=100), event(160, release="1.1"))
    told = score.to()[0]
    assert told.deployed
    assert 59_000 <= told.first_ms - told.new_release_ms <= 61_000
