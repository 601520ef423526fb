"""What people do by hand: resolve, false alarm, assign, page, comment; what is told of it, to whom,
and what comes after."""

from __future__ import annotations

from typing import Any

import pytest

from correlators.acts import (
    Acknowledge,
    Act,
    ActDone,
    ActOutcome,
    Assign,
    Comment,
    FalseAlarm,
    PageNow,
    Resolve,
    kind_of,
)
from correlators.conditions import When
from correlators.entries import Episode, episode_place
from correlators.incidents import Closed
from correlators.owners import OWNER, Owner, Team
from correlators.rulings import Rule, Urgency
from correlators.types import Digest, DigestKind, Level, PageAction
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import CHAT, CONFIG, PAGER, PAGING, Push, event, second_of

BEN: dict[str, Any] = {"actor": "ben", "source": "cli", "at_ms": 1}


def told(stage: Stage) -> list[tuple[int, str]]:
    return [(second_of(one), one.kind.value) for one in stage.chats()]


def last(stage: Stage) -> Digest:
    return stage.chats()[-1]


def one_incident(*, level: Level = Level.ERROR, restore: bool = False) -> Stage:
    stage = Stage(restore=restore)
    stage.run(20, event(0, "checkout", "EC", level=level))
    return stage


def subject(stage: Stage) -> str:
    return stage.incident("checkout").id


def outcomes(stage: Stage) -> list[str]:
    entries = [one for _, one in stage.state.entries() if isinstance(one, ActDone)]
    return [one.outcome.value for one in sorted(entries, key=lambda one: (one.tick, one.at_ms))]


# Resolve


@pytest.mark.parametrize("restore", [False, True])
def test_what_a_person_resolves_is_told_as_over_in_that_tick_and_its_page_resolved(
    restore: bool,
) -> None:
    stage = one_incident(level=Level.FATAL, restore=restore)
    id = subject(stage)
    stage.run(30, acts=[(25, Resolve(subject=id, **ANNA))])
    assert told(stage) == [(10, "opened"), (25, "resolved")]
    assert stage.pages() == [
        ("trigger", "fatal", f"{id}.1", ""),
        ("resolve", "", f"{id}.1", ""),
    ]
    over = last(stage)
    assert (over.act, over.act_by, over.act_in, over.resolved) == ("resolve", "anna", "slack", True)
    assert stage.incident("checkout").closed is Closed.HAND
    stage.run(5_000)
    assert len(stage.chats()) == 2


def test_an_event_of_the_same_tick_opens_it_again_and_both_are_told() -> None:
    stage = one_incident(level=Level.FATAL)
    id = subject(stage)
    again = event(25.5, "checkout", "EC", level=Level.FATAL)
    stage.run(60, again, acts=[(25, Resolve(subject=id, **ANNA))])
    # It is fatal, and whoever was paged for it has been told that it is over: it waits for nothing.
    assert told(stage) == [(10, "opened"), (25, "resolved"), (25, "reopened")]
    assert [one[:3:2] for one in stage.pages()] == [
        ("trigger", f"{id}.1"),
        ("resolve", f"{id}.1"),
        ("trigger", f"{id}.3"),
    ]
    assert last(stage).act == ""


@pytest.mark.parametrize("restore", [False, True])
def test_a_storm_is_over_with_all_that_is_in_it(restore: bool) -> None:
    stage = Stage(restore=restore)
    stage.run(20, *outage())
    storm = stage.storm().id
    stage.run(25, acts=[(22, Resolve(subject=storm, **ANNA))])
    assert told(stage) == [(10, "opened"), (22, "resolved")]
    assert not any(one.open for one in stage.storms())
    assert stage.state.open_counts() == (0, 0)
    assert [one[0] for one in stage.pages()] == ["trigger", "resolve"]
    # What goes on is linked anew, and is another storm with a page of its own.
    stage.run(60, *outage(26))
    assert stage.storm().id != storm
    assert told(stage)[2:] == [(36, "opened")]
    assert [one[0] for one in stage.pages()] == ["trigger", "resolve", "trigger"]


def test_an_incident_of_a_storm_is_over_alone_and_the_storm_says_so() -> None:
    stage = Stage()
    stage.run(20, *outage())
    cart = stage.incident("cart")
    stage.run(25, acts=[(22, Resolve(subject=cart.id, **BEN))])
    noted = last(stage)
    assert (noted.kind, noted.id, noted.act) == (DigestKind.NOTED, stage.storm().id, "resolve")
    assert (noted.act_by, noted.act_text) == ("ben", "EK in cart")
    assert not stage.incident("cart").open
    assert stage.incident("checkout").open
    assert [one[0] for one in stage.pages()] == ["trigger"]


def test_other_releases_that_are_told_with_it_are_over_too() -> None:
    stage = Stage()
    stage.run(
        30,
        event(0, "checkout", "EC", level=Level.FATAL),
        event(12, "checkout", "EC", release="1.1", level=Level.FATAL),
    )
    stage.run(40, acts=[(35, Resolve(subject=subject(stage), **ANNA))])
    assert stage.state.open_counts() == (0, 0)
    assert told(stage)[-1] == (35, "resolved")
    assert [one[0] for one in stage.pages()] == ["trigger", "resolve"]


def test_a_page_that_was_left_to_whoever_has_it_is_resolved_by_hand() -> None:
    stage = one_incident(level=Level.FATAL)
    id = subject(stage)
    stage.run(700, acts=[(25, Acknowledge(subject=id, **ANNA))])
    assert stage.incident("checkout").page_left
    assert [one[0] for one in stage.pages()] == ["trigger"]
    stage.run(720, acts=[(710, Resolve(subject=id, **ANNA))])
    assert [one[0] for one in stage.pages()] == ["trigger", "resolve"]
    assert outcomes(stage)[-1] == "done"


# Acts on what is over, twice, by two people, in the wrong order


@pytest.mark.parametrize("kind", [Acknowledge, Resolve, PageNow])
def test_an_act_on_what_is_over_says_so_and_changes_nothing(kind: Any) -> None:
    stage = one_incident()
    stage.run(1_000)
    before = len(stage.digests)
    stage.run(1_010, acts=[(1_005, kind(subject=subject(stage), **ANNA))])
    assert outcomes(stage) == ["gone"]
    assert len(stage.digests) == before


def test_an_act_on_what_was_never_there_says_so() -> None:
    stage = Stage()
    acts: list[Act] = [
        Resolve(subject="inc-0", **ANNA),
        FalseAlarm(subject="storm-0", **ANNA),
        Assign(subject="inc-0", assignee="pay", **ANNA),
        PageNow(subject="inc-0", **ANNA),
        Comment(subject="inc-0", text="?", **ANNA),
    ]
    stage.run(10, event(0, "checkout"), acts=[(5, one) for one in acts])
    assert stage.acts == {(kind_of(one), ActOutcome.GONE): 1 for one in acts}


def test_of_two_people_who_resolve_it_the_second_hears_that_it_is_over() -> None:
    stage = one_incident(level=Level.FATAL)
    id = subject(stage)
    first, second = Resolve(subject=id, **ANNA), Resolve(subject=id, **BEN)
    stage.run(30, acts=[(25, first), (25, second), (25, first), (26, second)])
    assert stage.acts == {
        ("resolve", ActOutcome.DONE): 1,
        ("resolve", ActOutcome.GONE): 1,
        ("resolve", ActOutcome.REPEATED): 2,
    }
    assert [one.act_by for one in stage.chats() if one.act] == ["anna"]


def test_an_acknowledgement_that_comes_after_the_end_wakes_and_tells_nobody() -> None:
    stage = one_incident(level=Level.FATAL)
    id = subject(stage)
    acts: list[tuple[int, Act]] = [
        (25, Resolve(subject=id, **ANNA)),
        (25, Acknowledge(subject=id, **BEN)),
    ]
    stage.run(30, acts=acts)
    assert outcomes(stage) == ["done", "gone"]
    assert stage.acknowledged() == []


# False alarms


def test_a_false_alarm_is_over_and_its_error_remembers_it_once() -> None:
    stage = one_incident(level=Level.FATAL)
    id = subject(stage)
    alarms = [(25, FalseAlarm(subject=id, **ANNA)), (40, FalseAlarm(subject=id, **BEN))]
    stage.run(60, acts=alarms)
    assert outcomes(stage) == ["done", "unchanged"]
    assert told(stage) == [(10, "opened"), (25, "resolved")]
    assert last(stage).act == "false_alarm"
    assert [one[0] for one in stage.pages()] == ["trigger", "resolve"]
    episode = stage.state.episode(stage.incident("checkout").key)
    assert episode is not None
    assert episode.false_alarms == 1


def test_what_comes_back_may_be_a_false_alarm_again() -> None:
    stage = one_incident()
    id = subject(stage)
    alarms = [(25, FalseAlarm(subject=id, **ANNA)), (60, FalseAlarm(subject=id, **BEN))]
    stage.run(80, event(50, "checkout", "EC"), acts=alarms)
    episode = stage.state.episode(stage.incident("checkout").key)
    assert episode is not None
    assert episode.false_alarms == 2


def test_it_can_be_said_once_it_is_over() -> None:
    stage = one_incident()
    stage.run(1_000)
    before = len(stage.digests)
    stage.run(1_010, acts=[(1_005, FalseAlarm(subject=subject(stage), **ANNA))])
    assert outcomes(stage) == ["done"]
    assert stage.incident("checkout").false_alarm
    assert len(stage.digests) == before


def test_of_a_storm_every_error_in_it_remembers() -> None:
    stage = Stage()
    stage.run(20, *outage())
    stage.run(25, acts=[(22, FalseAlarm(subject=stage.storm().id, **ANNA))])
    for service in ("checkout", "payment", "cart"):
        found = stage.state.get(episode_place(stage.incident(service).key))
        assert isinstance(found, Episode)
        assert found.false_alarms == 1


# Assign and comment


@pytest.mark.parametrize("restore", [False, True])
def test_whom_it_is_assigned_to_is_told_silently_and_shown_from_then_on(restore: bool) -> None:
    stage = one_incident(restore=restore)
    stage.run(30, acts=[(25, Assign(subject=subject(stage), assignee="payments", **ANNA))])
    assert told(stage)[1:] == [(25, "noted")]
    noted = last(stage)
    assert (noted.act, noted.act_text, noted.assignee) == ("assign", "payments", "payments")
    stage.run(700)
    assert (last(stage).kind, last(stage).assignee) == (DigestKind.RESOLVED, "payments")


def test_assigning_it_to_the_same_again_tells_nothing_and_to_nobody_takes_it_back() -> None:
    stage = one_incident()
    who = [("pay", ANNA), ("pay", BEN), ("", BEN)]
    acts: list[tuple[int, Act]] = [
        (25 + at, Assign(subject=subject(stage), assignee=name, **by))
        for at, (name, by) in enumerate(who)
    ]
    stage.run(30, acts=acts)
    assert outcomes(stage) == ["done", "unchanged", "done"]
    assert [one.assignee for one in stage.chats()] == ["", "pay", ""]


def test_a_storm_has_an_assignee_of_its_own() -> None:
    stage = Stage()
    stage.run(20, *outage())
    inside = stage.incident("cart").id
    stage.run(25, acts=[(22, Assign(subject=inside, assignee="ops", **ANNA))])
    assert (last(stage).id, last(stage).assignee) == (stage.storm().id, "ops")
    assert stage.incident("cart").assignee == ""


def test_a_comment_is_told_in_the_thread_and_kept() -> None:
    stage = one_incident()
    stage.run(30, acts=[(25, Comment(subject=subject(stage), text="the pool is full", **ANNA))])
    noted = last(stage)
    assert (noted.kind, noted.act, noted.act_text) == (
        DigestKind.NOTED,
        "comment",
        "the pool is full",
    )
    assert (noted.page, noted.act_by) == (PageAction.NONE, "anna")
    kept = [one for _, one in stage.state.entries() if isinstance(one, ActDone)]
    assert [one.text for one in kept] == ["the pool is full"]


def test_a_comment_on_what_is_over_is_kept_and_told_to_nobody() -> None:
    stage = one_incident()
    stage.run(1_000)
    before = len(stage.digests)
    stage.run(1_010, acts=[(1_005, Comment(subject=subject(stage), text="it was DNS", **ANNA))])
    assert outcomes(stage) == ["done"]
    assert len(stage.digests) == before


def test_what_waits_to_be_told_is_neither_put_off_nor_told_by_a_comment() -> None:
    with_one, without = Stage(), Stage()
    pushes: list[Push] = [event(at, "checkout", "EC") for at in (0, 15)]
    for stage in (with_one, without):
        stage.run(20, *pushes)
    comment = Comment(subject=subject(with_one), text="?", **ANNA)
    with_one.run(2_000, acts=[(25, comment)])
    without.run(2_000)
    assert [one for one in told(with_one) if one[1] != "noted"] == told(without)


# Page now


@pytest.mark.parametrize("restore", [False, True])
def test_a_person_pages_whoever_is_on_call_whatever_the_rules_say(restore: bool) -> None:
    stage = one_incident(restore=restore)
    id = subject(stage)
    acts: list[tuple[int, Act]] = [
        (25, PageNow(subject=id, **ANNA)),
        (25, PageNow(subject=id, **BEN)),
        (30, PageNow(subject=id, **{**ANNA, "at_ms": 9})),
    ]
    stage.run(40, acts=acts)
    assert outcomes(stage) == ["done", "unchanged", "unchanged"]
    assert stage.pages() == [("trigger", "by_hand", f"{id}.2", "")]
    assert told(stage) == [(10, "opened"), (25, "updated")]
    assert (last(stage).act, last(stage).act_by, last(stage).paged) == ("page_now", "anna", True)
    stage.run(1_000)
    assert [one[0] for one in stage.pages()] == ["trigger", "resolve"]


def test_what_was_acknowledged_without_a_page_is_acknowledged_by_nobody_then() -> None:
    stage = one_incident()
    id = subject(stage)
    stage.run(40, acts=[(22, Acknowledge(subject=id, **BEN)), (25, PageNow(subject=id, **ANNA))])
    assert [one[0] for one in stage.pages()] == ["trigger"]
    assert last(stage).acked_by == ""


def test_a_storm_is_paged_once_by_hand_and_its_rule_pages_it_no_more() -> None:
    stage = Stage()
    stage.run(8, event(0, "checkout", "EC", trace="t"), event(1, "cart", "EK", trace="t"))
    storm = stage.storm().id
    stage.run(40, event(20, "pay", "EP", trace="t"), acts=[(8, PageNow(subject=storm, **ANNA))])
    assert [one[:3] for one in stage.pages()] == [("trigger", "by_hand", f"{storm}.1")]
    assert told(stage)[0] == (8, "opened")


def test_where_no_rule_pages_anybody_it_says_so() -> None:
    stage = Stage(config=CONFIG)
    stage.run(20, event(0, "checkout", "EC"))
    stage.run(30, acts=[(25, PageNow(subject=subject(stage), **ANNA))])
    assert outcomes(stage) == ["no_pager"]
    assert stage.pages() == []


def test_whom_the_rule_of_its_service_or_owner_pages_is_paged_first() -> None:
    by_rule = Rule(
        name="pay",
        when=When(service=("pay*",), level=(Level.FATAL,)),
        urgency=Urgency.PAGE,
        to=(CHAT,),
        page=("pagerduty:pay",),
    )
    by_owner = Rule(
        name="owned",
        when=When(level=(Level.FATAL,)),
        urgency=Urgency.PAGE,
        to=(CHAT,),
        page=(OWNER,),
    )
    rest = Rule(name="rest", to=(CHAT,))
    config = type(PAGING)(
        rules=(by_owner, by_rule, rest),
        teams={"ops": Team(to=(CHAT,), page=(PAGER,), fallback=CHAT)},
        owners=(Owner(service="cart", owner="ops"),),
    )
    for service, paged in (("payment", "pagerduty:pay"), ("cart", PAGER)):
        stage = Stage(config=config)
        stage.run(20, event(0, service, "E"))
        stage.run(30, acts=[(25, PageNow(subject=stage.incident(service).id, **ANNA))])
        pages = [one for one in stage.digests if one.page is PageAction.TRIGGER]
        assert [(one.destination, one.page_fallback) for one in pages] == [(paged, CHAT)]
