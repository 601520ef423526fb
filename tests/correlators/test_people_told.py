"""Acknowledgements are told: to whoever was told, and to whoever is paged."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.acts import (
    Acknowledge,
    Act,
    Comment,
    MergeInto,
    Separate,
    Unacknowledge,
)
from correlators.rulings import Rule, Urgency
from correlators.storms import name_hash
from correlators.types import Digest, DigestKind, Level, PageAction
from tests.correlators.acted import ANNA, Stage, outage
from tests.correlators.score import (
    CHAT,
    CONFIG,
    PAGER,
    PAGING,
    Push,
    event,
    second_of,
)

BEN: dict[str, Any] = {"actor": "ben", "source": "cli", "at_ms": 1}


def told(stage: Stage) -> list[tuple[int, str]]:
    return [(second_of(one), one.kind.value) for one in stage.chats()]


def paged(*, level: Level = Level.FATAL, restore: bool = False) -> Stage:
    """Return an incident that was told, and paged if it is fatal."""
    stage = Stage(restore=restore)
    stage.run(20, event(0, "checkout", "EC", level=level))
    return stage


def ack(stage: Stage, at: int, **who: Any) -> tuple[int, Act]:
    return at, Acknowledge(subject=stage.incident("checkout").id, **(who or ANNA))


def unack(stage: Stage, at: int, **who: Any) -> tuple[int, Act]:
    return at, Unacknowledge(subject=stage.incident("checkout").id, **(who or ANNA))


def last(stage: Stage) -> Digest:
    return stage.chats()[-1]


# Acknowledgements


@pytest.mark.parametrize("restore", [False, True])
def test_an_acknowledgement_is_told_in_its_tick_to_the_chat_and_the_pager(restore: bool) -> None:
    stage = paged(restore=restore)
    stage.run(30, acts=[ack(stage, 25)])
    assert told(stage) == [(10, "opened"), (25, "acknowledged")]
    told_last = last(stage)
    assert (told_last.acked_by, told_last.acked_in, told_last.page) == (
        "anna",
        "slack",
        PageAction.NONE,
    )
    assert stage.acknowledged() == [(25, f"{stage.incident('checkout').id}.1", "anna")]
    assert {one.destination for one in stage.digests if one.revision == 2} == {CHAT, PAGER}


def test_what_a_person_does_is_decided_by_no_rule_and_names_the_one_that_told_it_before() -> None:
    loud = Rule(name="loud", urgency=Urgency.PAGE, to=(CHAT,), page=(PAGER,))
    config = msgspec.structs.replace(PAGING, rules=(loud,))
    stage = Stage(config=config)
    stage.run(20, event(0, "checkout", "EC", level=Level.FATAL))
    stage.run(
        40,
        acts=[
            ack(stage, 25),
            (30, Comment(subject=stage.incident("checkout").id, text="on it", **ANNA)),
        ],
    )
    rules = [(one.kind.value, one.rule, one.told_by_rule) for one in stage.chats()]
    assert rules == [("opened", "loud", ""), ("acknowledged", "", "loud"), ("noted", "", "loud")]


def test_every_word_about_a_page_says_who_stands_in_and_who_is_told() -> None:
    stage = paged()
    stage.run(30, acts=[ack(stage, 25)])
    stage.run(40, acts=[unack(stage, 35)])
    stage.run(3_000)
    pages = [one for one in stage.digests if one.destination == PAGER]
    asked = ["trigger", "acknowledge", "unacknowledge", "resolve"]
    assert [one.page.value for one in pages] == asked
    assert {(one.page_fallback, one.page_told) for one in pages} == {(CHAT, (CHAT,))}


def test_a_storm_is_acknowledged_likewise_and_says_so_while_that_stands() -> None:
    stage = Stage()
    stage.run(20, *outage())
    storm = stage.storm().id
    stage.run(22, acts=[(20, Acknowledge(subject=storm, **BEN))])
    assert stage.acknowledged() == [(20, f"{storm}.1", "ben")]
    stage.run(1_000, *[event(30 + n, "cart", "EK") for n in range(400)])
    assert [one.acked_by for one in stage.chats()][:3] == ["", "ben", "ben"]
    assert told(stage)[2][1] == "updated"
    assert last(stage).kind is DigestKind.RESOLVED
    assert last(stage).acked_by == "ben"
    assert all(one.paged for one in stage.chats())


def test_an_acknowledgement_from_the_pager_says_so_to_whoever_was_paged() -> None:
    stage = paged()
    stage.run(30, acts=[ack(stage, 25, actor="anna", source="pagerduty", at_ms=0)])
    assert told(stage)[1:] == [(25, "acknowledged")]
    assert last(stage).acked_in == "pagerduty"
    # Whoever was paged beside the pager or instead of it must hear it; the outbox spares the pager.
    words = [one for one in stage.digests if one.page is PageAction.ACKNOWLEDGE]
    assert [(one.destination, one.acked_in) for one in words] == [(PAGER, "pagerduty")]


def test_an_act_that_changes_nothing_tells_nothing() -> None:
    stage = paged()
    first = ack(stage, 25)
    stage.run(40, acts=[first, (26, first[1]), ack(stage, 27, **BEN)])
    stage.run(50, acts=[unack(stage, 40), unack(stage, 41, **BEN)])
    assert told(stage)[1:] == [(25, "acknowledged"), (40, "unacknowledged")]
    assert len(stage.acknowledged()) == 1


def test_who_takes_an_acknowledgement_back_is_told_also_to_whoever_holds_the_page() -> None:
    stage = paged()
    stage.run(50, acts=[ack(stage, 25), unack(stage, 40, **BEN)])
    back = last(stage)
    assert (back.kind, back.acked_by, back.acked_in) == (DigestKind.UNACKNOWLEDGED, "ben", "cli")
    # A chat that is paged reminds again; the outbox asks a pager nothing.
    pages = [one.page.value for one in stage.digests if one.destination == PAGER]
    assert pages == ["trigger", "acknowledge", "unacknowledge"]
    assert {one.page_key for one in stage.digests if one.destination == PAGER} == {back.id + ".1"}
    stage.run(800)
    assert (last(stage).kind, last(stage).acked_by) == (DigestKind.RESOLVED, "")


def test_what_nobody_has_heard_of_is_acknowledged_without_a_word_and_shows_it_later() -> None:
    stage = Stage()
    stage.run(5, event(0, "checkout", "EC"))
    stage.run(20, acts=[ack(stage, 5)])
    assert told(stage) == [(10, "opened")]
    assert last(stage).acked_by == "anna"


def test_an_acknowledgement_does_not_put_off_or_take_over_the_update_that_waits() -> None:
    plain, acked = paged(), paged()
    more = [event(30 + n, "checkout", "EC", level=Level.FATAL) for n in range(5)]
    plain.run(400, *more)
    acked.run(400, *more, acts=[ack(acked, 100)])
    assert [one for one in told(acked) if one[1] != "acknowledged"] == told(plain)
    assert [one.events for one in acked.chats()] == [1, 6, 6]


def test_what_joined_the_storm_is_told_by_the_update_not_by_the_acknowledgement() -> None:
    stage = Stage()
    stage.run(20, *outage())
    stage.run(30, event(21, "mail", "EM", trace="t"))
    act = Acknowledge(subject=stage.storm().id, **ANNA)
    stage.run(400, *[event(31 + n, "cart", "EK") for n in range(350)], acts=[(30, act)])
    acked, updated = stage.chats()[1:3]
    assert (acked.kind, acked.joined_services, acked.joined_incidents) == (
        DigestKind.ACKNOWLEDGED,
        (),
        0,
    )
    assert (updated.kind, updated.joined_services) == (DigestKind.UPDATED, ("mail",))


def test_a_storm_that_pages_anew_is_acknowledged_by_nobody_until_somebody_says_so() -> None:
    stage = Stage()
    stage.run(20, *outage())
    storm = stage.storm().id
    act = Acknowledge(subject=storm, **ANNA)
    stage.run(40, event(25, "mail", "EM", trace="t"), acts=[(20, act)])
    assert (last(stage).page_why != "", last(stage).acked_by, last(stage).paged) == (True, "", True)
    again = Acknowledge(subject=storm, **BEN)
    stage.run(60, acts=[(50, again)])
    assert [one[1:] for one in stage.acknowledged()] == [
        (f"{storm}.1", "anna"),
        (f"{storm}.2", "ben"),
    ]


def test_what_is_part_of_a_storm_that_paged_says_so_too_and_what_never_paged_does_not() -> None:
    stage = Stage()
    stage.run(60, event(40, "mail", "EM"))
    assert not last(stage).paged
    stage.run(80, *outage(60))
    stage.run(100, event(81, "mail", "EM", trace="t"), event(81, "cart", "EK", trace="t"))
    mail, cart = stage.incident("mail").id, stage.incident("cart").id
    stage.run(130, acts=[(110, Separate(subject=cart, **ANNA))])
    said = {one.id: (one.kind, one.paged) for one in stage.chats()}
    assert said[mail] == (DigestKind.JOINED, True)
    assert said[cart] == (DigestKind.OPENED, False)  # a person says that it is not part of it


@pytest.mark.parametrize("storm", [False, True])
def test_a_pager_hears_of_it_where_no_chat_was_told(storm: bool) -> None:
    only = Rule(name="wake", urgency=Urgency.PAGE, page=(PAGER,))
    stage = Stage(config=msgspec.structs.replace(PAGING, rules=(only,)))
    stage.run(20, *(outage() if storm else [event(0, "checkout", "EC")]))
    assert stage.chats() == []
    stage.run(30, acts=[ack(stage, 25), unack(stage, 26), ack(stage, 27, **BEN)])
    assert [one[0] for one in stage.acknowledged()] == [25, 27]
    assert stage.chats() == []


# Without a page


def test_an_incident_without_a_page_is_acknowledged_and_pages_nobody_of_that_level() -> None:
    loud = [event(30 + n / 100, "checkout", "EC") for n in range(200)]
    plain, acked = paged(level=Level.ERROR), paged(level=Level.ERROR)
    plain.run(60, *loud)
    assert [one[1] for one in plain.pages()] == ["event_rate"]
    acked.run(60, *loud, acts=[ack(acked, 25)])
    assert told(acked)[1:] == [(25, "acknowledged")]
    assert acked.pages() == []
    assert acked.acknowledged() == []
    assert not last(acked).paged


@pytest.mark.parametrize("restore", [False, True])
def test_an_acknowledged_incident_pages_when_its_level_rises(restore: bool) -> None:
    stage = paged(level=Level.ERROR, restore=restore)
    stage.run(60, event(30, "checkout", "EC", level=Level.FATAL), acts=[ack(stage, 25)])
    assert [one[:2] for one in stage.pages()] == [("trigger", "fatal")]
    assert (last(stage).acked_by, last(stage).paged) == ("", True)


def test_an_acknowledgement_without_a_page_ends_with_what_it_was_given_for() -> None:
    stage = paged(level=Level.ERROR)
    stage.run(700, acts=[ack(stage, 25)])
    assert (last(stage).kind, last(stage).acked_by) == (DigestKind.RESOLVED, "anna")
    stage.run(800, *[event(720 + n / 100, "checkout", "EC") for n in range(200)])
    assert [one[1] for one in stage.pages()] == ["event_rate"]
    assert last(stage).acked_by == ""


def test_an_acknowledged_incident_without_a_page_covers_itself_in_a_storm() -> None:
    stage = paged(level=Level.ERROR)
    pushes: list[Push] = [
        event(26, "checkout", "EC", trace="t"),
        event(27, "payment", "EP", trace="t"),
    ]
    stage.run(29, *pushes, acts=[ack(stage, 25)])
    assert stage.storm().ack is not None
    assert stage.storm().page_key == ""
    stage.run(60, event(30, "cart", "EK", trace="t"))
    assert [one[:2] for one in stage.pages()] == [("trigger", "storm_services")]
    assert last(stage).acked_by == ""


@pytest.mark.parametrize("own", [False, True])
def test_the_last_of_an_acknowledged_storm_without_a_page_keeps_what_covers_it(own: bool) -> None:
    stage = Stage(config=CONFIG)
    stage.run(20, event(0, "mail", "EM"), *outage()[:2])
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=stage.incident("mail").id, **BEN)),
        (21, Acknowledge(subject=stage.storm().id, **ANNA)),
    ]
    stage.run(40, event(30, "mail", "EM", trace="t"), event(30, "payment", "EP"), acts=acts)
    assert stage.storm().services[-1] == "mail"
    gone = ("checkout", "payment") if own else ("mail", "payment")
    stage.run(60, acts=[(50, Separate(subject=stage.incident(one).id, **ANNA)) for one in gone])
    left = stage.incident("mail" if own else "checkout")
    stage.run(400, *[event(61 + n, left.key.service, left.sample.title) for n in range(320)])
    (*_, said) = [one for one in stage.chats() if one.id == left.id]
    assert (said.resolved, said.acked_by) == (False, "ben" if own else "anna")


OTHER = [event(5, "search", "ES", trace="u"), event(6, "mail", "EM", trace="u")]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("restore", [False, True])
def test_of_two_storms_without_a_page_what_was_acknowledged_on_one_stays_so(
    first: bool, restore: bool
) -> None:
    stage = Stage(config=CONFIG, restore=restore)
    stage.run(20, *outage()[:2], *OTHER)
    one, two = stage.storms()
    had = one if first else two
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=had.id, **ANNA)),
        (21, MergeInto(subject=one.id, into=two.id, **BEN)),
    ]
    stage.run(40, acts=acts)
    storm = stage.storm()
    assert storm.ack is not None
    assert (storm.ack.actor, storm.ack.services) == (
        "anna",
        tuple(name_hash(service) for service in had.services),
    )
    stage.run(400, event(50, "mail", "EM", trace="u"))
    assert [one.acked_by for one in stage.chats() if one.id == storm.id][-1] == "anna"


def test_it_covers_what_was_in_it_and_no_more() -> None:
    stage = Stage()
    stage.run(20, *outage()[:2], *OTHER)
    one, two = stage.storms()
    acts: list[tuple[int, Act]] = [
        (20, Acknowledge(subject=two.id, **ANNA)),
        (21, MergeInto(subject=one.id, into=two.id, **BEN)),
    ]
    stage.run(40, acts=acts)
    assert [one[:2] for one in stage.pages()] == [("trigger", "storm_services")]
    assert stage.storm().ack is None
