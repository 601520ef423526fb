"""What a scheduled report counts, and names."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.acts import Acknowledge, Act, FalseAlarm, Resolve
from correlators.conditions import When
from correlators.incidents import Windows
from correlators.owners import Owner
from correlators.recurring import Recurring
from correlators.reported import TOP_MOST
from correlators.rulings import Rule, Urgency
from correlators.types import DigestKind, Level, Suppression
from tests.correlators.acted import ANNA, Stage
from tests.correlators.score import (
    CHAT,
    DAY,
    HOUR,
    MINUTE,
    PAGING,
    event,
    events,
    run,
)
from tests.correlators.test_reporting import FIRST, only, reporting, scheduled, told


def test_it_counts_what_was_new_came_back_ended_and_goes_on() -> None:
    known = events([0], "a", "Old")
    week = [
        event(at + FIRST + 1, service, error, user=user)
        for at, service, error, user in [
            (60, "a", "Old", "u1"),
            (61, "a", "Old", "u2"),
            (900, "b", "Ended", "u1"),
            (HOUR - 60, "c", "Open", ""),
        ]
    ]
    score = run(known, week, until=FIRST + HOUR + 5, config=reporting())
    _, digest = told(score)
    one = digest.reported
    assert one is not None
    assert (one.new, one.back, one.resolved, one.open, one.errors) == (2, 1, 2, 1, 3)
    assert (one.events, one.hourly, one.hourly_before) == (4, 4, round(HOUR / (FIRST + 1)))
    lines = [(top.service, top.events, top.users, top.new, top.open) for top in one.top]
    assert lines[0] == ("a", 2, 2, False, False)
    assert sorted(lines[1:]) == [("b", 1, 1, True, False), ("c", 1, 0, True, True)]
    assert one.actions[0] == "open, and nobody has it: c: Open"
    assert one.actions[1] == "came back after it was resolved: a: Old"
    assert digest.title == "Hourly, production: 2 new, 1 back, 2 over, 1 open"


@pytest.mark.parametrize("before", [1, 9, 10, 11])
def test_what_begins_around_the_moment_is_new_in_exactly_one_report(before: int) -> None:
    score = run(events([0], "a", "X"), event(FIRST - before, "b", "Y"), until=FIRST + HOUR + 1)
    assert score.told("opened")[-1].second == FIRST - before + 10
    score = run(
        events([0], "a", "X"),
        event(FIRST - before, "b", "Y"),
        until=FIRST + HOUR + 1,
        config=reporting(),
    )
    new = [one.reported.new for one in told(score) if one.reported is not None]
    assert sum(new) == 2
    assert new == ([2, 0] if before >= 10 else [1, 1])


def test_releases_of_one_error_are_one_line() -> None:
    pushes = [event(at, release=f"1.{at}", user=f"u{at % 2}") for at in range(4)]
    one = only(run(pushes, until=FIRST + 2, config=reporting()))
    (line,) = one.top
    assert (line.events, line.users, line.release, line.incidents) == (4, 2, "1.3", 4)


def test_of_what_began_before_only_the_hours_of_its_time_count() -> None:
    began = FIRST - 30 * MINUTE
    going_on = events(range(began, FIRST + HOUR, 2 * MINUTE))
    first, second = told(run(going_on, until=FIRST + HOUR + 1, config=reporting()))
    assert first.reported is not None
    assert second.reported is not None
    assert first.reported.events == 16
    assert second.reported.events == 30 - 1
    assert (second.reported.new, second.reported.open) == (0, 1)


def test_a_team_is_told_of_what_it_owns() -> None:
    config = reporting(
        scheduled(name="pay", team="team-pay"),
        scheduled(name="cart", team="team-cart"),
        owners=(Owner(service="pay*", owner="team-pay"), Owner(service="cart", owner="team-cart")),
    )
    score = run(
        events([0, 1], "payment", "X"), events([400], "other", "Y"), until=HOUR, config=config
    )
    (digest,) = told(score, "pay")
    assert digest.reported is not None
    assert [top.service for top in digest.reported.top] == ["payment"]
    assert digest.reported.top[0].owner == "team-pay"
    assert told(score, "cart") == []


PAY_AND_CART: dict[str, Any] = {
    "owners": (Owner(service="pay*", owner="team-pay"), Owner(service="cart", owner="team-cart"))
}


def test_what_goes_on_without_news_is_no_report_of_its_team_whatever_comes_of_others() -> None:
    windows = Windows(quiet_for_ms=3 * HOUR * 1000)
    teams = [scheduled(name=one, team=f"team-{one}") for one in ("pay", "cart")]
    config = reporting(*teams, windows=windows, **PAY_AND_CART)
    score = run(
        events([0], "payment", "X"),
        events([0, FIRST + 60], "cart", "Y"),
        until=FIRST + HOUR + 1,
        config=config,
    )
    assert (len(told(score, "pay")), len(told(score, "cart"))) == (1, 2)
    assert score.suppressed[Suppression.NOTHING_NEW] == 1


def test_a_report_says_the_same_alone_and_beside_others_of_its_moment() -> None:
    reports = [
        scheduled(name="all"),
        scheduled(name="pay", team="team-pay"),
        scheduled(name="paged", urgency=(Urgency.PAGE,)),
        scheduled(Recurring(minutes=(0,)), name="daily"),
    ]
    pushes = [
        *events([0, 1, 3 * HOUR], "payment", "X"),
        *events([5_000], "cart", "Y"),
        *[
            event(60 + at, name, f"E{name}", trace="t", level=Level.FATAL)
            for at, name in enumerate("abc")
        ],
    ]
    together = run(pushes, until=DAY, config=reporting(*reports, config=PAGING, **PAY_AND_CART))
    for one in reports:
        alone = run(pushes, until=DAY, config=reporting(one, config=PAGING, **PAY_AND_CART))
        assert told(alone, one.name)
        assert told(together, one.name) == told(alone, one.name)


def test_what_a_rule_drops_stands_in_no_report() -> None:
    rules = (
        Rule(name="noise", when=When(text=("Noise",)), urgency=Urgency.DROP, reason="known"),
        Rule(name="rest", to=(CHAT,)),
    )
    pushes = [*events([0, 1, 2], "a", "Noise"), *events([400], "b", "Real")]
    one = only(run(pushes, until=HOUR, config=reporting(rules=rules)))
    assert [top.title for top in one.top] == ["Real"]
    assert one.events == 1


def test_a_storm_and_a_page_are_counted_once() -> None:
    outage = [
        event(at, name, f"E{name}", trace="t", level=Level.FATAL) for at, name in enumerate("abc")
    ]
    one = only(run(outage, until=HOUR, config=reporting(config=PAGING)))
    assert (one.storms, one.errors) == (1, 3)
    assert one.paged == 1
    assert one.actions[0] == "paged, and acknowledged by nobody: a storm in a and 2 more services"


def test_mean_times_come_from_what_people_did() -> None:
    stage = Stage(config=reporting())
    stage.run(20, event(0, "a", "X"), event(0, "b", "Y"))
    one, two = (stage.incident(name).id for name in "ab")
    acts: list[tuple[int, Act]] = [
        (30, Acknowledge(subject=one, **ANNA)),
        (60, Acknowledge(subject=two, **ANNA)),
        (100, Resolve(subject=one, **ANNA)),
        (120, FalseAlarm(subject=two, **ANNA)),
    ]
    stage.run(FIRST + 1, acts=acts)
    (digest,) = [one for one in stage.digests if one.kind is DigestKind.REPORT]
    found = digest.reported
    assert found is not None
    assert (found.acknowledged, found.acknowledge_s) == (2, 45)
    assert (found.resolved_by_hand, found.resolve_s, found.false_alarms) == (1, 100, 1)
    assert found.lasted_s == 110
    assert digest.report[2] == (
        "Acknowledged 2 in 45 s on average; resolved 1 in 2 min on average; 1 false alarm; "
        "what is over lasted 2 min on average."
    )


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_is_new_and_came_back_after_somebody_resolved_it_is_to_be_done(by_hand: bool) -> None:
    stage = Stage(config=reporting())
    stage.run(20, event(0, "a", "X"))
    acts = [(100, Resolve(subject=stage.incident("a").id, **ANNA))] if by_hand else []
    stage.run(FIRST + 1, event(FIRST - 100, "a", "X"), acts=acts)
    (digest,) = [one for one in stage.digests if one.kind is DigestKind.REPORT]
    found = digest.reported
    assert found is not None
    assert (found.new, found.back) == (1, 0)
    assert ("came back after it was resolved: a: X" in found.actions) == by_hand


def test_many_errors_are_counted_and_the_loudest_named() -> None:
    pushes = [event(at % 7 * 60, f"s{at:02}", f"E{at}") for at in range(30) for _ in range(at + 1)]
    one = only(run(pushes, until=HOUR, config=reporting()))
    assert (one.errors, len(one.top), one.more) == (30, TOP_MOST, 20)
    assert one.top[0].service == "s29"


def test_what_people_do_counts_in_reports_of_that_urgency_alone() -> None:
    stage = Stage(config=reporting(scheduled(urgency=(Urgency.PAGE,))))
    stage.run(20, event(0, "a", "X"))
    stage.run(FIRST + 1, acts=[(30, Acknowledge(subject=stage.incident("a").id, **ANNA))])
    assert [one for one in stage.digests if one.kind is DigestKind.REPORT] == []


def test_a_storm_that_went_into_another_or_was_taken_apart_is_no_storm_of_its_own() -> None:
    outage = [event(at, name, f"E{name}", trace="t") for at, name in enumerate("abc")]
    known = run(outage, until=20, config=reporting())
    (storm,) = known.storms()
    over = msgspec.structs.replace(storm, closed_tick=storm.last_tick, tell_tick=-1)
    others = [
        msgspec.structs.replace(over, id="storm-1", dissolved=True),
        msgspec.structs.replace(over, id="storm-2", merged_into=storm.id),
    ]
    entries = [*(one for _, one in known.entries), *others]
    stage = Stage(config=reporting(), entries=entries, now=20)
    stage.run(FIRST + 1)
    (digest,) = [one for one in stage.digests if one.kind is DigestKind.REPORT]
    assert digest.reported is not None
    assert digest.reported.storms == 1


def test_services_that_nobody_owns_are_named_and_the_others_counted() -> None:
    owners = (Owner(service="a", owner="team-a"),)
    pushes = [event(at, name, f"E{name}") for at, name in enumerate("abcde")]
    one = only(run(pushes, until=HOUR, config=reporting(owners=owners)))
    named, more = one.actions[-1].removeprefix("no team owns ").split(" and ")
    assert more == "1 more"
    assert len(set(named.split(", ")) & set("bcde")) == 3
